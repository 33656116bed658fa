"""Streams of calls: one message is in hand at a time, and the next is read once its answer is sent.

What a sender may send ahead is bounded by the connection's window. A stream ends with the first refusal, where nothing comes for
a while, after an hour, so that whoever lost their right is not heard for longer, and where the member stops: the message in hand
is answered first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc

from services.kernel.errors import Fault, FaultKind

IDLE_S: Final = 60.0
LONGEST_S: Final = 3_600.0
MOST: Final = 64
"""So many streams are open at a member; each is one of the calls that it serves at a time (our decision)."""
MESSAGE_S: Final = 60.0
"""So long the work on one message may take."""

Answering = Callable[[bytes], Awaitable[bytes]]


class Streams:
    """The open streams of one member."""

    def __init__(self, member: str, *, idle_s: float = IDLE_S, longest_s: float = LONGEST_S, most: int = MOST) -> None:
        self._member = member
        self.idle_s, self.longest_s, self.most = idle_s, longest_s, most
        self._open = 0
        self._stopping = asyncio.Event()

    def drain(self) -> None:
        """Ends each stream once its message in hand is answered, and opens no other."""
        self._stopping.set()

    async def serve(self, context: Any, answer: Answering) -> int:
        """Answers the messages of a stream until its sender ends it; how many. Faults STREAM_IDLE, SHUTTING_DOWN, TOO_MANY_CALLS,
        and whatever `answer` raises."""
        if self._open >= self.most:
            raise Fault(FaultKind.EXHAUSTED, "TOO_MANY_CALLS", {"member": self._member})
        self._open += 1
        try:
            ends, taken = time.monotonic() + self.longest_s, 0
            while (message := await self._next(context, ends)) is not None:
                await context.write(await answer(message))
                taken += 1
            return taken
        finally:
            self._open -= 1

    async def _next(self, context: Any, ends: float) -> bytes | None:
        """The next message; None where its sender sends no more."""
        left = min(self.idle_s, ends - time.monotonic())
        if self._stopping.is_set() or left <= 0:
            raise Fault(FaultKind.UNAVAILABLE, "SHUTTING_DOWN")
        reading = asyncio.ensure_future(context.read())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((reading, stopping), timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                message = reading.result()
                return None if message is grpc.aio.EOF else message
        finally:
            stopping.cancel()
            reading.cancel()
        if self._stopping.is_set() or left < self.idle_s:
            raise Fault(FaultKind.UNAVAILABLE, "SHUTTING_DOWN")
        raise Fault(FaultKind.DEADLINE, "STREAM_IDLE", {"seconds": f"{self.idle_s:g}"})
