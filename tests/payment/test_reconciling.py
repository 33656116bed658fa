"""Reconciliation of a day: every planted difference is found and named, none is invented; repairs, runs, and what people say."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from services.kernel.errors import Fault
from services.kernel.requests import RequestStamp
from services.payment.domain.charges import BillKind, BillLine
from services.payment.domain.differences import Kind, Repair
from services.payment.domain.held import Decision, Held, HeldKind, followed
from services.payment.domain.numbers import mark
from services.payment.domain.orders import ChargeState, RefundState
from services.payment.domain.phases import Phase
from services.payment.domain.runs import DifferenceState, Kept, Run, RunState, Stage
from services.payment.domain.steps import RETURN_ABNORMAL
from services.payment.operations.books import Books
from services.payment.operations.driving import Driving
from services.payment.operations.ports import BilledAccount, BillUnread
from services.payment.operations.reconciling import SILENT_S, Reconciling
from services.payment.operations.reconciling_books import Comparing
from services.payment.operations.reconciling_repairs import Repairing
from services.payment.store import compared_rows, recon_rows
from services.payment.store.unit import PaymentStore
from services.runtime.db import Database
from tests.payment import planted_days
from tests.payment.bill_fakes import FakeBills
from tests.payment.order_fakes import Booked, Dice, FakeChannel, FakeSettlement, Ticking
from tests.payment.planted_days import ACCOUNTS, DAY, PLANTS, Days, ToldBills, ToldStatements, agreeing, keep, plant
from tests.plans import scanned, statements_in

NEXT = DAY + timedelta(days=1)
NOW = datetime(2026, 11, 30, 4, tzinfo=UTC)


@dataclass
class SomeBills(ToldBills):
    """Bills of which some do not come. `meanwhile` happens before each is told."""

    away: set[str] = field(default_factory=set)
    gate: asyncio.Event | None = None

    async def bill(self, account: BilledAccount, day: date) -> Sequence[BillLine]:
        if self.gate is not None:
            await self.gate.wait()
        if account.merchant_no in self.away:
            raise BillUnread("STATUS_500")
        return await super().bill(account, day)


@dataclass
class Office:
    """Reconciliation on a store of its own, with fakes around it."""

    store: PaymentStore
    days: Days
    clock: Ticking
    bills: SomeBills
    channel: FakeChannel
    settlement: FakeSettlement
    books: Books
    reconciling: Reconciling
    statements: ToldStatements
    numbers: Callable[[], int]
    failed: list[str]

    def stamp(self, content: str = "") -> RequestStamp:
        number = f"r{self.numbers()}"
        return RequestStamp("test", number, "Reconcile", content or number)

    async def reconciled(self, day: date, *, only_look: bool = True) -> list[Kept]:
        """The differences of a day after a run."""
        await self.reconciling.begin(self.stamp(), day, only_look=only_look)
        assert (await self.ended(day)).state is RunState.DONE, self.failed
        return await self.kept(day)

    async def ended(self, day: date) -> Run:
        while (run := (await self.reconciling.last(day)).run).state is RunState.RUNNING:  # noqa: ASYNC110 - as a client asks
            await asyncio.sleep(0.01)
        return run

    async def kept(self, day: date | None = None) -> list[Kept]:
        async with self.store.read() as work:
            return await work.recon.differences(day, "", "", 1_000_000)


@asynccontextmanager
async def office(folder: Path, days: Days, url: str = "", cell: str = "sandbox") -> AsyncIterator[Office]:
    """A store with the days' books."""
    clock, dice, numbers = Ticking(NOW), Dice(1), count(1)
    dice.calm = True
    database, failed = Database(url or f"sqlite:///{folder}/{next(numbers)}-{id(days)}.sqlite", clock), list[str]()
    store, bills = PaymentStore(database), SomeBills(days)
    books, channel, settlement = Books(store, clock), FakeChannel(clock, dice), FakeSettlement(clock, dice)
    statements = ToldStatements(days)
    comparing = Comparing(store, books, bills, statements, lambda: f"D{next(numbers):09}", cell)
    driving = Driving(books, settlement, FakeBills(), channel)
    repairing = Repairing(store, books, driving, channel, lambda error, _: failed.append(repr(error)))
    reconciling = Reconciling(
        *(store, books, comparing, repairing, lambda: f"R{next(numbers):09}"),
        failed=lambda error, _: failed.append(repr(error)),
    )
    try:
        await store.start()
        await keep(store, days)
        yield Office(
            *(store, days, clock, bills, channel, settlement, books, reconciling),
            *(statements, lambda: next(numbers), failed),
        )
    finally:
        await reconciling.stop()
        await database.close()


