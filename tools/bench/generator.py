"""The load generator: `python -m tools.bench.generator PLAN` sends prepared requests over keep-alive connections.

In the open loop nothing waits for an answer: requests are due at moments drawn before the run, and a latency begins when its
request was due, not when a connection was free to send it.
"""

from __future__ import annotations

import asyncio
import gc
import re
import resource
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import cast

import uvloop

from tools.bench.figures import arrivals, percentile
from tools.bench.plan import CHAIN, CHAINS, MDTRT_ID_HOLE, OPEN, Load, Plan
from tools.bench.wire import AnswerReader, BrokenAnswer, read_requests

_MOST_CONNECTIONS = 512
_DRAIN_S = 20.0
# Finer timers would turn a quiet loop into a busy one; what this adds is part of the latencies told.
_TICK_S = 0.001
_SUCCESS = b'"infcode":0,'
_VISIT = re.compile(rb'"mdtrt_id":"(\d{20})"')
_REASON = re.compile(r"\[([A-Z_0-9]+)\]")


class Line(asyncio.Protocol):
    """One keep-alive connection with at most one request under way; `answered` is told its number and what came."""

    def __init__(self, answered: Callable[[Line, int, int, bytes], None]) -> None:
        self._answered = answered
        self._reader = AnswerReader()
        self._transport: asyncio.Transport | None = None
        self._place: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready to send."""
        # uvloop's transports are not of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)

    @property
    def is_open(self) -> bool:
        """Whether something can be sent on it."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, place: int, request: bytes) -> None:
        """Sends; the answer comes by `answered`."""
        self._place = place
        if self._transport is None or self._transport.is_closing():
            self._tell(0, b"connection closed")
        else:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Some of an answer."""
        try:
            found = self._reader.feed(data)
        except BrokenAnswer as error:
            found = 0, str(error).encode()
        if found is not None:
            self._tell(*found)

    def connection_lost(self, error: Exception | None) -> None:
        """Whoever waits is told."""
        self._transport = None
        if self._place is not None:
            self._tell(0, b"connection lost")

    def _tell(self, status: int, body: bytes) -> None:
        place, self._place = self._place, None
        if place is not None:
            self._answered(self, place, status, body)


class Counted:
    """What came of all requests until now."""

    def __init__(self) -> None:
        self.latencies_ms: list[float] = []
        self.late_ms: list[float] = []
        self.succeeded = 0
        self.failed: dict[str, int] = {}
        self.examples: dict[str, str] = {}

    def add(self, status: int, body: bytes) -> bool:
        """Counts an answer; True for a success."""
        if status == 200 and _SUCCESS in body[:80]:
            self.succeeded += 1
            return True
        text = body[:400].decode("utf-8", "replace")
        reason = _REASON.search(text)
        self.fail(reason[1] if reason else f"HTTP {status}" if status else text[:40], text)
        return False

    def fail(self, kind: str, text: str = "") -> None:
        """Counts a failure."""
        self.failed[kind] = self.failed.get(kind, 0) + 1
        self.examples.setdefault(kind, text)


class OpenLoop:
    """Poisson arrivals. Where all connections are busy another one is opened; beyond the most, requests wait, and it counts."""

    def __init__(self, plan: Plan, requests: list[bytes], grow: Callable[[], None]) -> None:
        self.counted = Counted()
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._due = arrivals(plan.rate, plan.warmup_s + plan.seconds, Random(plan.seed))
        if len(self._due) > len(requests):
            raise SystemExit(f"{len(self._due)} arrivals, only {len(requests)} requests prepared")
        self._requests = requests
        self.lasted_s = plan.seconds
        self._warmup_s = plan.warmup_s
        self._grow = grow
        self._idle: list[Line] = []
        self._waiting: deque[int] = deque()
        self._next = 0
        self._open = 0
        self._begun = 0.0

    def begin(self, lines: list[Line]) -> None:
        """Starts the clock."""
        self._idle.extend(lines)
        self._begun = self._loop.time()
        self._tick()

    def joined(self, line: Line) -> None:
        """Another connection stands."""
        self._free(line)

    def answered(self, line: Line, place: int, status: int, body: bytes) -> None:
        """Notes the latency from the moment it was due."""
        self._open -= 1
        if self.counted.add(status, body) and self._due[place] >= self._warmup_s:
            self.counted.latencies_ms.append((self._loop.time() - self._begun - self._due[place]) * 1000)
        if status:
            self._free(line)
        if self._next == len(self._due) and not self._open and not self._waiting and not self.ended.done():
            self.ended.set_result(None)

    def unanswered(self) -> int:
        """Under way, waiting or never begun."""
        return self._open + len(self._waiting) + len(self._due) - self._next

    def _free(self, line: Line) -> None:
        if self._waiting:
            self._send(line, self._waiting.popleft())
        else:
            self._idle.append(line)

    def _tick(self) -> None:
        now = self._loop.time() - self._begun
        while self._next < len(self._due) and self._due[self._next] <= now:
            place = self._next
            self._next += 1
            # A server may close what was idle for long: such a connection is forgotten, as any client would.
            while self._idle and not self._idle[-1].is_open:
                self._idle.pop()
            if self._idle:
                self._send(self._idle.pop(), place)
            else:
                self._waiting.append(place)
                self._grow()
        if self._next < len(self._due):
            self._loop.call_later(max(_TICK_S, self._due[self._next] - now), self._tick)

    def _send(self, line: Line, place: int) -> None:
        self._open += 1
        if self._due[place] >= self._warmup_s:
            self.counted.late_ms.append((self._loop.time() - self._begun - self._due[place]) * 1000)
        line.send(place, self._requests[place])


class ClosedLoop:
    """Every connection sends the next piece of work as soon as its last one was answered: a request, or a chain of them."""

    def __init__(self, plan: Plan, requests: list[bytes], steps: int) -> None:
        self.counted = Counted()
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._requests = requests
        self._steps = steps
        self._warm, self._until = plan.warmup_s, plan.warmup_s + plan.seconds
        self._next = 0
        self._busy = 0
        self._begun = 0.0
        self.lasted_s = plan.seconds
        self._since: dict[Line, float] = {}
        self._visits: dict[Line, bytes] = {}

    def begin(self, lines: list[Line]) -> None:
        """Gives every connection its first piece of work."""
        self._begun = self._loop.time()
        self._busy = len(lines)
        for line in lines:
            self._work(line)

    def answered(self, line: Line, place: int, status: int, body: bytes) -> None:
        """The next step, or the next piece of work; a refusal ends a chain."""
        succeeded = self.counted.add(status, body)
        step = place % self._steps
        if succeeded and step < self._steps - 1:
            if CHAIN[step] == "2201":
                found = _VISIT.search(body)
                self._visits[line] = found[1] if found else b""
            line.send(
                place + 1, self._requests[place + 1].replace(MDTRT_ID_HOLE, self._visits.get(line, MDTRT_ID_HOLE))
            )
            return
        now = self._loop.time() - self._begun
        if succeeded and self._warm <= now <= self._until:
            self.counted.latencies_ms.append((now - self._since[line]) * 1000)
        if status:
            self._work(line)
        else:
            self._leave()

    def unanswered(self) -> int:
        """One for each connection that still works."""
        return self._busy

    def _work(self, line: Line) -> None:
        now = self._since[line] = self._loop.time() - self._begun
        if now >= self._until or self._next + self._steps > len(self._requests):
            self._leave()
            return
        place, self._next = self._next, self._next + self._steps
        line.send(place, self._requests[place])

    def _leave(self) -> None:
        self._busy -= 1
        self.lasted_s = min(self._until, self._loop.time() - self._begun) - self._warm
        if not self._busy and not self.ended.done():
            self.ended.set_result(None)


async def generate(plan: Plan) -> Load:
    """Runs a plan to its end, and 20 s more at most for what is still under way."""
    requests = read_requests(Path(plan.requests))
    loop = asyncio.get_running_loop()
    lines: list[Line] = []
    opening: set[asyncio.Task[None]] = set()

    async def opened() -> Line:
        _, line = await loop.create_connection(lambda: Line(mode.answered), plan.host, plan.port)
        lines.append(line)
        return line

    async def join() -> None:
        assert isinstance(mode, OpenLoop)
        mode.joined(await opened())

    def grow() -> None:
        if len(lines) + len(opening) < _MOST_CONNECTIONS:
            task = loop.create_task(join())
            opening.add(task)
            task.add_done_callback(opening.discard)

    mode: OpenLoop | ClosedLoop
    if plan.mode == OPEN:
        mode = OpenLoop(plan, requests, grow)
    else:
        mode = ClosedLoop(plan, requests, len(CHAIN) if plan.mode == CHAINS else 1)
    for _ in range(plan.connections):
        await opened()
    gc.collect()
    gc.freeze()
    gc.disable()
    begun, used = loop.time(), _cpu_s()
    mode.begin(list(lines))
    try:
        async with asyncio.timeout(plan.warmup_s + plan.seconds + _DRAIN_S):
            await mode.ended
    except TimeoutError:
        for _ in range(mode.unanswered()):
            mode.counted.fail("no answer")
    return _told(mode, (_cpu_s() - used) / max(0.001, loop.time() - begun), len(lines))


def _told(mode: OpenLoop | ClosedLoop, cpu_share: float, connections: int) -> Load:
    counted = mode.counted
    return Load(
        latencies_ms=[round(each, 3) for each in counted.latencies_ms],
        per_s=len(counted.latencies_ms) / max(0.001, mode.lasted_s),
        succeeded=counted.succeeded,
        failed=counted.failed,
        examples=counted.examples,
        late_p99_ms=percentile(sorted(counted.late_ms), 0.99),
        cpu_share=cpu_share,
        connections=connections,
    )


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Runs the plan given as JSON; its outcome is one line of JSON."""
    plan = Plan.read(sys.argv[1])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(runner.run(generate(plan)).text())


if __name__ == "__main__":
    main()
