"""Decisions of the persons' cells that searches use again, so that most of them ask nobody; what a person changes counts within
a second all the same.

A cell's feed tells what became of its grants, and is read each half second while searches ask for that cell's persons. A decision
is used again as long as the last whole reading of the feed is younger than that, and no entry of its grant was read since it was
asked for. What was read before a cell was silent, or before its store came back from an earlier day, is worth nothing. Where the
feed is not read, each search asks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.imaging.domain.sessions import GrantDecision, Reader
from services.imaging.domain.tickets import GrantEnd
from services.imaging.operations.ports import GrantDeciding
from services.kernel.clock import Clock, to_micros
from services.kernel.consents import cell_of_grant

FRESH_S: Final = 0.9
"""A search goes by a reading that began so long ago at most: what was committed a second before it is in it."""
LIFE_S: Final = 60.0
"""A decision is asked for anew after so long, and a cell's feed is read for so long after the last search (our decisions)."""
MOST: Final = 10_000
"""Decisions that are kept; of more the grants go that were kept first (our decision)."""


@dataclass(slots=True)
class _Feed:
    """A cell's feed as it is read without a break: when its last whole reading began, None before the first, and how many
    readings told something. One that was broken off is never taken up again, and with it goes what was kept by it."""

    wanted_until: float
    read_at: float | None = None
    told: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    """A decision, the feed by which it holds, and when it was asked for."""

    decision: GrantDecision
    feed: _Feed
    asked_at: float


@dataclass(slots=True)
class KeptDecisions:
    """Answers as the cells do. `is_dated` tells whether the call is decided on another day than today, for which nothing is kept;
    `monotonic` is a clock that only goes forward, in seconds."""

    cells: GrantDeciding
    clock: Clock
    is_dated: Callable[[], bool]
    monotonic: Callable[[], float] = time.monotonic
    _feeds: dict[str, _Feed] = field(default_factory=dict)
    _kept: dict[str, dict[Reader, _Kept]] = field(default_factory=dict)
    _count: int = 0
    _swept_at: float = 0.0

    def __len__(self) -> int:
        """How many are kept, used or not."""
        return self._count

    async def decided(self, reader: Reader, grant_nos: Sequence[str]) -> Sequence[GrantDecision]:
        """What the cells say of up to 200 grants, in their order: what is not known is asked for in one question.
        PEER_UNAVAILABLE."""
        if self.is_dated():
            return await self.cells.decided(reader, grant_nos)
        now = self.monotonic()
        feeds = [self._feed(each, now) for each in grant_nos]
        known = [self._known(reader, *each, now) for each in zip(grant_nos, feeds, strict=True)]
        if all(known):
            return [each for each in known if each]
        missing = [place for place, each in enumerate(known) if each is None]
        told = [_place(each) for each in feeds]
        asked = await self.cells.decided(reader, [grant_nos[place] for place in missing])
        said = dict(zip(missing, asked, strict=True))
        for place, decision in said.items():
            feed = feeds[place]
            # What was read meanwhile may be younger than the decision.
            if feed is not None and told[place] is not None and told[place] == _place(feed):
                self._keep(grant_nos[place], reader, _Kept(decision, feed, now))
        return [each or said[place] for place, each in enumerate(known)]

    def wanted(self) -> Collection[str]:
        """Cells whose persons were searched for lately: their feeds are to be read."""
        now = self.monotonic()
        self._feeds = {cell: each for cell, each in self._feeds.items() if each.wanted_until > now}
        if self._count and now - self._swept_at >= LIFE_S:
            self._sweep(now)
        return list(self._feeds)

    def read(self, cell: str, begun_at: float, ends: Sequence[GrantEnd], *, is_whole: bool) -> None:
        """What a reading of a cell's feed told that began then, all entries behind the last reading. One that is not whole says
        that the feed was broken off: the cell was silent, or counts its entries anew."""
        feed = self._feeds.get(cell)
        if feed is None:
            return
        if not is_whole:
            self._feeds[cell] = _Feed(feed.wanted_until)
            return
        feed.read_at = begun_at
        if ends:
            feed.told += 1
        for each in ends:
            self._count -= len(self._kept.pop(each.grant_no, ()))

    def _feed(self, grant_no: str, now: float) -> _Feed | None:
        cell = cell_of_grant(grant_no)
        if cell is None:
            return None
        feed = self._feeds.get(cell)
        if feed is None:
            feed = self._feeds[cell] = _Feed(0.0)
        feed.wanted_until = now + LIFE_S
        return feed

    def _known(self, reader: Reader, grant_no: str, feed: _Feed | None, now: float) -> GrantDecision | None:
        kept = self._kept.get(grant_no, {}).get(reader)
        if kept is None or kept.feed is not feed or feed.read_at is None:
            return None
        if now - feed.read_at > FRESH_S or now - kept.asked_at >= LIFE_S:
            return None
        return kept.decision if to_micros(self.clock()) < kept.decision.to_at else None

    def _keep(self, grant_no: str, reader: Reader, kept: _Kept) -> None:
        if kept.decision.scope is None:
            # Nobody reads by it, and a grant that is yet to begin will be read by.
            return
        of_grant = self._kept.setdefault(grant_no, {})
        self._count += reader not in of_grant
        of_grant[reader] = kept
        while self._count > MOST:
            self._count -= len(self._kept.pop(next(iter(self._kept))))

    def _sweep(self, now: float) -> None:
        """Lets go of what is over, so that nothing of a person stays in memory for whom nobody asks any more."""
        kept = {
            grant_no: {reader: each for reader, each in of_grant.items() if now - each.asked_at < LIFE_S}
            for grant_no, of_grant in self._kept.items()
        }
        self._kept = {grant_no: of_grant for grant_no, of_grant in kept.items() if of_grant}
        self._count = sum(len(each) for each in self._kept.values())
        self._swept_at = now


def _place(feed: _Feed | None) -> int | None:
    """Up to where a feed was read; None where it is not."""
    return None if feed is None or feed.read_at is None else feed.told
