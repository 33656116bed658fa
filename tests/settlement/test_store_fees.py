"""Fee lines and charge batches on both databases: bulk in, by number out, cancelled by state, and parts that add up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.kernel.requests import Moved
from services.runtime.db import ConstraintViolation, Database
from services.settlement.domain.care.fees import FeeBatch, FeeLine
from services.settlement.domain.care.lines import BillTotals, LineSplit
from services.settlement.store.fees import EncounterBooks
from services.settlement.store.schema import schema
from tests.settlement.counter import BEGIN
from tests.settlement.test_store_encounters import keep, settled
from tests.settlement.world import Ticking


@pytest.fixture(params=["sqlite", "postgresql"])
async def books(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EncounterBooks]:
    """An empty store, on each database."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'settlement.sqlite'}" if sqlite else request.getfixturevalue("postgres_database")
    database = Database(url, Ticking())
    await database.start(schema().metadata)
    yield EncounterBooks(database)
    await database.close()


def batch(batch_id: str, lines: int = 1, **changes: object) -> FeeBatch:
    totals = BillTotals(1000 * lines, 100 * lines, 200 * lines, 300 * lines, 400 * lines, {"bas_medn_flag=1": 7})
    made = FeeBatch(batch_id, "M1", "1", "upload", "open", None, totals, lines, BEGIN)
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name


