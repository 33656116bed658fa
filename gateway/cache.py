"""What another member said, kept for a short time: bounded, and asked once however many wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class TimedCache(Generic[K, V]):
    """Values with a time to live each; `now` is a monotonic clock in seconds. A failed load is not kept."""

    def __init__(self, size: int, now: Callable[[], float]) -> None:
        self._size = size
        self._now = now
        self._kept: dict[K, tuple[V, float]] = {}
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
        self._kept.pop(key, None)
        while len(self._kept) >= self._size:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (value, self._now() + ttl_s)
        return value

    def _forget(self, key: K, done: asyncio.Task[V]) -> None:
        self._loading.pop(key, None)
        if not done.cancelled():
            done.exception()
