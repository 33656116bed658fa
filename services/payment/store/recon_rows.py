"""Rows of reconciliation: runs, bills as they were read, differences. Every statement is over a list or a page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any, Final

from services.payment.domain.charges import BillKind, BillLine
from services.payment.domain.compared import Billed
from services.payment.domain.differences import Difference, Kind
from services.payment.domain.runs import DifferenceState, Kept, Run, RunState, Stage
from services.payment.store.recon_tables import OPEN
from services.runtime.db import DriverConnection, sql

_RUN: Final = (
    "run_no, day, state, stage, only_look, begun_at, beat_at, ended_at, lines, charges, orders, settlements,"
    " other_lines, unasked, statements, unread, memo"
)
_COUNTED: Final = ("lines", "charges", "orders", "settlements", "other_lines", "unasked", "statements")
_RUN_CHANGE: Final = " ON CONFLICT (run_no) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in _RUN.split(", ")[2:]
)
_LAST_RUN: Final = sql(f"SELECT {_RUN} FROM pay_run WHERE day = ?1 ORDER BY run_no DESC LIMIT 1")
_LAST_RUNS: Final = sql(
    f"SELECT {_RUN} FROM pay_run WHERE run_no IN (SELECT MAX(run_no) FROM pay_run WHERE day >= ?1 GROUP BY day)"
)
_RUN_BY_NO: Final = sql(f"SELECT {_RUN} FROM pay_run WHERE run_no = ?1")
_LINE: Final = "day, channel, merchant_no, line_no, kind, number, trade_no, amount_fen, fee_fen, booked_on, currency"
_LINES: Final = sql(
    f"SELECT {_LINE} FROM pay_bill_line WHERE day = ?1 AND channel = ?2 AND merchant_no = ?3 AND line_no > ?4"
    " ORDER BY line_no LIMIT ?5"
)
_LINES_OF: Final = sql(
    f"SELECT {_LINE} FROM pay_bill_line WHERE AMONG(number, ?1)"
    " AND NOT (day = ?2 AND channel = ?3 AND merchant_no = ?4 AND line_no > ?5 AND line_no <= ?6)"
)
_BILLED: Final = sql("SELECT number FROM pay_bill_line WHERE AMONG(number, ?1) AND channel = ?2")
_FORGET_LINES: Final = sql("DELETE FROM pay_bill_line WHERE day = ?1 AND channel = ?2 AND merchant_no = ?3")
_FORGET_BILL: Final = sql("DELETE FROM pay_bill WHERE day = ?1 AND channel = ?2 AND merchant_no = ?3")
_READ: Final = sql("SELECT channel, merchant_no FROM pay_bill WHERE day = ?1")
_OLD_LINES: Final = sql("DELETE FROM pay_bill_line WHERE day < ?1")
_OLD_BILLS: Final = sql("DELETE FROM pay_bill WHERE day < ?1")
_KEPT: Final = (
    "difference_no, day, kind, number, channel, merchant_no, pay_ord_id, fixmedins_code, trade_no, here_fen, there_fen,"
    " here, there, state, note, found_at, changed_at"
)
_AGAIN: Final = " ON CONFLICT (key) DO UPDATE SET " + ", ".join(
    (
        *(f"{name} = excluded.{name}" for name in ("run_no", "here_fen", "there_fen", "here", "there")),
        "state = CASE WHEN pay_difference.state = 'resolved' THEN 'resolved' ELSE 'open' END",
    )
)
_FOUND: Final = sql(f"SELECT {_KEPT} FROM pay_difference WHERE difference_no = ?1")
_ALL: Final = sql(
    f"SELECT {_KEPT} FROM pay_difference WHERE difference_no > ?1 AND (?2 = '' OR state = ?2)"
    " ORDER BY difference_no LIMIT ?3"
)
_OF_DAY: Final = sql(
    f"SELECT {_KEPT} FROM pay_difference WHERE day = ?4 AND difference_no > ?1 AND (?2 = '' OR state = ?2)"
    " ORDER BY difference_no LIMIT ?3"
)
_COUNTS: Final = sql("SELECT state, COUNT(*) FROM pay_difference WHERE day = ?1 GROUP BY state")
_GONE: Final = sql(
    "UPDATE pay_difference SET state = 'gone', changed_at = ?3"
    f" WHERE day = ?1 AND {OPEN} AND run_no <> ?2 AND NOT AMONG(channel, ?4)"
)
_FOUND_LATER: Final = sql(
    f"UPDATE pay_difference SET state = 'gone', changed_at = ?2 WHERE {OPEN} AND AMONG(number, ?1)"
    f" AND kind IN ('{Kind.CHARGE_MISSING_THERE.value}', '{Kind.REFUND_MISSING_THERE.value}') AND day < ?3"
)
_LISTED_AGAIN: Final = sql(
    f"UPDATE pay_difference SET state = 'gone', changed_at = ?2 WHERE {OPEN} AND AMONG(number, ?1)"
    f" AND kind = '{Kind.STATEMENT.value}' AND NOT AMONG(trade_no, ?3)"
)
_CHANGE: Final = sql(
    "UPDATE pay_difference SET state = ?2, note = ?3, changed_at = ?4 WHERE difference_no = ?1 AND state <> 'resolved'"
)

_KINDS: Final = {each.value: each for each in BillKind}

Bill = tuple[date, str, str]
"""A bill by its day, channel and merchant's number."""


