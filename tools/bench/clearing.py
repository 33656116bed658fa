"""A year of clearing, simulated: 32 provinces, a million settlements, on a clock of its own, through the operations of routing.

Every day is collected and checked three ways; every month is closed, answered, disputed here and there, netted and paid, one of
them after a roll-back. At the end the books verify themselves, and are compared with the year's own sums and with what plain
SQL reads of the file. The same seed gives the same hash.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.kernel.clock import day_start
from services.routing.domain.clearing.journals import SETTLE
from services.routing.domain.clearing.months import CLOSE, NETTED, Month
from services.routing.domain.clearing.months import PAID as MONTH_PAID
from services.routing.domain.clearing.parties import pair_of
from services.routing.domain.clearing.payments import FAILED, PAID, SENT
from services.routing.domain.clearing.prepaid import Movement
from services.routing.domain.clearing.statements import CARE, CONFIRMED, DISPUTED, INSURED, SideAnswer
from services.routing.domain.clearing.terms import DEFAULTS, month_of
from services.routing.operations import clearing_journals, clearing_months, clearing_payments
from services.routing.operations.clearing_verify import Verified, Verifying
from services.routing.store.clearing.verify import VerifyRows
from services.routing.store.unit import RoutingStore, Unit
from services.runtime.db import Database
from tools.bench import clearing_audit, report
from tools.bench.clearing_feed import Feed, Here, apart
from tools.bench.clearing_year import PROVINCES, Day, Year

YEAR: Final = 2026
AFTER: Final = 31
"""Days after the last one, in which its month is paid."""

_ROLLED_BACK: Final = f"{YEAR}-03"
_ROLL_BACK_DAY: Final = date(YEAR, 4, 12)
_ANSWER_EVERY: Final = 11
_DISPUTE_EVERY: Final = 97
# Of what is expected of a pair in a month: so that some prepayments come to each level.
_PREPAID_SHARE: Final = 2
_MEAN_FEN: Final = 210_000


@dataclass(slots=True)
class YearOutcome:
    """What came of a year."""

    settlements: int = 0
    reversals: int = 0
    late: int = 0
    differences: int = 0
    planted: int = 0
    disputes: int = 0
    left_out: int = 0
    roll_backs: int = 0
    payments: int = 0
    warnings: int = 0
    months_paid: int = 0
    verified: Verified | None = None
    faults: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        """Whether every computation came to the same, and every planted fault was found."""
        said = self.verified
        clean = said is not None and not said.findings and said.positions_fen == 0
        return clean and not self.faults and self.differences == self.planted

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Adds the time of a block."""
        begun = time.perf_counter()
        yield
        self.add(what, time.perf_counter() - begun)

    def add(self, what: str, seconds: float) -> None:
        """Adds to a time."""
        self.seconds[what] = self.seconds.get(what, 0.0) + seconds


@dataclass(slots=True)
class Simulation:
    """One year in one store."""

    store: RoutingStore
    feed: Feed
    settlements: int
    outcome: YearOutcome = field(default_factory=YearOutcome)
    today: date = date(YEAR, 1, 1)

    @property
    def now(self) -> datetime:
        """The simulated moment: evening of the day."""
        return day_start(self.today) + timedelta(hours=22)

    async def prepay(self) -> None:
        """Every province prepays every other one."""
        expected = self.settlements // 12 // (len(PROVINCES) * (len(PROVINCES) - 1)) * _MEAN_FEN
        areas = [f"{each}0000" for each in PROVINCES]
        async with self.store.write() as work:
            for insured in areas:
                for care in areas:
                    if insured != care:
                        pair = pair_of(insured, care)
                        amount = (expected or _MEAN_FEN) * _PREPAID_SHARE
                        movement = Movement(f"prepay:{insured}{care}", amount, "", self.now)
                        await clearing_payments.prepaid(work, pair, movement)

    async def day(self) -> int:
        """One day: what comes, the check, what is due, answers and payments; how many settlements came."""
        with self.outcome.timed("generate"):
            came = self.feed.day()
        async with self.store.write() as work:
            with self.outcome.timed("collect"):
                await clearing_journals.collected(work, came.journals, self.now)
            await self._check(work, came)
            with self.outcome.timed("months"):
                await self._months(work)
                await self._pay(work)
            ended = time.perf_counter()
        self.outcome.late += came.late
        self.outcome.add("commit", time.perf_counter() - ended)
        self.today += timedelta(days=1)
        return sum(each.kind == SETTLE for each in came.journals)

    async def _check(self, work: Unit, came: Day) -> None:
        with self.outcome.timed("lists"):
            for side, entries in came.lists.items():
                await clearing_journals.listed(work, self.today, side, entries)
        with self.outcome.timed("check"):
            found = await clearing_journals.checked(work, self.today, self.now, DEFAULTS)
        # A list that is complete misses what comes late.
        self.outcome.differences += found.difference_count
        self.outcome.planted += came.planted

    async def _months(self, work: Unit) -> None:
        if self.today.day == DEFAULTS.closes_on - 1:
            await self._leave_out(work)
        if self.today == _ROLL_BACK_DAY:
            await clearing_months.rolled_back(work, _ROLLED_BACK, self.now)
            self.outcome.roll_backs += 1
        for step in await clearing_months.run_due(work, self.now, DEFAULTS):
            if step.action == CLOSE:
                await self._answer(work, step.month)

    async def _leave_out(self, work: Unit) -> None:
        """One institution does not confirm some bills of last month."""
        month = month_of(self.today - timedelta(days=10))
        bills = await work.books.of_institution("H11000000001", month, 0, 20)
        named = [journal.setl_id for journal, *_ in bills]
        await work.books.confirm("H11000000001", month, named, "0", f"msg-{month}")
        self.outcome.left_out += len(bills)

    async def _answer(self, work: Unit, month: str) -> None:
        found = await work.months.find(month)
        for place, each in enumerate(await work.months.statements(found)):
            pair = (each.pair.insured_region, each.pair.care_region)
            if place % _DISPUTE_EVERY == 5:
                said = (INSURED, SideAnswer(DISPUTED, "amount"))
                self.outcome.disputes += 1
            elif place % _ANSWER_EVERY == 0:
                said = (CARE, SideAnswer(CONFIRMED))
            else:
                continue
            await clearing_months.answered(work, month, pair, said)

    async def _pay(self, work: Unit) -> None:
        """Orders are sent a day after netting, one of them fails, and all are paid on their day."""
        states = {DEFAULTS.nets_on + 1: SENT, DEFAULTS.nets_on + 2: FAILED, DEFAULTS.pays_by: PAID}
        state = states.get(self.today.day)
        if state is None:
            return
        for month in (await work.months.all()).values():
            if month.state == NETTED:
                await self._advance(work, month, state)

    async def _advance(self, work: Unit, month: Month, state: str) -> None:
        orders = await work.months.orders(month)
        for order in orders[:1] if state == FAILED else orders:
            if state == PAID and order.state == FAILED:
                await clearing_payments.advanced(work, order.payment_no, SENT, "again", self.now)
            await clearing_payments.advanced(work, order.payment_no, state, "", self.now)
        self.outcome.payments += len(orders) if state == PAID else 0


