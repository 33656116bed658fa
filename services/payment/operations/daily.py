"""The reconciliation of each day that begins by itself: once a day, after the providers' bills are there.

What it has to do it reads out of the runs that stand, so that it goes on after a restart, makes good what was missed while nobody
ran, and never does a day twice. A day whose run came to nothing, or lacked a bill or another cell, is begun again after a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import date, timedelta
from typing import Final

from services.kernel.clock import beijing_day, day_start, from_micros, to_micros
from services.kernel.requests import RequestStamp
from services.payment.domain.orders import SECOND
from services.payment.domain.runs import Run, RunState
from services.payment.operations.books import Books
from services.payment.operations.reconciling import Counted, Reconciling
from services.payment.store.unit import PaymentStore
from services.runtime.loops import repeat

EVERY_S: Final = 30.0
"""How long it rests between two looks."""
AGAIN_S: Final = 1800
"""After how long a day is begun again whose run was not whole (our decision)."""
LOOKED_BACK: Final = 7
"""Days for which it is made good that nobody reconciled them, or not whole; older ones are left to people (our decision)."""
MEMO: Final = "daily"
_SCOPE: Final = "payment"


class Daily:
    """Begins them, one at a time. `hour` is that of Beijing from which on the day before is due.

    `told` hears how each that it has begun ended, `span` opens a block for one, and `failed` is told of a look that came to
    nothing.
    """

    def __init__(
        self,
        store: PaymentStore,
        books: Books,
        reconciling: Reconciling,
        hour: int,
        span: Callable[[], AbstractContextManager[object]],
        told: Callable[[Counted], None],
        failed: Callable[[BaseException], None],
        every_s: float = EVERY_S,
    ) -> None:
        self._store = store
        self._books = books
        self._reconciling = reconciling
        self._hour = timedelta(hours=hour)
        self._span = span
        self._told = told
        self._failed = failed
        self._every_s = every_s
        self._begun: dict[date, str] = {}
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to look."""
        self._task = asyncio.get_running_loop().create_task(
            repeat(self._stopping, self.look, self._failed, self._every_s)
        )

    async def stop(self) -> None:
        """Ends after the look that is under way; what was begun is `Reconciling`'s to stop."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def look(self) -> bool:
        """Begins the oldest day that wants it, unless one is under way; whether more waits is known once that has ended."""
        now = self._books.now()
        latest = beijing_day(from_micros(now) - self._hour) - timedelta(days=1)
        async with self._store.read() as work:
            first_paid = await work.compared.first_paid()
            if first_paid is None:
                return False
            first = max(beijing_day(from_micros(first_paid)), latest - timedelta(days=LOOKED_BACK - 1))
            runs = await work.recon.last_runs(first)
        await self._tell(runs)
        if any(each.state is RunState.RUNNING and not self._reconciling.silent(each) for each in runs.values()):
            return False
        for back in range((latest - first).days, -1, -1):
            day = latest - timedelta(days=back)
            if self._wants(day, runs.get(day), now):
                await self._begin(day, runs.get(day))
                break
        return False

    def _wants(self, day: date, run: Run | None, now: int) -> bool:
        """Whether a day is to be begun: it was not, its process is gone, people have only looked, it was before its bills could
        be there, or it lacked something and is long enough ago.
        """
        if run is None or run.state is RunState.RUNNING or not run.ended_at:
            return True
        due_at = to_micros(day_start(day) + timedelta(days=1) + self._hour)
        if run.state is RunState.DONE and (run.only_look or run.begun_at < due_at):
            return True
        whole = run.state is RunState.DONE and not run.unread and not run.unasked
        return not whole and now - run.ended_at >= AGAIN_S * SECOND

    async def _begin(self, day: date, before: Run | None) -> None:
        """Whoever else looks at the same runs makes the same request, and joins."""
        named = f"{MEMO} {day} {before.run_no if before else ''}".strip()
        stamp = RequestStamp(_SCOPE, named, "Reconcile", named)
        with self._span():
            self._begun[day] = await self._reconciling.begin(stamp, day, only_look=False, memo=MEMO)

    async def _tell(self, runs: Mapping[date, Run]) -> None:
        for day, run_no in [*self._begun.items()]:
            run = runs.get(day)
            if run is not None and run.run_no == run_no and run.state is RunState.RUNNING:
                continue
            del self._begun[day]
            if run is not None and run.run_no == run_no:
                self._told(await self._reconciling.last(day))
