"""Orders as statements tell them: by when they were confirmed or reversed, page by page, and by number; each member its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.kernel.clock import to_micros
from services.settlement.domain.books.statements import SettledOrder
from services.settlement.operations.books.statements import AskedTotals
from services.settlement.store import statements
from tests.plans import scanned, statements_in
from tests.settlement.ordering import confirm, insured, later, open_bill, reverse_order, void
from tests.settlement.world import HOSPITAL, Still, World, sqlite_url, world_on

ALL = (0, 1 << 60)


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    sqlite = request.param == "sqlite"
    url = sqlite_url(tmp_path) if sqlite else str(request.getfixturevalue("postgres_database"))
    async with world_on(url, clock=Still()) as made:
        yield made


both = pytest.mark.parametrize(
    "world", ["sqlite", pytest.param("postgresql", marks=pytest.mark.torture)], indirect=True
)


async def opened(world: World, number: str, psn_no: str, opener: str = "payment") -> None:
    one = await insured(world, psn_no)
    mdtrt_id = await world.visit_with_fees(one, 20_000)
    await open_bill(world, world.order(one, mdtrt_id, 20_000, f"2207:{psn_no}"), number, opener=opener)


async def told(world: World, span: tuple[int, int] = ALL, *, reversed_ones: bool = False) -> list[SettledOrder]:
    """All of a list, read by pages of one."""
    reading, found, after = world.operations.statements, list[SettledOrder](), None
    while True:
        page = await reading.settled("payment", span, after, 1, reversed_ones=reversed_ones)
        found += page.entries
        if page.end is None:
            return found
        after = page.end[0], page.end[1]


@both
async def test_confirmed_orders_are_listed_in_their_order_and_reversed_ones_when_they_were(world: World) -> None:
    for number, psn_no in (("O1-1", "P1"), ("O2-1", "P2"), ("O3-1", "P3")):
        await opened(world, number, psn_no)
        await confirm(world, number, opener="payment")
        later(world, 10)
    await opened(world, "O4-1", "P4")
    await void(world, "O4-1", opener="payment")
    await opened(world, "O5-1", "P5")
    await opened(world, "O6-1", "P6", opener="routing")
    await confirm(world, "O6-1")
    listed = await told(world)
    assert [each.order_no for each in listed] == ["O1-1", "O2-1", "O3-1"]
    assert {(each.fixmedins_code, each.medfee_sumamt_fen, each.state) for each in listed} == {
        (HOSPITAL, 20_000, "standing")
    }
    assert [each.order_no for each in await told(world, (listed[1].at, listed[2].at))] == ["O2-1"]
    now = to_micros(world.clock())
    await reverse_order(world, "O2-1", opener="payment")
    assert [each.order_no for each in await told(world, reversed_ones=True)] == ["O2-1"]
    assert await told(world, (0, now), reversed_ones=True) == []
    found = await world.operations.statements.found("payment", ["O2-1", "O5-1", "O6-1", "O7-1", "O4-1"])
    states = {each.order_no: (each.phase, each.state) for each in found}
    assert states == {"O2-1": ("confirmed", "reversed"), "O5-1": ("pending", "pending"), "O4-1": ("void", "voided")}


@pytest.mark.parametrize("world", ["sqlite"], indirect=True)
async def test_no_statement_reads_a_whole_table(world: World) -> None:
    assert await scanned(world.database, statements_in(statements)) == []


@pytest.mark.parametrize("world", ["sqlite"], indirect=True)
async def test_totals_are_those_of_a_class_and_an_office_net_of_counter_entries(world: World) -> None:
    for number, psn_no in (("O1-1", "P1"), ("O2-1", "P2")):
        await opened(world, number, psn_no)
        await confirm(world, number, opener="payment")
    await opened(world, "O3-1", "P3")
    await reverse_order(world, "O2-1", opener="payment")
    reading = world.operations.statements
    asked = AskedTotals(HOSPITAL, ALL, "310", "", "11", "")
    whole, settled, back = [await reading.totals(replace(asked, kind=kind)) for kind in ("", "settle", "reverse")]
    assert (whole.number, whole.medfee_fen, settled.medfee_fen, back.medfee_fen) == (3, 20_000, 40_000, -20_000)
    assert whole.fund_fen + whole.acct_fen <= whole.medfee_fen
    others = (
        replace(asked, clr_type="21"),
        replace(asked, setl_optins="110000"),
        replace(asked, insutype="390"),
        replace(asked, fixmedins_code="H2"),
    )
    for other in others:
        assert (await reading.totals(other)).number == 0
    assert "中心3笔" in whole.told
    assert "200.00" in whole.told