def found(kept: Sequence[Kept]) -> set[tuple[Kind, str]]:
    return {(each.difference.kind, each.difference.number) for each in kept if each.state is DifferenceState.OPEN}


async def test_each_kind_of_difference_is_found_in_a_thousand_orders_and_none_is_invented(tmp_path: Path) -> None:
    days = agreeing(1000, seed=1)
    plant(days, 2)
    async with office(tmp_path, days) as desk:
        # STATEMENT is no difference of these books: an institution finds it.
        assert len(days.planted) == 2 * (len(Kind) - 1)
        kept = await desk.reconciled(DAY)
        assert found(kept) == {*days.planted}
        # The next day judges what was begun before midnight; what it finds is nothing new.
        assert found(await desk.reconciled(NEXT)) == set()
        # The same day again finds the same, under the same numbers.
        again = await desk.reconciled(DAY)
        assert found(again) == {*days.planted}
        assert {each.difference_no for each in again} == {each.difference_no for each in kept}


@pytest.mark.parametrize("seed", range(3))
async def test_random_plants_are_found_one_and_all(tmp_path: Path, seed: int) -> None:
    days, dice = agreeing(150, seed), random.Random(seed)
    plant(days, dice.randint(1, 4), dice.sample([*PLANTS], dice.randint(0, len(PLANTS))))
    async with office(tmp_path, days) as desk:
        assert found(await desk.reconciled(DAY)) == {*days.planted}
        assert found(await desk.reconciled(NEXT)) == set()


async def test_what_a_later_bill_has_is_missing_no_more_and_what_people_resolved_stays_so(tmp_path: Path) -> None:
    days = agreeing(60, seed=3)
    plant(days, 1, (Kind.CHARGE_MISSING_THERE, Kind.CURRENCY))
    (_, missing), deal = next((key, deal) for key, deal in days.planted.items() if key[0] is Kind.CHARGE_MISSING_THERE)
    async with office(tmp_path, days) as desk:
        kept = {each.difference.kind: each for each in await desk.reconciled(DAY)}
        stamp = desk.stamp("same")
        resolved = await desk.reconciling.resolve(stamp, kept[Kind.CURRENCY].difference_no, "asked the bank")
        assert (resolved.state, resolved.note) == (DifferenceState.RESOLVED, "asked the bank")
        assert await desk.reconciling.resolve(stamp, resolved.difference_no, "asked the bank") == resolved
        with pytest.raises(Fault, match="DIFFERENCE_NOT_FOUND"):
            await desk.reconciling.resolve(desk.stamp(), "D404", "nothing")
        assert deal is not None
        charge = deal.charge
        late = BillLine(BillKind.CHARGE, missing, charge.trade_no, charge.charged_fen, NEXT)
        days.alone.append((deal.account, late))
        # It is not missing any more, and the later bill has it on a day that is not its own.
        assert found(await desk.reconciled(NEXT)) == {(Kind.CHARGE_DAY, missing)}
        states = {each.difference.kind: each.state for each in await desk.reconciled(DAY)}
        assert states == {Kind.CHARGE_MISSING_THERE: DifferenceState.GONE, Kind.CURRENCY: DifferenceState.RESOLVED}


def of_cell(cell: str, seed: int) -> Days:
    """A day whose charges and refunds have the numbers that payment of a cell makes."""
    days, made = agreeing(40, seed), mark(cell)

    def named(number: str) -> str:
        back, own = ("B", number[1:]) if number[:1] == "B" else ("", number)
        return f"{back}{own[0]}{made}{int(own[1:]):020}" if own else ""

    for deal in days.deals:
        charge = deal.charge
        deal.charge = replace(charge, charge_no=named(charge.charge_no), return_no=named(charge.return_no))
        deal.order = replace(deal.order, charge_no=named(deal.order.charge_no))
        deal.refunds = [replace(each, refund_no=named(each.refund_no)) for each in deal.refunds]
        deal.lines = [replace(each, number=named(each.number)) for each in deal.lines]
    return days


