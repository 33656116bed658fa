"""The tables of clearing. Amounts are fen; uniqueness that a decision relies on stands here as a constraint."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, MetaData, PrimaryKeyConstraint, Table, Text, text

from services.runtime.db import Fen, Moment


def add_clearing(metadata: MetaData) -> None:
    """Adds them. Those of millions of rows lie in the order of their key, once: SQLite would write every key twice."""
    _journal(metadata)
    _tally(metadata)
    _posting(metadata)
    _listed(metadata)
    _checks(metadata)
    _month(metadata)
    _statement(metadata)
    _payments(metadata)
    _prepaid(metadata)
    _notices(metadata)


def _text(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False) for name in names]


def _fen(*names: str) -> list[Column[int]]:
    return [Column(name, Fen, nullable=False) for name in names]


def _count(*names: str) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False) for name in names]


def _journal(metadata: MetaData) -> None:
    Table(
        "clearing_journal",
        metadata,
        *_text("setl_id", "kind", "order_no", "mdtrt_id", "fixmedins_code", "insured_area", "care_area"),
        *_text("insutype", "clr_type"),
        Column("setl_at", Moment, nullable=False),
        *_text("setl_day"),
        *_fen("medfee_sumamt_fen", "total_fen"),
        *_text("parts", "circle", "insured_region", "care_region", "month", "cnfm_flag", "cnfm_no"),
        PrimaryKeyConstraint("setl_id", "kind"),
        CheckConstraint("kind IN ('settle', 'reverse')", name="clearing_journal_kind"),
        CheckConstraint(
            "kind = 'settle' AND total_fen >= 0 OR kind = 'reverse' AND total_fen <= 0", name="clearing_journal_sign"
        ),
        Index("clearing_journal_day", "setl_day"),
        Index("clearing_journal_institution", "fixmedins_code", "month"),
        Index(
            "clearing_journal_left_out",
            "month",
            sqlite_where=text("cnfm_flag = '0'"),
            postgresql_where=text("cnfm_flag = '0'"),
        ),
    )


def _tally(metadata: MetaData) -> None:
    Table(
        "clearing_tally",
        metadata,
        *_text("month", "circle", "insured_region", "care_region", "fund"),
        *_count("settled_count", "reversed_count"),
        *_fen("amount_fen"),
        PrimaryKeyConstraint("month", "circle", "insured_region", "care_region", "fund"),
        sqlite_with_rowid=False,
    )


def _posting(metadata: MetaData) -> None:
    Table(
        "clearing_posting",
        metadata,
        *_text("source", "account", "region", "fund"),
        *_fen("amount_fen"),
        PrimaryKeyConstraint("source", "account", "region", "fund"),
        sqlite_with_rowid=False,
    )


def _listed(metadata: MetaData) -> None:
    Table(
        "clearing_listed",
        metadata,
        *_text("setl_day", "side", "setl_id", "kind", "region"),
        *_fen("amount_fen"),
        PrimaryKeyConstraint("setl_day", "side", "setl_id", "kind"),
        sqlite_with_rowid=False,
    )


def _checks(metadata: MetaData) -> None:
    Table(
        "clearing_check",
        metadata,
        Column("setl_day", Text, primary_key=True),
        *_count("national_count", "insured_count", "care_count", "difference_count"),
        Column("checked_at", Moment, nullable=False),
        *_text("memo"),
    )
    Table(
        "clearing_difference",
        metadata,
        *_text("setl_day", "setl_id", "kind", "side", "difference"),
        *_fen("national_fen", "listed_fen"),
        PrimaryKeyConstraint("setl_day", "setl_id", "kind", "side", "difference"),
    )


def _month(metadata: MetaData) -> None:
    Table(
        "clearing_month",
        metadata,
        Column("month", Text, primary_key=True),
        *_text("state"),
        *_count("run"),
        Column("changed_at", Moment, nullable=False),
        *_text("memo"),
        CheckConstraint("state IN ('open', 'closed', 'netted', 'paid')", name="clearing_month_state"),
    )


def _statement(metadata: MetaData) -> None:
    Table(
        "clearing_statement",
        metadata,
        *_text("month"),
        *_count("run"),
        *_text("circle", "insured_region", "care_region"),
        *_count("settled_count", "reversed_count"),
        *_fen("amount_fen", "carried_fen"),
        *_text("funds", "insured_state", "insured_reason", "insured_memo"),
        *_text("care_state", "care_reason", "care_memo", "outcome", "carried_to"),
        PrimaryKeyConstraint("month", "run", "circle", "insured_region", "care_region"),
        Index("clearing_statement_carried", "carried_to"),
    )
    Table(
        "clearing_position",
        metadata,
        *_text("month"),
        *_count("run"),
        *_text("circle", "region"),
        *_fen("receivable_fen", "payable_fen", "net_fen"),
        PrimaryKeyConstraint("month", "run", "circle", "region"),
        CheckConstraint("net_fen = receivable_fen - payable_fen", name="clearing_position_net"),
    )


def _payments(metadata: MetaData) -> None:
    Table(
        "clearing_payment",
        metadata,
        Column("payment_no", Text, primary_key=True),
        *_text("month"),
        *_count("run"),
        *_text("circle", "payer_region", "payee_region"),
        *_fen("amount_fen"),
        *_text("state", "memo"),
        Column("changed_at", Moment, nullable=False),
        CheckConstraint("amount_fen > 0", name="clearing_payment_amount"),
        Index("clearing_payment_month", "month", "run"),
    )


def _prepaid(metadata: MetaData) -> None:
    Table(
        "clearing_prepaid",
        metadata,
        *_text("circle", "insured_region", "care_region"),
        *_fen("balance_fen"),
        *_text("told"),
        PrimaryKeyConstraint("circle", "insured_region", "care_region"),
        CheckConstraint("balance_fen >= 0", name="clearing_prepaid_balance"),
    )
    Table(
        "clearing_movement",
        metadata,
        Column("source", Text, primary_key=True),
        *_text("circle", "insured_region", "care_region"),
        *_fen("amount_fen"),
        *_text("memo"),
        Column("moved_at", Moment, nullable=False),
    )
    Table(
        "clearing_warning",
        metadata,
        *_text("warned_day", "circle", "insured_region", "care_region", "level"),
        *_fen("used_fen", "balance_fen"),
        PrimaryKeyConstraint("warned_day", "circle", "insured_region", "care_region", "level"),
    )


def _notices(metadata: MetaData) -> None:
    Table(
        "clearing_notice",
        metadata,
        Column("cell", Text, primary_key=True),
        # Up to where the cell's notices were read.
        *_count("seq"),
    )
    Table(
        "clearing_refused",
        metadata,
        Column("name", Text, primary_key=True),
        *_text("cell"),
        *_count("seq"),
        # The notice whole, in JSON: it is taken again as it came.
        *_text("setl_id", "kind", "sides", "journal", "traceparent", "setl_day", "reason", "detail"),
        Column("refused_at", Moment, nullable=False),
        *_text("memo"),
        Index("clearing_refused_place", "cell", "seq", "setl_id", unique=True),
        Index("clearing_refused_reason", "reason", "setl_day"),
    )
