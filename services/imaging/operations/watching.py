"""Numbers by which an alarm is raised: days that differ, nodes that are behind or silent, conflicts that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from services.imaging.domain.conflicts import Waiting
from services.imaging.domain.drift import Totals
from services.imaging.operations.digests import DigestOperations
from services.kernel.clock import Clock
from services.runtime.loops import cut_off, repeat

EVERY_S: Final = 30.0
_GRACE_S: Final = 1.0


class Watching:
    """Counts again and again, for gauges that are read at any moment. `failed` is told why a count came to nothing."""

    def __init__(
        self, digests: DigestOperations, clock: Clock, failed: Callable[[Exception], None], every_s: float = EVERY_S
    ) -> None:
        self._digests, self._clock, self._failed, self._every_s = digests, clock, failed, every_s
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.totals = Totals(0, 0, 0)
        self.waiting = Waiting()

    def start(self) -> None:
        """Begins, in the loop that runs."""
        self._tasks = [asyncio.create_task(repeat(self._stopping, self.look, self._failed, self._every_s))]

    async def stop(self) -> None:
        """Ends."""
        self._stopping.set()
        await cut_off(self._tasks, _GRACE_S)

    async def look(self) -> bool:
        """Counts once; there is never more to do at once."""
        self.totals = await self._digests.totals(self._clock())
        self.waiting = await self._digests.waiting_conflicts()
        return False
