"""The outbox: notices of what is cleared, from the next settlement on.

No row that stands changes.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final = "0006"


def upgrade() -> None:
    """The two tables."""
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('settle', 'reverse')", name="outbox_kind"),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "outbox_head",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("acked_seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("acked_seq BETWEEN 0 AND last_seq", name="outbox_head_acked"),
        sa.PrimaryKeyConstraint("name"),
    )
