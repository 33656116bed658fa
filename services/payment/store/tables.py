"""The tables of payment. What a decision relies on stands here as a constraint: uniqueness, and that amounts add up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

from services.payment.store.egress_tables import egress_table
from services.payment.store.recon_tables import ReconTables, recon_tables
from services.payment.store.terminal_tables import TerminalTables, terminal_tables
from services.runtime.db import Moment
from services.runtime.journal import journal_table

_RESTING: Final = ("saved", "tried", "paid", "failed", "revoked", "held")
RUNNING: Final = f"phase NOT IN ({', '.join(map(repr, _RESTING))})"
DEPOSITS: Final = "(order_type = 3 OR deposit_fen > 0)"
"""Deposits of stays, and orders that take from them."""
HELD: Final = "phase = 'held'"
STRAY: Final = "state = 'returning'"
HELD_CHARGE: Final = "state = 'held'"
LATE: Final = "state = 'ended' AND due_at > 0"
UNTOLD: Final = "state = 'open'"
GIVEN_UP: Final = "state = 'given_up'"
_SPLIT: Final = ("total", "fund", "acct", "other", "hosp", "cash", "mulaid", "bank")


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables of one store."""

    metadata: MetaData
    entry: Table
    order: Table
    charge: Table
    refund: Table
    auth: Table
    event: Table
    notice: Table
    decision: Table
    egress: Table
    terminals: TerminalTables
    recon: ReconTables


@cache
def make_tables() -> Tables:
    """The tables, the same for every store of the process: nobody changes them."""
    metadata = MetaData()
    return Tables(
        metadata,
        journal_table("payment_entry", metadata),
        _order(metadata),
        _charge(metadata),
        _refund(metadata),
        _auth(metadata),
        _event(metadata),
        _notice(metadata),
        _decision(metadata),
        egress_table(metadata),
        terminal_tables(metadata),
        recon_tables(metadata),
    )


def _texts(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False) for name in names]


def _sums(*names: str) -> list[Column[int]]:
    return [Column(f"{name}_fen", BigInteger, nullable=False) for name in names]


def _flags(*names: str) -> list[Column[int]]:
    return [Column(name, SmallInteger, nullable=False) for name in names]


def _moments(*names: str) -> list[Column[Any]]:
    return [Column(name, Moment, nullable=False) for name in names]


def _split(prefix: str) -> list[Column[int]]:
    """Columns of a split; all are 0 where there is none."""
    return _sums(*(f"{prefix}_{name}" for name in _SPLIT))


def _adds_up(prefix: str) -> CheckConstraint:
    parts = " + ".join(f"{prefix}_{name}_fen" for name in _SPLIT[1:6])
    return CheckConstraint(f"{prefix}_total_fen = {parts}", name=f"pay_order_{prefix}")


def _order(metadata: MetaData) -> Table:
    running, held, paid = text(RUNNING), text(HELD), text("paid_at > 0")
    deposits = text(DEPOSITS)
    return Table(
        "pay_order",
        metadata,
        Column("pay_ord_id", Text, primary_key=True),
        *_texts("fixmedins_code", "med_org_ord", "person", "fee_type", "admdvs"),
        *_texts(
            "psn_no", "insutype", "mdtrt_id", "chrg_bchno", "local_med_type", "psn_setlway", "invono", "ipt_otp_no"
        ),
        *(Column(name, Integer, nullable=False) for name in ("order_type", "med_type", "acct_used_flag")),
        *_flags("stay", "own_visit"),
        *_sums("fee"),
        *_texts("phase", "goal"),
        *_flags("has_split", "has_opened"),
        *_split("tried"),
        *_split("opened"),
        *_texts("trial_hash", "insured_cell", "setl_id", "auth", "open_no", "charge_no", "refund_no", "traceparent"),
        Column("attempt", Integer, nullable=False),
        *_sums("charged", "refunded"),
        *_flags("insured_returned", "agreed", "has_balance"),
        *_sums("balance", "deposit"),
        *_texts("reason", "channel_code"),
        *_moments("saved_at", "changed_at", "due_at", "paid_at"),
        Column("tries", Integer, nullable=False),
        Column("version", Integer, nullable=False),
        _adds_up("tried"),
        _adds_up("opened"),
        CheckConstraint("refunded_fen BETWEEN 0 AND charged_fen", name="pay_order_refunded"),
        CheckConstraint("has_split = 0 OR tried_total_fen = fee_fen", name="pay_order_whole"),
        Index("pay_order_of_institution", "fixmedins_code", "med_org_ord", unique=True),
        Index("pay_order_due", "due_at", sqlite_where=running, postgresql_where=running),
        Index("pay_order_paid", "paid_at", "pay_ord_id", sqlite_where=paid, postgresql_where=paid),
        Index("pay_order_of_stay", "mdtrt_id", sqlite_where=deposits, postgresql_where=deposits),
        Index("pay_order_held", "changed_at", sqlite_where=held, postgresql_where=held),
    )


