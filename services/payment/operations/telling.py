"""The loop that tells institutions what became of their orders (6302): at least once, bounded, in the order in which it happened.

A notice is taken with a lease, told, and marked after its answer: whoever dies between the two tells it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Final

from services.kernel.errors import Fault
from services.payment.domain.notices import NoticeState, OrderNotice, TellingOutcome, after
from services.payment.domain.orders import PayOrder
from services.payment.domain.profiles import Profile
from services.payment.operations.books import Books
from services.payment.operations.ports import NoticePort
from services.runtime.loops import cut_off, repeat

EVERY_S: Final = 0.5
MOST: Final = 16
"""Notices that are told at the same time: a slow institution keeps at most one of its places for each of its orders."""
_COUNT_EVERY_S: Final = 10.0
_SLOW_S: Final = 2.0
_LEFT_ALONE_S: Final = 15.0
"""An institution that kept a place for long in vain is not asked again for so long: it would keep those of all others."""
_MOST_SLOW: Final = 4096


class Telling:
    """Tells what is due. `profile` says where an institution is told; `failed` hears of a notice that was given up, and of a look
    that came to nothing; `span` opens a block that is linked to the span of a traceparent. `counts` is how many payments and
    notices rest, as last counted.
    """

    def __init__(
        self,
        books: Books,
        institutions: NoticePort,
        profile: Callable[[str], Awaitable[Profile]],
        span: Callable[[str, str], AbstractContextManager[object]],
        failed: Callable[[str, str], None],
        every_s: float = EVERY_S,
    ) -> None:
        self._books = books
        self._institutions = institutions
        self._profile = profile
        self._span = span
        self._failed = failed
        self._every_s = every_s
        self.counts: dict[str, int] = {}
        self._count_at = 0.0
        self._slow: dict[str, tuple[float, str]] = {}
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[OrderNotice]] = set()

    def start(self) -> None:
        """Begins to look."""
        self._task = asyncio.get_running_loop().create_task(
            repeat(self._stopping, self.look, lambda error: self._failed("", type(error).__name__), self._every_s)
        )

    async def stop(self, grace_s: float = 1.0) -> None:
        """Ends after what is under way, or after the grace: what is cut off is told again."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        await cut_off(self._under_way, grace_s)

    async def look(self) -> bool:
        """Takes up what is due, as far as there is room, and does not wait for it; whether more waits."""
        await self._count()
        room = MOST - len(self._under_way)
        if room <= 0:
            return False
        due = await self._books.take_notices(room)
        for notice in due:
            task = asyncio.get_running_loop().create_task(self.tell(notice))
            self._under_way.add(task)
            task.add_done_callback(self._ended)
        return len(due) == room

    async def tell(self, notice: OrderNotice) -> OrderNotice:
        """Tells one and keeps what came of it."""
        order = await self._books.known_order(notice.pay_ord_id)
        with self._span(order.pay_ord_id, order.traceparent):
            outcome = await self._told(notice, order)
            marked = after(notice, outcome, self._books.now())
            await self._books.keep_notice(marked)
        if marked.state is NoticeState.GIVEN_UP:
            self._failed(marked.notice_no, marked.reason)
        return marked

    def _ended(self, task: asyncio.Task[OrderNotice]) -> None:
        """One that could not be marked is told again once its lease is over."""
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed("", type(error).__name__)

    async def _told(self, notice: OrderNotice, order: PayOrder) -> TellingOutcome:
        code, now = order.fixmedins_code, asyncio.get_running_loop().time
        until, why = self._slow.get(code, (0.0, ""))
        if now() < until:
            return TellingOutcome(reason=why)
        refund, begun = await self._books.refund(notice.refund_no) if notice.refund_no else None, now()
        try:
            outcome = await self._institutions.tell(await self._profile(code), notice, order, refund)
            if outcome.reason and now() - begun >= _SLOW_S:
                self._slow = self._slow if len(self._slow) < _MOST_SLOW else {}
                self._slow[code] = (now() + _LEFT_ALONE_S, outcome.reason)
            return outcome
        except Fault as fault:
            return TellingOutcome(reason=fault.reason)
        except Exception as error:  # noqa: BLE001  # a bug of ours ends in the list too, not in silence
            return TellingOutcome(reason=type(error).__name__)

    async def _count(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._count_at:
            self._count_at = now + _COUNT_EVERY_S
            async with self._books.read() as work:
                self.counts = await work.notices.counts()
