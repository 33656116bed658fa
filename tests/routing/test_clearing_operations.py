"""Months of clearing on a real store, from the first settlement to the last payment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from services.kernel.errors import Fault
from services.routing.domain.clearing.checks import ListDifference, ListEntry
from services.routing.domain.clearing.institutions import InstitutionSaid
from services.routing.domain.clearing.statements import CARE, CONFIRMED, DISPUTED, INSURED, SideAnswer
from services.routing.operations.clearing_verify import Verified, Verifying
from services.routing.store.clearing.verify import VerifyRows
from services.routing.store.unit import RoutingStore
from services.runtime.db import Database
from tests.routing.clearing_scene import BEIJING, MARCH, QINGDAO, SHANGHAI, Scene, journal, noon, reversal

APRIL: Final = "2026-04"
DAY: Final = date(2026, 3, 10)


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database, on each engine."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'routing.sqlite'}" if sqlite else request.getfixturevalue("postgres_database")
    made = Database(url, lambda: noon(3, 10))
    yield made
    await made.close()


@pytest.fixture
async def scene(database: Database) -> Scene:
    """Clearing on an empty store."""
    store = RoutingStore(database)
    await store.start()
    return Scene(store)


async def verified(database: Database) -> Verified:
    found = await Verifying(VerifyRows(database)).verify()
    assert found.findings == ()
    assert found.positions_fen == 0
    return found


async def test_a_month_is_closed_netted_and_paid_and_all_books_agree(scene: Scene, database: Database) -> None:
    first = journal("1")
    assert await scene.collect(first, journal("2", care=SHANGHAI), now=noon(3, 10)) == 2
    assert await scene.collect(first, now=noon(3, 11)) == 0
    await scene.collect(journal("3", BEIJING, SHANGHAI), journal("4", care=QINGDAO), now=noon(3, 12))
    assert (await scene.months.told(MARCH)).month.state == "open"
    assert await scene.close(MARCH, noon(4, 5)) == "closed"
    assert await scene.close(MARCH, noon(4, 6)) == "closed"
    assert await scene.net(MARCH, noon(4, 16)) == "netted"
    told = await scene.months.told(MARCH)
    assert [(each.circle, each.region, each.net_fen) for each in told.positions] == [
        ("000000", "110000", 0),
        ("000000", "310000", 150_000),
        ("000000", "370000", -150_000),
        ("370000", "370100", -75_000),
        ("370000", "370200", 75_000),
    ]
    assert told.statements[0].funds == {"310100": 70_000, "310200": 5_000}
    orders = (await scene.payments.listed(MARCH, "", 10)).entries
    assert [(each.payer_region, each.payee_region, each.amount_fen) for each in orders] == [
        ("370000", "310000", 150_000),
        ("370100", "370200", 75_000),
    ]
    assert await scene.advance(orders[0].payment_no, "sent", noon(4, 17)) == "sent"
    for order in orders:
        assert await scene.advance(order.payment_no, "paid", noon(4, 20)) == "paid"
    assert (await scene.months.told(MARCH)).month.state == "paid"
    assert (await verified(database)).journal_count == 4
    async with scene.store.read() as work:
        assert list(await work.months.all()) == [MARCH], "without a dispute nothing waits for April"


async def test_a_reversal_of_a_closed_month_clears_in_the_present_one(scene: Scene, database: Database) -> None:
    first = journal("1")
    await scene.collect(first, now=noon(3, 10))
    await scene.net(MARCH, noon(4, 16))
    await scene.collect(reversal(first, date(2026, 3, 31)), now=noon(4, 18))
    april = await scene.months.told(APRIL)
    assert [(each.reversed_count, each.amount_fen) for each in april.tallies] == [(1, -75_000)]
    assert [(each.region, each.net_fen) for each in april.positions] == [("110000", -75_000), ("370000", 75_000)]
    assert (await scene.months.told(MARCH)).statements[0].amount_fen == 75_000
    await verified(database)


async def test_a_dispute_is_carried_to_the_next_month_and_cleared_there(scene: Scene, database: Database) -> None:
    await scene.collect(journal("1"), journal("2", care=SHANGHAI), now=noon(3, 10))
    await scene.close(MARCH, noon(4, 5))
    for side, answer in ((INSURED, SideAnswer(DISPUTED, "amount", "one too many")), (CARE, SideAnswer(CONFIRMED))):
        await scene.months.answer(
            scene.stamp(), MARCH, ("370000", "110000"), (side, answer), noon(4, 8), lambda said: said.month.encode()
        )
    await scene.net(MARCH, noon(4, 16))
    march = await scene.months.told(MARCH)
    assert [(each.outcome, each.carried_to) for each in march.statements] == [("carried", APRIL), ("netted", "")]
    assert march.statements[0].insured == SideAnswer(DISPUTED, "amount", "one too many")
    await verified(database)
    await scene.net(APRIL, noon(5, 16))
    (april,) = (await scene.months.told(APRIL)).statements
    assert (april.amount_fen, april.carried_fen, april.outcome) == (0, 75_000, "netted")
    await verified(database)
    with pytest.raises(Fault, match="CLEARING_CARRIED_ON"):
        await scene.roll_back(MARCH, noon(5, 17))


async def test_a_month_is_rolled_back_until_something_of_it_is_paid(scene: Scene, database: Database) -> None:
    await scene.collect(journal("1"), now=noon(3, 10))
    await scene.net(MARCH, noon(4, 16))
    before = await verified(database)
    assert await scene.roll_back(MARCH, noon(4, 17)) == "open"
    assert await scene.roll_back(MARCH, noon(4, 17)) == "open"
    await scene.collect(journal("2"), now=noon(4, 17))
    assert await scene.net(MARCH, noon(4, 18)) == "netted"
    orders = (await scene.payments.listed(MARCH, "", 10)).entries
    assert [(each.run, each.state, each.amount_fen) for each in orders] == [(1, "void", 75_000), (2, "issued", 150_000)]
    assert (await verified(database)).ledger_hash != before.ledger_hash
    await scene.advance(orders[1].payment_no, "sent", noon(4, 19))
    with pytest.raises(Fault, match="CLEARING_MONTH_PAID"):
        await scene.roll_back(MARCH, noon(4, 20))
    with pytest.raises(Fault, match="CLEARING_PAYMENT_STATE"):
        await scene.advance(orders[0].payment_no, "sent", noon(4, 20))


async def test_everything_due_is_done_in_order_and_nothing_early(scene: Scene) -> None:
    await scene.collect(journal("1"), journal("2", day=date(2026, 2, 3)), now=noon(3, 10))

    async def run(month: int, day: int) -> str:
        said = await scene.months.run(
            scene.stamp(),
            "",
            noon(month, day),
            lambda steps: " ".join(f"{each.action} {each.month}" for each in steps).encode(),
        )
        return said.decode()

    assert await run(3, 4) == ""
    assert await run(3, 20) == "close 2026-02 net 2026-02"
    assert await run(3, 20) == ""
    assert await run(4, 5) == "close 2026-03"
    with pytest.raises(Fault, match="CLEARING_NOT_DUE"):
        await scene.net(MARCH, noon(4, 15))


async def test_a_day_is_checked_three_ways_and_every_difference_named(scene: Scene) -> None:
    await scene.collect(*(journal(str(number)) for number in range(1, 5)), now=noon(3, 10))
    insured = [ListEntry(str(number), "settle", "370000", 75_000) for number in (1, 2, 3)]
    care = [
        ListEntry("1", "settle", "110000", 75_000),
        ListEntry("2", "settle", "110000", 74_999),
        ListEntry("3", "settle", "310000", 75_000),
        ListEntry("4", "settle", "110000", 75_000),
        ListEntry("9", "settle", "110000", 1),
    ]
    for side, entries in ((INSURED, insured), (CARE, care), (CARE, care[:1])):
        await scene.collecting.submit(scene.stamp(), DAY, side, entries, noon(3, 11), lambda count: str(count).encode())
    counts = await scene.collecting.check(
        scene.stamp(), DAY, "", noon(3, 11), lambda found: repr(tuple(found)[:4]).encode()
    )
    assert counts == b"(4, 3, 5, 4)"
    (found, last) = await scene.collecting.differences(DAY, None, 10)
    assert last is not None
    assert last.difference_count == 4
    assert set(found.entries) == {
        ListDifference("4", "settle", "insured", "missing", 75_000, 0),
        ListDifference("2", "settle", "care", "amount", 75_000, 74_999),
        ListDifference("3", "settle", "care", "region", 75_000, 75_000),
        ListDifference("9", "settle", "care", "unknown", 0, 1),
    }
    late = [ListEntry("4", "settle", "370000", 75_000)]
    await scene.collecting.submit(scene.stamp(), DAY, INSURED, late, noon(3, 12), lambda count: b"")
    counts = await scene.collecting.check(
        scene.stamp(), DAY, "", noon(3, 12), lambda found: repr(tuple(found)[:4]).encode()
    )
    assert counts == b"(4, 4, 5, 3)"
    page, _ = await scene.collecting.differences(DAY, None, 2)
    assert page.end is not None
    rest, _ = await scene.collecting.differences(DAY, (page.end[0], page.end[1], page.end[2], page.end[3]), 2)
    assert (len(page.entries), len(rest.entries), rest.end) == (2, 1, None)
    other = [ListEntry("1", "settle", "370000", 1)]
    with pytest.raises(Fault, match="CLEARING_JOURNAL_EXISTS"):
        await scene.collecting.submit(scene.stamp(), DAY, INSURED, other, noon(3, 12), lambda count: b"")
    await scene.close(MARCH, noon(4, 5))
    for refused in (
        scene.collecting.submit(scene.stamp(), DAY, CARE, care, noon(4, 5), lambda count: b""),
        scene.collecting.check(scene.stamp(), DAY, "", noon(4, 5), lambda found: b""),
    ):
        with pytest.raises(Fault, match="CLEARING_MONTH_CLOSED"):
            await refused


async def test_prepayments_warn_as_claims_grow_and_are_free_again_when_these_are_paid(
    scene: Scene, database: Database
) -> None:
    async def prepay(amount_fen: int) -> None:
        await scene.payments.prepay(
            scene.stamp(),
            ("370100", "110000"),
            amount_fen,
            "",
            noon(3, 1),
            lambda account: str(account.balance_fen).encode(),
        )

    async def check(day: date) -> None:
        await scene.collecting.check(scene.stamp(), day, "", noon(day.month, day.day), lambda found: b"")

    await prepay(100_000)
    await scene.collect(journal("1"), now=noon(3, 10))
    await check(DAY)
    await scene.collect(journal("2", day=date(2026, 3, 11), parts=[("310100", 20_000)]), now=noon(3, 11))
    await check(date(2026, 3, 11))
    await check(date(2026, 3, 12))
    warned = (await scene.payments.warnings(None, 10)).entries
    assert [(each[0], each[2], each[3]) for each in warned] == [
        ("2026-03-10", "yellow", 75_000),
        ("2026-03-11", "red", 95_000),
    ]
    await scene.net(MARCH, noon(4, 16))
    (used,) = (await scene.payments.accounts(None, 10)).entries
    assert (used.used_fen, used.level, used.percent) == (95_000, "red", 95)
    (order,) = (await scene.payments.listed(MARCH, "", 10)).entries
    await scene.advance(order.payment_no, "paid", noon(4, 20))
    (used,) = (await scene.payments.accounts(None, 10)).entries
    assert (used.used_fen, used.level) == (0, "normal")
    with pytest.raises(Fault, match="CLEARING_PREPAYMENT_SHORT"):
        await prepay(-100_001)
    await prepay(-100_000)
    await verified(database)


async def test_bills_that_an_institution_leaves_out_clear_in_the_next_month(scene: Scene, database: Database) -> None:
    whose = ("H11000000001", MARCH)
    await scene.collect(journal("1"), journal("2"), journal("3", institution="H2"), now=noon(3, 10))
    told = [InstitutionSaid("1", "0", 100_000, 75_000), InstitutionSaid("2", "1", None, None)]

    async def say(said: list[InstitutionSaid], number: str) -> None:
        await scene.institutions.confirm(scene.stamp(), whose, said, number, noon(4, 2), lambda count: b"")

    await say(told, "m1")
    bills = await scene.institutions.bills(*whose, 0, 10)
    assert [(each.journal.setl_id, each.flag, each.number) for each in bills] == [("1", "0", "m1"), ("2", "1", "m1")]
    for wrong, reason in (
        (InstitutionSaid("3", "1", None, None), "NOT_FOUND"),
        (InstitutionSaid("1", "1", None, 1), "DIFFERS"),
    ):
        with pytest.raises(Fault, match=f"CLEARING_BILL_{reason}"):
            await say([wrong], "m2")
    back = await scene.institutions.withdraw(scene.stamp(), whose, "m1", noon(4, 2), lambda count: str(count).encode())
    assert back == b"2"
    await say(told, "m3")
    await scene.close(MARCH, noon(4, 5))
    assert [each.amount_fen for each in (await scene.months.told(MARCH)).statements] == [150_000]
    assert [each.amount_fen for each in (await scene.months.told(APRIL)).tallies] == [75_000]
    await verified(database)
    with pytest.raises(Fault, match="CLEARING_MONTH_CLOSED"):
        await say(told[1:], "m4")


async def test_the_check_finds_what_somebody_changed_in_the_books(scene: Scene, database: Database) -> None:
    await scene.collect(journal("1"), reversal(journal("2"), DAY), now=noon(3, 10))
    await scene.net(MARCH, noon(4, 16))
    assert (await verified(database)).reversals_alone == 1
    for change, rule in (
        ("UPDATE clearing_tally SET amount_fen = amount_fen + 1 WHERE fund = ''", "tally_equals_journals"),
        ("UPDATE clearing_statement SET amount_fen = amount_fen + 1", "statement_equals_journals"),
        (
            "UPDATE clearing_position SET net_fen = net_fen + 1, receivable_fen = receivable_fen + 1",
            "positions_sum_to_zero",
        ),
        ("UPDATE clearing_posting SET amount_fen = amount_fen + 1 WHERE region = '110000'", "source_sums_to_zero"),
    ):
        async with database.driver_write() as connection:
            await connection.fetch(change)
        rules = {each.rule for each in (await Verifying(VerifyRows(database)).verify()).findings}
        assert rule in rules