def _charge(metadata: MetaData) -> Table:
    stray, held, back, named = text(STRAY), text(HELD_CHARGE), text("returned_at > 0"), text("return_no <> ''")
    return Table(
        "pay_charge",
        metadata,
        Column("charge_no", Text, primary_key=True),
        *_texts("pay_ord_id", "channel"),
        Column("form", Integer, nullable=False),
        *_sums("charge"),
        Column("message", LargeBinary, nullable=False),
        *_texts("state", "standing", "half"),
        *_sums("charged"),
        *_texts("trade_no", "mix_trade_no", "return_no", "front", "traceparent"),
        *_moments("created_at", "expires_at", "due_at", "asked_at", "paid_at", "returned_at"),
        Column("tries", Integer, nullable=False),
        *_sums("said_total", "returned"),
        CheckConstraint("charge_fen >= 0 AND charged_fen >= 0", name="pay_charge_amounts"),
        Index("pay_charge_of_order", "pay_ord_id"),
        Index("pay_charge_made", "channel", "created_at", "charge_no"),
        Index("pay_charge_returned", "channel", "returned_at", sqlite_where=back, postgresql_where=back),
        Index("pay_charge_return", "return_no", sqlite_where=named, postgresql_where=named),
        Index("pay_charge_stray", "due_at", sqlite_where=stray, postgresql_where=stray),
        Index("pay_charge_late", "due_at", sqlite_where=text(LATE), postgresql_where=text(LATE)),
        Index("pay_charge_held", "charge_no", sqlite_where=held, postgresql_where=held),
    )


def _refund(metadata: MetaData) -> Table:
    done = text("done_at > 0")
    return Table(
        "pay_refund",
        metadata,
        Column("refund_no", Text, primary_key=True),
        *_texts("pay_ord_id", "asked_no", "kind"),
        *_sums("insured", "cash", "card"),
        *_texts("state", "counter_setl_id", "reason"),
        *_moments("created_at", "done_at"),
        *_sums("said"),
        CheckConstraint("insured_fen >= 0 AND cash_fen >= 0 AND card_fen >= 0", name="pay_refund_amounts"),
        Index("pay_refund_done", "done_at", "refund_no", sqlite_where=done, postgresql_where=done),
        Index("pay_refund_asked", "pay_ord_id", "asked_no", unique=True),
    )


def _auth(metadata: MetaData) -> Table:
    return Table(
        "pay_auth",
        metadata,
        # Digest of the number: what stands here lets nobody pay.
        Column("auth", Text, primary_key=True),
        *_texts("psn_no", "fixmedins_code", "used_by"),
        *_moments("made_at", "expires_at"),
        Index("pay_auth_old", "expires_at"),
    )


def _event(metadata: MetaData) -> Table:
    return Table(
        "pay_event",
        metadata,
        # Channel and key of a notify, or channel and nonce of its signature: heard once.
        Column("event", Text, primary_key=True),
        *_moments("heard_at"),
        Index("pay_event_old", "heard_at"),
    )


def _notice(metadata: MetaData) -> Table:
    untold, given_up = text(UNTOLD), text(GIVEN_UP)
    return Table(
        "pay_notice",
        metadata,
        Column("notice_no", Text, primary_key=True),
        *_texts("pay_ord_id", "kind", "refund_no", "state"),
        *_moments("made_at", "due_at", "done_at"),
        Column("tries", Integer, nullable=False),
        *_texts("reason"),
        Index("pay_notice_due", "due_at", sqlite_where=untold, postgresql_where=untold),
        Index("pay_notice_of_order", "pay_ord_id"),
        Index("pay_notice_given_up", "notice_no", sqlite_where=given_up, postgresql_where=given_up),
    )


def _decision(metadata: MetaData) -> Table:
    return Table(
        "pay_decision",
        metadata,
        Column("decision_no", Text, primary_key=True),
        *_texts("held_no", "pay_ord_id", "reason", "decision", "memo", "proof_no", "decided_by"),
        *_sums("charged"),
        *_moments("decided_at"),
        Index("pay_decision_of_order", "pay_ord_id", "decision_no"),
    )
