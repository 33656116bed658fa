"""Orders that nobody confirms in time: ended by whoever meets one, by a late confirmation, and by the member itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import text

from services.kernel.errors import Fault, FaultKind
from services.settlement.domain.books import orders as domain
from services.settlement.domain.books.entries import StoredAnswer
from services.settlement.operations.books.lapse_loop import LapseLoop
from tests.settlement.ordering import (
    confirm,
    insured,
    later,
    open_bill,
    reason_of,
    renew,
    state,
    void,
)
from tests.settlement.world import Still, World, sqlite_url, world_on


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """On SQLite, and with three committers on PostgreSQL where the test says so."""
    sqlite = getattr(request, "param", "sqlite") == "sqlite"
    url = sqlite_url(tmp_path) if sqlite else str(request.getfixturevalue("postgres_database"))
    async with world_on(url, workers=1 if sqlite else 3, clock=Still()) as made:
        yield made


_RARELY = pytest.param("postgresql", marks=pytest.mark.torture)
both_rarely = pytest.mark.parametrize("world", ["sqlite", _RARELY], indirect=True)


async def test_a_late_confirmation_is_refused_and_leaves_nothing(world: World) -> None:
    psn_no = await insured(world)
    bill = world.order(psn_no, await world.visit_with_fees(psn_no, 230_000), 230_000, "2207:1", use_own=True)
    await open_bill(world, bill, "O1")
    later(world, 59)
    await renew(world, "O1", 10)
    later(world, 10)
    assert await reason_of(confirm(world, "O1")) == "ORDER_LAPSED"
    assert (await world.orders.order("O1")).cause == domain.LAPSED
    assert await state(world, psn_no) == ({}, (100_000, 40_000))
    assert await reason_of(confirm(world, "O1")) == await reason_of(renew(world, "O1")) == "ORDER_LAPSED"
    assert await reason_of(open_bill(world, bill, "O1")) == "ORDER_LAPSED"
    assert await world.findings() == ()


@both_rarely
async def test_whoever_meets_a_lapsed_order_ends_it_and_goes_on(world: World) -> None:
    psn_no = await insured(world)
    amounts = {"settle": 1_000, "open": 2_000, "try": 3_000, "reverse": 4_000}
    bills = {name: await world.visit_with_fees(psn_no, fen) for name, fen in amounts.items()}
    first = await world.settle(world.order(psn_no, bills["reverse"], 4_000, "2207:R"))
    for number, name in enumerate(amounts):
        mdtrt_id = await world.visit_with_fees(psn_no, 230_000)
        await open_bill(world, world.order(psn_no, mdtrt_id, 230_000, f"2207:L{number}"), f"L{number}")
        later(world, 61)
        match name:
            case "settle":
                await world.settle(world.order(psn_no, bills[name], 1_000, "2207:S"))
            case "open":
                await open_bill(world, world.order(psn_no, bills[name], 2_000, "2207:O"), "O1")
                await void(world, "O1")
            case "try":
                assert (await world.try_bill(world.order(psn_no, bills[name], 3_000))).pending_order_no == ""
            case _:
                assert await reason_of(world.reverse(first, "2208:1")) == "LATER_SETTLEMENT_EXISTS"
        assert (await world.orders.order(f"L{number}")).cause == domain.LAPSED
    assert await world.accumulators(psn_no) == {"op_dedc": 5_000, "op_inscp": 5_000}
    assert await world.findings() == ()


async def test_the_loop_outlives_what_fails_and_tells_of_it_once() -> None:
    class Away:
        """A store that is away for three looks, and then holds an order that nothing can end."""

        def __init__(self) -> None:
            self.looks = 0

        async def overdue(self, most: int) -> list[str]:
            self.looks += 1
            if self.looks <= 3:
                raise Fault(FaultKind.UNAVAILABLE, "STORE_UNAVAILABLE")
            return ["bad", "O1"] if self.looks == 4 else []

        async def lapse(self, numbers: Sequence[str]) -> None:
            if "bad" in numbers:
                raise RuntimeError("a bug")
            ended.extend(numbers)

    ended: list[str] = []
    told: list[str] = []
    away = Away()
    loop = LapseLoop(away, lambda error: told.append(str(error)), every_s=0.001)
    loop.start()
    for _ in range(500):
        await asyncio.sleep(0.005)
        if away.looks > 5:
            break
    await loop.stop()
    assert ended == ["O1"]
    assert told == ["STORE_UNAVAILABLE", "a bug"]


@both_rarely
async def test_the_loop_ends_what_nobody_meets_and_only_what_has_lapsed(world: World) -> None:
    people = [await insured(world, f"P{number}") for number in range(5)]
    for number, psn_no in enumerate(people):
        bill = world.order(psn_no, await world.visit_with_fees(psn_no, 1_000), 1_000, f"2207:{number}")
        await open_bill(world, bill, f"O{number}", expires=10 * (number + 1))
    loop = LapseLoop(world.orders, lambda _: None, every_s=0.01)
    later(world, 30)
    # Two members look at the same moment.
    assert max(await asyncio.gather(loop.look(), loop.look())) == 3
    phases = [(await world.orders.order(f"O{number}")).phase for number in range(5)]
    assert phases == [domain.VOID] * 3 + [domain.PENDING] * 2
    later(world, 30)
    loop.start()
    for _ in range(500):
        await asyncio.sleep(0.01)
        if (await world.orders.order("O4")).phase == domain.VOID:
            break
    await loop.stop()
    assert (await world.orders.order("O4")).cause == domain.LAPSED
    assert await world.findings() == ()


async def test_an_order_that_cannot_be_ended_keeps_no_other(world: World) -> None:
    for number in range(3):
        psn_no = await insured(world, f"P{number}")
        bill = world.order(psn_no, await world.visit_with_fees(psn_no, 1_000), 1_000, f"2207:{number}")
        await open_bill(world, bill, f"O{number}")
    async with world.database.write() as connection:
        await connection.execute(text("UPDATE settlement SET state = 'standing' WHERE request_id = '2207:0'"))
    later(world, 61)
    told: list[BaseException] = []
    # It has ended two, so that it rests before the next look.
    loop = LapseLoop(world.orders, told.append)
    assert [await loop.look(), await loop.look()] == [2, 0]
    assert [(await world.orders.order(f"O{number}")).phase for number in range(3)] == [
        domain.PENDING,
        *[domain.VOID] * 2,
    ]
    assert len(told) == 1
    beside = world.order("P1", await world.visit_with_fees("P1", 500), 500, "2207:B")
    waiting = world.order("P0", await world.visit_with_fees("P0", 500), 500, "2207:A")
    settled, refused = await world.settle_all(beside, waiting)
    assert isinstance(settled, StoredAnswer)
    assert isinstance(refused, Fault)
    assert refused.reason == "LEDGER_CONTENTION"
