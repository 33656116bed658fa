"""Orders whose time is over: ended by whoever meets one.

Who meets one inside a transaction writes nothing, has it ended in a transaction of its own, which locks all whose accounts
paid, and decides again. Two that meet the same one are no harm: the second finds it void.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from services.kernel.clock import Clock, to_micros
from services.kernel.errors import Fault, FaultKind
from services.kernel.requests import Moved
from services.settlement.domain.care.pending import PendingOrder, order_pending

T = TypeVar("T")

EVERY_S: Final = 1.0
"""How long a member rests between two looks for them."""

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
