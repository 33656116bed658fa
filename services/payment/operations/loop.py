"""The loop that brings orders on at which nobody is: of a process that died, a person who pays later, a party that was away.

It goes on for ever, from the start of the member. What it cannot bring on rests and is tried again, and keeps no other waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Final

from services.kernel.errors import Fault, precondition
from services.payment.domain.orders import Charge, ChargeState, PayOrder, rested
from services.payment.domain.steps import RETURN_ABNORMAL
from services.payment.operations.books import Books, Stale, Write
from services.payment.operations.driving import Driving
from services.runtime.loops import cut_off, repeat

EVERY_S: Final = 0.5
"""How long it rests between two looks."""
MOST: Final = 64
"""Orders that it is at at the same time."""
PACE_S: Final = 0.004
"""Between the beginnings of two of them, where many are due or told of at once: each signs, verifies and writes on the event
loop, and 64 that began in one turn kept every caller waiting for a quarter of a second (our decision)."""
MOST_LATER: Final = 1024
"""Orders that wait for their turn after a notify; beyond it one waits for its lease to end."""
STEP_S: Final = 25.0
"""For how long it is at one: less than its lease."""
_FORGET_EVERY_S: Final = 600.0
_MOST_STUCK: Final = 4096
"""Numbers that are remembered as told; beyond it some are told again."""


class OrderLoop:
    """Brings due orders and stray charges on.

    `span` opens a block that is told under the order's number, and linked to the span of a traceparent. `failed` is told once of
    a look that came to nothing, and once of each order that cannot be brought on for a reason that is no absence.
    """

    def __init__(
        self,
        books: Books,
        driving: Driving,
        span: Callable[[str, str], AbstractContextManager[object]],
        failed: Callable[[BaseException, str], None],
        every_s: float = EVERY_S,
    ) -> None:
        self._books = books
        self._driving = driving
        self._span = span
        self._failed = failed
        self._every_s = every_s
        self._stuck: set[str] = set()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        self._free_at = 0.0
        self._forget_at = 0.0

    def start(self) -> None:
        """Begins to look."""
        self._task = asyncio.get_running_loop().create_task(
            repeat(self._stopping, self.look, lambda error: self._failed(error, ""), self._every_s)
        )

    async def stop(self, grace_s: float = 1.0) -> None:
        """Ends after what is under way, or after the grace: what is cut off is taken up again."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        await cut_off(self._under_way.values(), grace_s)

    async def look(self) -> bool:
        """Takes up what is due, as far as there is room, and does not wait for it; whether more waits."""
        await self._books.write_told()
        room = MOST - len(self._under_way)
        if room <= 0:
            return False
        orders = await self._books.take(room)
        for order in orders:
            if order.pay_ord_id not in self._under_way:
                self._begin(order.pay_ord_id, partial(self.take_up, order))
        strays = await self._books.strays(room - len(orders)) if len(orders) < room else []
        for charge in strays:
            if charge.charge_no not in self._under_way:
                self._begin(charge.charge_no, partial(self.give_back, charge))
        await self._look_late(room - len(orders) - len(strays))
        await self._forget()
        return len(orders) == room

    async def _look_late(self, room: int) -> None:
        """Asks once more about charges that nobody waits for."""
        for charge in await self._books.late(room) if room > 0 else []:
            if charge.charge_no not in self._under_way:
                self._begin(charge.charge_no, partial(self.ask_late, charge))

    def later(self, order: PayOrder) -> None:
        """Brings an order on that has just changed, without anybody's waiting for it: in its turn, so that who is waited for goes
        first.
        """
        if order.running and order.pay_ord_id not in self._under_way and len(self._under_way) < MOST_LATER:
            self._begin(order.pay_ord_id, partial(self.take_up, order))

    async def take_up(self, order: PayOrder) -> None:
        """Brings one on, or lets it rest."""
        try:
            with self._span(order.pay_ord_id, order.traceparent):
                await self._driving.drive(order, STEP_S)
            self._stuck.discard(order.pay_ord_id)
        except Exception as error:  # noqa: BLE001  # told once, and tried again for ever
            await self._rests(order.pay_ord_id, error)

    async def give_back(self, charge: Charge) -> None:
        """Gives a stray charge back, or leaves it for the next look."""
        try:
            with self._span(charge.pay_ord_id, charge.traceparent):
                after = await self._driving.stray(charge)
            if after.state is ChargeState.HELD:
                self._failed(
                    precondition("PAY_ORDER_HELD", pay_ord_id=charge.pay_ord_id, why=RETURN_ABNORMAL), charge.charge_no
                )
            self._stuck.discard(charge.charge_no)
        except Exception as error:  # noqa: BLE001  # as above
            self._tell(charge.charge_no, error)

    async def ask_late(self, charge: Charge) -> None:
        """Asks about one, or leaves it for the next look."""
        try:
            with self._span(charge.pay_ord_id, charge.traceparent):
                await self._driving.late(charge)
            self._stuck.discard(charge.charge_no)
        except Exception as error:  # noqa: BLE001  # as above
            self._tell(charge.charge_no, error)

    async def _paced(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Does it in its turn: a rest after the one before it really began, also where the event loop was late."""
        loop = asyncio.get_running_loop()
        async with self._turn:
            if (rest_s := self._free_at - loop.time()) > 0:
                await asyncio.sleep(rest_s)
            self._free_at = loop.time() + PACE_S
        await work()

    def _begin(self, key: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = asyncio.get_running_loop().create_task(self._paced(work))
        self._under_way[key] = task
        task.add_done_callback(lambda _: self._under_way.pop(key, None))

    def _tell(self, number: str, error: BaseException) -> None:
        if isinstance(error, Stale) or number in self._stuck:
            return
        if len(self._stuck) >= _MOST_STUCK:
            self._stuck.clear()
        self._stuck.add(number)
        self._failed(error, number)

    async def _rests(self, pay_ord_id: str, error: BaseException) -> None:
        try:
            order = await self._books.order(pay_ord_id)
            if order is None or not order.running:
                # What was refused is written with the order, which has come to rest by it.
                self._stuck.discard(pay_ord_id)
                return
            self._tell(pay_ord_id, error)
            if not isinstance(error, Stale):
                reason = error.reason if isinstance(error, Fault) else ""
                await self._books.keep(Write(rested(order, reason, self._books.now()), order.version))
        except Exception as away:  # noqa: BLE001  # the store is away, or another one is at it: its lease ends by itself
            self._tell(pay_ord_id, away)

    async def _forget(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._forget_at:
            self._forget_at = now + _FORGET_EVERY_S
            await self._books.forget()
