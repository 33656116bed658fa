"""The points of a member's work at which a test may end or stop its process: every commit of its store, every call that it sends
and every call that it receives, before and after.

`install` puts them between the parts of the runtime, before a member is built: the product has no code for tests. A point is
known by its seam, a label, on which side it lies, and which of its kind it is since the counts began.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from services.runtime import call
from services.runtime.callbacks import Callbacks
from services.runtime.db import Database
from services.runtime.inbound import Inbound
from services.runtime.outgoing import Outgoing
from services.runtime.pos.line import PosLine
from services.runtime.transport import GrpcTransport

STORE, SEND, RECEIVE = "store", "send", "receive"
BEFORE, AFTER = "before", "after"
DEEPEST: Final = 24
BACKGROUND: Final = (
    "ControlDoor",
    "ChangeService",
    "NoticeService",
    "GetStatus",
    "pulling.",
    "notices.",
    "LapseLoop",
    "SagaLoop",
    "Books.take",
    "Books.take_notices",
)
"""What goes on beside transactions."""

PASSES_ON: Final = (".lapsing", ".writes")
"""Modules of operations that open transactions for others."""


class Point(NamedTuple):
    """One point: before a commit everything is written and nothing stands; before a call is sent nothing was said, after it the
    answer came and nobody has seen it; before a call that came is handled, and after that, its answer has not left.
    """

    seam: str
    label: str
    side: str
    nth: int


@dataclass(slots=True)
class Watch:
    """Counts points, remembers them while it records, and acts at the one that is armed."""

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    seen: list[tuple[float, Point]] | None = None
    armed: Point | None = None
    number: int = signal.SIGKILL
    twice_s: float | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def at(self, seam: str, label: str, side: str) -> None:
        """A point is passed."""
        if any(word in label for word in BACKGROUND):
            return
        with self.lock:
            self.counts[seam, label, side] += 1
            point = Point(seam, label, side, self.counts[seam, label, side])
            if self.seen is not None:
                self.seen.append((time.monotonic(), point))
            if point != self.armed:
                return
            self.armed = None
        os.kill(os.getpid(), self.number)

    def begin(
        self,
        *,
        record: bool = False,
        armed: Point | None = None,
        number: int = signal.SIGKILL,
        twice_s: float | None = None,
    ) -> None:
        """Begins to count anew. With `twice_s` every call is sent once more, so many seconds after it was answered."""
        with self.lock:
            self.counts.clear()
            self.seen = [] if record else None
            self.armed, self.number, self.twice_s = armed, number, twice_s

    def recorded(self) -> list[tuple[float, Point]]:
        """The points since the recording began, which ends."""
        with self.lock:
            found, self.seen = self.seen or [], None
            return found


def install(watch: Watch) -> None:
    """Puts the seams into the runtime of this process."""
    for name in ("write", "driver_write"):
        setattr(Database, name, _watched_write(watch, getattr(Database, name)))
    _watch_sending(watch)
    _watch_receiving(watch)
    around(watch, Outgoing, "send", SEND, _outside)
    around(watch, Callbacks, "post", SEND, lambda given: f"institution {given[0]}")
    around(watch, PosLine, "exchange", SEND, lambda given: f"{given[0]} {given[2].mti}")


def around(watch: Watch, owner: type, name: str, seam: str, label_of: Callable[[tuple[Any, ...]], str]) -> None:
    """Points before and after each call of a coroutine method; `label_of` names it by what it was given."""
    original = getattr(owner, name)

    async def called(self: Any, *given: Any, **named: Any) -> Any:
        label = label_of((*given, *named.values()))
        watch.at(seam, label, BEFORE)
        try:
            return await original(self, *given, **named)
        finally:
            watch.at(seam, label, AFTER)

    setattr(owner, name, called)


def _outside(given: tuple[Any, ...]) -> str:
    """A request to a provider, without the numbers in its path; Alipay's by its method."""
    provider, method, url, *_, body = given
    asked = dict(parse_qsl(body.decode())).get("method", "") if isinstance(body, bytes) and provider == "alipay" else ""
    path = re.sub(r"/[^/]*[0-9][^/]*[0-9][^/]*", "/*", urlsplit(url).path)
    return f"{provider} {asked or f'{method} {path}'}"


def move_machine_clock(seconds: int) -> None:
    """Has deadlines of transport measured by a machine whose clock is so much ahead, as the members' clocks are by setting."""

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Moved:
            found = super().now(tz)
            return found + timedelta(seconds=seconds)

    call.__dict__["datetime"] = Moved


def _watched_write(
    watch: Watch, original: Callable[[Database], AbstractAsyncContextManager[Any]]
) -> Callable[[Database], AbstractAsyncContextManager[Any]]:
    @asynccontextmanager
    async def write(self: Database) -> AsyncIterator[Any]:
        label = _operation()
        async with original(self) as connection:
            yield connection
            watch.at(STORE, label, BEFORE)
        watch.at(STORE, label, AFTER)

    return write


def _watch_sending(watch: Watch) -> None:
    original = GrpcTransport.unary
    late: set[asyncio.Task[None]] = set()

    async def unary(self: GrpcTransport, path: str, message: bytes, metadata: Any, timeout_s: float) -> bytes:
        label = f"{self._member} {_short(path)}"
        watch.at(SEND, label, BEFORE)
        try:
            return await original(self, path, message, metadata, timeout_s)
        finally:
            watch.at(SEND, label, AFTER)
            if watch.twice_s is not None:
                again = original(self, path, message, metadata, timeout_s)
                late.add(asyncio.create_task(_late(watch.twice_s, again)))

    GrpcTransport.unary = unary  # type: ignore[method-assign]  # that is what it is for


async def _late(seconds: float, call: Coroutine[Any, Any, bytes]) -> None:
    """Sends a call that was answered already; nobody looks at what it is told."""
    await asyncio.sleep(seconds)
    with suppress(Exception):
        await call


def _watch_receiving(watch: Watch) -> None:
    original = Inbound._run

    async def run(self: Inbound, served: Any, message: bytes, metadata: Any, remaining_s: float | None) -> bytes:
        label = _short(served.contract.path)
        watch.at(RECEIVE, label, BEFORE)
        try:
            return await original(self, served, message, metadata, remaining_s)
        finally:
            watch.at(RECEIVE, label, AFTER)

    Inbound._run = run  # type: ignore[method-assign]


def _short(path: str) -> str:
    """`/yibao.settlement.v1.OrderService/Open` → `OrderService.Open`."""
    return path.rpartition(".")[2].replace("/", ".")


def _operation() -> str:
    """Which operation opens the transaction: the innermost method of a room `operations` on the way here, else of a service."""
    frame, found = sys._getframe(2), ""
    for _ in range(DEEPEST):
        module, code = frame.f_globals.get("__name__", ""), frame.f_code
        if module.startswith("services.") and not module.startswith("services.runtime"):
            name = f"{module.rpartition('.')[2]}.{code.co_qualname.partition('.<locals>')[0]}"
            if ".operations" in module and not module.endswith(PASSES_ON):
                return name
            found = found or name
        if frame.f_back is None:
            break
        frame = frame.f_back
    return found or STORE