async def simulate(
    folder: Path,
    settlements: int,
    seed: int,
    told: Callable[[int], None] = lambda _: None,
    *,
    days: int = 365,
    two_processes: bool = False,
) -> YearOutcome:
    """Plays the year, or its first days, in a new SQLite file of the folder; `told` hears how many settlements each day has."""
    path = folder / f"clearing-{seed}-{settlements}.sqlite"
    year = Year(seed, settlements, date(YEAR, 1, 1), days)
    with apart(year, days + AFTER) if two_processes else nullcontext(Here(year)) as feed:
        simulation: Simulation | None = None
        database = Database(f"sqlite:///{path}", lambda: _now(simulation))
        store = RoutingStore(database)
        await store.start()
        try:
            simulation = Simulation(store, feed, settlements)
            outcome = simulation.outcome
            await simulation.prepay()
            for _ in range(days + AFTER):
                told(await simulation.day())
            claims, outcome.settlements, outcome.reversals = feed.sums()
            with outcome.timed("verify"):
                outcome.verified = await Verifying(VerifyRows(database)).verify()
            async with store.read() as work:
                outcome.warnings = len(await work.prepaid.warnings(("",) * 5, 1_000_000))
                outcome.months_paid = sum(each.state == MONTH_PAID for each in (await work.months.all()).values())
        finally:
            await database.close()
    with outcome.timed("audit"):
        outcome.faults = clearing_audit.faults(path, claims)
    return outcome


def _now(simulation: Simulation | None) -> datetime:
    return day_start(date(YEAR, 1, 1)) if simulation is None else simulation.now


def year(settlements: int, seed: int) -> bool:
    """Plays the year with a bar of its progress and prints what came of it; False where something does not agree."""
    print(report.heading(f"clearing: a year of {len(PROVINCES)} provinces, seed {seed} (at most 120 s for 1,000,000)"))
    columns = (TextColumn("   {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("settlements", total=settlements)

        def told(count: int) -> None:
            progress.advance(task, count)

        with _without_cycles():
            found = asyncio.run(simulate(Path(folder), settlements, seed, told, two_processes=True))
    for line in _told(found, time.perf_counter() - begun):
        print(f"   {line}")
    return found.agrees


@contextmanager
def _without_cycles() -> Iterator[None]:
    """A block in which nobody looks for cycles among millions of rows that have none."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _told(found: YearOutcome, took_s: float) -> Iterator[str]:
    yield f"{took_s:.0f} s in all: {', '.join(f'{what} {seconds:.1f}' for what, seconds in found.seconds.items())}"
    yield (
        f"{found.settlements:,} settlements, {found.reversals:,} reversals, {found.late:,} came late;"
        f" {found.differences:,} differences found of {found.planted:,} planted"
    )
    yield (
        f"{found.months_paid} months paid by {found.payments} orders; {found.disputes} disputes, {found.roll_backs}"
        f" roll-back, {found.left_out} bills left out of their month, {found.warnings:,} prepayment warnings"
    )
    if found.verified is not None:
        yield f"positions sum to {found.verified.positions_fen} fen; ledger hash {found.verified.ledger_hash}"
        yield from (f"FINDING {each}" for each in found.verified.findings)
    yield f"computed again from the file: {'agrees' if not found.faults else f'{len(found.faults)} differences'}"
    yield from (f"FAULT {each}" for each in found.faults[:20])
