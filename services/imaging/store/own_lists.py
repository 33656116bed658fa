"""Rows of own lists: where each institution's studies stand, and pages of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Final

from services.imaging.domain.own_lists import END, EVER, START, Days, Listed, Part, PartSize, Place, found_in
from services.imaging.store.own_parts import PartRows, keyed, over_keys
from services.runtime.db import DriverConnection, sql

_FEW: Final = 64
_WITHIN: Final = (
    "FROM imaging_own WHERE institution = ?1 AND (started, study_ref) >= (?2, ?3) AND (started, study_ref) < (?4, ?5)"
)
# PostgreSQL expects all of a minute between two of its places: without a limit it would read the whole table.
_FIRST: Final = sql(f"SELECT study_ref {_WITHIN} ORDER BY started, study_ref LIMIT ?6")
_PAGE: Final = sql(f"SELECT study_ref {_WITHIN} ORDER BY started DESC, study_ref DESC LIMIT ?6 OFFSET ?7")
_DROP: Final = over_keys(
    3, "DELETE FROM imaging_own WHERE (institution, started, study_ref) IN (SELECT k0, k1, k2 FROM {keys})"
)


class OwnRows:
    """Own lists, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str, insert_part: str) -> None:
        self._connection = connection
        self._insert = insert
        self._parts = PartRows(connection, insert_part)

    async def change(self, changes: Mapping[Listed, int]) -> None:
        """What comes to lists (1) and leaves them (-1); one transaction at a time may do so (`StudyWrites.hold`)."""
        gone = [place for place, change in changes.items() if change < 0]
        new = sorted(place for place, change in changes.items() if change > 0)
        await keyed(self._connection, _DROP, gone)
        await self._connection.insert(self._insert, new, patient=len(new) > _FEW)
        await self._parts.change(changes)

    async def page(self, institution: str, days: Days, offset: int, most: int) -> tuple[int, Sequence[int]]:
        """How many studies the list has in these days, and the refs of at most so many behind an offset: the newest first, of one
        minute the higher ref first. What is read does not grow with the offset."""
        coarse = await self._parts.between(institution, PartSize.COARSE, START, END)
        counted = _Counted(self._connection, self._parts, institution, coarse)
        first, end = days.places
        before, until = 0, sum(count for _, count in coarse)
        if days != EVER:
            before, until = await counted.before(first), await counted.before(end)
        index = until - 1 - offset
        if index < before or not most:
            return until - before, ()
        behind, skipped = await counted.end_of_part(index)
        rows = await self._connection.run(_PAGE, institution, *first, *behind, most, skipped)
        return until - before, [ref for (ref,) in rows]


class _Counted:
    """A list by its parts; the fine ones of a coarse one are read once."""

    def __init__(self, connection: DriverConnection, parts: PartRows, institution: str, coarse: Sequence[Part]) -> None:
        self._connection, self._parts, self._institution, self._coarse = connection, parts, institution, coarse
        self._read: dict[int, Sequence[Part]] = {}

    async def before(self, place: Place) -> int:
        """How many studies stand before a place."""
        number = bisect_right(self._coarse, place, key=_begin) - 1
        if number < 0:
            return 0
        fine = await self._fine(number)
        last = bisect_right(fine, place, key=_begin) - 1
        whole = sum(count for _, count in (*self._coarse[:number], *fine[:last]))
        begin, most = fine[last]
        return whole + len(await self._connection.run(_FIRST, self._institution, *begin, *place, most))

    async def end_of_part(self, index: int) -> tuple[Place, int]:
        """Where the fine part ends that has the study with so many before it, and how many of the part stand behind that one."""
        number, rest = found_in(self._coarse, index)
        fine = await self._fine(number)
        part, rest = found_in(fine, rest)
        return _end(fine, part, _end(self._coarse, number)), fine[part][1] - 1 - rest

    async def _fine(self, number: int) -> Sequence[Part]:
        """The fine parts of a coarse one."""
        if number not in self._read:
            begin, end = _begin(self._coarse[number]), _end(self._coarse, number)
            self._read[number] = await self._parts.between(self._institution, PartSize.FINE, begin, end)
        return self._read[number]


def _begin(part: Part) -> Place:
    return part[0]


def _end(parts: Sequence[Part], number: int, last: Place = END) -> Place:
    """Where a part ends: the next one's beginning, of the last one `last`."""
    return parts[number + 1][0] if number + 1 < len(parts) else last
