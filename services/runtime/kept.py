"""What a process keeps to be quick, in one room: bounded, and forgetting first what was asked for longest ago.

`Bounded` keeps until there is no room, `TimedCache` for a time as well. Nothing here is on disk.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """At most `limit` entries."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: object) -> bool:
        """Whether it is kept; nothing counts as asked for."""
        return key in self._kept

    def get(self, key: K) -> V | None:
        """The value, which now counts as asked for last; None where there is none."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: K, value: V) -> V:
        """Keeps the value, and forgets the one asked for longest ago where there are too many."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        return value

    def forget(self, key: K) -> None:
        """The value is not kept any more, if it was."""
        self._kept.pop(key, None)

    def clear(self) -> None:
        """Nothing is kept any more."""
        self._kept.clear()


class TimedCache(Generic[K, V]):
    """What another member said, kept for a time of its own each and asked for once however many wait for it.

    `now` is a monotonic clock in seconds. A load that failed is not kept.
    """

    def __init__(self, size: int, now: Callable[[], float]) -> None:
        self._now = now
        self._kept: Bounded[K, tuple[V, float]] = Bounded(size)
        self._loading: dict[K, asyncio.Task[V]] = {}

    def peek(self, key: K) -> V | None:
        """The value if it is still good, without waiting."""
        found = self._kept.get(key)
        return found[0] if found is not None and self._now() < found[1] else None

    def last(self, key: K) -> V | None:
        """The value as it was last told, also where it holds no longer."""
        found = self._kept.get(key)
        return None if found is None else found[0]

    async def get(self, key: K, load: Callable[[], Awaitable[tuple[V, float]]]) -> V:
        """The value if it is still good, else what `load` says: the value and for how many seconds it holds."""
        found = self.peek(key)
        if found is not None:
            return found
        task = self._loading.get(key)
        if task is None:
            # A task of its own: who asked first may leave while others still wait.
            task = asyncio.create_task(self._load(key, load))
            self._loading[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(task)

    async def _load(self, key: K, load: Callable[[], Awaitable[tuple[V, float]]]) -> V:
        value, ttl_s = await load()
        self._kept.keep(key, (value, self._now() + ttl_s))
        return value

    def _forget(self, key: K, done: asyncio.Task[V]) -> None:
        self._loading.pop(key, None)
        if not done.cancelled():
            done.exception()
