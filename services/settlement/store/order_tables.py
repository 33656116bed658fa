"""Tables of orders: settlements in two phases, and what a bill of another cell brings along. Money in fen; it holds no query.

An order's row changes in its phase and what that names, in its expiry and in its charged mark; each accepted step stands in
`ledger_entry`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text, text

from services.runtime.db import Fen, Moment
from services.settlement.store.tables import METADATA

_PENDING: Final = text("phase = 'pending'")
_CONFIRMED: Final = text("phase = 'confirmed'")

SETTLE_ORDER: Final = Table(
    "settle_order",
    METADATA,
    Column("order_no", Text, primary_key=True),
    # The member that opened it, and alone may confirm, renew or void it.
    Column("opener", Text, nullable=False),
    Column("phase", Text, nullable=False),
    # Who made it void; empty before.
    Column("cause", Text, nullable=False),
    # Its bill; none where it was voided before it was opened: it then has no person, institution or expiry either.
    Column("setl_id", Text, unique=True),
    Column("content_hash", Text, nullable=False),
    Column("psn_no", Text, nullable=False),
    Column("insutype", Text, nullable=False),
    Column("fixmedins_code", Text, nullable=False),
    Column("mdtrt_id", Text, nullable=False),
    Column("carried", Integer, nullable=False),
    # 1 from when money was charged outside.
    Column("charged", Integer, nullable=False),
    Column("opened_at", Moment),
    Column("lapses_at", Moment),
    Column("ended_at", Moment),
    # The other cell that holds its ledgers and its expiry; empty for this one.
    Column("insured_cell", Text, nullable=False, server_default=""),
    CheckConstraint("phase IN ('pending', 'confirmed', 'void')", name="settle_order_phase"),
    CheckConstraint("cause IN ('', 'opener', 'lapsed', 'person', 'institution')", name="settle_order_cause"),
    CheckConstraint("(phase = 'void') = (cause <> '')", name="settle_order_void"),
    CheckConstraint("(phase = 'pending') = (ended_at IS NULL)", name="settle_order_ended"),
    CheckConstraint("phase = 'void' OR setl_id IS NOT NULL", name="settle_order_bill"),
    CheckConstraint("(setl_id IS NULL) = (lapses_at IS NULL)", name="settle_order_lapses"),
    CheckConstraint("(setl_id IS NULL) = (opened_at IS NULL)", name="settle_order_opened"),
    CheckConstraint("carried IN (0, 1) AND charged IN (0, 1)", name="settle_order_marks"),
    # One at a time on a person's ledgers and account of an insurance type: last in, first out stays true.
    Index(
        "settle_order_pending",
        "psn_no",
        "insutype",
        unique=True,
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    ),
    # Read by statements: what a member's orders have come to since a moment.
    Index(
        "settle_order_confirmed",
        "opener",
        "ended_at",
        "order_no",
        sqlite_where=_CONFIRMED,
        postgresql_where=_CONFIRMED,
    ),
    Index("settle_order_lapsing", "lapses_at", sqlite_where=_PENDING, postgresql_where=_PENDING),
)

CARRIED_BILL: Final = Table(
    "carried_bill",
    METADATA,
    Column("setl_id", Text, primary_key=True),
    Column("fixmedins_code", Text, nullable=False),
    # Of the cell of care, as are kind and times.
    Column("mdtrt_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ipt_otp_no", Text, nullable=False),
    Column("med_type", Text, nullable=False),
    Column("local_med_type", Text, nullable=False),
    Column("begin_at", Moment, nullable=False),
    Column("end_at", Moment),
    Column("insuplc_admdvs", Text, nullable=False),
    Column("mdtrtarea_admvs", Text, nullable=False),
    Column("mdtrt_cert_type", Text, nullable=False),
    Column("dise_codg", Text, nullable=False),
    Column("dise_name", Text, nullable=False),
    # The filing that routing found; an empty kind is none.
    Column("filing_kind", Text, nullable=False),
    Column("filing_no", Text, nullable=False),
    Column("filing_from", Text, nullable=False),
    Column("filing_to", Text, nullable=False),
    Column("opter", Text, nullable=False),
    Column("opter_name", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    # The sums of its lines, their numbers as a JSON list, and the lines themselves as they came.
    Column("medfee_fen", Fen, nullable=False),
    Column("hosp_part_fen", Fen, nullable=False),
    Column("line_numbers", Text, nullable=False),
    Column("lines", LargeBinary, nullable=False),
    # Which is told of replays; empty where it was not told.
    Column("care_cell", Text, nullable=False, server_default=""),
    CheckConstraint("kind IN ('visit', 'stay')", name="carried_bill_kind"),
    CheckConstraint("filing_kind IN ('', 'long_term', 'temporary', 'referral')", name="carried_bill_filing"),
)
