"""Settlements keep on what they were decided, and in whose place they stand; adjustments. Those that stand keep nothing."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0010"
down_revision: Final = "0009"


def upgrade() -> None:
    """The columns, empty for what was settled before, and the table."""
    op.add_column("settlement", sa.Column("basis", sa.Text(), server_default="", nullable=False))
    op.add_column("settlement", sa.Column("replays", sa.Text(), nullable=True))
    op.create_index(
        "settlement_replaying",
        "settlement",
        ["replays"],
        unique=False,
        sqlite_where=sa.text("replays IS NOT NULL"),
        postgresql_where=sa.text("replays IS NOT NULL"),
    )
    op.add_column("carried_bill", sa.Column("care_cell", sa.Text(), server_default="", nullable=False))
    _adjustments()


def _adjustments() -> None:
    op.create_table(
        "adjustment",
        sa.Column("setl_id", sa.Text(), nullable=False),
        sa.Column("counter_setl_id", sa.Text(), nullable=False),
        sa.Column("replayed_by", sa.Text(), nullable=False),
        sa.Column("replay_no", sa.Text(), nullable=False),
        sa.Column("psn_no", sa.Text(), nullable=False),
        sa.Column("insutype", sa.Text(), nullable=False),
        sa.Column("fixmedins_code", sa.Text(), nullable=False),
        sa.Column("care_admdvs", sa.Text(), nullable=False),
        sa.Column("care_cell", sa.Text(), nullable=False),
        sa.Column("elsewhere", sa.Integer(), nullable=False),
        sa.Column("fund_fen", sa.BigInteger(), nullable=False),
        sa.Column("account_fen", sa.BigInteger(), nullable=False),
        sa.Column("family_fen", sa.BigInteger(), nullable=False),
        sa.Column("cash_fen", sa.BigInteger(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("booked_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("booked_at IS NULL OR elsewhere = 1", name="adjustment_booked"),
        sa.CheckConstraint("elsewhere IN (0, 1)", name="adjustment_elsewhere"),
        sa.PrimaryKeyConstraint("setl_id"),
    )
    op.create_index("adjustment_of_institution", "adjustment", ["fixmedins_code", "counter_setl_id"], unique=False)
    op.create_index("adjustment_of_person", "adjustment", ["psn_no", "counter_setl_id"], unique=False)
    op.create_index("adjustment_place", "adjustment", ["counter_setl_id"], unique=True)
    op.create_index(
        "adjustment_on_its_way",
        "adjustment",
        ["replayed_by"],
        unique=False,
        sqlite_where=sa.text("elsewhere = 1 AND booked_at IS NULL"),
        postgresql_where=sa.text("elsewhere = 1 AND booked_at IS NULL"),
    )
    op.create_index(
        "adjustment_waiting",
        "adjustment",
        ["counter_setl_id"],
        unique=False,
        sqlite_where=sa.text("elsewhere = 1 AND booked_at IS NULL"),
        postgresql_where=sa.text("elsewhere = 1 AND booked_at IS NULL"),
    )
