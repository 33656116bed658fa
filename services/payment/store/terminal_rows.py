"""The book of POS terminals: each call is a transaction of its own, durable when it returns. It implements what a till needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.kernel.clock import Clock, from_micros, to_micros
from services.payment.domain.terminals import (
    AFTER,
    MOST_TRACES,
    Batch,
    Line,
    LineState,
    Move,
    Pos,
    TerminalStanding,
    Wanted,
)
from services.payment.store.terminal_tables import OPEN_LINES
from services.runtime.db import Database, DriverConnection, sql

_COLUMNS: Final = (
    "number, merchant_no, terminal_no, move, of_number, amount_fen, batch, trace, state, day, rrn, code,"
    " begun_at, changed_at"
)
_OF_POS: Final = "merchant_no = ?1 AND terminal_no = ?2"
_MOST_LINES: Final = 20_000
"""Of a batch, or open, that are read at once (our decision): a POS makes some hundreds a day."""
_LINE: Final = sql(f"SELECT {_COLUMNS} FROM pay_terminal_line WHERE number = ?1")
_OPEN: Final = sql(
    f"SELECT {_COLUMNS} FROM pay_terminal_line WHERE {_OF_POS} AND {OPEN_LINES} ORDER BY begun_at, number LIMIT {_MOST_LINES}"
)
_OF_BATCH: Final = sql(
    f"SELECT {_COLUMNS} FROM pay_terminal_line WHERE {_OF_POS} AND batch = ?3 ORDER BY trace LIMIT {_MOST_LINES}"
)
_BACK: Final = sql(f"SELECT {_COLUMNS} FROM pay_terminal_line WHERE of_number = ?1 ORDER BY begun_at, number")
_BATCH: Final = sql(
    "SELECT batch, (SELECT min(begun_at) FROM pay_terminal_line AS line WHERE line.merchant_no = pay_terminal.merchant_no"
    " AND line.terminal_no = pay_terminal.terminal_no AND line.batch = pay_terminal.batch)"
    f" FROM pay_terminal WHERE {_OF_POS}"
)
_TAKE: Final = sql(
    "INSERT INTO pay_terminal (merchant_no, terminal_no, batch, trace) VALUES (?1, ?2, ?3, 0)"
    " ON CONFLICT (merchant_no, terminal_no) DO UPDATE SET batch = excluded.batch"
)
_TRACE: Final = sql(
    "INSERT INTO pay_terminal (merchant_no, terminal_no, batch, trace) VALUES (?1, ?2, '000001', 1)"
    f" ON CONFLICT (merchant_no, terminal_no) DO UPDATE SET trace = pay_terminal.trace % {MOST_TRACES} + 1"
    " RETURNING batch, trace"
)
_BEGIN: Final = sql(
    f"INSERT INTO pay_terminal_line ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'sent', '', '', '', ?9, ?9)"
    " ON CONFLICT (number) DO UPDATE SET move = excluded.move, batch = excluded.batch, trace = excluded.trace, state = 'sent',"
    " day = '', rrn = '', code = '', begun_at = excluded.begun_at, changed_at = excluded.changed_at"
    " WHERE pay_terminal_line.state IN ('unsent', 'undone', 'refused')"
    f" RETURNING {_COLUMNS}"
)
_CHANGE: Final = sql(
    "UPDATE pay_terminal_line SET state = ?4, changed_at = ?5, code = ?6, day = CASE ?7 WHEN '' THEN day ELSE ?7 END,"
    " rrn = CASE ?8 WHEN '' THEN rrn ELSE ?8 END"
    f" WHERE number = ?1 AND batch = ?2 AND trace = ?3 AND AMONG(state, ?9) RETURNING {_COLUMNS}"
)


class TerminalRows:
    """Lines of terminals in the store."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def line(self, number: str) -> Line | None:
        """The line under one of our numbers."""
        async with self._database.driver_read() as connection:
            return await _one(connection, number)

    async def standing(self, pos: Pos, number: str) -> TerminalStanding:
        """How a terminal stands, in one snapshot."""
        async with self._database.driver_read() as connection:
            line = await _one(connection, number) if number else None
            open_lines = [_line(row) for row in await connection.run(_OPEN, *pos)]
            return TerminalStanding(line, open_lines, await _batch(connection, pos))

    async def open_lines(self, pos: Pos) -> Sequence[Line]:
        """What a terminal has sent and nobody knows of, oldest first."""
        async with self._database.driver_read() as connection:
            return [_line(row) for row in await connection.run(_OPEN, *pos)]

    async def lines_of(self, pos: Pos, batch: str) -> Sequence[Line]:
        """All of a batch, by trace."""
        async with self._database.driver_read() as connection:
            return [_line(row) for row in await connection.run(_OF_BATCH, *pos, batch)]

    async def back_of(self, number: str) -> Sequence[Line]:
        """Voids and refunds of a purchase."""
        async with self._database.driver_read() as connection:
            return [_line(row) for row in await connection.run(_BACK, number)]

    async def batch(self, pos: Pos) -> Batch:
        """The open batch."""
        async with self._database.driver_read() as connection:
            return await _batch(connection, pos)

    async def take_batch(self, pos: Pos, batch: str) -> None:
        """The bank has opened this batch."""
        async with self._database.driver_write() as connection:
            await connection.run(_TAKE, *pos, batch)

    async def next_trace(self, pos: Pos) -> str:
        """A trace that was not used in the open batch."""
        async with self._database.driver_write() as connection:
            return (await _traced(connection, pos))[1]

    async def begin(self, wanted: Wanted) -> Line | None:
        """A line with the next trace; None where one under its number is open or stands."""
        now = to_micros(self._clock())
        async with self._database.driver_write() as connection:
            batch, trace = await _traced(connection, wanted.pos)
            named = (wanted.number, *wanted.pos, wanted.move.value, wanted.of, wanted.amount_fen)
            rows = await connection.run(_BEGIN, *named, batch, trace, now)
            return _line(rows[0]) if rows else None

    async def change(self, line: Line, state: LineState, *, day: str = "", rrn: str = "", code: str = "") -> Line:
        """The line in that state, where it may follow (`AFTER`); else as another has left it."""
        before = sorted(each.value for each, after in AFTER.items() if state in after)
        named = (line.wanted.number, line.batch, line.trace)
        async with self._database.driver_write() as connection:
            told = (state.value, to_micros(self._clock()), code, day, rrn, before)
            rows = await connection.run(_CHANGE, *named, *told)
            kept = _line(rows[0]) if rows else await _one(connection, line.wanted.number)
        return kept if kept is not None else line


async def _one(connection: DriverConnection, number: str) -> Line | None:
    rows = await connection.run(_LINE, number)
    return _line(rows[0]) if rows else None


async def _batch(connection: DriverConnection, pos: Pos) -> Batch:
    for batch, begun_at in await connection.run(_BATCH, *pos):
        return Batch(str(batch), None if begun_at is None else from_micros(begun_at))
    return Batch()


async def _traced(connection: DriverConnection, pos: Pos) -> tuple[str, str]:
    """The open batch and the next trace."""
    ((batch, trace),) = await connection.run(_TRACE, *pos)
    return str(batch), f"{trace:06d}"


def _line(row: Sequence[Any]) -> Line:
    (
        number,
        merchant_no,
        terminal_no,
        move,
        of,
        amount_fen,
        batch,
        trace,
        state,
        day,
        rrn,
        code,
        begun_at,
        changed_at,
    ) = row
    wanted = Wanted(Pos(merchant_no, terminal_no), number, Move(move), int(amount_fen), of)
    begun, changed = from_micros(begun_at), from_micros(changed_at)
    return Line(wanted, batch, trace, begun, changed, LineState(state), day, rrn, code)
