"""Drift: days on which a node and the index know other studies, found by comparing digests (I§6.3). Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.imaging.domain.digests import DayDigest
from services.imaging.domain.nodes import StandingNode

SILENT_AFTER: Final = timedelta(days=2)
"""A node that compared nothing for so long is looked at (our decision: nodes compare daily)."""
MOST_RECOUNTED_DAYS: Final = 31
MOST_RECOUNTED: Final = 20_000
"""So many studies are counted anew in one comparison, which holds the node meanwhile (our decision)."""
NOTHING: Final = DayDigest()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a node tells: digests by day (20260305), the range of days of which it tells all, or None, the number of the last
    entry of which they tell, 0 for none, and whether the first days are counted anew in any case.
    """

    days: Mapping[int, DayDigest]
    span: tuple[int, int] | None = None
    last_seq: int = 0
    recount: bool = False

    def is_under_way(self, watermark: int) -> bool:
        """Whether entries of these days are not decided yet."""
        return self.last_seq not in (0, watermark)

    def holds(self, day: int) -> bool:
        """Whether it says something of a day."""
        return day in self.days or (self.span is not None and self.span[0] <= day <= self.span[1])


@dataclass(frozen=True, slots=True)
class Drift:
    """A day that differs: how many studies each side counts, and since when that is known."""

    day: int
    node_count: int
    index_count: int
    found_at: datetime


@dataclass(frozen=True, slots=True)
class DriftingNode:
    """A node that somebody should look at, with the number of days that differ and the first of them."""

    standing: StandingNode
    silent: bool
    day_count: int
    days: Sequence[Drift]


@dataclass(frozen=True, slots=True)
class Totals:
    """Days that differ, nodes whose entries are not all told, and nodes that compared nothing for long."""

    days: int
    behind: int
    silent: int


DayPlace = tuple[int, int]
"""Where a study stands in its day: minute of the wall clock since 1970, ref."""
DAY_BEGIN: Final[DayPlace] = (-(2**31), 0)


@dataclass(frozen=True, slots=True)
class DayStudy:
    """A study of a node's day: its place, UID, version and hash."""

    place: DayPlace
    uid: str
    version: int
    entry_hash: bytes


def sum_of(studies: Iterable[DayStudy]) -> DayDigest:
    """What studies of one day come to."""
    total = NOTHING
    for each in studies:
        total = total.plus(DayDigest(1, int.from_bytes(each.entry_hash, "big")))
    return total


def differing(told: Comparison, kept: Mapping[int, DayDigest]) -> Sequence[int]:
    """Days that differ, in their order."""
    days = told.days.keys() | {each for each in kept if told.holds(each)}
    return sorted(each for each in days if told.days.get(each, NOTHING) != kept.get(each, NOTHING))


def to_recount(told: Comparison, days: Sequence[int], kept: Mapping[int, DayDigest]) -> Sequence[int]:
    """Of the days that differ, and of those that are to be counted in any case, as many as are counted at once."""
    wanted = list(dict.fromkeys([*(list(told.days)[:MOST_RECOUNTED_DAYS] if told.recount else ()), *days]))
    left = MOST_RECOUNTED
    taken: list[int] = []
    for day in wanted:
        left -= max(1, kept.get(day, NOTHING).count, told.days.get(day, NOTHING).count)
        if left < 0 and taken:
            break
        taken.append(day)
    return taken


def noted(
    told: Comparison, days: Collection[int], kept: Mapping[int, DayDigest], standing: Sequence[Drift], now: datetime
) -> tuple[Sequence[int], Sequence[Drift]]:
    """Which days of the drift that stands are gone or told otherwise, and what is noted now; what was known keeps its moment."""
    known = {each.day: each.found_at for each in standing}
    rows = [
        Drift(day, told.days.get(day, NOTHING).count, kept.get(day, NOTHING).count, known.get(day, now)) for day in days
    ]
    return [day for day in known if told.holds(day)], rows


def is_silent(standing: StandingNode, now: datetime) -> bool:
    """Whether a node that has told entries compared nothing for two days; a new one has two days from its registration."""
    since = standing.compared_at or standing.registered_at
    return standing.watermark > 0 and now - since > SILENT_AFTER
