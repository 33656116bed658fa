"""Orders whose time is over: ended by whoever meets one, and by a loop in every member.

Who meets one inside a transaction writes nothing, has it ended in a transaction of its own, which locks all whose accounts
paid, and decides again. Two that meet the same one are no harm: the second finds it void.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from services.kernel.clock import Clock, to_micros
from services.kernel.errors import Fault, FaultKind
from services.kernel.requests import Moved
from services.runtime.loops import repeat
from services.settlement.domain.orders import PendingOrder, order_pending

T = TypeVar("T")

EVERY_S: Final = 1.0
"""How long the loop rests between two looks."""

MOST: Final = 64
"""Orders that one look ends."""

_TRIES: Final = 4


class Lapsed(Exception):
    """An order was met whose time is over: nothing was written, end it and decide again."""

    def __init__(self, order_no: str) -> None:
        self.order_no = order_no
        super().__init__(order_no)


class Ending(Protocol):
    """Ends orders."""

    async def lapse(self, numbers: Sequence[str]) -> None:
        """Makes those of these orders void whose time is over, each with its counter-entry; `Moved`, and none is, where one
        of them cannot be ended now."""
        ...

    async def overdue(self, most: int) -> list[str]:
        """Orders whose time is over, the oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Lapsing:
    """Knows by the member's clock which order has lapsed, and has it ended."""

    clock: Clock
    ending: Ending

    def lapsed(self, blocking: PendingOrder) -> bool:
        """Whether its time is over."""
        return blocking.lapsed(to_micros(self.clock()))

    def check_free(self, blocking: PendingOrder | None) -> None:
        """Raises ORDER_PENDING where an order is pending, `Lapsed` where its time is over."""
        if blocking is not None:
            raise Lapsed(blocking.order_no) if self.lapsed(blocking) else order_pending(blocking)

    async def end(self, blocking: Iterable[PendingOrder]) -> None:
        """Ends those whose time is over; one that cannot be ended now stays in the way and is met again."""
        numbers = [each.order_no for each in blocking if self.lapsed(each)]
        if numbers:
            with suppress(Fault, Moved):
                await self.ending.lapse(numbers)

    async def past(self, attempt: Callable[[], Awaitable[T]], busy: str) -> T:
        """What `attempt` comes to once nothing lapsed is in its way; UNAVAILABLE `busy` where that goes on."""
        for _ in range(_TRIES):
            try:
                return await attempt()
            except Lapsed as met:
                with suppress(Moved):
                    await self.ending.lapse([met.order_no])
        raise Fault(FaultKind.UNAVAILABLE, busy, retry_after_s=EVERY_S)


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
