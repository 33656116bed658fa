"""A partner may have an app at the mobile envelope, and an address where it is told of its payments; none has them yet."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0005"
down_revision: Final = "0004"


def upgrade() -> None:
    """The columns, empty."""
    with op.batch_alter_table("partner") as batch:
        batch.add_column(sa.Column("app_id", sa.Text()))
        batch.add_column(sa.Column("mobile", sa.Text()))
        batch.add_column(sa.Column("notify_url", sa.Text(), nullable=False, server_default=""))
        batch.add_column(sa.Column("notify_plain", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("knows_refunding", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.create_unique_constraint("partner_app_id_key", ["app_id"])
