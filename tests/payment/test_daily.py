"""Each day is reconciled once by itself: after its hour, one day at a time, again where something was lacking."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from services.kernel.clock import to_micros
from services.payment.domain.differences import Kind
from services.payment.domain.runs import DifferenceState, Run, RunState
from services.payment.operations.daily import AGAIN_S, LOOKED_BACK, MEMO, Daily
from services.payment.operations.reconciling import SILENT_S, Counted
from tests.payment.planted_days import DAY, Days, agreeing, plant
from tests.payment.test_reconciling import Office, office

HOUR = 11
NEXT = DAY + timedelta(days=1)
TEN = datetime(2026, 11, 29, 2, tzinfo=UTC)
"""10:00 in Beijing on the day after."""


@dataclass
class Morning:
    """The loop beside an office, whose clock stands still until it is moved."""

    desk: Office
    told: list[Counted] = field(default_factory=list)
    daily: Daily = field(init=False)

    def __post_init__(self) -> None:
        self.anew()

    def anew(self) -> None:
        """As after a restart: what it has begun is forgotten."""
        made = self.desk.store, self.desk.books, self.desk.reconciling, HOUR, nullcontext, self.told.append
        self.daily = Daily(*made, failed=lambda error: self.desk.failed.append(repr(error)))

    async def runs(self) -> list[Run]:
        """All runs that stand, by day."""
        async with self.desk.store.read() as work:
            found = await work.recon.last_runs(date(2026, 1, 1))
        return [found[day] for day in sorted(found)]

    async def looked(self, hours: float = 0) -> list[tuple[date, str]]:
        """The last run of each day, after some hours, a look, and the end of what it began."""
        self.desk.clock.on(hours * 3600)
        await self.daily.look()
        for each in await self.runs():
            if (
                each.state is RunState.RUNNING
                and not self.desk.reconciling.silent(each)
                and self.desk.bills.gate is None
            ):
                await self.desk.ended(each.day)
        return [(each.day, each.run_no) for each in await self.runs()]


def morning(desk: Office, moment: datetime = TEN) -> Morning:
    desk.clock.now = moment
    return Morning(desk)


def one_day() -> Days:
    days = agreeing(20, seed=51)
    for deal in days.deals:
        deal.late = False
    return days


async def test_a_day_is_reconciled_once_after_its_hour_and_what_differs_is_told(tmp_path: Path) -> None:
    days = agreeing(60, seed=52)
    plant(days, 1, (Kind.CHARGE_MISSING_HERE, Kind.SETTLEMENT_AMOUNT))
    async with office(tmp_path, days) as desk:
        made = morning(desk)
        assert await made.looked() == []
        ((day, run_no),) = await made.looked(hours=1)
        assert day == DAY
        (run,) = await made.runs()
        assert (run.state, run.only_look, run.memo) == (RunState.DONE, False, MEMO)
        # Nothing more is begun that day, by nobody who looks, and it is told once.
        assert await made.looked(hours=0.1) == [(DAY, run_no)]
        made.anew()
        assert await made.looked(hours=5) == [(DAY, run_no)]
        (told,) = made.told
        assert (told.run.run_no, told.counts[DifferenceState.OPEN]) == (run_no, 2)
        assert {each.difference.kind for each in await desk.kept(DAY)} == {
            Kind.CHARGE_MISSING_HERE,
            Kind.SETTLEMENT_AMOUNT,
        }
        # The next morning the next day.
        assert [day for day, _ in await made.looked(hours=19)] == [DAY, NEXT]


async def test_without_a_paid_order_there_is_nothing_to_reconcile(tmp_path: Path) -> None:
    async with office(tmp_path, Days(agreeing(1, 1).dice)) as desk:
        assert await morning(desk).looked(hours=48) == []


async def test_days_on_which_nobody_ran_are_made_good_one_after_the_other_for_a_week(tmp_path: Path) -> None:
    async with office(tmp_path, one_day()) as desk:
        made = morning(desk, TEN + timedelta(days=9))
        seen = [await made.looked(hours=0.01) for _ in range(LOOKED_BACK + 2)]
        last = (TEN + timedelta(days=9)).date() - timedelta(days=2)
        week = [last - timedelta(days=back) for back in range(LOOKED_BACK - 1, -1, -1)]
        assert [len(each) for each in seen] == [*range(1, LOOKED_BACK + 1), LOOKED_BACK, LOOKED_BACK]
        assert [day for day, _ in seen[-1]] == week


async def test_a_day_whose_bill_was_not_there_or_whose_cell_was_silent_is_begun_again(tmp_path: Path) -> None:
    days = one_day()
    async with office(tmp_path, days) as desk:
        made = morning(desk)
        desk.bills.away = {"1900099901"}
        (first,) = await made.looked(hours=1.5)
        assert await made.looked(hours=0.1) == [first]
        desk.bills.away = set()
        (second,) = await made.looked(hours=AGAIN_S / 3600)
        assert second != first
        assert await made.looked(hours=AGAIN_S / 3600) == [second]
        assert [bool(each.run.unread) for each in made.told] == [True, False]


async def test_what_people_did_before_the_hour_or_only_looked_at_is_done_all_the_same(tmp_path: Path) -> None:
    async with office(tmp_path, one_day()) as desk:
        made = morning(desk)
        await desk.reconciled(DAY, only_look=False)
        early = (await desk.reconciling.last(DAY)).run.run_no
        ((_, own),) = await made.looked(hours=1.5)
        assert own != early
        await desk.reconciled(DAY, only_look=True)
        looked_at = (await desk.reconciling.last(DAY)).run.run_no
        ((_, again),) = await made.looked(hours=0.1)
        assert again not in (own, looked_at)
        # One that people did whole after the hour is enough.
        await desk.reconciled(DAY, only_look=False)
        mine = (await desk.reconciling.last(DAY)).run.run_no
        assert await made.looked(hours=0.1) == [(DAY, mine)]


async def test_a_run_whose_process_died_is_taken_up_and_two_who_look_begin_one(tmp_path: Path) -> None:
    async with office(tmp_path, one_day()) as desk:
        made = morning(desk)
        desk.bills.gate = asyncio.Event()
        ((_, first),) = await made.looked(hours=1.5)
        # It is under way: nobody begins it again, nor another day.
        assert await made.looked() == [(DAY, first)]
        await desk.reconciling.stop(0)
        made.anew()
        assert await made.looked() == [(DAY, first)]
        desk.bills.gate.set()
        desk.bills.gate = None
        ((_, second),) = await made.looked(hours=(SILENT_S + 1) / 3600)
        assert second != first
        assert [each.state for each in await made.runs()] == [RunState.DONE]
        # Two processes that see the same runs make the same request.
        desk.bills.away = {"1900099901"}
        desk.clock.on(24 * 3600)
        other = Morning(desk)
        await asyncio.gather(made.daily.look(), other.daily.look())
        async with desk.store.read() as work:
            begun = await work.recon.last_runs(NEXT)
        assert len(begun) == 1
        await desk.ended(NEXT)


async def test_the_loop_outlives_what_goes_wrong_and_ends_when_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path, one_day()) as desk:
        made = morning(desk, TEN + timedelta(hours=2))
        calls = 0

        def now() -> int:
            nonlocal calls
            calls += 1
            if calls == 1:
                raise RuntimeError("away")
            return to_micros(desk.clock())

        monkeypatch.setattr(desk.books, "now", now)
        made.daily._every_s = 0.01
        made.daily.start()
        async with asyncio.timeout(10):
            while not await made.runs():  # noqa: ASYNC110 - as a looker-on does
                await asyncio.sleep(0.01)
        await made.daily.stop()
        assert desk.failed == [repr(RuntimeError("away"))]
        await desk.ended(DAY)
