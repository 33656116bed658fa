"""How every member accepts a write. **Who writes a new service begins here.**

A write comes with a request id. The same request again gives the stored answer, whatever has become of the caller or of
the process; the same id with other content is REQUEST_ID_REUSED; a refusal stores nothing, so that its repeat is decided
again. Three parts make that, and an operation needs no other:

- The **stamp** (`stamp_of(call, request)`, in the servicer): scope, request id, content hash.
- The **row**: what a write leaves under scope and request id, unique in the store, with the bytes that were answered. It is
  written in the transaction that does the work, and has two questions to answer (`kernel.requests.Standing`). A service that
  has no such row of its own keeps a journal of them (`services.runtime.journal`).
- The **frame**, one for a store: it opens the transaction, looks for the row, runs the act where there is none, and tries
  again where another writer was first (`Moved`). The store raises `Moved` for a broken uniqueness.

    frame = Frame(store.writing, find, "STORE_UNAVAILABLE")

    async def register(self, stamp, wanted, now, render):
        async def act(work):
            check_free(await work.thing(wanted.name))        # a Fault undoes everything
            await work.add_thing(wanted)
            entry = Entry(stamp, render(wanted), now)
            await work.add_entry(entry)
            return entry

        return (await self.frame.once(stamp, act, as_it_stands)).response

A write whose caller leaves goes on: `Inbound` runs every call that is no read with `Lasting`. An act is run again from its
begin, so it keeps nothing outside its transaction, and asks no other member inside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Generic, TypeAlias, TypeVar

from services.kernel.errors import Fault, FaultKind
from services.kernel.requests import Moved, RequestStamp, Standing, repeated

T = TypeVar("T")
R = TypeVar("R")
W = TypeVar("W")
S = TypeVar("S", bound=Standing)

_TRIES: Final = 4
_RETRY_AFTER_S: Final = 0.5


class Again(Enum):
    """The outcome of an item whose ground moved while it was decided."""

    DECIDE = "decide again"


AGAIN: Final = Again.DECIDE
Hold: TypeAlias = Callable[[W], Awaitable[None]]
"""Takes the locks of a transaction, before anything is read in it."""


@dataclass(frozen=True, slots=True)
class Frame(Generic[W, S]):
    """Accepts the writes of one store.

    `begin` opens a transaction, committed at the end of its block and undone where it raises; `find` reads what a request
    id left, in that transaction; `busy` is the reason of the UNAVAILABLE fault where others are first time after time.
    """

    begin: Callable[[], AbstractAsyncContextManager[W]]
    find: Callable[[W, RequestStamp], Awaitable[S | None]]
    busy: str

    async def once(
        self,
        stamp: RequestStamp,
        act: Callable[[W], Awaitable[R]],
        again: Callable[[W, S], Awaitable[R]],
        *,
        hold: Hold[W] | None = None,
    ) -> R:
        """What `act` decides, keeps and answers, or, where the request left something before, what `again` answers of it.

        Raises REQUEST_ID_REUSED, MESSAGE_VOIDED, the faults of `act`, and UNAVAILABLE `busy`.
        """
        return await self.decided(lambda: self.attempt(stamp, act, again, hold=hold))

    async def attempt(
        self,
        stamp: RequestStamp,
        act: Callable[[W], Awaitable[R]],
        again: Callable[[W, S], Awaitable[R]],
        *,
        hold: Hold[W] | None = None,
    ) -> R:
        """The same once only, `Moved` where another was first: for who must look elsewhere before each attempt."""
        async with self.begin() as work:
            if hold is not None:
                await hold(work)
            standing = repeated(stamp, await self.find(work, stamp))
            return await (act(work) if standing is None else again(work, standing))

    async def written(self, act: Callable[[W], Awaitable[T]]) -> T:
        """Runs `act` in a transaction where no request asked for it: what has no request id has no row."""

        async def attempt() -> T:
            async with self.begin() as work:
                return await act(work)

        return await self.decided(attempt)

    async def decided(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The result of the first attempt that is not `Moved`; UNAVAILABLE `busy` if that goes on."""

        async def one(_: Sequence[None]) -> list[T | Again]:
            try:
                return [await attempt()]
            except Moved:
                return [AGAIN]

        (result,) = await decide_each([None], one, self.busy)
        if isinstance(result, Fault):
            raise result
        return result


async def as_it_stands(_: object, standing: S) -> S:
    """For `again`: a repeat is told what was told, and nothing has come to it since."""
    return standing


async def decide_each(
    items: Sequence[T], attempt: Callable[[Sequence[T]], Awaitable[Sequence[R | Again]]], busy: str
) -> list[R | Fault]:
    """A result for each item, in order. `attempt` answers some of them, and `AGAIN` for those to be tried once more.

    UNAVAILABLE `busy` stands for an item that is still to be tried after four times.
    """
    results: dict[int, R] = {}
    places = list(range(len(items)))
    for _ in range(_TRIES):
        outcomes = await attempt([items[place] for place in places])
        left = []
        for place, outcome in zip(places, outcomes, strict=True):
            if outcome is AGAIN:
                left.append(place)
            else:
                results[place] = outcome
        places = left
        if not places:
            break
    # Others were first, time after time: nothing was written, and the same request may be sent again.
    late = {place: Fault(FaultKind.UNAVAILABLE, busy, retry_after_s=_RETRY_AFTER_S) for place in places}
    return [late[place] if place in late else results[place] for place in range(len(items))]


async def all_ended(work: Iterable[Awaitable[R]]) -> list[R | BaseException]:
    """What comes of each, or its exception. Of futures that end in the same turn of the loop only the first wakes who waits:
    `gather` is called by each of them.
    """
    futures: list[asyncio.Future[R]] = [asyncio.ensure_future(each) for each in work]
    for future in futures:
        try:
            await future
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                for each in futures:
                    each.cancel()
                raise
        except Exception:  # noqa: BLE001  # told below
            continue
    return [
        asyncio.CancelledError() if future.cancelled() else future.exception() or future.result() for future in futures
    ]


class Lasting:
    """Work that goes on when its caller leaves: a cancellation inside a transaction would leave the store's only writer with
    an open one."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of the work, in a task of its own; only the wait for it is cut off."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def idle(self, limit_s: float) -> None:
        """Waits for what is under way, at most so long."""
        if self._running:
            await asyncio.wait(self._running, timeout=limit_s)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # Looked at, for the caller may have left; who stayed got it.