def line(number: str, batch_id: str = "B1", place: int = 1, **changes: object) -> FeeLine:
    split = LineSplit(1000, 100, 200, 300, 400)
    made = FeeLine(
        f"L{batch_id}{number}", "M1", number, batch_id, place, "open", BEGIN, split, "", "1", b"sent", b"split"
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name


async def test_batches_and_lines_come_back_as_they_were_kept(books: EncounterBooks) -> None:
    async with books.writing() as writing:
        await writing.add_fees([batch("B1", 2)], [line("1"), line("2", place=2)])
    async with books.reading() as snapshot:
        assert await snapshot.batches("M1") == [batch("B1", 2)]
        found = await snapshot.lines("M1", {"1", "3"})
        assert [entry.line for entry in found] == [line("1")]
        assert (found[0].chrg_bchno, found[0].batch_state, found[0].setl_id) == ("1", "open", "")
        assert await snapshot.lines("M2", {"1"}) == []


async def test_returns_are_found_by_the_line_they_take_back(books: EncounterBooks) -> None:
    back = LineSplit(-1000, -100, -200, -300, -400)
    lines = [line("1"), line("2", place=2, init_feedetl_sn="1", cnt="-1", split=back), line("3", init_feedetl_sn="1")]
    async with books.writing() as writing:
        await writing.add_fees([batch("B1", 1)], lines)
    async with books.reading() as snapshot:
        assert [entry.line.feedetl_sn for entry in await snapshot.returns("M1", {"1"})] == ["2"]


async def test_a_number_stands_once_in_an_encounter_until_it_is_cancelled(books: EncounterBooks) -> None:
    async with books.writing() as writing:
        await writing.add_fees([batch("B1")], [line("1")])
    with pytest.raises(Moved):
        async with books.writing() as writing:
            await writing.add_fees([batch("B2")], [line("1", "B2")])
    async with books.writing() as writing:
        await writing.cancel_lines("C1", ["LB11"])
        await writing.add_fees([batch("B2")], [line("1", "B2")])
    async with books.reading() as snapshot:
        assert [entry.line.fee_batch_id for entry in await snapshot.lines("M1", {"1"})] == ["B2"]


async def test_cancelling_a_batch_cancels_its_lines(books: EncounterBooks) -> None:
    async with books.writing() as writing:
        await writing.add_fees([batch("B1"), batch("B2", chrg_bchno="2")], [line("1"), line("2", "B2")])
        await writing.cancel_batches(["B1"])
    async with books.reading() as snapshot:
        assert [found.state for found in await snapshot.batches("M1")] == ["cancelled", "open"]
        assert [entry.line.feedetl_sn for entry in await snapshot.listed_lines("M1", 10)] == ["2"]


async def test_lines_are_listed_in_the_order_they_came(books: EncounterBooks) -> None:
    paid = batch("B2", chrg_bchno="2", state="settled", setl_id="S1")
    async with books.writing() as writing:
        await writing.add_fees([batch("B1"), paid], [line("9"), line("8", place=2), line("1", "B2")])
    async with books.reading() as snapshot:
        found = await snapshot.listed_lines("M1", 10)
        assert [(entry.line.feedetl_sn, entry.setl_id) for entry in found] == [("9", ""), ("8", ""), ("1", "S1")]
        assert [entry.line.feedetl_sn for entry in await snapshot.listed_lines("M1", 2)] == ["9", "8"]
        presence = await snapshot.fee_presence("M1")
        assert (presence.unsettled, presence.setl_id) == (True, "S1")
        assert not (await snapshot.fee_presence("M2")).unsettled


async def test_what_a_settlement_held_is_found_when_its_batches_are_open_or_cancelled(books: EncounterBooks) -> None:
    taken_back = BillTotals(-1000, -100, -200, -300, -400)
    back = [batch(f"C{n}", kind="cancel", totals=taken_back, line_count=1) for n in (1, 2)]
    async with books.writing() as writing:
        await writing.add_fees([batch("B1", 3)], [line("1"), line("2", place=2), line("3", place=3)])
        await writing.cancel_lines("C1", ["LB11"])
        await writing.add_fees([back[0], batch("B2")], [line("4", "B2")])
        await keep(writing, settled(BEGIN, batches='["B1","C1"]'))
    for change in range(3):
        async with books.writing() as writing:
            if change == 1:
                await writing.cancel_lines("C2", ["LB12"])
                await writing.add_fees([back[1]], [])
            if change == 2:
                await writing.cancel_batches(["B1", "C1", "C2"])
        async with books.reading() as snapshot:
            held = await snapshot.settled_lines("M1", "S1", 10)
            assert [(entry.line.feedetl_sn, entry.setl_id) for entry in held] == [("2", "S1"), ("3", "S1")]
            assert [entry.line.feedetl_sn for entry in await snapshot.settled_lines("M1", "S1", 1)] == ["2"]
            assert await snapshot.settled_lines("M2", "S1", 10) == []
            assert await snapshot.settled_lines("M1", "S404", 10) == []
            assert held[0].batch_state == ("cancelled" if change == 2 else "open")


async def test_returns_are_found_that_batches_would_leave_behind(books: EncounterBooks) -> None:
    back = LineSplit(-1000, -100, -200, -300, -400)
    lines = [
        line("1"),
        line("2", "B2", init_feedetl_sn="1", cnt="-1", split=back),
        line("3", "B3", init_feedetl_sn="1"),
    ]
    async with books.writing() as writing:
        await writing.add_fees([batch("B1"), batch("B2", chrg_bchno="2"), batch("B3", chrg_bchno="3")], lines)
    async with books.reading() as snapshot:
        for chosen, left in ((["B1"], ["2"]), (["B1", "B3"], ["2"]), (["B1", "B2"], []), (["B2"], []), ([], [])):
            found = await snapshot.returns_left("M1", chosen)
            assert [(entry.line.feedetl_sn, entry.chrg_bchno) for entry in found] == [(number, "2") for number in left]
        assert await snapshot.returns_left("M2", ["B1"]) == []
    async with books.writing() as writing:
        await writing.cancel_batches(["B2"])
        assert await writing.returns_left("M1", ["B1"]) == []


async def test_a_standing_line_is_taken_back_by_no_batch(books: EncounterBooks) -> None:
    async with books.writing() as writing:
        await writing.add_fees([batch("B1")], [line("1")])
    with pytest.raises(ConstraintViolation):
        async with books.writing() as writing:
            await writing._connection.fetch("UPDATE fee_line SET cancelled_by = 'C1'")


async def test_a_line_whose_parts_are_not_the_whole_is_refused_by_the_row(books: EncounterBooks) -> None:
    with pytest.raises(ConstraintViolation):
        async with books.writing() as writing:
            await writing.add_fees([], [line("1", split=LineSplit(1000, 100, 200, 300, 401))])


async def test_a_batch_whose_parts_are_not_the_whole_is_refused_by_the_row(books: EncounterBooks) -> None:
    with pytest.raises(ConstraintViolation):
        async with books.writing() as writing:
            await writing.add_fees([batch("B1", totals=BillTotals(999, 100, 200, 300, 400))], [])


async def test_a_settled_batch_names_its_settlement(books: EncounterBooks) -> None:
    with pytest.raises(ConstraintViolation):
        async with books.writing() as writing:
            await writing.add_fees([batch("B1", state="settled")], [])
