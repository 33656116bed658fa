"""The list of what was revoked, which nodes read each second: a loop reads what became of grants of each cell of which a ticket
lives, and what it finds stands in the list within a second. Searches use decisions again by the same readings.

A cell that does not answer may have ended any grant: after some seconds all its tickets are revoked. Where the loop itself does
not get on, the list is not told at all, and the nodes open nothing (our decisions).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from services.imaging.domain.tickets import TOLD, GrantEnd, Ticket, revoked_names
from services.imaging.store.unit import ImagingStore, Unit
from services.kernel.clock import Clock
from services.kernel.errors import Fault, FaultKind
from services.kernel.requests import Entry, RequestStamp
from services.runtime.writes import Frame

EVERY_S: Final = 0.5
READ_S: Final = 1.0
"""So long one cell may take for what is new: the others do not wait longer."""
AWAY_S: Final = 2.5
"""After so long without an answer a cell's tickets are revoked. With the second in which a node asks again, a ticket whose grant
was ended just before the cell went dark opens nothing after five seconds.
"""
STALE_S: Final = 3.0
"""A list that was not made for so long is not told."""
ON_ITS_WAY_S: Final = 10.0
"""So long a ticket may be on its way from the decision into the store, where what was hidden meanwhile finds it."""
MOST_NAMES: Final = 1_000
_MOST_AWAY: Final = 5_000
_SWEEP_S: Final = 60.0


class Feed(Protocol):
    """What became of grants, as the persons' cells tell it."""

    async def behind(self, cell: str, after: int) -> tuple[list[GrantEnd], int]:
        """A page of a cell's feed behind a place, and the feed's last place, which is less than `after` where the cell's store
        came back from an earlier day; CELL_UNAVAILABLE, PEER_UNAVAILABLE."""
        ...


class Kept(Protocol):
    """Decisions that are used again as long as feeds tell nothing else."""

    def wanted(self) -> Collection[str]:
        """Cells whose feeds are to be read for them."""
        ...

    def read(self, cell: str, begun_at: float, ends: Sequence[GrantEnd], *, is_whole: bool) -> None:
        """What a reading told that began then; one that is not whole says that the feed was broken off."""
        ...


@dataclass(slots=True)
class _Reading:
    """What one cell told in one turn: up to where it was read, and whether that is all."""

    cell: str
    cursor: int
    ends: list[GrantEnd] = field(default_factory=list)
    whole: bool = False


class Revocations:
    """Makes the list and tells it. `monotonic` is a clock that only goes forward, in seconds."""

    def __init__(
        self,
        store: ImagingStore,
        feed: Feed,
        kept: Kept,
        cells: Sequence[str],
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._feed, self._kept, self._cells = store, feed, kept, cells
        self._clock, self._monotonic = clock, monotonic
        self._frame: Frame[Unit, Entry] = Frame(store.write, _none, "STORE_UNAVAILABLE")
        self._cursors: dict[str, int] = {}
        self._silent_since: dict[str, float] = {}
        self._hidden: list[tuple[float, GrantEnd]] = []
        self._made_at: float | None = None
        self._swept_at = monotonic()

    async def turn(self) -> bool:
        """Reads every cell of which a ticket lives, or decisions are used again, and notes what is new; never more at once.
        STORE_UNAVAILABLE."""
        begun, now = self._monotonic(), self._clock()
        async with self._store.read() as work:
            living = await work.tickets.living(self._cells, now)
        used = [each for each in self._kept.wanted() if each in self._cells and each not in living]
        readings = await asyncio.gather(*(self._read(each) for each in (*living, *used)))
        away = self._away([each for each in readings if each.cell in living], begun)
        read = [each for reading in readings for each in reading.ends]
        ends = [each for each in read if each.ended_at > now - TOLD and not each.shown]
        hidden = [(begun, each) for each in ends if not each.is_end]
        recent = [each for each in self._hidden if begun - each[0] < ON_ITS_WAY_S] + hidden
        if ends or recent or away:
            await self._note([*(each for each in ends if each.is_end), *(each for _, each in recent)], away)
        for reading in readings:
            self._cursors[reading.cell] = reading.cursor
        self._hidden = recent
        if begun - self._swept_at >= _SWEEP_S:
            await self._frame.written(lambda work: work.tickets.sweep(now, now - TOLD))
            self._swept_at = begun
        self._made_at = begun
        return False

    async def listed(self, after: int) -> tuple[list[str], int]:
        """Names behind a place, and the place at which to go on. UNAVAILABLE REVOCATIONS_STALE where the list is not made now."""
        if self._made_at is None or self._monotonic() - self._made_at > STALE_S:
            raise Fault(FaultKind.UNAVAILABLE, "REVOCATIONS_STALE", retry_after_s=EVERY_S)
        async with self._store.read() as work:
            # A store that came back from an earlier day has fewer places: its list is read from the beginning.
            begin = after if after <= await work.tickets.last() else 0
            rows = await work.tickets.revoked(begin, MOST_NAMES)
        return [name for _, name in rows], rows[-1][0] if rows else begin

    async def _read(self, cell: str) -> _Reading:
        begun, reading = self._monotonic(), _Reading(cell, self._cursors.get(cell, 0))
        try:
            async with asyncio.timeout(READ_S):
                while not reading.whole:
                    ends, last = await self._feed.behind(cell, reading.cursor)
                    if last < reading.cursor:
                        reading.cursor = 0
                        self._kept.read(cell, begun, (), is_whole=False)
                        continue
                    reading.ends += ends
                    reading.cursor = ends[-1].seq if ends else last
                    reading.whole = reading.cursor >= last
        except (TimeoutError, Fault):
            # What was read so far is noted all the same, and read on from there.
            pass
        # At once: a cell that is slow to answer keeps no other's searches waiting for what is new.
        self._kept.read(cell, begun, reading.ends, is_whole=reading.whole)
        return reading

    def _away(self, readings: Sequence[_Reading], begun: float) -> list[str]:
        """Cells that have not answered for too long."""
        silent = [each.cell for each in readings if not each.whole]
        self._silent_since = {cell: self._silent_since.get(cell, begun) for cell in silent}
        ended = self._monotonic()
        return [cell for cell, since in self._silent_since.items() if ended - since >= AWAY_S]

    async def _note(self, ends: Sequence[GrantEnd], away: Sequence[str]) -> None:
        now = self._clock()

        async def act(work: Unit) -> None:
            tickets: list[Ticket] = await work.tickets.of_grants(
                {each.grant_no for each in ends if not each.is_end}, now
            )
            names = revoked_names(ends, tickets)
            lost = [each.jti for cell in away for each in await work.tickets.of_cell(cell, now, _MOST_AWAY)]
            if names or lost:
                gone = [*lost, *(each.jti for each in tickets if each.jti in set(names))]
                await work.tickets.revoke(list(dict.fromkeys([*names, *lost])), gone, now)

        await self._frame.written(act)


async def _none(work: Unit, stamp: RequestStamp) -> Entry | None:
    """The list has no request ids."""
    return None
