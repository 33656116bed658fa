"""The feed of ends tells also what is shown again; nothing of that was told before."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final = "0006"


def upgrade() -> None:
    """The column, false of what stands."""
    with op.batch_alter_table("consent_end") as batch:
        batch.add_column(sa.Column("shown", sa.Boolean(), nullable=False, server_default=sa.false()))
