"""The book of terminals on both stores: traces are used once, a line goes forward only, and what is open is found again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.payment.domain.terminals import (
    AFTER,
    Batch,
    Line,
    LineState,
    Move,
    Pos,
    Sums,
    Wanted,
    next_number,
    sums_of,
)
from services.payment.store.terminal_rows import TerminalRows
from services.runtime.db import sql
from tests.payment.terminal_lines import TestClock, opened
from tools.postgres import Server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def book(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TerminalRows]:
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/payment.sqlite"
    server: Server | None = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        server.create("terminal_rows")
        url = server.url("terminal_rows")
    clock = TestClock(datetime(2026, 11, 30, 4, tzinfo=UTC))
    database = await opened(url, clock)
    yield TerminalRows(database, clock)
    await database.close()
    if server is not None:
        server.drop("terminal_rows")


@pytest.fixture
def pos() -> Pos:
    """A terminal of this test alone."""
    return Pos("900000000000001", uuid4().hex[:8])


def wanted(pos: Pos, number: str = "C1", move: Move = Move.PURCHASE, of: str = "") -> Wanted:
    """A line under a number of this terminal alone."""
    return Wanted(pos, f"{pos.terminal_no}{number}", move, 1_000, f"{pos.terminal_no}{of}" if of else "")


async def test_a_line_goes_only_where_it_may(book: TerminalRows, pos: Pos) -> None:
    for number, state in enumerate(LineState):
        for after in LineState:
            line = await book.begin(wanted(pos, f"C{number:02d}{after.value}"))
            assert line is not None
            if state is not LineState.SENT:
                assert (await book.change(line, state)).state is state
            moved = await book.change(line, after, day="1130", rrn="261130000001", code="00")
            assert moved.state is (after if after in AFTER.get(state, frozenset()) else state)


async def test_what_was_learned_of_a_line_stays_when_nothing_more_is(book: TerminalRows, pos: Pos) -> None:
    line = await book.begin(wanted(pos))
    assert line is not None
    stands = await book.change(line, LineState.STANDS, day="1130", rrn="261130000001", code="00")
    assert (stands.day, stands.rrn, stands.code, stands.wanted) == ("1130", "261130000001", "00", wanted(pos))
    assert await book.line(wanted(pos).number) == stands
    assert await book.line(wanted(pos, "C2").number) is None


async def test_a_number_is_begun_again_only_where_nothing_stands_of_it(book: TerminalRows, pos: Pos) -> None:
    first = await book.begin(wanted(pos))
    assert first is not None
    assert await book.begin(wanted(pos)) is None
    await book.change(first, LineState.UNDOING)
    assert await book.begin(wanted(pos)) is None
    await book.change(first, LineState.UNDONE, code="25")
    second = await book.begin(wanted(pos))
    assert second is not None
    assert (second.trace > first.trace, second.code, second.state) == (True, "", LineState.SENT)
    # A late word about the first is no word about the second.
    assert (await book.change(first, LineState.STANDS)).state is LineState.SENT


async def test_traces_are_used_once_whoever_asks_at_the_same_moment(book: TerminalRows, pos: Pos) -> None:
    numbers = [f"C{number:04d}" for number in range(20)]
    begun = await asyncio.gather(
        *(book.begin(wanted(pos, number)) for number in numbers), *(book.next_trace(pos) for _ in range(5))
    )
    traces = {each if isinstance(each, str) else getattr(each, "trace", "") for each in begun}
    assert len(traces) == 25
    assert len(await book.open_lines(pos)) == 20
    other = await book.begin(wanted(Pos("900000000000002", pos.terminal_no), "C9999"))
    assert other is not None
    assert other.trace == "000001"


async def test_behind_the_last_number_of_six_digits_they_begin_again_at_one(book: TerminalRows, pos: Pos) -> None:
    await book.next_trace(pos)
    async with book._database.driver_write() as connection:
        await connection.run(sql("UPDATE pay_terminal SET trace = 999998"))
    assert [await book.next_trace(pos) for _ in range(2)] == ["999999", "000001"]
    assert (next_number(999_998), next_number(999_999)) == (999_999, 1)


async def test_one_of_two_who_begin_the_same_number_does(book: TerminalRows, pos: Pos) -> None:
    begun = await asyncio.gather(*(book.begin(wanted(pos)) for _ in range(4)))
    assert len([each for each in begun if each is not None]) == 1


async def test_a_batch_begins_with_its_first_line(book: TerminalRows, pos: Pos) -> None:
    assert await book.batch(pos) == Batch()
    line = await book.begin(wanted(pos))
    assert line is not None
    assert await book.batch(pos) == Batch("000001", line.begun_at)
    await book.take_batch(pos, "000002")
    assert await book.batch(pos) == Batch("000002")
    assert [each.wanted.number for each in await book.lines_of(pos, "000001")] == [wanted(pos).number]
    after = await book.begin(wanted(pos, "C2"))
    assert after is not None
    assert (after.batch, after.begun_at - line.begun_at) == ("000002", timedelta(0))


async def test_what_goes_back_of_a_purchase_is_found_by_its_number(book: TerminalRows, pos: Pos) -> None:
    await book.begin(wanted(pos))
    await book.begin(wanted(pos, "R1", Move.REFUND, "C1"))
    await book.begin(wanted(pos, "R2", Move.REFUND, "C2"))
    assert [each.wanted.number for each in await book.back_of(wanted(pos).number)] == [wanted(pos, "R1").number]


def test_a_batch_sums_what_came_in_beside_what_went_back_of_the_lines_that_stand(pos: Pos) -> None:
    moment = datetime(2026, 11, 30, 4, tzinfo=UTC)

    def line(number: str, move: Move, fen: int, state: LineState = LineState.STANDS) -> Line:
        return Line(Wanted(pos, number, move, fen), "000001", number, moment, moment, state)

    lines = [
        line("1", Move.PURCHASE, 3_000),
        line("2", Move.PURCHASE, 500),
        line("3", Move.VOID, 500),
        line("4", Move.REFUND, 1_000),
        line("5", Move.PURCHASE, 70, LineState.REFUSED),
        line("6", Move.PURCHASE, 80, LineState.UNDONE),
        line("7", Move.REFUND, 90, LineState.SENT),
    ]
    assert sums_of(lines) == Sums(debit_fen=3_500, debits=2, credit_fen=1_500, credits=2)
