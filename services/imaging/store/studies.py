"""Rows of studies as an upload reads and writes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from services.imaging.domain.drift import DayPlace, DayStudy
from services.imaging.domain.studies import KeptStudy, Series, minutes_of
from services.imaging.store.packs import COLUMNS, body_of_series, row_of, study_of
from services.imaging.store.uids import packed_uid, unpacked_uid
from services.runtime.db import DriverConnection, advisory_lock, sql

_OF_UIDS: Final = f"SELECT {COLUMNS} FROM imaging_study WHERE uid "
_DROP: Final = "DELETE FROM imaging_study WHERE study_ref "
_DROP_SERIES: Final = "DELETE FROM imaging_series WHERE study_ref "
_LOCK: Final = "imaging studies"
_OF_DAY: Final = sql(
    "SELECT started, study_ref, uid, version, entry_hash FROM imaging_study WHERE node_ref = ?1 AND started >= ?2"
    " AND started <= ?3 AND (started, study_ref) > (?4, ?5) ORDER BY started, study_ref LIMIT ?6"
)
_FEW: Final = 64
_DAY_MINUTES: Final = 24 * 60


class StudyWrites:
    """Studies, in one writing transaction."""

    def __init__(self, connection: DriverConnection, insert: str, insert_series: str) -> None:
        self._connection = connection
        self._insert = insert
        self._insert_series = insert_series

    async def hold(self) -> None:
        """Lets one transaction write studies at a time: two nodes that tell the same study see each other (our decision)."""
        await advisory_lock(self._connection, [_LOCK])

    async def of_uids(self, uids: Collection[str]) -> Sequence[KeptStudy]:
        """What stands under these UIDs, at any node."""
        found = await among(self._connection, _OF_UIDS, [packed_uid(each) for each in uids], "bytea")
        return [study_of(row) for row in found]

    async def of_day(self, node_ref: int, day: str, after: DayPlace, most: int) -> Sequence[DayStudy]:
        """Studies of a node's examination day that are not withdrawn, in their order, behind a place."""
        first = minutes_of(day)
        last = first + _DAY_MINUTES - 1
        rows = await self._connection.run(_OF_DAY, node_ref, first, last, *after, most, patient=most > _FEW)
        return [
            DayStudy((at, ref), unpacked_uid(uid), version, bytes(hashed)) for at, ref, uid, version, hashed in rows
        ]

    async def put(self, kept: Sequence[KeptStudy], standing: Collection[int]) -> None:
        """Writes studies as they stand now; `standing` are the refs of those that had a row."""
        old = [each.ref for each in kept if each.ref in standing]
        if old:
            await among(self._connection, _DROP, old, "bigint")
        await self._connection.insert(self._insert, [row_of(each) for each in kept], patient=len(kept) > _FEW)

    async def put_series(self, series: Mapping[int, Sequence[Series]], standing: Collection[int]) -> None:
        """Writes all series of studies by their refs; of those of `standing` what stood is gone."""
        old = [each for each in series if each in standing]
        if old:
            await among(self._connection, _DROP_SERIES, old, "bigint")
        rows = [(ref, body_of_series(each)) for ref, each in series.items() if each]
        await self._connection.insert(self._insert_series, rows, patient=len(rows) > _FEW)


async def among(connection: DriverConnection, statement: str, values: Sequence[Any], kind: str) -> Sequence[Any]:
    """The rows of a statement that ends before `IN (…)`, for many values of one kind of PostgreSQL's.

    On SQLite bytes pass no JSON, so that each value has a parameter; there are few forms of the statement, as the last value
    fills it up.
    """
    if not values:
        return []
    if connection.dialect == "postgresql":
        return await connection.fetch(f"{statement}= ANY($1::{kind}[])", (list(values),))
    size = 1 << (len(values) - 1).bit_length()
    filled = [*values, *[values[-1]] * (size - len(values))]
    return await connection.fetch(f"{statement}IN ({','.join('?' * size)})", filled)
