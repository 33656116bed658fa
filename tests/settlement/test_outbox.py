"""The outbox: what is cleared between regions is noticed in the transaction that books it, once and without gaps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.kernel.errors import Fault
from services.runtime.committer import Committer
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.entries import REVERSE, SETTLE
from services.settlement.domain.books.notices import CARE, INSURED, KEPT, Head, Notice, Placed
from services.settlement.domain.care.catalogue import Institution
from services.settlement.operations.books.notices import Notices
from services.settlement.store import outbox as outbox_store
from services.settlement.store.outbox import Outbox
from tests.plans import scanned, statements_in
from tests.settlement.ordering import confirm, open_bill, reason_of, reverse_order, stamp_of, void
from tests.settlement.test_operations_carried import carried, line, opened
from tests.settlement.world import OTHER_HOSPITAL, TRACEPARENT, Still, World, sqlite_url, world_on
from yibao.common.v1 import codes_pb2

ELSEWHERE = "H37010000001"


@asynccontextmanager
async def town(url: str, workers: int = 1) -> AsyncIterator[World]:
    """A settlement with a hospital of another province, and one of another city of its own."""
    async with world_on(url, workers, Still()) as made:
        for code, place in ((ELSEWHERE, "370100"), (OTHER_HOSPITAL, "990200")):
            made.catalogue.institutions[code] = Institution(code, "异地测试医院", "1", "1", "", "3", place)
        made.person("P1")
        yield made


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """On SQLite."""
    async with town(sqlite_url(tmp_path)) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
async def any_world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """On each database, with several commits at the same time where that takes them."""
    url = sqlite_url(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgres_database")
    async with town(url, 1 if request.param == "sqlite" else 4) as made:
        yield made


def notices(world: World) -> Notices:
    return Notices(Outbox(world.database), world.clock)


async def told(world: World, after: int = 0, limit: int = 100) -> list[Placed]:
    return [*(await notices(world).after(after, limit))[0]]


async def head(world: World) -> Head:
    return (await notices(world).after(0, 1))[1]


async def away(world: World, psn_no: str = "P1", amount: int = 300_000) -> BillRequest:
    """A bill of the other city, to be settled at once."""
    mdtrt_id = await world.encounter(psn_no, hospital=OTHER_HOSPITAL)
    await world.fees(mdtrt_id, amount)
    return world.order(psn_no, mdtrt_id, amount, f"2207:{mdtrt_id}", hospital=OTHER_HOSPITAL)


async def test_a_confirmed_order_of_a_carried_bill_and_its_reversal_are_noticed_with_funds_and_account(
    any_world: World,
) -> None:
    world = any_world
    await world.open_ledger("P1", balance=100_000, current=40_000)
    info = (
        await opened(
            world, carried(world, line(world, "1", 400_000), acct_used_flag=codes_pb2.ACCT_USED_FLAG_OWN), "O1"
        )
    ).setlinfo
    assert await told(world) == []
    await confirm(world, "O1")
    assert info.hifp_pay_fen > 0
    assert info.acct_pay_fen > 0
    parts = (("310100", info.hifp_pay_fen), ("310200", info.acct_pay_fen))
    at = int(world.clock.at.timestamp() * 1_000_000)
    made = Notice(
        *(SETTLE, (INSURED,), info.setl_id, "O1", "C1", ELSEWHERE, "990100", "370100", "310", "11", at),
        *(400_000, parts),
    )
    assert await told(world) == [Placed(1, made, TRACEPARENT)]
    world.clock.at += timedelta(hours=1)
    await reverse_order(world, "O1", request="r1")
    await reverse_order(world, "O1", request="r2")
    (_, back) = await told(world)
    assert (back.seq, back.notice.kind, back.notice.setl_id, back.notice.order_no == "O1") == (
        2,
        REVERSE,
        info.setl_id,
        False,
    )
    assert back.notice.parts == tuple((fund, -fen) for fund, fen in parts)
    assert (back.notice.bill_total_fen, back.notice.at - at) == (-400_000, 3_600_000_000)
    assert (back.notice.fixmedins_code, back.notice.sides) == (ELSEWHERE, (INSURED,))


async def test_what_was_never_confirmed_or_refused_is_not_noticed(world: World) -> None:
    await opened(world, carried(world), "O1")
    await void(world, "O1")
    await opened(world, carried(world), "O2")
    world.clock.at += timedelta(seconds=61)
    assert await reason_of(confirm(world, "O2")) == "ORDER_LAPSED"
    assert (await told(world), await head(world)) == ([], Head())


async def test_care_in_another_city_of_the_cell_is_noticed_for_both_places_in_one_commit(world: World) -> None:
    settled = await world.settle(await away(world))
    setl_id = settled.setlinfo.setl_id
    (placed,) = await told(world)
    assert (placed.notice.sides, placed.notice.setl_id, placed.notice.order_no) == ((INSURED, CARE), setl_id, setl_id)
    assert (placed.notice.insured_area, placed.notice.care_area) == ("990100", "990200")
    assert placed.notice.fixmedins_code == OTHER_HOSPITAL
    await world.reverse(settled, "2208:1", hospital=OTHER_HOSPITAL)
    assert [each.notice.kind for each in await told(world)] == [SETTLE, REVERSE]


async def test_bills_at_home_write_no_row(world: World) -> None:
    await world.settle(world.order("P1", await world.visit_with_fees("P1", 300_000), 300_000, "2207:1"))
    second = await world.visit_with_fees("P1", 300_000)
    await open_bill(world, world.order("P1", second, 300_000, "2207:2"), "O1")
    await confirm(world, "O1")
    await reverse_order(world, "O1")
    assert await head(world) == Head()


async def test_places_have_no_gaps_whoever_books_at_the_same_moment_and_whatever_is_refused(any_world: World) -> None:
    world = any_world
    people = [world.person(f"P{number}") for number in range(2, 8)]
    world.committer = Committer("settle", world.settling.commit, max_batch=1, workers=world.workers)
    bills = [await away(world, psn_no) for psn_no in people]
    wrong = replace(bills[0], bill=replace(bills[0].bill, medfee_sumamt_fen=1), stamp=stamp_of("wrong"))
    outcomes = await asyncio.gather(*(world.settle_all(each) for each in (*bills, wrong)))
    assert sum(isinstance(each, Fault) for (each,) in outcomes) == 1
    found = await told(world)
    assert [each.seq for each in found] == [1, 2, 3, 4, 5, 6]
    assert len({each.notice.setl_id for each in found}) == 6


async def test_a_bill_whose_notice_cannot_be_written_is_not_settled_and_takes_no_place(world: World) -> None:
    first, second = await away(world), await away(world, world.person("P2"))
    async with world.database.driver_write() as connection:
        await connection.fetch("INSERT INTO outbox VALUES (1, 'settle', '', '', 0)")
    (refused,) = await world.settle_all(first)
    assert isinstance(refused, Fault)
    assert await world.accumulators("P1") == {}
    async with world.database.driver_write() as connection:
        await connection.fetch("DELETE FROM outbox")
    await world.settle(second)
    assert [each.seq for each in await told(world)] == [1]


async def test_what_has_arrived_is_kept_a_while_and_then_taken_away_in_steps(any_world: World) -> None:
    world = any_world
    people = [world.person(f"P{number}") for number in range(2, 6)]
    for psn_no in people[:3]:
        await world.settle(await away(world, psn_no))
    outbox = notices(world)
    assert await outbox.ack(9) == 3
    assert (await head(world), outbox.waiting) == (Head(1, 3, 3), 0)
    world.clock.at += KEPT + timedelta(hours=1)
    await world.settle(await away(world, people[3]))
    await outbox.look()
    assert outbox.waiting == 1
    # Told again that only two have arrived: the third is kept, however old it is.
    assert await outbox.ack(2) == 2
    assert await head(world) == Head(3, 4, 2)
    assert [each.seq for each in await told(world, 2, 1)] == [3]
    assert await outbox.ack(4) == 4
    assert (await head(world), outbox.waiting) == (Head(4, 4, 4), 0)


async def test_a_receiver_that_was_never_told_anything_acknowledges_nothing(world: World) -> None:
    assert await notices(world).ack(5) == 0


async def test_every_statement_of_the_outbox_begins_at_an_index(world: World) -> None:
    assert await scanned(world.database, statements_in(outbox_store)) == []
