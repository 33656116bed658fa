"""The ground moves under a write, up to three times and once too often: what is booked is booked once, on what stood last."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from services.kernel.errors import Fault
from services.kernel.requests import Moved
from services.runtime.committer import Committer
from services.settlement.domain.care.bill import STAY
from services.settlement.operations.care.writes import CareOutcome, CareWrite, Together
from services.settlement.store.care_batches import CareBatches
from tests.settlement.counter import Counter, counter_on, line
from tests.settlement.test_operations_fees import batches
from tests.settlement.world import START, Ticking, World, sqlite_url, world_on

TRIES: Final = 4
STAYS: Final[dict[str, Any]] = {"kind": "stay", "med_type": "", "chrg_bchno": "0000"}

Happens = Callable[[], Awaitable[object]]


async def nothing() -> None:
    """Another one was first, and left nothing that matters here."""


@dataclass
class Losing:
    """A store whose transactions are undone at their end as long as others are first; each does something before it is."""

    store: Any
    others: list[Happens] = field(default_factory=list)

    def reading(self) -> Any:
        """A snapshot of the store."""
        return self.store.reading()

    def looking(self) -> Any:
        """A snapshot of the store for one statement."""
        return self.store.looking()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Any]:
        """One transaction, lost where another is first."""
        other = self.others.pop(0) if self.others else None
        try:
            async with self.store.writing() as work:
                yield work
                if other is not None:
                    raise Moved
        finally:
            if other is not None:
                await other()


@dataclass
class Contest:
    """A world whose writes lose, and another one on the same books whose writes do not."""

    world: World
    rival: World
    books: Losing
    settlements: Losing

    def lost(self, *others: Happens) -> None:
        """What happens before the next attempts of the world."""
        self.books.others = [*others]
        self.settlements.others = [*others]


@pytest.fixture
async def contest(tmp_path: Path) -> AsyncIterator[Contest]:
    async with world_on(sqlite_url(tmp_path)) as world:
        rival = World(world.database, Ticking(START + timedelta(hours=1)), world.identity, world.catalogue)
        books, settlements = Losing(world.books), Losing(world.reversing.store)
        losing: Any = books
        losing_settlements: Any = settlements
        world.settling = replace(world.settling, books=losing)
        world.committer = Committer("settle", world.settling.commit, workers=1)
        world.reversing = replace(world.reversing, store=losing_settlements)
        try:
            yield Contest(world, rival, books, settlements)
        finally:
            await rival.committer.stop()
            await rival.trials.stop()


@pytest.mark.parametrize("kind", ["visit", "stay"])
@pytest.mark.parametrize("lost", [3, TRIES])
async def test_a_settlement_and_its_reversal_are_booked_once_however_often_they_are_lost(
    contest: Contest, lost: int, kind: str
) -> None:
    world = contest.world
    psn_no = world.person("P1")
    mdtrt_id = await world.encounter(psn_no, kind=kind, state="open" if kind == "visit" else "discharged")
    await world.fees(mdtrt_id, 300_000)
    order = world.order(psn_no, mdtrt_id, 300_000, "2207:A1", **(STAYS if kind == "stay" else {}))

    async def until_booked(act: Callable[[], Awaitable[Any]]) -> Any:
        contest.lost(*[nothing] * lost)
        if lost == TRIES:
            with pytest.raises(Fault, match="LEDGER_CONTENTION"):
                await act()
        return await act()

    settled = await until_booked(lambda: world.settle(order))
    assert await world.settle(order) == settled
    rows = await settlements(world)
    assert rows == [("settle", "2207:A1")]
    taken = await until_booked(lambda: world.take_back("2207", "A1", "2601:B1", psn_no))
    assert taken is False
    assert await world.take_back("2207", "A1", "2601:B1", psn_no) is False
    assert await settlements(world) == [*rows, ("reverse", "2601:B1")]
    again = await until_booked(lambda: world.settle(replace(order, stamp=replace(order.stamp, request_id="2207:A2"))))
    counter = await until_booked(lambda: world.reverse(again, "2208:B2"))
    assert counter.setlinfo.medfee_sumamt_fen == -300_000
    assert await world.accumulators(psn_no) == {}
    assert await world.findings() == ()


async def test_a_bill_is_decided_on_what_others_settled_and_reversed_meanwhile(contest: Contest) -> None:
    world, rival = contest.world, contest.rival
    psn_no = world.person("P1")
    bills = [await world.visit_with_fees(psn_no, 100_000) for _ in range(3)]
    made: list[Any] = []

    async def first() -> None:
        made.append(await rival.settle(rival.order(psn_no, bills[0], 100_000, "2207:R1")))

    async def second() -> None:
        made.append(await rival.settle(rival.order(psn_no, bills[1], 100_000, "2207:R2")))

    async def reversed_again() -> None:
        await rival.reverse(made[1], "2208:R3")

    contest.lost(first, second, reversed_again)
    settled = await world.settle(world.order(psn_no, bills[2], 100_000, "2207:A1"))
    assert (await world.accumulators(psn_no))["op_inscp"] == 200_000
    with pytest.raises(Fault, match="LATER_SETTLEMENT_EXISTS"):
        await rival.reverse(made[0], "2208:R4")
    await rival.reverse(settled, "2208:R5")
    await rival.reverse(made[0], "2208:R6")
    assert await world.accumulators(psn_no) == {}
    assert await world.findings() == ()


async def test_a_message_that_another_process_settles_first_is_a_repeat(contest: Contest) -> None:
    world, rival = contest.world, contest.rival
    psn_no = world.person("P1")
    order = world.order(psn_no, await world.visit_with_fees(psn_no, 90_000), 90_000, "2207:A1")
    told: list[Any] = []

    async def same() -> None:
        told.append(await rival.settle(order))

    contest.lost(nothing, same, nothing)
    assert await world.settle(order) == told[0]
    assert await settlements(world) == [("settle", "2207:A1")]


async def test_what_2601_tells_of_a_message_is_what_stands_when_it_is_told(contest: Contest) -> None:
    """It is not there, comes, is reversed, and the bill is settled by another message: one 2601 sees all of it."""
    world, rival = contest.world, contest.rival
    psn_no = world.person("P1")
    order = world.order(psn_no, await world.visit_with_fees(psn_no, 90_000), 90_000, "2207:A1")
    made: list[Any] = []

    async def comes() -> None:
        made.append(await rival.settle(order))

    async def reversed_by_number() -> None:
        await rival.reverse(made[0], "2208:R1")

    async def settled_anew() -> None:
        await rival.settle(replace(order, stamp=replace(order.stamp, request_id="2207:A2")))

    contest.lost(comes, reversed_by_number, settled_anew)
    assert await world.take_back("2207", "A1", "2601:B1", psn_no) is False
    assert await settlements(world) == [("settle", "2207:A1"), ("reverse", "2208:R1"), ("settle", "2207:A2")]
    assert await world.take_back("2207", "A1", "2601:B1", psn_no) is False
    assert (await world.accumulators(psn_no))["op_inscp"] == 90_000
    assert await world.findings() == ()


@pytest.mark.parametrize("lost", [3, TRIES])
async def test_admissions_fees_and_discharges_leave_one_entry_each(tmp_path: Path, lost: int) -> None:
    async with counter_on(sqlite_url(tmp_path)) as counter:
        losing, together = Losing(counter.books), Losing(CareBatches(counter.database))
        batches_lost: Any = together
        lost_together = Together(batches_lost, counter.writes.new_id, counter.writes.since)
        care: Committer[CareWrite, CareOutcome] = Committer("care", lost_together.commit)
        writes = replace(counter.writes, store=losing, submit=care.submit)
        counter.encounters = replace(counter.encounters, writes=writes)
        counter.fees = replace(counter.fees, writes=writes)

        async def until_kept(act: Callable[[], Awaitable[Any]]) -> Any:
            losing.others = [nothing] * lost
            together.others = [nothing] * lost
            if lost == TRIES:
                with pytest.raises(Fault, match="LEDGER_CONTENTION"):
                    await act()
            kept = await act()
            assert await act() == kept
            return kept

        mdtrt_id = await until_kept(lambda: counter.register("2401:1", kind=STAY))
        await until_kept(lambda: counter.upload("2301:1", mdtrt_id, line("1"), line("2"), kind=STAY))
        back = line("3", "A1", -1000, "-1", origin="1")
        await until_kept(lambda: counter.upload("2301:2", mdtrt_id, back, kind=STAY))
        assert sum(each.totals.medfee_fen for each in await batches(counter, mdtrt_id)) == 1000
        assert await entries(counter) == ["2301:1", "2301:2", "2401:1"]
        await care.stop()


async def settlements(world: World) -> list[tuple[str, str]]:
    """Kinds and request ids of all rows, in the order they came."""
    async with world.database.driver_read() as connection:
        rows = await connection.fetch("SELECT kind, request_id FROM settlement ORDER BY rowid", ())
    return [(row[0], row[1]) for row in rows]


async def entries(counter: Counter) -> list[str]:
    """Request ids of all entries, sorted."""
    async with counter.database.driver_read() as connection:
        rows = await connection.fetch("SELECT request_id FROM encounter_entry ORDER BY request_id", ())
    return [row[0] for row in rows]
