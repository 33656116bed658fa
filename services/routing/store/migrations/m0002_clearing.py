"""The tables of clearing."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """All of them."""
    _days()
    _journals()
    _sums()
    _months()
    _money()


def _days() -> None:
    op.create_table(
        "clearing_check",
        sa.Column("setl_day", sa.Text(), nullable=False),
        sa.Column("national_count", sa.BigInteger(), nullable=False),
        sa.Column("insured_count", sa.BigInteger(), nullable=False),
        sa.Column("care_count", sa.BigInteger(), nullable=False),
        sa.Column("difference_count", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("setl_day"),
    )
    op.create_table(
        "clearing_difference",
        sa.Column("setl_day", sa.Text(), nullable=False),
        sa.Column("setl_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("difference", sa.Text(), nullable=False),
        sa.Column("national_fen", sa.BigInteger(), nullable=False),
        sa.Column("listed_fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("setl_day", "setl_id", "kind", "side", "difference"),
    )
    op.create_table(
        "clearing_listed",
        sa.Column("setl_day", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("setl_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("setl_day", "side", "setl_id", "kind"),
        sqlite_with_rowid=False,
    )


def _journals() -> None:
    op.create_table(
        "clearing_journal",
        sa.Column("setl_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("mdtrt_id", sa.Text(), nullable=False),
        sa.Column("fixmedins_code", sa.Text(), nullable=False),
        sa.Column("insured_area", sa.Text(), nullable=False),
        sa.Column("care_area", sa.Text(), nullable=False),
        sa.Column("insutype", sa.Text(), nullable=False),
        sa.Column("clr_type", sa.Text(), nullable=False),
        sa.Column("setl_at", sa.BigInteger(), nullable=False),
        sa.Column("setl_day", sa.Text(), nullable=False),
        sa.Column("medfee_sumamt_fen", sa.BigInteger(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("circle", sa.Text(), nullable=False),
        sa.Column("insured_region", sa.Text(), nullable=False),
        sa.Column("care_region", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("cnfm_flag", sa.Text(), nullable=False),
        sa.Column("cnfm_no", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind = 'settle' AND total_fen >= 0 OR kind = 'reverse' AND total_fen <= 0", name="clearing_journal_sign"
        ),
        sa.CheckConstraint("kind IN ('settle', 'reverse')", name="clearing_journal_kind"),
        sa.PrimaryKeyConstraint("setl_id", "kind"),
    )
    op.create_index("clearing_journal_day", "clearing_journal", ["setl_day"], unique=False)
    op.create_index("clearing_journal_institution", "clearing_journal", ["fixmedins_code", "month"], unique=False)
    op.create_index(
        "clearing_journal_left_out",
        "clearing_journal",
        ["month"],
        unique=False,
        sqlite_where=sa.text("cnfm_flag = '0'"),
        postgresql_where=sa.text("cnfm_flag = '0'"),
    )


def _sums() -> None:
    op.create_table(
        "clearing_tally",
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("circle", sa.Text(), nullable=False),
        sa.Column("insured_region", sa.Text(), nullable=False),
        sa.Column("care_region", sa.Text(), nullable=False),
        sa.Column("fund", sa.Text(), nullable=False),
        sa.Column("settled_count", sa.BigInteger(), nullable=False),
        sa.Column("reversed_count", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("month", "circle", "insured_region", "care_region", "fund"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "clearing_posting",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("fund", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "account", "region", "fund"),
        sqlite_with_rowid=False,
    )


def _months() -> None:
    op.create_table(
        "clearing_month",
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'closed', 'netted', 'paid')", name="clearing_month_state"),
        sa.PrimaryKeyConstraint("month"),
    )
    op.create_table(
        "clearing_statement",
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("circle", sa.Text(), nullable=False),
        sa.Column("insured_region", sa.Text(), nullable=False),
        sa.Column("care_region", sa.Text(), nullable=False),
        sa.Column("settled_count", sa.BigInteger(), nullable=False),
        sa.Column("reversed_count", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("carried_fen", sa.BigInteger(), nullable=False),
        sa.Column("funds", sa.Text(), nullable=False),
        sa.Column("insured_state", sa.Text(), nullable=False),
        sa.Column("insured_reason", sa.Text(), nullable=False),
        sa.Column("insured_memo", sa.Text(), nullable=False),
        sa.Column("care_state", sa.Text(), nullable=False),
        sa.Column("care_reason", sa.Text(), nullable=False),
        sa.Column("care_memo", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("carried_to", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("month", "run", "circle", "insured_region", "care_region"),
    )
    op.create_index("clearing_statement_carried", "clearing_statement", ["carried_to"], unique=False)
    op.create_table(
        "clearing_position",
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("circle", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("receivable_fen", sa.BigInteger(), nullable=False),
        sa.Column("payable_fen", sa.BigInteger(), nullable=False),
        sa.Column("net_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("net_fen = receivable_fen - payable_fen", name="clearing_position_net"),
        sa.PrimaryKeyConstraint("month", "run", "circle", "region"),
    )


def _money() -> None:
    op.create_table(
        "clearing_payment",
        sa.Column("payment_no", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("circle", sa.Text(), nullable=False),
        sa.Column("payer_region", sa.Text(), nullable=False),
        sa.Column("payee_region", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name="clearing_payment_amount"),
        sa.PrimaryKeyConstraint("payment_no"),
    )
    op.create_index("clearing_payment_month", "clearing_payment", ["month", "run"], unique=False)
    op.create_table(
        "clearing_prepaid",
        sa.Column("circle", sa.Text(), nullable=False),
        sa.Column("insured_region", sa.Text(), nullable=False),
        sa.Column("care_region", sa.Text(), nullable=False),
        sa.Column("balance_fen", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.CheckConstraint("balance_fen >= 0", name="clearing_prepaid_balance"),
        sa.PrimaryKeyConstraint("circle", "insured_region", "care_region"),
    )
    op.create_table(
        "clearing_movement",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("circle", sa.Text(), nullable=False),
        sa.Column("insured_region", sa.Text(), nullable=False),
        sa.Column("care_region", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source"),
    )
    op.create_table(
        "clearing_warning",
        sa.Column("warned_day", sa.Text(), nullable=False),
        sa.Column("circle", sa.Text(), nullable=False),
        sa.Column("insured_region", sa.Text(), nullable=False),
        sa.Column("care_region", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("used_fen", sa.BigInteger(), nullable=False),
        sa.Column("balance_fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("warned_day", "circle", "insured_region", "care_region", "level"),
    )
