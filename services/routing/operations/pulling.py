"""Pulls the cells' change feeds, for nothing in a cell calls routing: on and on by a loop for each cell, and at once where
somebody asks for a person whom routing does not know.

A cell that is away costs nothing but its own news: what it told stays, and reading goes on where it ended. What comes twice
is the same row again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from contextvars import Context
from dataclasses import dataclass, field
from typing import Final, Protocol

from services.kernel.errors import Fault
from services.routing.domain.hashes import Hasher
from services.routing.domain.registry import Cursor, Page, beginning, kept, moved, went_back
from services.routing.store.unit import RoutingStore
from services.runtime.loops import cut_off, rest

REST_S: Final = 15.0
"""Between two looks at a cell whose news are all read; whoever is not known makes it look at once (our decision)."""
LONGEST_REST_S: Final = 60.0
"""Between two looks at a cell that is away."""
ASKED_WAIT_S: Final = 1.0
"""How long a caller waits for news; what is under way goes on without him."""
SPACING_S: Final = 0.05
"""Between the begins of two looks at a cell that callers make: strangers do not make routing read without end."""


class Feed(Protocol):
    """The feeds of all cells."""

    async def page(self, cell: str, after: int) -> Page:
        """The page behind a place."""
        ...

    async def ack(self, cell: str, upto: int) -> None:
        """Tells the cell what routing has."""
        ...


@dataclass(slots=True)
class _CellFeed:
    """Of one cell: one reads at a time, and others wait for the same reading."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    read_at: float = float("-inf")
    failed: bool = False


class Pulling:
    """Reads feeds into the registry. `hashers` gives the key of now, then the one that still holds beside it."""

    def __init__(
        self,
        store: RoutingStore,
        feed: Feed,
        cells: Iterable[str],
        hashers: Callable[[], tuple[Hasher, ...]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._feed = feed
        self.hashers = hashers
        self._monotonic = monotonic
        self._readings: Mapping[str, _CellFeed] = {cell: _CellFeed() for cell in cells}

    @property
    def cells(self) -> tuple[str, ...]:
        """Codes of the cells that are read."""
        return tuple(self._readings)

    def away(self) -> tuple[str, ...]:
        """Cells that did not answer when they were asked last."""
        return tuple(cell for cell, reading in self._readings.items() if reading.failed)

    async def pull(self, cell: str) -> int:
        """Reads a cell's feed to its end; how many persons it told. The peer's Fault where the cell is away."""
        async with self._readings[cell].lock:
            return await self._pulled(cell)

    async def _pulled(self, cell: str) -> int:
        """The same, its lock being held."""
        reading, began = self._readings[cell], self._monotonic()
        try:
            told = await self._read(cell)
        except Fault:
            reading.failed = True
            raise
        reading.failed, reading.read_at = False, began
        return told

    async def refresh(self) -> None:
        """News of all cells from this moment on, as far as they come within a second: all who wait share one reading, and a
        cell that is away is not waited for twice.
        """
        now = self._monotonic()
        asked_of = [cell for cell, each in self._readings.items() if not each.failed]
        if asked_of:
            # Outside of the caller's own time and trace: what is begun for one serves all.
            loop = asyncio.get_running_loop()
            asked = [loop.create_task(self._news(cell, now), context=Context()) for cell in asked_of]
            await asyncio.wait(asked, timeout=ASKED_WAIT_S)

    async def _news(self, cell: str, since: float) -> None:
        reading = self._readings[cell]
        async with reading.lock:
            if reading.read_at >= since or reading.failed:
                return
            await asyncio.sleep(reading.read_at + SPACING_S - self._monotonic())
            with suppress(Fault):
                await self._pulled(cell)

    async def _read(self, cell: str) -> int:
        hasher = self.hashers()[0]
        async with self._store.read() as work:
            standing = await work.insured.cursor(cell)
        cursor = beginning(cell, standing, hasher.key_id)
        page = await self._feed.page(cell, cursor.seq)
        back = went_back(cursor, page)
        if back is not None:
            cursor, page = back, await self._feed.page(cell, back.seq)
        told = 0
        while True:
            after = moved(cursor, page)
            if page.told or after != standing:
                await self._keep(cursor, after, page, hasher)
                await self._feed.ack(cell, after.seq)
            told, cursor, standing = told + len(page.told), after, after
            if page.whole:
                return told
            page = await self._feed.page(cell, cursor.seq)

    async def _keep(self, before: Cursor, after: Cursor, page: Page, hasher: Hasher) -> None:
        async with self._store.write() as work:
            await work.insured.replace(after.cell, kept(after.cell, page.told, hasher))
            if after.complete and not before.complete:
                await work.insured.leave_others(after.cell, after.key_id)
            await work.insured.keep(after)


class Pulled(Protocol):
    """What is pulled from cells."""

    @property
    def cells(self) -> tuple[str, ...]:
        """Codes of the cells that are read."""
        ...

    async def pull(self, cell: str) -> int:
        """Reads a cell's to its end; how many there were. The peer's Fault where the cell is away."""
        ...


class PullLoops:
    """A loop for each cell, for as long as the member runs.

    `failed` is told once that a cell cannot be read, and `back` that it can again; `unseen` opens a block that leaves no
    trace, for looks of which most find nothing.
    """

    def __init__(
        self,
        pulling: Pulled,
        failed: Callable[[str, BaseException], None],
        back: Callable[[str], None],
        unseen: Callable[[], AbstractContextManager[object]],
        rest_s: float = REST_S,
    ) -> None:
        self._pulling = pulling
        self._failed = failed
        self._back = back
        self._unseen = unseen
        self._rest_s = rest_s
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to read."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._run(cell)) for cell in self._pulling.cells]

    async def stop(self, grace_s: float = 1.0) -> None:
        """Ends after what is under way, or after the grace where a cell does not answer."""
        self._stopping.set()
        await cut_off(self._tasks, grace_s)

    async def _run(self, cell: str) -> None:
        rest_s, away = self._rest_s, False
        while not self._stopping.is_set():
            try:
                with self._unseen():
                    await self._pulling.pull(cell)
            except Exception as error:  # noqa: BLE001  # the loop outlives a cell or a store that is away, and a bug too: all are told
                if not away:
                    self._failed(cell, error)
                rest_s, away = min(rest_s * 2, LONGEST_REST_S) if away else min(1.0, self._rest_s), True
            else:
                if away:
                    self._back(cell)
                rest_s, away = self._rest_s, False
            await rest(self._stopping, rest_s)
