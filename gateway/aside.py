"""Large bodies and answers: read and written in one thread beside the loop, and one of each partner under way at a time.

What takes longer than some milliseconds must not keep everybody waiting. The thread gives way to the loop at every turn of the
interpreter; one is enough, for two would only take from each other. Small ones, which nearly all are, never come here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeVar

from google.protobuf.descriptor import Descriptor

from services import mesh
from services.kernel.errors import Fault, FaultKind

T = TypeVar("T")

LARGE_BYTES: Final = 65_536
LARGE_ROWS: Final = 300
UNDER_WAY: Final = 4
"""Large requests of all partners that members have before them at a time."""

WAIT_S: Final = 5.0
LONGEST_REST_S: Final = 0.1
MOST_BYTES: Final = 64 << 20
"""Of large bodies that wait or are under way together; more are told to come later."""

_REMEMBERED: Final = 4096


@dataclass(slots=True)
class _Lane:
    """The large requests of one partner: one under way, the others behind it."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Aside:
    """The way of the large ones through one gateway process."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "yibao-large")
        self._places = asyncio.Semaphore(UNDER_WAY)
        self._rest_until = 0.0
        self._bytes = 0
        self._lanes: dict[str, _Lane] = {}
        # Partner and method whose last answer was large: the next one will be, and nobody sees it before.
        self._large: dict[tuple[str, str], None] = {}

    @contextmanager
    def holding(self, size: int) -> Iterator[None]:
        """A block that keeps a body of `size` bytes in memory; Fault TOO_MANY_CALLS where too many large ones are there."""
        if size <= LARGE_BYTES:
            yield
            return
        if self._bytes + size > MOST_BYTES:
            raise _busy()
        self._bytes += size
        try:
            yield
        finally:
            self._bytes -= size

    @asynccontextmanager
    async def place(self, partner: str, method: str, size: int) -> AsyncIterator[None]:
        """A block in which members answer a request. A large one waits for its turn; Fault TOO_MANY_CALLS, nothing begun."""
        if size <= LARGE_BYTES and (partner, method) not in self._large:
            yield
            return
        lane = self._lanes.setdefault(partner, _Lane())
        lane.users += 1
        try:
            async with _turn(lane.turn.acquire, lane.turn.release), _turn(self._places.acquire, self._places.release):
                yield
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[partner]

    async def read(self, size: int, work: Callable[[], T]) -> T:
        """What `work` makes of a body of `size` bytes."""
        return await self.run(work) if size > LARGE_BYTES else work()

    async def written(self, partner: str, method: str, answer: Any, work: Callable[[], T]) -> T:
        """What `work` makes of an answer."""
        key = (partner, method)
        if _is_large(answer):
            while len(self._large) >= _REMEMBERED:
                del self._large[next(iter(self._large))]
            self._large[key] = None
            return await self.run(work)
        self._large.pop(key, None)
        return work()

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` makes, in the thread whatever its size."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._rested, work)

    def _rested(self, work: Callable[[], T]) -> T:
        """In the thread: work, begun after as long a rest as the last one took, so that half of the time is the loop's."""
        time.sleep(max(0.0, self._rest_until - time.monotonic()))
        began = time.monotonic()
        try:
            return work()
        finally:
            now = time.monotonic()
            self._rest_until = now + min(now - began, LONGEST_REST_S)


@asynccontextmanager
async def _turn(acquire: Callable[[], Any], release: Callable[[], None]) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(WAIT_S):
            await acquire()
    except TimeoutError:
        raise _busy() from None
    try:
        yield
    finally:
        release()


def _busy() -> Fault:
    return Fault(FaultKind.EXHAUSTED, "TOO_MANY_CALLS", {"member": mesh.GATEWAY}, retry_after_s=1.0)


def _is_large(answer: Any) -> bool:
    """Whether an answer holds a long list; its rows stand in its own fields."""
    return any(len(getattr(answer, name)) > LARGE_ROWS for name in _lists(answer.DESCRIPTOR))


@lru_cache(maxsize=1024)
def _lists(message: Descriptor) -> tuple[str, ...]:
    return tuple(each.name for each in message.fields if each.is_repeated)