async def test_cells_that_share_merchants_judge_their_own_lines_of_the_one_bill(tmp_path: Path) -> None:
    cells = ("sandbox", "110000", "370000")
    all_days = [of_cell(cell, seed) for seed, cell in enumerate(cells, 20)]
    shared = [(each.account, line) for days in all_days for each in days.deals for line in each.lines]
    for cell, days in zip(cells, all_days, strict=True):
        own = {line.number for each in days.deals for line in each.lines}
        days.alone += [each for each in shared if each[1].number not in own]
        charge = BillLine(BillKind.CHARGE, "HIS-2026-1", "T1", 100, DAY)
        lost = replace(charge, number=f"C{mark(cell)}{404:020}")
        back = replace(charge, number=f"F{mark(cell)}{404:020}", kind=BillKind.REFUND)
        days.alone += [(("wechat", "1900099901"), each) for each in (charge, lost, back)]
        async with office(tmp_path, days, cell=cell) as desk:
            # What this cell should know, and what none of ours can have made, is told; what is others' is counted.
            assert found(await desk.reconciled(DAY)) == {
                (Kind.CHARGE_MISSING_HERE, charge.number),
                (Kind.CHARGE_MISSING_HERE, lost.number),
                (Kind.REFUND_MISSING_HERE, back.number),
            }
            others = [
                line
                for _, line in days.alone
                if line.number not in own | {each.number for each in (charge, lost, back)}
            ]
            counted = (await desk.reconciling.last(DAY)).run.other_lines
            assert counted == len([each for each in others if each.day == DAY]) > 0
            assert found(await desk.reconciled(NEXT)) == set()


async def test_differences_are_listed_page_by_page_of_one_day_and_of_all(tmp_path: Path) -> None:
    days = agreeing(60, seed=9)
    plant(days, 2)
    async with office(tmp_path, days) as desk:
        kept = [each.difference_no for each in await desk.reconciled(DAY)]
        gone = (await desk.reconciling.resolve(desk.stamp(), kept[0], "checked")).difference_no
        for day in (None, DAY):
            for state, wanted in ((None, kept), (DifferenceState.OPEN, [each for each in kept if each != gone])):
                listed, after = list[str](), ""
                while True:
                    page = await desk.reconciling.differences(day, state, after, 4)
                    listed += [each.difference_no for each in page.entries]
                    if page.end is None:
                        break
                    (after,) = page.end
                assert listed == wanted
        assert not (await desk.reconciling.differences(NEXT, None, "", 4)).entries


async def test_a_bill_that_does_not_come_is_named_and_nothing_of_its_account_is_judged(tmp_path: Path) -> None:
    days = agreeing(200, seed=4)
    plant(days, 3, (Kind.CHARGE_MISSING_THERE,))
    async with office(tmp_path, days) as desk:
        first = await desk.reconciled(DAY)
        desk.bills.away = {number for channel, number in ACCOUNTS if channel == "wechat"}
        again = await desk.reconciled(DAY)
        run = (await desk.reconciling.last(DAY)).run
        assert run.unread == tuple(f"wechat {number} STATUS_500" for number in sorted(desk.bills.away))
        assert found(again) == found(first) == {*days.planted}
        # The next day's bills come, and what was before a gap of the bills is not looked for in them.
        desk.bills.away = set()
        assert found(await desk.reconciled(NEXT)) == set()


async def test_a_run_goes_on_once_is_joined_and_is_begun_anew_when_its_process_is_gone(tmp_path: Path) -> None:
    async with office(tmp_path, agreeing(5, seed=5)) as desk:
        with pytest.raises(Fault, match="RECONCILIATION_NOT_DUE"):
            await desk.reconciling.begin(desk.stamp(), date(2026, 11, 30), only_look=True)
        with pytest.raises(Fault, match="RECONCILIATION_NOT_FOUND"):
            await desk.reconciling.last(DAY)
        desk.bills.gate = asyncio.Event()
        stamp = desk.stamp()
        first = await desk.reconciling.begin(stamp, DAY, only_look=True)
        assert await desk.reconciling.begin(stamp, DAY, only_look=True) == first
        assert await desk.reconciling.begin(desk.stamp(), DAY, only_look=True) == first
        with pytest.raises(Fault, match="REQUEST_ID_REUSED"):
            await desk.reconciling.begin(replace(stamp, content_hash="other"), DAY, only_look=True)
        await desk.reconciling.stop(0)
        assert (await desk.reconciling.last(DAY)).run.state is RunState.RUNNING
        desk.clock.on(SILENT_S + 1)
        assert (await desk.reconciling.last(DAY)).run.state is RunState.BROKEN
        desk.bills.gate.set()
        second = await desk.reconciling.begin(desk.stamp(), DAY, only_look=True)
        assert second != first
        ended = await desk.ended(DAY)
        assert (ended.run_no, ended.state, ended.stage) == (second, RunState.DONE, Stage.SETTLEMENTS)
        assert await desk.reconciling.begin(stamp, DAY, only_look=True) == first


