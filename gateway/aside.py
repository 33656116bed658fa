"""Large bodies and answers: read and written in one thread beside the loop, and one of each partner under way at a time.

What takes longer than some milliseconds must not keep everybody waiting. The thread gives way to the loop at every turn of the
interpreter; one is enough, for two would only take from each other. Small ones, which nearly all are, never come here.

The thread goes round: of each who has work for it one piece, then the next one's. Who has not proven yet who it is counts as
the address that it comes from, so nobody takes the thread from others by sending much that proves nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final, TypeVar

from google.protobuf.descriptor import Descriptor

from gateway.http import busy
from services.runtime.kept import Bounded

T = TypeVar("T")

LARGE_BYTES: Final = 65_536
LARGE_ROWS: Final = 300
UNDER_WAY: Final = 4
"""Large requests of all partners that members have before them at a time."""

WAIT_S: Final = 5.0
"""So long a large request waits for both its turns, or less where it has to be answered sooner."""

LONGEST_REST_S: Final = 0.1

_REMEMBERED: Final = 4096
_AT_ONCE: Final = nullcontext()


@dataclass(slots=True)
class _Lane:
    """The large requests of one partner: one under way, the others behind it."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


@dataclass(slots=True)
class _Job:
    """A piece of work for the thread; `s` is how long it took."""

    work: Callable[[], Any]
    made: asyncio.Future[Any]
    s: float = 0.0

    def done(self) -> Any:
        """In the thread."""
        began = time.monotonic()
        try:
            return self.work()
        finally:
            self.s = time.monotonic() - began
            # A refusal's traceback holds this frame and that of `run`, and the job holds the refusal: in such a circle stayed
            # what was sent, megabytes of it, until somebody looked for garbage.
            del self


class Aside:
    """The way of the large ones through one gateway process."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "yibao-large")
        self._proving = ThreadPoolExecutor(1, "yibao-sm2")
        self._places = asyncio.Semaphore(UNDER_WAY)
        self._lanes: dict[str, _Lane] = {}
        # Work that waits for the thread, by whose it is; who stands first has the next turn.
        self._jobs: dict[str, deque[_Job]] = {}
        self._taken = False
        # Partner and method whose last answer was large: the next one will be, and nobody sees it before.
        self._large: Bounded[tuple[str, str], bool] = Bounded(_REMEMBERED)

    def place(self, partner: str, method: str, size: int, left_s: float) -> AbstractAsyncContextManager[None]:
        """For a block in which members answer a request that has `left_s` seconds.

        A large one waits for its turn; Fault TOO_MANY_CALLS, nothing begun.
        """
        if size <= LARGE_BYTES and (partner, method) not in self._large:
            return _AT_ONCE
        return self._turn(partner, left_s)

    @asynccontextmanager
    async def _turn(self, partner: str, left_s: float) -> AsyncIterator[None]:
        lane = self._lanes.setdefault(partner, _Lane())
        lane.users += 1
        try:
            async with AsyncExitStack() as turns:
                try:
                    async with asyncio.timeout(min(WAIT_S, left_s)):
                        await turns.enter_async_context(lane.turn)
                        await turns.enter_async_context(self._places)
                except TimeoutError:
                    raise busy() from None
                yield
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[partner]

    async def read(self, whose: str, size: int, work: Callable[[], T]) -> T:
        """What `work` makes of a body of `size` bytes; `whose` it is, or where it comes from as long as nothing is proven."""
        return await self.run(whose, work) if size > LARGE_BYTES else work()

    async def proven(self, whose: str, size: int, work: Callable[[], T]) -> T:
        """What `work` makes of a body or for one, most of which is SM2: the system's library computes it without the interpreter,
        so that the loop goes on where there is a second core. It spares the loop nine tenths of the 0.3 ms of an operation and
        costs 0.05 ms elsewhere (measured).
        """
        if size > LARGE_BYTES:
            return await self.run(whose, work)
        return await asyncio.get_running_loop().run_in_executor(self._proving, work)

    async def written(self, partner: str, method: str, answer: Any, work: Callable[[], T]) -> T:
        """What `work` makes of an answer."""
        key = (partner, method)
        if _is_large(answer):
            self._large.keep(key, True)
            return await self.run(partner, work)
        self._large.forget(key)
        return work()

    async def run(self, whose: str, work: Callable[[], T]) -> T:
        """What `work` makes, in the thread whatever its size."""
        job = _Job(work, asyncio.get_running_loop().create_future())
        self._jobs.setdefault(whose, deque()).append(job)
        self._begin()
        try:
            made: T = await job.made
        finally:
            del job
        return made

    def _begin(self) -> None:
        """Gives the thread its next work, where it is free."""
        while self._jobs and not self._taken:
            whose = next(iter(self._jobs))
            jobs = self._jobs.pop(whose)
            job = jobs.popleft()
            if jobs:
                self._jobs[whose] = jobs
            # Whoever left is not worth the time.
            if not job.made.done():
                self._taken = True
                done = asyncio.get_running_loop().run_in_executor(self._thread, job.done)
                done.add_done_callback(partial(self._ended, job))

    def _ended(self, job: _Job, done: asyncio.Future[Any]) -> None:
        """Hands over what was made; the next work begins after as long a rest, so that half of the time is the loop's."""
        asyncio.get_running_loop().call_later(min(job.s, LONGEST_REST_S), self._rested)
        if done.cancelled():
            job.made.cancel()
        elif job.made.done():
            done.exception()
        elif (error := done.exception()) is not None:
            job.made.set_exception(error)
        else:
            job.made.set_result(done.result())

    def _rested(self) -> None:
        self._taken = False
        self._begin()


def _is_large(answer: Any) -> bool:
    """Whether an answer holds a long list; its rows stand in its own fields."""
    return any(len(getattr(answer, name)) > LARGE_ROWS for name in _lists(answer.DESCRIPTOR))


@lru_cache(maxsize=1024)
def _lists(message: Descriptor) -> tuple[str, ...]:
    return tuple(each.name for each in message.fields if each.is_repeated)
