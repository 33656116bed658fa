"""Work that goes on when its caller's time is over: half of a payment is worse than a late one.

It has time of its own; the caller is told OUTCOME_UNKNOWN where it does not end within the caller's. Whoever sends the same
request again meanwhile waits for the same work, and later is told how it ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, TypeVar

from services.kernel.requests import RequestStamp
from services.payment.domain.refusals import still_changing
from services.runtime.call import current_call, use_call, wire_time
from services.runtime.loops import cut_off

T = TypeVar("T")

LONGEST_S: Final = 25.0
"""How long it may take: less than the lease of an order."""
SPARE_S: Final = 0.25
"""How much earlier than its caller payment stops waiting, so that it can say what it knows (our decision)."""


class Unhurried:
    """Runs such work, and knows what is under way."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, str, str], asyncio.Task[Any]] = {}

    async def run(self, stamp: RequestStamp, number: str, work: Callable[[float], Awaitable[T]]) -> T:
        """The result of the request's work, which is told how long it may take; OUTCOME_UNKNOWN names the number."""
        call = current_call()
        remaining = call.remaining_s()
        key = (stamp.scope, stamp.request_id, stamp.content_hash)
        task: asyncio.Task[T] | None = self._running.get(key)
        if task is None:
            with use_call(replace(call, deadline=wire_time() + timedelta(seconds=LONGEST_S))):
                task = asyncio.ensure_future(work(LONGEST_S - 1))
            self._running[key] = task
            task.add_done_callback(lambda ended: self._ended(key, ended))
        wait_s = LONGEST_S if remaining is None else max(0.0, remaining - SPARE_S)
        done, _ = await asyncio.wait({task}, timeout=wait_s)
        if not done:
            raise still_changing(number)
        return task.result()

    async def idle(self, grace_s: float = 1.0) -> None:
        """Waits for what is under way, for so long; what is cut off is taken up again."""
        await cut_off(self._running.values(), grace_s)

    def _ended(self, key: tuple[str, str, str], task: asyncio.Task[Any]) -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            task.exception()  # Looked at, for the caller may have left; who stayed got it.
