"""Rows of counts of own lists: for each institution how many studies stand on a day, and in a month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from services.imaging.domain.own_lists import EVER, Days, Listed, found_in, month_of
from services.runtime.db import DriverConnection, sql

_DAY, _MONTH = 0, 1
_ADD: Final = " ON CONFLICT (institution, span, place) DO UPDATE SET count = imaging_own.count + excluded.count"
_COUNTS: Final = sql(
    "SELECT place, count FROM imaging_own WHERE institution = ?1 AND span = ?2 AND place >= ?3 AND place <= ?4"
    " ORDER BY place DESC"
)


class OwnRows:
    """Counts of own lists, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert

    async def change(self, changes: Mapping[Listed, int]) -> None:
        """Adds to counts."""
        sums: Counter[tuple[str, int, int]] = Counter()
        for (institution, day), change in changes.items():
            sums[institution, _DAY, day] += change
            sums[institution, _MONTH, month_of(day)] += change
        rows = [(*place, change) for place, change in sorted(sums.items()) if change]
        await self._connection.insert(self._insert + _ADD, rows, patient=len(rows) > 64)

    async def found(self, institution: str, days: Days, offset: int) -> tuple[int, int, int]:
        """How many studies the list has in these days, on which day that at an offset from the latest on lies, and how many of
        that day stand before it. Where the list ends before it, the first day and all of it."""
        months = await self._months(institution, days)
        count = sum(each for _, each in months)
        month = found_in(months, offset)
        if month is None:
            return count, days.first, count
        day = found_in(await self._counts(institution, _DAY, days.within(month[0])), month[1])
        assert day is not None, "the days of a month come to what the month does"
        return count, *day

    async def _months(self, institution: str, days: Days) -> list[tuple[int, int]]:
        """The counts of months, of those at the ends only of the days that are asked."""
        first, last = days.months
        months = await self._counts(institution, _MONTH, Days(first, last))
        if days == EVER:
            return months
        return [
            (month, count if days.holds_all_of(month) else await self._sum(institution, days.within(month)))
            for month, count in months
        ]

    async def _sum(self, institution: str, days: Days) -> int:
        return sum(count for _, count in await self._counts(institution, _DAY, days))

    async def _counts(self, institution: str, span: int, places: Days) -> list[tuple[int, int]]:
        rows = await self._connection.run(_COUNTS, institution, span, places.first, places.last)
        return [(place, count) for place, count in rows]
