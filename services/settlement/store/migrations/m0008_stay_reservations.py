"""Persons insured here are held to their stays in other cells. None was before."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0008"
down_revision: Final = "0007"


def upgrade() -> None:
    """The table of stays in other cells."""
    op.create_table(
        "stay_reservation",
        sa.Column("mdtrt_id", sa.Text(), nullable=False),
        sa.Column("opener", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("psn_no", sa.Text(), nullable=False),
        sa.Column("fixmedins_code", sa.Text(), nullable=False),
        sa.Column("care_cell", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("begin_at", sa.BigInteger(), nullable=False),
        sa.Column("reserved_at", sa.BigInteger(), nullable=False),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('held', 'released')", name="stay_reservation_state"),
        sa.CheckConstraint("(state = 'released') = (released_at IS NOT NULL)", name="stay_reservation_released"),
        sa.PrimaryKeyConstraint("mdtrt_id"),
    )
    op.create_index(
        "stay_reservation_held",
        "stay_reservation",
        ["psn_no"],
        unique=True,
        sqlite_where=sa.text("state = 'held'"),
        postgresql_where=sa.text("state = 'held'"),
    )
