"""An institution's own list: which of its studies stand in it, and on which page a place of it lies. Pure.

The list is counted by day and by month, so that a page of any depth is found by some hundred counts and not by what stands
before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from services.imaging.domain.studies import KeptStudy

DAY_MINUTES: Final = 24 * 60
_FIRST: Final = date(1970, 1, 1)
_EARLIEST, _LATEST = date(1800, 1, 1), date(2999, 12, 31)

Listed = tuple[str, int]
"""fixmedins_code and day of the examination, in days since 1970."""


@dataclass(frozen=True, slots=True)
class Days:
    """Days since 1970 from the first to the last, both within."""

    first: int = (_EARLIEST - _FIRST).days
    last: int = (_LATEST - _FIRST).days

    @property
    def months(self) -> tuple[int, int]:
        """The months of the first and the last day, as numbers."""
        return month_of(self.first), month_of(self.last)

    def within(self, month: int) -> Days:
        """Those of one month."""
        first = (date(*year_and_month(month), 1) - _FIRST).days
        return Days(max(self.first, first), min(self.last, (_last_of(month) - _FIRST).days))

    def holds_all_of(self, month: int) -> bool:
        """Whether all days of a month are among them."""
        return self.within(month) == EVER.within(month)

    @property
    def minutes(self) -> tuple[int, int]:
        """Their first and last minute since 1970."""
        return self.first * DAY_MINUTES, self.last * DAY_MINUTES + DAY_MINUTES - 1


def year_and_month(month: int) -> tuple[int, int]:
    """Year and month of a month's number."""
    year, rest = divmod(month, 12)
    return year, rest + 1


def month_of(day: int) -> int:
    """The number of the month of a day: twelve times the year, and the months before it."""
    found = _FIRST + timedelta(days=day)
    return found.year * 12 + found.month - 1


def _last_of(month: int) -> date:
    return date(*year_and_month(month + 1), 1) - timedelta(days=1)


EVER: Final = Days()


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
    which told the first one."""
    firsts: dict[str, KeptStudy] = {}
    for each in rows:
        if each.study is not None:
            other = firsts.setdefault(each.study.fixmedins_code, each)
            if each.node_ref < other.node_ref:
                firsts[each.study.fixmedins_code] = each
    return Counter((code, each.study.started // DAY_MINUTES) for code, each in firsts.items() if each.study is not None)


def list_changes(
    before: Mapping[str, KeptStudy], after: Mapping[str, KeptStudy], elsewhere: Mapping[str, Sequence[KeptStudy]]
) -> Mapping[Listed, int]:
    """What is to be added to the counts where a node's rows stood and stand so, by UID; `elsewhere` are those of other nodes."""
    changes: Counter[Listed] = Counter()
    for uid, now in after.items():
        others, stood = elsewhere.get(uid, ()), before.get(uid)
        changes.update(listed([now, *others]))
        changes.subtract(listed(others if stood is None else [stood, *others]))
    return {place: change for place, change in changes.items() if change}


def found_in(counts: Iterable[tuple[int, int]], offset: int) -> tuple[int, int] | None:
    """In which of places with their counts, in order, the one at an offset lies, and how many of it stand before that; None where
    there are not so many."""
    rest = offset
    for place, count in counts:
        if rest < count:
            return place, rest
        rest -= count
    return None
