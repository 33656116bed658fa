"""Rows of the change log and of the digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.imaging.domain.digests import DayDigest, digest_of
from services.imaging.domain.entries import EntryResult
from services.runtime.db import DriverConnection, sql

Change = tuple[int, int, int, int, int | None, int | None, int]
"""Node's ref, source sequence, operation, result, study's ref, version, seconds since 1970."""

_KEEP: Final = (
    " ON CONFLICT (node_ref, seq) DO UPDATE SET operation = excluded.operation, result = excluded.result,"
    " study_ref = excluded.study_ref, version = excluded.version, uploaded_s = excluded.uploaded_s"
    f" WHERE imaging_change.result = {int(EntryResult.REJECTED)}"
)
_DAYS: Final = {
    "sqlite": "SELECT day, count, digest FROM imaging_digest WHERE node_ref = ?1 AND day IN (SELECT value FROM json_each(?2))",
    "postgresql": "SELECT day, count, digest FROM imaging_digest WHERE node_ref = $1 AND day = ANY($2::int[])",
}
_BETWEEN: Final = sql(
    "SELECT day, count, digest FROM imaging_digest WHERE node_ref = ?1 AND day BETWEEN ?2 AND ?3 ORDER BY day LIMIT ?4"
)
_DROP: Final = {
    "sqlite": "DELETE FROM imaging_digest WHERE node_ref = ?1 AND day IN (SELECT value FROM json_each(?2))",
    "postgresql": "DELETE FROM imaging_digest WHERE node_ref = $1 AND day = ANY($2::int[])",
}


class ChangeRows:
    """The change log, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert

    async def add(self, changes: Sequence[Change]) -> None:
        """What became of entries; of one whose place is taken already the first stays, unless it was rejected."""
        await self._connection.insert(self._insert + _KEEP, changes, patient=len(changes) > 64)


class DigestRows:
    """Digests by node and day, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert

    async def of_days(self, node_ref: int, days: Sequence[int]) -> Mapping[int, DayDigest]:
        """What stands for these days; days of which nothing stands are left out."""
        return _by_day(await self._connection.run(_DAYS, node_ref, list(days)))

    async def between(self, node_ref: int, first: int, last: int, most: int) -> Mapping[int, DayDigest]:
        """What stands from one day to another, at most so many days."""
        return _by_day(await self._connection.run(_BETWEEN, node_ref, first, last, most))

    async def put(self, node_ref: int, days: Mapping[int, DayDigest]) -> None:
        """What days come to now; one on which nothing stands has no row."""
        if days:
            await self._connection.run(_DROP, node_ref, list(days))
        rows = [(node_ref, day, each.count, each.digest) for day, each in days.items() if each.count]
        await self._connection.insert(self._insert, rows)

    async def change(self, node_ref: int, changes: Mapping[int, DayDigest]) -> None:
        """Adds to days; one of which nothing is left has no row."""
        if not changes:
            return
        standing = await self.of_days(node_ref, list(changes))
        sums = {day: standing.get(day, DayDigest()).plus(change) for day, change in changes.items()}
        await self.put(node_ref, sums)


def _by_day(rows: Sequence[Any]) -> dict[int, DayDigest]:
    return {day: digest_of(count, digest) for day, count, digest in rows}