async def test_what_is_safe_is_mended_and_the_rest_is_left_to_people(tmp_path: Path) -> None:
    days = agreeing(200, seed=6)
    plant(days, 2)
    async with office(tmp_path, days) as desk:
        for each in days.deals:
            if each.lines and each.charge.charge_fen:
                desk.channel.booked[each.charge.charge_no] = Booked(
                    each.charge.charge_fen, "charged", each.charge.charge_fen
                )
            desk.settlement.states[each.order.open_no] = "stands" if each.settled else "pending"
            desk.settlement.lapses[each.order.open_no] = NOW + timedelta(hours=1)
        kept = await desk.reconciled(DAY, only_look=False)
        states = {kind: {each.state for each in kept if each.difference.kind is kind} for kind in Kind}
        mended = {kind for kind, each in states.items() if each == {DifferenceState.REPAIRED}}
        assert mended == {
            Kind.CHARGE_BEHIND,
            Kind.CHARGE_LATE,
            Kind.CHARGE_NUMBER,
            Kind.REFUND_BEHIND,
            Kind.ORDER_BEHIND,
        }
        assert {each.note for each in kept if each.difference.repair is Repair.PEOPLE} == {""}
        notes = {each.difference.kind: each.note for each in kept if each.difference.repair is not Repair.PEOPLE}
        assert notes[Kind.CHARGE_MISSING_THERE] == "CHANNEL_SAYS_ABSENT"
        assert notes[Kind.REFUND_MISSING_THERE] == "CHANNEL_HAS_IT"
        for (kind, _), deal in days.planted.items():
            assert deal is not None
            order, charge = (
                await desk.books.order(deal.order.pay_ord_id),
                await desk.books.charge(deal.charge.charge_no),
            )
            assert order is not None
            assert charge is not None
            if kind is Kind.CHARGE_LATE:
                assert charge.state is ChargeState.RETURNING
            if kind in (Kind.CHARGE_BEHIND, Kind.ORDER_BEHIND, Kind.REFUND_BEHIND):
                assert order.phase is Phase.PAID
        refunds = [each for key, each in days.planted.items() if key[0] is Kind.REFUND_BEHIND]
        for deal in refunds:
            assert deal is not None
            refund = await desk.books.refund(deal.refunds[-1].refund_no)
            assert refund is not None
            assert refund.state is RefundState.DONE
        # What is mended is not found again, and the rest is.
        again = await desk.reconciled(DAY)
        open_ones = {key for key in days.planted if key[0] not in mended}
        assert found(again) == open_ones


@pytest.mark.torture
async def test_a_day_is_compared_and_mended_on_postgresql(tmp_path: Path, postgres_database: str) -> None:
    days = agreeing(1000, seed=8)
    plant(days, 2)
    async with office(tmp_path, days, postgres_database) as desk:
        assert found(await desk.reconciled(DAY)) == {*days.planted}
        # The channel here knows nothing of a charge, so that refunds of it are a bug: the others are mended all the same.
        kept = await desk.reconciled(DAY, only_look=False)
        assert desk.failed
        open_ones = found(kept)
        assert {each.difference.kind for each in kept} == {*Kind} - {Kind.STATEMENT}
        assert open_ones <= {*days.planted}
        resolved = await desk.reconciling.resolve(desk.stamp(), kept[0].difference_no, "done")
        assert resolved.state is DifferenceState.RESOLVED


async def test_a_refund_that_people_took_as_given_back_is_not_asked_for_again(tmp_path: Path) -> None:
    """Its money went another way: the channel, whose trouble is over, would give it back a second time."""
    days = agreeing(20, seed=3)
    deal = next(
        each for each in days.deals if each.charge.charge_fen and each.account[0] == "wechat" and not each.refunds
    )
    refund = planted_days.refund_gone(days, deal)
    taken = followed(
        Held(HeldKind.REFUND, RETURN_ABNORMAL, replace(deal.order, phase=Phase.HELD), None, replace(refund)),
        Decision.TAKEN_AS_GIVEN_BACK,
        refund.done_at,
    ).refund
    assert taken is not None
    deal.refunds[-1] = replace(taken, state=RefundState.DONE)
    cash = deal.charge.charge_fen
    async with office(tmp_path, days) as desk:
        desk.channel.booked[deal.charge.charge_no] = Booked(cash, "charged", cash)
        assert await desk.reconciled(DAY, only_look=False) == []
        assert desk.channel.booked[deal.charge.charge_no].returns == {}


async def test_no_statement_reads_a_whole_table(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/payment.sqlite", Ticking(NOW))
    await PaymentStore(database).start()
    try:
        for module in (recon_rows, compared_rows):
            few = {recon_rows._OLD_LINES["sqlite"], recon_rows._OLD_BILLS["sqlite"]}
            assert await scanned(database, [each for each in statements_in(module) if each not in few]) == []
    finally:
        await database.close()
