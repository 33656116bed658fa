"""The tables of reconciliation: runs, the bills of providers as they were read, and differences. Money in fen; it holds no query.

A difference's row changes in its state, its note, and in the run that last found it; a run's in how far it is.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, SmallInteger, Table, Text, UniqueConstraint, text

from services.runtime.db import Moment

OPEN: Final = "state = 'open'"
_COUNTS: Final = ("lines", "charges", "orders", "settlements", "other_lines", "unasked", "statements")


class ReconTables(NamedTuple):
    """Runs, bills, their lines, differences."""

    run: Table
    bill: Table
    line: Table
    difference: Table


def recon_tables(metadata: MetaData) -> ReconTables:
    """All of them, in this MetaData."""
    return ReconTables(_run(metadata), _bill(metadata), _line(metadata), _difference(metadata))


def _texts(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False) for name in names]


def _run(metadata: MetaData) -> Table:
    running = text("state = 'running'")
    return Table(
        "pay_run",
        metadata,
        Column("run_no", Text, primary_key=True),
        *_texts("day", "state", "stage"),
        Column("only_look", SmallInteger, nullable=False),
        *(Column(name, Moment, nullable=False) for name in ("begun_at", "beat_at", "ended_at")),
        *(Column(name, Integer, nullable=False) for name in _COUNTS),
        # Accounts whose bill could not be read, a JSON list.
        *_texts("unread", "memo"),
        Index("pay_run_of_day", "day", "run_no"),
        # One at a time for a day.
        Index("pay_run_running", "day", unique=True, sqlite_where=running, postgresql_where=running),
    )


def _bill(metadata: MetaData) -> Table:
    return Table(
        "pay_bill",
        metadata,
        *(Column(name, Text, primary_key=True) for name in ("day", "channel", "merchant_no")),
        Column("read_at", Moment, nullable=False),
    )


def _line(metadata: MetaData) -> Table:
    return Table(
        "pay_bill_line",
        metadata,
        *(Column(name, Text, primary_key=True) for name in ("day", "channel", "merchant_no")),
        Column("line_no", Integer, primary_key=True),
        *_texts("kind", "number", "trade_no"),
        *(Column(name, BigInteger, nullable=False) for name in ("amount_fen", "fee_fen")),
        *_texts("booked_on", "currency"),
        Index("pay_bill_line_of", "number"),
    )


def _difference(metadata: MetaData) -> Table:
    open_ones = text(OPEN)
    return Table(
        "pay_difference",
        metadata,
        Column("difference_no", Text, primary_key=True),
        *_texts("key", "day", "run_no", "kind", "repair", "state", "channel", "merchant_no", "fixmedins_code"),
        *_texts("pay_ord_id", "number", "trade_no"),
        *(Column(name, BigInteger, nullable=False) for name in ("here_fen", "there_fen")),
        *_texts("here", "there", "note"),
        *(Column(name, Moment, nullable=False) for name in ("found_at", "changed_at")),
        UniqueConstraint("key", name="pay_difference_key"),
        Index("pay_difference_of_day", "day", "difference_no"),
        Index("pay_difference_open", "number", sqlite_where=open_ones, postgresql_where=open_ones),
    )
