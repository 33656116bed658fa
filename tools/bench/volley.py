"""A handful of requests sent to one gateway, and what they cost: short enough that several gateways can be asked in turn.

Closed (no moments given), every connection sends the next request when its last one was answered. Open, each request is sent
at its moment, and its latency begins there, whether a connection was free or not.
"""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from tools.bench.generator import Line

_TICK_S = 0.001
_LONGEST_S = 120.0


class Unanswered(Exception):
    """A connection was lost, or an answer did not come."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What came back, in the order of the requests, and what it took: wall time, and the meter's growth."""

    bodies: list[bytes]
    latencies_ms: list[float]
    lasted_s: float
    spent: float


class _Volley:
    # The loop's own clock stands still during a turn and counts whole milliseconds.

    def __init__(self, requests: Sequence[bytes], moments: Sequence[float] | None) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._requests = requests
        self._moments = moments
        self._begun = 0.0
        self._next = 0
        self._left = len(requests)
        self._idle: list[Line] = []
        self._due: deque[int] = deque()
        self._since = [0.0] * len(requests)
        self.bodies = [b""] * len(requests)
        self.latencies_ms = [0.0] * len(requests)

    def begin(self, lines: Sequence[Line]) -> None:
        self._begun = perf_counter()
        self._idle = list(lines)
        if self._moments is None:
            self._due.extend(range(len(self._requests)))
            self._send()
        else:
            self._tick()

    def answered(self, line: Line, place: int, status: int, body: bytes) -> None:
        if not status:
            if not self.ended.done():
                self.ended.set_exception(Unanswered(body.decode("utf-8", "replace")))
            return
        self.bodies[place] = body
        self.latencies_ms[place] = (perf_counter() - self._since[place]) * 1000
        self._left -= 1
        self._idle.append(line)
        self._send()
        if not self._left and not self.ended.done():
            self.ended.set_result(None)

    def _tick(self) -> None:
        assert self._moments is not None
        now = perf_counter()
        while self._next < len(self._moments) and self._begun + self._moments[self._next] <= now:
            self._since[self._next] = self._begun + self._moments[self._next]
            self._due.append(self._next)
            self._next += 1
        self._send()
        if self._next < len(self._moments):
            self._loop.call_later(max(_TICK_S, self._begun + self._moments[self._next] - now), self._tick)

    def _send(self) -> None:
        while self._due and self._idle:
            place = self._due.popleft()
            if self._moments is None:
                self._since[place] = perf_counter()
            self._idle.pop().send(place, self._requests[place])


async def volley(
    port: int,
    requests: Sequence[bytes],
    connections: int,
    meter: Callable[[], float],
    moments: Sequence[float] | None = None,
) -> Answers:
    """Sends the requests and waits for every answer; Unanswered where one is missing. Refusals are answers."""
    loop = asyncio.get_running_loop()
    sending = _Volley(requests, moments)
    opened = [
        await loop.create_connection(lambda: Line(sending.answered), "127.0.0.1", port) for _ in range(connections)
    ]
    gc.collect()
    gc.disable()
    try:
        before, begun = meter(), perf_counter()
        sending.begin([line for _, line in opened])
        try:
            async with asyncio.timeout(_LONGEST_S):
                await sending.ended
        except TimeoutError:
            raise Unanswered(f"no answer within {_LONGEST_S:.0f} s") from None
        lasted_s, spent = perf_counter() - begun, meter() - before
    finally:
        gc.enable()
        for transport, _ in opened:
            transport.close()
    return Answers(sending.bodies, sending.latencies_ms, lasted_s, spent)
