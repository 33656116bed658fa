"""An institution's own list: which of its studies stand in it, and on which page a place of it lies. Pure.

The list is counted in parts, one behind the other: fine ones of some hundred studies, coarse ones of some ten fine ones. A part
begins at a place and ends where the next one begins. So a page of any depth is found by some hundred counts and not by what
stands before it, wherever studies lie, be it all of them in one minute.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Final

from services.imaging.domain.studies import KeptStudy

DAY_MINUTES: Final = 24 * 60
_FIRST: Final = date(1970, 1, 1)
_EARLIEST, _LATEST = date(1800, 1, 1), date(2999, 12, 31)

Place = tuple[int, int]
"""Where a study stands in a list: its minute since 1970 and its ref. Lists begin with the greatest place."""

Listed = tuple[str, int, int]
"""fixmedins_code, and the place in that institution's list."""


@dataclass(frozen=True, slots=True)
class Days:
    """Days since 1970 from the first to the last, both within."""

    first: int = (_EARLIEST - _FIRST).days
    last: int = (_LATEST - _FIRST).days

    @property
    def minutes(self) -> tuple[int, int]:
        """Their first and last minute since 1970."""
        return self.first * DAY_MINUTES, self.last * DAY_MINUTES + DAY_MINUTES - 1

    @property
    def places(self) -> tuple[Place, Place]:
        """The least place that may be theirs, and the one behind the greatest."""
        first, last = self.minutes
        return (first, 0), (last + 1, 0)


EVER: Final = Days()
START, END = EVER.places
"""Where the first part of each list begins, and where the last one ends."""


class PartSize(IntEnum):
    """Parts by their size."""

    FINE = 0
    COARSE = 1

    @property
    def most(self) -> int:
        """Studies of a part; one with more is cut."""
        return _MOST[self]


_MOST: Final = {PartSize.FINE: 256, PartSize.COARSE: 256 * 64}

Part = tuple[Place, int]
"""Where a part begins, and how many studies it has."""


def days_of(first: str, last: str) -> Days:
    """Days between two of DICOM, yyyyMMdd; what lies before the year 1800 or behind 2999 is no end, for no study does."""
    return Days(
        EVER.first if first < f"{_EARLIEST:%Y%m%d}" else _day(first),
        EVER.last if last > f"{_LATEST:%Y%m%d}" else _day(last),
    )


def _day(text: str) -> int:
    found = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    return (min(max(found, _EARLIEST), _LATEST) - _FIRST).days


def listed(rows: Iterable[KeptStudy]) -> Counter[Listed]:
    """What the copies of one study, one a node, are in own lists: a study stands once in an institution's, as that node tells it
    which was registered first of those that tell it as that institution's."""
    firsts: dict[str, KeptStudy] = {}
    for each in rows:
        if each.study is not None:
            other = firsts.setdefault(each.study.fixmedins_code, each)
            if each.node_ref < other.node_ref:
                firsts[each.study.fixmedins_code] = each
    return Counter((code, each.study.started, each.ref) for code, each in firsts.items() if each.study is not None)


def list_changes(
    before: Mapping[str, KeptStudy], after: Mapping[str, KeptStudy], elsewhere: Mapping[str, Sequence[KeptStudy]]
) -> Mapping[Listed, int]:
    """What comes to lists (1) and leaves them (-1) where a node's rows stood and stand so, by UID; `elsewhere` are those of other
    nodes."""
    changes: Counter[Listed] = Counter()
    for uid, now in after.items():
        others, stood = elsewhere.get(uid, ()), before.get(uid)
        changes.update(listed([now, *others]))
        changes.subtract(listed(others if stood is None else [stood, *others]))
    return {place: change for place, change in changes.items() if change}


def found_in(parts: Sequence[Part], index: int) -> tuple[int, int]:
    """Which of parts in their order has the study with so many before it, and how many of its own stand before that one;
    IndexError where there are not so many."""
    rest = index
    for number, (_, count) in enumerate(parts):
        if rest < count:
            return number, rest
        rest -= count
    raise IndexError(index)


def cut(begin: Place, counted: Sequence[Part], most: int) -> list[Part]:
    """A part that has grown beyond `most` as some that are half full, of what it consists of: studies, each of which counts 1, or
    smaller parts, which stay whole."""
    total = sum(count for _, count in counted)
    each_of = -(-total // max(1, 2 * total // most))
    cuts: list[Part] = [(begin, 0)]
    for place, count in counted:
        if cuts[-1][1] and cuts[-1][1] + count > each_of:
            cuts.append((place, 0))
        cuts[-1] = cuts[-1][0], cuts[-1][1] + count
    return cuts
