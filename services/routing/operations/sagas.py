"""Sagas as they are begun, moved, waited for and taken up again. What is done in one, its own operation says.

Begins and moves are gathered into few commits. Only the begin is waited for: what is not written of an end is found out again
by the loop, for every step is safe to repeat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context
from datetime import timedelta
from typing import Any, Final, TypeAlias, TypeVar

from services.kernel.clock import MICROSECOND, Clock, to_micros
from services.kernel.elsewhere import still_under_way
from services.kernel.errors import Fault, FaultKind
from services.kernel.requests import Moved
from services.routing.domain.sagas import Move, Saga, SagaKind, State, leased, leased_until, moved, rested, same_message
from services.routing.store.unit import RoutingStore, Unit
from services.runtime.loops import cut_off
from services.runtime.writes import AGAIN, Again, decide_each

T = TypeVar("T")

MOST: Final = 1024
"""Sagas that one process works at for callers at the same time; whoever comes then is told to come later (our decision)."""
SPARE_S: Final = 5
"""For how long beyond its caller's time a saga is left to whoever began it."""
LOOP_LEASE_S: Final = 45
"""For how long the loop has one that it took: more than all its calls may last."""
KEPT: Final = timedelta(days=35)
"""How long a saga at rest is kept (our decision): as long as acknowledged notices. Of older ones the cells tell: they keep orders
and messages for ever.
"""
SOON_S: Final = 0.1
"""For how long an end that nobody waits for is kept back (our decision)."""
_FIRST_LOOK_S: Final = 0.02
_LONGEST_LOOK_S: Final = 0.25
_FIRST_S: Final = 3.0
"""What a list waits until one of it is answered (our decision)."""
BEHIND_S: Final = 1.0
"""What a list waits for the others once its first is answered, beside as long again as that took (our decision)."""
_BUSY: Final = "STORE_UNAVAILABLE"
_LATER_S: Final = 0.5

Item: TypeAlias = Saga | Move
"""A saga to begin, or a move of one."""
Kept: TypeAlias = Saga | Again
Submit: TypeAlias = Callable[[Item], Awaitable[Kept]]
"""Hands an item to the committer, whose batches `SagaBooks.commit` decides."""