class ReconRows:
    """What reconciliation keeps, in one transaction. `inserts` are the statements by table."""

    def __init__(self, connection: DriverConnection, inserts: Mapping[str, Mapping[str, str]]) -> None:
        self._connection = connection
        self._inserts = {name: each[connection.dialect] for name, each in inserts.items()}

    async def last_run(self, day: date) -> Run | None:
        """The last one of a day."""
        rows = await self._connection.run(_LAST_RUN, day.isoformat())
        return _run(rows[0]) if rows else None

    async def last_runs(self, since: date) -> dict[date, Run]:
        """The last one of each day from a day on."""
        return {each.day: each for each in map(_run, await self._connection.run(_LAST_RUNS, since.isoformat()))}

    async def run(self, run_no: str) -> Run | None:
        """One."""
        rows = await self._connection.run(_RUN_BY_NO, run_no)
        return _run(rows[0]) if rows else None

    async def keep_run(self, run: Run) -> None:
        """A new one, or as it is now."""
        row = (
            *(run.run_no, run.day.isoformat(), run.state.value, run.stage.value, int(run.only_look)),
            *(run.begun_at, run.beat_at, run.ended_at, run.lines, run.charges, run.orders, run.settlements),
            *(run.other_lines, run.unasked, run.statements, json.dumps(run.unread), run.memo),
        )
        await self._connection.insert(self._inserts["pay_run"] + _RUN_CHANGE, [row])

    async def drop_bill(self, bill: Bill) -> None:
        """Forgets a bill, before it is read anew."""
        key = bill[0].isoformat(), *bill[1:]
        await self._connection.run(_FORGET_LINES, *key)
        await self._connection.run(_FORGET_BILL, *key)

    async def add_lines(self, lines: Sequence[Billed]) -> None:
        """Lines of a bill."""
        rows = [
            (
                *(each.day.isoformat(), each.channel, each.merchant_no, each.line_no, line.kind.value, line.number),
                *(line.trade_no, line.amount_fen, line.fee_fen, line.day.isoformat(), line.currency),
            )
            for each in lines
            for line in (each.line,)
        ]
        await self._connection.insert(self._inserts["pay_bill_line"], rows, patient=True)

    async def bill_is_read(self, bill: Bill, now: int) -> None:
        """A bill stands here whole."""
        await self._connection.insert(self._inserts["pay_bill"], [(bill[0].isoformat(), *bill[1:], now)])

    async def bills_read(self, day: date) -> frozenset[tuple[str, str]]:
        """Channel and merchant's number of bills of a day that stand here."""
        return frozenset((str(row[0]), str(row[1])) for row in await self._connection.run(_READ, day.isoformat()))

    async def lines(self, bill: Bill, after: int, most: int) -> list[Billed]:
        """Lines of a bill behind one of them."""
        rows = await self._connection.run(_LINES, bill[0].isoformat(), *bill[1:], after, most)
        return [_billed(row) for row in rows]

    async def lines_of(
        self, numbers: Sequence[str], beside: tuple[Bill, int, int] | None = None
    ) -> dict[str, list[Billed]]:
        """Lines of numbers, in the bills of all days; but for a page of a bill, by its line before and its size."""
        found: dict[str, list[Billed]] = {}
        (day, channel, merchant_no), after, most = beside or ((date.min, "", ""), 0, 0)
        place = day.isoformat(), channel, merchant_no, after, after + most
        for row in await self._connection.run(_LINES_OF, sorted(set(numbers)), *place):
            billed = _billed(row)
            found.setdefault(billed.line.number, []).append(billed)
        return found

    async def billed(self, channel: str, numbers: Sequence[str]) -> frozenset[str]:
        """Which of these numbers stand in a bill of a channel."""
        rows = await self._connection.run(_BILLED, sorted(set(numbers)), channel)
        return frozenset(str(number) for (number,) in rows)

    async def forget_bills(self, before: date) -> None:
        """Bills of long ago."""
        for statement in (_OLD_LINES, _OLD_BILLS):
            await self._connection.run(statement, before.isoformat())

    async def keep(self, run: Run, differences: Sequence[tuple[str, Difference]], now: int) -> None:
        """Differences with a number for each that is new; one that was found before keeps its own, and is open again unless
        people have resolved it.
        """
        rows = [
            (
                *(number, each.key, run.day.isoformat(), run.run_no, each.kind.value, each.repair.value, "open"),
                *(each.channel, each.merchant_no, each.fixmedins_code, each.pay_ord_id, each.number, each.trade_no),
                *(each.here_fen, each.there_fen, each.here, each.there, "", now, now),
            )
            for number, each in sorted(differences, key=lambda pair: pair[1].key)
        ]
        await self._connection.insert(self._inserts["pay_difference"] + _AGAIN, rows)

    async def difference(self, difference_no: str) -> Kept | None:
        """One."""
        rows = await self._connection.run(_FOUND, difference_no)
        return _kept(rows[0]) if rows else None

    async def differences(self, day: date | None, state: str, after: str, most: int) -> list[Kept]:
        """By number, of a day or all days, in a state or ("") all."""
        if day is None:
            rows = await self._connection.run(_ALL, after, state, most)
        else:
            rows = await self._connection.run(_OF_DAY, after, state, most, day.isoformat())
        return [_kept(row) for row in rows]

    async def counts(self, day: date) -> dict[DifferenceState, int]:
        """How many of a day stand in each state."""
        rows = await self._connection.run(_COUNTS, day.isoformat())
        return {DifferenceState(state): int(count) for state, count in rows}

    async def gone(self, run: Run, now: int, unread: Sequence[str]) -> None:
        """Open ones of the day that this run did not find are gone, but for channels whose bills could not be read."""
        await self._connection.run(_GONE, run.day.isoformat(), run.run_no, now, sorted(unread))

    async def found_later(self, numbers: Sequence[str], day: date, now: int) -> None:
        """What was missing in the bills of earlier days and stands in a later one."""
        await self._connection.run(_FOUND_LATER, sorted(numbers), now, day.isoformat())

    async def listed_again(self, numbers: Mapping[str, str], now: int) -> None:
        """What differed in a comparison that its institution has made anew; `numbers` has the result of each."""
        await self._connection.run(_LISTED_AGAIN, sorted(numbers), now, sorted(numbers.values()))

    async def change(self, difference_no: str, state: DifferenceState, note: str, now: int) -> None:
        """What became of one, unless people have resolved it."""
        await self._connection.run(_CHANGE, difference_no, state.value, note, now)


def _run(row: Sequence[Any]) -> Run:
    run_no, day, state, stage, only_look, *moments, unread, memo = row
    run = Run(run_no, date.fromisoformat(day), RunState(state), Stage(stage), bool(only_look), *moments[:2])
    ended_at, *counts = moments[2:]
    sums = dict(zip(_COUNTED, counts, strict=True))
    return replace(run, ended_at=ended_at, unread=tuple(json.loads(unread)), memo=memo, **sums)


def _billed(row: Sequence[Any]) -> Billed:
    day, channel, merchant_no, line_no, kind, number, trade_no, amount_fen, fee_fen, booked_on, currency = row
    line = BillLine(_KINDS[kind], number, trade_no, amount_fen, _day(booked_on), fee_fen, currency)
    return Billed(_day(day), channel, merchant_no, line_no, line)


@lru_cache(maxsize=256)
def _day(text: str) -> date:
    return date.fromisoformat(text)


def _kept(row: Sequence[Any]) -> Kept:
    difference_no, day, kind, *told, state, note, found_at, changed_at = row
    difference = Difference(Kind(kind), *told)
    return Kept(difference_no, date.fromisoformat(day), difference, DifferenceState(state), note, found_at, changed_at)
