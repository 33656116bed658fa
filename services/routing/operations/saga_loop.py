"""The loop that ends what nobody is at any more: sagas of a process that died, of a caller who left, of a cell that was away.

It goes on for ever, from the start of the member. One that cannot be ended rests and is tried again, and keeps no other waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import Final

from services.kernel.errors import AWAY, Fault
from services.routing.domain.sagas import Move, Saga, SagaKind
from services.routing.operations.sagas import SagaBooks, Sagas
from services.runtime.loops import cut_off, repeat

EVERY_S: Final = 0.5
"""How long the loop rests between two looks."""
MOST: Final = 64
"""Sagas that it works at at the same time."""
PRUNED_EVERY_S: Final = 60.0
"""How often it looks for sagas at rest that are kept no longer; at once again where there are more than it takes away."""
MOST_PRUNED: Final = 500
"""Rows that it takes away in one transaction, which keeps others from writing so long."""

End = Callable[[Saga], Awaitable[Move]]
"""Ends a saga whose outcome nobody knows, by asking the cells; raises the Fault of one that is away."""


class SagaLoop:
    """Ends sagas whose lease is over, each by the operation of its kind.

    `span` opens a block that is told under the saga's number. `failed` is told once of a look that came to nothing, and once of
    each saga that cannot be ended for another reason than that a cell is away.
    """

    def __init__(
        self,
        sagas: Sagas,
        ends: Mapping[SagaKind, End],
        span: Callable[[Saga], AbstractContextManager[object]],
        failed: Callable[[BaseException, str], None],
        every_s: float = EVERY_S,
    ) -> None:
        self._sagas = sagas
        self._books: SagaBooks = sagas.books
        self._ends = ends
        self._span = span
        self._failed = failed
        self._every_s = every_s
        self._stuck: set[str] = set()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._prune_at = 0.0

    def start(self) -> None:
        """Begins to look."""
        self._task = asyncio.get_running_loop().create_task(
            repeat(self._stopping, self._more, lambda error: self._failed(error, ""), self._every_s)
        )

    async def stop(self, grace_s: float = 1.0) -> None:
        """Ends after what is under way, or after the grace: what is cut off is taken up again."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        await cut_off(self._under_way, grace_s)

    async def look(self) -> int:
        """Takes up what is due, as far as there is room, and does not wait for it; how many were taken."""
        room = MOST - len(self._under_way)
        taken = await self._books.take(room) if room else []
        for saga in taken:
            task = asyncio.get_running_loop().create_task(self.take_up(saga))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(taken)

    async def prune(self) -> None:
        """Takes old rows away where it is time for that."""
        now = asyncio.get_running_loop().time()
        if now >= self._prune_at and await self._books.prune(MOST_PRUNED) < MOST_PRUNED:
            self._prune_at = now + PRUNED_EVERY_S

    async def take_up(self, saga: Saga) -> None:
        """Ends one, or lets it rest."""
        try:
            with self._span(saga):
                move = await self._ends[saga.kind](saga)
                await self._sagas.move(move.order_no, move.state, move.reason, move.setl_id)
            self._stuck.discard(saga.order_no)
        except Exception as error:  # noqa: BLE001  # told once, and tried again for ever
            reason = error.reason if isinstance(error, Fault) else type(error).__name__
            if reason not in AWAY and saga.order_no not in self._stuck:
                self._stuck.add(saga.order_no)
                self._failed(error, saga.order_no)
            await self._rests(saga, reason)

    async def _rests(self, saga: Saga, reason: str) -> None:
        try:
            await self._books.rest(saga.order_no, reason)
        except Exception as error:  # noqa: BLE001  # the store is away: its lease ends by itself
            self._failed(error, saga.order_no)

    async def _more(self) -> bool:
        taken = await self.look()
        await self.prune()
        return taken == MOST