class SagaBooks:
    """The rows of sagas, by lists."""

    def __init__(self, store: RoutingStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def now(self) -> int:
        """This moment by routing's clock."""
        return to_micros(self._clock())

    async def commit(self, items: Sequence[Item]) -> list[Kept | Fault]:
        """Decides and keeps a list in one transaction; of a begin, the saga in its way where there is one."""
        try:
            async with self._store.write() as work:
                moves = await self._moves(work, [each for each in items if isinstance(each, Move)])
                begins = await self._begins(work, [each for each in items if isinstance(each, Saga)])
        except Moved:
            return [AGAIN] * len(items)
        return [(begins if isinstance(each, Saga) else moves)[each.order_no] for each in items]

    async def find(self, order_no: str) -> Saga | None:
        """One as it stands."""
        async with self._store.read() as work:
            return (await work.sagas.find([order_no])).get(order_no)

    async def find_all(self, numbers: Sequence[str]) -> dict[str, Saga]:
        """Those of these numbers."""
        async with self._store.read() as work:
            return await work.sagas.find(numbers)

    async def take(self, most: int) -> list[Saga]:
        """Sagas that nobody has, with a lease from now on."""
        now = self.now()
        async with self._store.read() as work:
            if not await work.sagas.any_due(now):
                return []
        async with self._store.write() as work:
            taken = [leased(each, now, LOOP_LEASE_S) for each in await work.sagas.due(now, most)]
            await work.sagas.change(taken)
        return taken

    async def release(self) -> None:
        """Takes every lease away: for the one process that holds the store, as it begins. Whoever had them is gone."""
        async with self._store.write() as work:
            await work.sagas.release(self.now())

    async def prune(self, most: int) -> int:
        """Takes some of those away that came to rest long ago; how many."""
        async with self._store.read() as work:
            old = await work.sagas.old(self.now() - KEPT // MICROSECOND, most)
        if old:
            async with self._store.write() as work:
                await work.sagas.prune(old)
        return len(old)

    async def rest(self, order_no: str, reason: str) -> None:
        """One that cannot be ended now rests."""
        async with self._store.write() as work:
            saga = (await work.sagas.find([order_no], hold=True))[order_no]
            if saga.running:
                await work.sagas.change([rested(saga, reason, self.now())])

    async def _moves(self, work: Unit, moves: Sequence[Move]) -> dict[str, Kept | Fault]:
        if not moves:
            return {}
        sagas = await work.sagas.find(list({each.order_no for each in moves}), hold=True)
        before, now = dict(sagas), self.now()
        for each in moves:
            sagas[each.order_no] = moved(sagas[each.order_no], each, now)
        await work.sagas.change([each for order_no, each in sagas.items() if each is not before[order_no]])
        return {**sagas}

    async def _begins(self, work: Unit, asked: Sequence[Saga]) -> dict[str, Kept | Fault]:
        if not asked:
            return {}
        running = await work.sagas.in_the_way(asked)
        numbers = [each.order_no for each in asked if each.kind is SagaKind.PAY]
        known = await work.sagas.find(numbers) if numbers else {}
        of_message = {each.key: each for each in running}
        of_target = {each.target: each for each in running if each.target}
        outcomes: dict[str, Kept | Fault] = {}
        new: list[Saga] = []
        for each in asked:
            standing = of_message.get(each.key) or of_target.get(each.target) or known.get(each.order_no)
            try:
                if standing is not None:
                    same_message(each, standing)
                    outcomes[each.order_no] = standing
                    continue
            except Fault as fault:
                outcomes[each.order_no] = fault
                continue
            outcomes[each.order_no] = of_message[each.key] = known[each.order_no] = each
            if each.target:
                of_target[each.target] = each
            new.append(each)
        await work.sagas.add(new)
        return outcomes


class Sagas:
    """What an operation does with its saga. `failed` is told of a move that could not be written."""

    def __init__(
        self, books: SagaBooks, submit: Submit, new_id: Callable[[], str], failed: Callable[[BaseException], None]
    ) -> None:
        self.books = books
        self._submit = submit
        self._new_id = new_id
        self._failed = failed
        self._ending: set[asyncio.Task[Any]] = set()
        self._working: set[asyncio.Task[Any]] = set()
        self._under_way = 0
        self._unwritten: list[Move] = []
        self._due: asyncio.TimerHandle | None = None

    def new(
        self,
        kind: SagaKind,
        care_cell: str,
        insured_cell: str,
        message: tuple[str, str, str],
        act: str,
        left_s: float,
        target: str = "",
        setl_id: str = "",
    ) -> Saga:
        """A saga of a message (scope, request id, content hash), not begun yet, with a lease beyond its caller's time."""
        now = self.books.now()
        until = leased_until(now, int(left_s) + 1 + SPARE_S)
        return Saga(
            self._new_id(), kind, care_cell, insured_cell, *message, act, target, State.BEGUN, until, now, now, setl_id
        )

    def beginning(self, saga: Saga) -> Awaitable[Kept]:
        """Has it written that it begins, for who does something else until `begin` waits for that."""
        self._write_ends()
        return self._submit(saga)

    async def begin(self, saga: Saga, beginning: Awaitable[Kept] | None = None) -> Saga:
        """Stores that it begins, before anything is sent; another one comes back where that is in the way: one that settles or
        has settled the same message, that runs for it or for the same target, or, of an order of payment, that has its number.
        REQUEST_ID_REUSED.
        """
        kept = await (beginning or self.beginning(saga))
        return await self._kept_again(saga) if isinstance(kept, Again) else kept

    async def move(self, order_no: str, state: State, reason: str = "", setl_id: str = "") -> Saga:
        """Stores what it came to, and waits until that is written."""
        return await self._kept(Move(order_no, state, reason, setl_id))

    def end(self, order_no: str, state: State, reason: str = "", setl_id: str = "") -> None:
        """Has it written what it came to: the answer need not wait for that."""
        self._write(self._written(order_no, state, reason, setl_id))

    def end_soon(self, order_no: str, state: State, setl_id: str = "") -> None:
        """The same in the transaction of what is begun next, at the latest a moment later: a commit of its own would hold that
        up. For one whose row nothing else waits for.
        """
        self._unwritten.append(Move(order_no, state, setl_id=setl_id))
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(SOON_S, self._write_ends, context=Context())

    def leave(self, order_no: str, reason: str) -> None:
        """Leaves it to the loop, now."""
        self._write(self._left(order_no, reason))

    def later(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Has something done that no answer depends on, in the caller's context and so in its time."""
        return _kept_until_done(asyncio.get_running_loop().create_task(work), self._working)

    async def together(
        self, works: Sequence[Coroutine[Any, Any, T]], *, behind_s: float = BEHIND_S
    ) -> list[T | BaseException]:
        """What comes of each of a list, in order: its result or what it raised. STILL_UNDER_WAY stands for what takes much longer
        than the first that ends, as where a cell is dark: it goes on, and keeps none of the others waiting. So it does where
        nothing ends soon: a list knows no caller's time.
        """
        clock = asyncio.get_running_loop().time
        began = clock()
        tasks = [_kept_until_done(asyncio.create_task(work), self._working) for work in works]
        _, slow = await asyncio.wait(tasks, timeout=_FIRST_S, return_when=asyncio.FIRST_COMPLETED)
        if slow:
            await asyncio.wait(slow, timeout=behind_s + clock() - began)
        return [_outcome(task) if task.done() else still_under_way() for task in tasks]

    def _write_ends(self) -> None:
        if self._due is not None:
            self._due.cancel()
        ends, self._unwritten, self._due = self._unwritten, [], None
        if ends:
            self._write(self._all_written(ends))

    def _write(self, work: Coroutine[Any, Any, None]) -> None:
        # Outside of the caller's time.
        _kept_until_done(asyncio.get_running_loop().create_task(work, context=Context()), self._ending)

    async def ended(self, order_no: str, left_s: float) -> Saga | None:
        """The saga once it is at rest; None where the time is over first, or where nobody knows how long it will take: payment
        holds it open, or the loop took it up in vain.
        """
        loop = asyncio.get_running_loop()
        until, wait_s = loop.time() + left_s, _FIRST_LOOK_S
        while True:
            saga = await self.books.find(order_no)
            if saga is None or not saga.running:
                return saga
            if saga.held or saga.attempts > 1 or loop.time() + wait_s >= until:
                return None
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_LOOK_S)

    @contextmanager
    def room(self) -> Iterator[None]:
        """A place among those that are worked at for callers; QUEUE_FULL."""
        if self._under_way >= MOST:
            raise Fault(FaultKind.EXHAUSTED, "QUEUE_FULL", {"queue": "saga"}, retry_after_s=_LATER_S)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def idle(self, grace_s: float = 1.0) -> None:
        """Waits until what has ended is written, and for other work so long; what is cut off the loop takes up again."""
        await cut_off(self._working, grace_s)
        self._write_ends()
        while self._ending:
            await asyncio.wait(set(self._ending))

    async def _kept(self, item: Item) -> Saga:
        kept = await self._submit(item)
        return await self._kept_again(item) if isinstance(kept, Again) else kept

    async def _kept_again(self, item: Item) -> Saga:
        """The same where another process was first."""

        async def attempt(_: Sequence[None]) -> list[Saga | Fault | Again]:
            try:
                return [await self._submit(item)]
            except Fault as fault:
                return [fault]

        kept: Any
        (kept,) = await decide_each([None], attempt, _BUSY)
        if isinstance(kept, Fault):
            raise kept
        saga: Saga = kept
        return saga

    async def _written(self, order_no: str, state: State, reason: str, setl_id: str) -> None:
        try:
            await self.move(order_no, state, reason, setl_id)
        except Exception as error:  # noqa: BLE001  # the loop finds out again how it ended, and tells what is wrong for ever
            self._failed(error)

    async def _all_written(self, ends: Sequence[Move]) -> None:
        """The same of several, which go side by side."""
        outcomes = await asyncio.gather(*map(self._submit, ends), return_exceptions=True)
        for end, outcome in zip(ends, outcomes, strict=True):
            if not isinstance(outcome, Saga):
                await self._written(end.order_no, end.state, end.reason, end.setl_id)

    async def _left(self, order_no: str, reason: str) -> None:
        try:
            await self.books.rest(order_no, reason)
        except Exception as error:  # noqa: BLE001  # its lease ends by itself
            self._failed(error)


def _kept_until_done(task: asyncio.Task[T], tasks: set[asyncio.Task[Any]]) -> asyncio.Task[T]:
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task


def _outcome(task: asyncio.Task[T]) -> T | BaseException:
    if task.cancelled():
        return asyncio.CancelledError()
    return task.exception() or task.result()
