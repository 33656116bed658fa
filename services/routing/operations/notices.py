"""Takes in the notices that cells give of cross-region settlements: what is cleared, and what both places list.

Nothing in a cell calls routing: notices are pulled, by a loop for each cell, or come through a stream. A page and how far it
came are one transaction. What comes twice is the same journal and the same entry again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from services.kernel.clock import Clock, beijing_day
from services.kernel.errors import Fault
from services.kernel.pages import Page, page_of
from services.kernel.requests import RequestStamp
from services.routing.domain.clearing.notices import (
    DAY_TO_COME,
    Notice,
    NoticePage,
    RefusedNotice,
    TakenNotices,
    days_of,
    lost,
    reached,
    take,
)
from services.routing.operations.clearing_writes import Books
from services.routing.store.unit import Unit

MOST: Final = 500
"""Notices that are taken at once."""

_FIRST: Final = ("", 0, "")

Traced = Callable[[Sequence[str]], AbstractContextManager[object]]
"""Opens a block whose span is linked to the spans of these traceparents."""


class AskedRetry(NamedTuple):
    """How many refused notices are to be taken once more, and what the operator says to it."""

    most: int
    memo: str = ""


class Looked(NamedTuple):
    """Notices that were read, refused ones that were taken, those that are refused still, and cells that do not answer."""

    read: int
    taken: int
    refused: int
    unread: tuple[str, ...]


class NoticeFeed(Protocol):
    """The notices of all cells."""

    async def page(self, cell: str, after: int) -> NoticePage:
        """The page behind a place."""
        ...

    async def ack(self, cell: str, upto: int) -> None:
        """Tells the cell up to where they have arrived."""
        ...


@dataclass(frozen=True, slots=True)
class Noticing:
    """Reads the cells' notices. `troubled` is told what was refused, and what no cell keeps any more. `acks` is false where
    a stream tells the cells what has arrived."""

    books: Books
    feed: NoticeFeed
    cells: tuple[str, ...]
    clock: Clock
    traced: Traced
    troubled: Callable[[str, str, int], None]
    acks: bool = True

    async def pull(self, cell: str) -> int:
        """Reads a cell's notices to their end; how many there were. The peer's Fault where the cell is away."""
        async with self.books.store.read() as work:
            seq = await work.notices.place(cell)
        page = await self.feed.page(cell, seq)
        if page.acked_seq < seq and (self.acks or page.last_seq < seq):
            # The cell's store is an older one, or an acknowledgement was lost.
            seq = page.acked_seq
            page = await self.feed.page(cell, seq)
        told = 0
        while True:
            seq = await self._page(cell, seq, page)
            told += len(page.notices)
            if seq >= page.last_seq:
                break
            page = await self.feed.page(cell, seq)
        await self._come()
        return told

    async def _page(self, cell: str, seq: int, page: NoticePage) -> int:
        """Takes a page in; the place behind it."""
        behind, gone = page.after(seq), lost(seq, page)
        if gone:
            self.troubled(cell, "NOTICES_GONE", gone)
        if behind != seq:
            await self.take(page.notices, {cell: behind})
        if self.acks and page.acked_seq != behind:
            await self.feed.ack(cell, behind)
        return behind

    async def take(self, notices: Sequence[Notice], places: dict[str, int]) -> TakenNotices:
        """Takes notices in, and keeps up to where those of their cells were read, in one transaction."""

        async def act(work: Unit) -> TakenNotices:
            taken = await self._taken(work, notices, self.clock())
            for cell, seq in sorted(places.items()):
                await work.notices.move(cell, seq)
            return taken

        with self._traced(notices):
            taken = await self.books.frame.written(act)
        self._tell(taken)
        return taken

    async def arrive(self, notices: Sequence[Notice]) -> None:
        """Takes in notices that a stream brought; a cell of which one was left out is asked itself, where it answers."""
        gaps: list[str] = []

        async def act(work: Unit) -> TakenNotices:
            gaps.clear()
            taken = await self._taken(work, notices, self.clock())
            for cell in sorted({each.cell for each in notices}):
                seqs = [each.seq for each in notices if each.cell == cell]
                before = await work.notices.place(cell)
                after = reached(before, seqs)
                if after != before:
                    await work.notices.move(cell, after)
                if max(seqs) > after:
                    gaps.append(cell)
            return taken

        with self._traced(notices):
            taken = await self.books.frame.written(act)
        self._tell(taken)
        await asyncio.gather(*map(self._tried, gaps))

    async def refused(self, after: tuple[str, int, str] | None, size: int) -> Page[RefusedNotice]:
        """A page of what was refused."""
        async with self.books.store.read() as work:
            found = await work.notices.refused(after or _FIRST, size + 1)
        return page_of(found, size, lambda each: each.place)

    async def again(
        self, stamp: RequestStamp, asked: AskedRetry, now: datetime, encode: Callable[[Looked], bytes]
    ) -> bytes:
        """Reads all cells, and takes the first refused notices once more, as an answered write."""
        counts = await asyncio.gather(*map(self._tried, self.cells))
        unread = tuple(cell for cell, count in zip(self.cells, counts, strict=True) if count is None)
        read = sum(count or 0 for count in counts)

        async def act(work: Unit) -> bytes:
            notices = [each.notice for each in await work.notices.refused(_FIRST, asked.most)]
            still = (await self._taken(work, notices, now)).refused
            await work.notices.refuse([replace(each, memo=asked.memo) for each in still])
            return encode(Looked(read, len(notices) - len(still), len(still), unread))

        return await self.books.once(stamp, now, act)

    def _traced(self, notices: Sequence[Notice]) -> AbstractContextManager[object]:
        return self.traced([each.traceparent for each in notices if each.traceparent])

    async def _tried(self, cell: str) -> int | None:
        """How many notices a cell gave; None where it does not answer."""
        try:
            return await self.pull(cell)
        except Fault:
            return None

    async def _come(self) -> None:
        """Takes those that waited for a day that has come."""
        today = beijing_day(self.clock())
        async with self.books.store.read() as work:
            waited = await work.notices.come(today, MOST)
        if waited:
            await self.take([each.notice for each in waited], {})

    async def _taken(self, work: Unit, notices: Sequence[Notice], now: datetime) -> TakenNotices:
        await work.books.lock()
        days = days_of(notices)
        listed = {
            day: await work.checks.listed(day.day.isoformat(), day.side, setl_ids) for day, setl_ids in days.items()
        }
        standing = await work.books.standing(each.journal.setl_id for each in notices)
        taken = take(notices, standing, listed, await work.months.closed(), now)
        await work.months.begin({each.month for each in taken.fresh}, now)
        await work.books.add(taken.fresh)
        for day, entries in taken.listed.items():
            await work.checks.add_listed(day.day.isoformat(), day.side, entries)
        await work.notices.forget(notices)
        await work.notices.refuse(taken.refused)
        return taken

    def _tell(self, taken: TakenNotices) -> None:
        reasons: dict[tuple[str, str], int] = {}
        for each in taken.refused:
            if each.reason == DAY_TO_COME:
                continue
            key = (each.notice.cell, each.reason)
            reasons[key] = reasons.get(key, 0) + 1
        for (cell, reason), count in reasons.items():
            self.troubled(cell, reason, count)
