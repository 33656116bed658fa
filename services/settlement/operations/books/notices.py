"""The outbox: pages of notices, and how far they have arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from services.kernel.clock import Clock, to_micros
from services.runtime.loops import repeat
from services.settlement.domain.books.notices import Head, Placed
from services.settlement.store.outbox import Outbox

EVERY_S: Final = 15.0
"""How long the loop rests that counts what has not arrived."""


@dataclass(slots=True)
class Notices:
    """What NoticeService does. `waiting` are the notices that had not arrived when somebody last looked."""

    outbox: Outbox
    clock: Clock
    waiting: int = 0

    async def after(self, seq: int, limit: int) -> tuple[Sequence[Placed], Head]:
        """At most `limit` notices behind a place, and how far the outbox is, all of one moment."""
        async with self.outbox.reading() as snapshot:
            placed, head = await snapshot.after(seq, limit), await snapshot.head()
        self._seen(head)
        return placed, head

    async def ack(self, upto: int) -> int:
        """Keeps that notices have arrived up to a place, or to the last one where that comes first; what was kept."""
        async with self.outbox.writing() as work:
            kept = await work.ack(upto, to_micros(self.clock()))
            self._seen(await work.head())
        return kept

    async def waiting_now(self, limit: int) -> tuple[Sequence[Placed], Head]:
        """The first notices that have not arrived, at most `limit`, and how far the outbox is."""
        async with self.outbox.reading() as snapshot:
            head = await snapshot.head()
            placed = await snapshot.after(head.acked_seq, limit) if head.last_seq > head.acked_seq else []
        self._seen(head)
        return placed, head

    async def look(self) -> bool:
        """Counts anew what has not arrived; False: nothing more is to be done about it here."""
        async with self.outbox.reading() as snapshot:
            self._seen(await snapshot.head())
        return False

    def _seen(self, head: Head) -> None:
        self.waiting = head.last_seq - head.acked_seq


class NoticeLoop:
    """Does the same again and again, for as long as the member runs; `step` says whether more waits.

    `failed` is told why a step came to nothing: of several in a row that do, the first. `close` ends what the steps use.
    """

    def __init__(
        self,
        step: Callable[[], Awaitable[bool]],
        failed: Callable[[BaseException], None],
        every_s: float,
        close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._step = step
        self._close = close
        self._failed = failed
        self._every_s = every_s
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins."""
        self._task = asyncio.get_running_loop().create_task(
            repeat(self._stopping, self._step, self._failed, self._every_s)
        )

    async def stop(self, grace_s: float = 1.0) -> None:
        """Ends after what is under way, or after the grace where a stream does not answer."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=grace_s)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._close is not None:
            await self._close()
