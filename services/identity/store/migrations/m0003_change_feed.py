"""The change feed of persons; all who stand are in it, by number."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    """The tables, and a place for everybody."""
    op.create_table(
        "person_change",
        sa.Column("psn_no", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["psn_no"], ["person.psn_no"]),
        sa.PrimaryKeyConstraint("psn_no"),
        sa.UniqueConstraint("seq"),
    )
    op.create_table(
        "change_reader",
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("acked_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reader"),
    )
    op.execute("INSERT INTO person_change (psn_no, seq) SELECT psn_no, ROW_NUMBER() OVER (ORDER BY psn_no) FROM person")
