"""Authorisations of payments at institutions of another cell.

No row that stands changes.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0005"
down_revision: Final = "0004"


def upgrade() -> None:
    """The table."""
    op.create_table(
        "routing_authorisation",
        sa.Column("auth", sa.Text(), nullable=False),
        sa.Column("psn_hash", sa.Text(), nullable=False),
        sa.Column("fixmedins_code", sa.Text(), nullable=False),
        sa.Column("used_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("auth"),
    )
    op.create_index("routing_authorisation_old", "routing_authorisation", ["expires_at"], unique=False)
