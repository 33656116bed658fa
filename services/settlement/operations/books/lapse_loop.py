"""Ends orders whose time is over and that nobody has met, by a loop in every member."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from services.kernel.errors import Fault
from services.runtime.loops import repeat
from services.settlement.operations.care.lapsing import EVERY_S, Ending

MOST: Final = 64
"""Orders that one look ends."""


class LapseLoop:
    """Ends what has lapsed and nobody has met, for as long as the member runs.

    `failed` is told why a look came to nothing: of several looks in a row that do, the first; and once of an order that
    cannot be ended.
    """

    def __init__(self, ending: Ending, failed: Callable[[BaseException], None], every_s: float = EVERY_S) -> None:
        self._ending = ending
        self._failed = failed
        self._every_s = every_s
        self._stuck: set[str] = set()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to look."""
        self._task = asyncio.get_running_loop().create_task(
            repeat(self._stopping, self._more, self._failed, self._every_s)
        )

    async def stop(self) -> None:
        """Ends after what is under way: nothing is cut off inside a transaction."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def look(self) -> int:
        """Ends what has lapsed, at most MOST; how many are ended."""
        numbers = await self._ending.overdue(MOST)
        if numbers:
            try:
                await self._ending.lapse(numbers)
            except Fault:
                raise
            except Exception:  # noqa: BLE001  # one order that cannot be ended must not keep the others
                return await self._one_by_one(numbers)
        return len(numbers)

    async def _one_by_one(self, numbers: Sequence[str]) -> int:
        ended = 0
        for order_no in numbers:
            try:
                await self._ending.lapse([order_no])
                ended += 1
                self._stuck.discard(order_no)
            except Exception as error:  # noqa: BLE001  # told once, and tried again at every look
                if order_no not in self._stuck:
                    self._failed(error)
                self._stuck.add(order_no)
        return ended

    async def _more(self) -> bool:
        return await self.look() == MOST
