"""Reconciliation of days: begun once, told how far it is, its differences listed and resolved. It goes on when its
caller has gone.

A run whose process has died is found by its silence, and a new one begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from services.kernel.clock import FIRST_BUSINESS_DAY, beijing_day, from_micros
from services.kernel.errors import not_found, precondition
from services.kernel.pages import Page, page_of
from services.kernel.requests import Moved, RequestStamp, repeated
from services.payment.domain.orders import SECOND
from services.payment.domain.runs import DifferenceState, Kept, Run, RunState, Stage
from services.payment.operations.books import Books
from services.payment.operations.reconciling_books import Comparing
from services.payment.operations.reconciling_repairs import Repairing
from services.payment.store.unit import PaymentStore
from services.runtime.loops import cut_off

SILENT_S: Final = 60
"""After how long a run that tells nothing is taken for gone: longer than any of its steps (our decision)."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A run with how many differences of its day stand in each state."""

    run: Run
    counts: dict[DifferenceState, int]


class Reconciling:
    """Runs reconciliations. `failed` is told of a run that came to nothing."""

    def __init__(
        self,
        store: PaymentStore,
        books: Books,
        comparing: Comparing,
        repairing: Repairing,
        new_run_no: Callable[[], str],
        failed: Callable[[BaseException, str], None],
    ) -> None:
        self._store = store
        self._books = books
        self._comparing = comparing
        self._repairing = repairing
        self._new_run_no = new_run_no
        self._failed = failed
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def begin(self, stamp: RequestStamp, day: date, *, only_look: bool, memo: str = "") -> str:
        """Begins a run of a day, or joins the one that is under way; its number.

        RECONCILIATION_NOT_DUE, REQUEST_ID_REUSED.
        """
        now = self._books.now()
        if not FIRST_BUSINESS_DAY <= day < beijing_day(from_micros(now)):
            raise precondition("RECONCILIATION_NOT_DUE", day=f"{day}")
        while True:
            try:
                run, begun = await self._begun(stamp, day, only_look=only_look, memo=memo)
                break
            except Moved:
                continue
        if begun:
            self._go_on(run)
        return run.run_no

    async def last(self, day: date) -> Counted:
        """The last run of a day; RECONCILIATION_NOT_FOUND."""
        async with self._store.read() as work:
            run, counts = await work.recon.last_run(day), await work.recon.counts(day)
        if run is None:
            raise not_found("RECONCILIATION_NOT_FOUND", day=f"{day}")
        return Counted(replace(run, state=RunState.BROKEN) if self.silent(run) else run, counts)

    async def differences(self, day: date | None, state: DifferenceState | None, after: str, size: int) -> Page[Kept]:
        """A page by number, of a day or of all, in a state or in any."""
        async with self._store.read() as work:
            found = await work.recon.differences(day, "" if state is None else state.value, after, size + 1)
        return page_of(found, size, lambda each: (each.difference_no,))

    async def resolve(self, stamp: RequestStamp, difference_no: str, memo: str) -> Kept:
        """Keeps that people have mended one; DIFFERENCE_NOT_FOUND, REQUEST_ID_REUSED."""
        now = self._books.now()
        async with self._store.write() as work:
            known = repeated(stamp, await work.journal.find(stamp))
            found = await work.recon.difference(difference_no)
            if found is None:
                raise not_found("DIFFERENCE_NOT_FOUND", difference_no=difference_no)
            if known is not None:
                return found
            await work.recon.change(difference_no, DifferenceState.RESOLVED, memo, now)
            await work.journal.add_all([self._books.entry(stamp, difference_no.encode())])
            return await work.recon.difference(difference_no) or found

    def silent(self, run: Run) -> bool:
        """Whether a run that has not ended tells nothing any more: its process is gone."""
        quiet = self._books.now() - run.beat_at > SILENT_S * SECOND
        return run.state is RunState.RUNNING and quiet and run.run_no not in self._under_way

    async def stop(self, grace_s: float = 1.0) -> None:
        """Cuts off what is under way: it is begun anew by who asks for it again."""
        await cut_off(self._under_way.values(), grace_s)

    async def _begun(self, stamp: RequestStamp, day: date, *, only_look: bool, memo: str) -> tuple[Run, bool]:
        now = self._books.now()
        async with self._store.write() as work:
            known = repeated(stamp, await work.journal.find(stamp))
            if known is not None:
                run = await work.recon.run(known.response.decode())
                if run is None:
                    raise AssertionError("a run is kept with its entry")
                return run, False
            run, begun = await work.recon.last_run(day), False
            if run is not None and self.silent(run):
                await work.recon.keep_run(replace(run, state=RunState.BROKEN, ended_at=now))
                run = None
            if run is None or run.state is not RunState.RUNNING:
                run = Run(self._new_run_no(), day, RunState.RUNNING, Stage.BILLS, only_look, now, now, memo=memo)
                await work.recon.keep_run(run)
                begun = True
            await work.journal.add_all([self._books.entry(stamp, run.run_no.encode())])
            return run, begun

    def _go_on(self, run: Run) -> None:
        task = asyncio.get_running_loop().create_task(self._run(run))
        self._under_way[run.run_no] = task
        task.add_done_callback(lambda _: self._under_way.pop(run.run_no, None))

    async def _run(self, run: Run) -> None:
        try:
            run = await self._comparing.compare(run)
            if not run.only_look:
                run = await self._comparing.told(run, stage=Stage.REPAIRS)
                await self._repairing.repair(run.day, lambda: self._comparing.beat(run))
            await self._comparing.told(run, state=RunState.DONE, ended_at=self._books.now())
        except Exception as error:  # noqa: BLE001  # told once; whoever asks for the day again begins anew
            self._failed(error, run.run_no)
            await self._broken(run.run_no)

    async def _broken(self, run_no: str) -> None:
        try:
            async with self._store.write() as work:
                run = await work.recon.run(run_no)
                if run is not None:
                    await work.recon.keep_run(replace(run, state=RunState.BROKEN, ended_at=self._books.now()))
        except Exception as error:  # noqa: BLE001  # the store is away: the run is taken for gone by its silence
            self._failed(error, run_no)
