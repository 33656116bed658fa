"""Rows of studies as a search reads them: by person, UID, accession number, or an own list. Each way has an index.

Whom the rows may be shown to is decided elsewhere; only those of an own list may be in conflict. Tombstones are never read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.imaging.domain.studies import KeptStudy, Series, State
from services.imaging.store.packs import COLUMNS, series_of, study_of
from services.imaging.store.studies import among
from services.imaging.store.uids import packed_uid
from services.runtime.db import DriverConnection

_ACTIVE: Final = int(State.ACTIVE)
_FIRST, _LAST = -(2**31), 2**31 - 1
_DAY_MINUTES: Final = 24 * 60
_LAST_REF: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Days:
    """A range of days as minutes of the wall clock since 1970, `last` the last minute of the last day."""

    first: int = _FIRST
    last: int = _LAST


EVER: Final = Days()


@dataclass(frozen=True, slots=True)
class Place:
    """Behind which row of an own list a page begins: the newest come first, of one minute those with the higher ref."""

    started: int
    ref: int


BEGIN: Final = Place(_LAST, _LAST_REF)


class StudyRows:
    """Studies as they are found, in one reading transaction."""

    def __init__(self, connection: DriverConnection) -> None:
        self._connection = connection

    async def of_persons(
        self, keys: Collection[bytes], days: Days = EVER, *, own: str = "", most: int = 10_000
    ) -> Sequence[KeptStudy]:
        """Studies of persons, the newest first, of one minute by ref, at most so many. Those in conflict only of the institution
        `own`. A person has some dozens, so that conditions that no index has are judged by whoever asks.
        """
        if not keys:
            return ()
        rows = await self._connection.fetch(
            self._person_sql(len(keys)), (*keys, days.first, days.last, _ACTIVE, own, most)
        )
        return [study_of(row) for row in rows]

    async def of_uids(self, uids: Collection[str], *, own: str = "") -> Sequence[KeptStudy]:
        """Studies under these UIDs, at any node. Those in conflict only of the institution `own`."""
        found = await among(
            self._connection,
            f"SELECT {COLUMNS} FROM imaging_study WHERE uid ",
            [packed_uid(each) for each in uids],
            "bytea",
        )
        return [each for each in map(study_of, found) if _shown(each, own)]

    async def of_accession(self, accession_no: str, *, own: str = "", most: int = 200) -> Sequence[KeptStudy]:
        """Studies with an accession number of whichever issuer, at most so many."""
        (number, limit) = self._marks(1, 2)
        found = await self._connection.fetch(
            f"SELECT {COLUMNS} FROM imaging_study WHERE accession = {number} LIMIT {limit}", (accession_no, most)
        )
        return [each for each in map(study_of, found) if _shown(each, own)]

    async def own_page(
        self, institution: str, most: int, after: Place = BEGIN, days: Days = EVER
    ) -> Sequence[KeptStudy]:
        """A page of an institution's own list, the newest first, behind a place: the same cost at any depth."""
        code, first, started, ref, limit = self._marks(1, 5)
        statement = (
            f"SELECT {COLUMNS} FROM imaging_study WHERE institution = {code} AND started >= {first} AND started <= {started}"
            f" AND (started, study_ref) < ({started}, {ref}) ORDER BY started DESC, study_ref DESC LIMIT {limit}"
        )
        begin = after if after.started <= days.last else Place(days.last, _LAST_REF)
        rows = await self._connection.fetch(statement, (institution, days.first, begin.started, begin.ref, most))
        return [study_of(row) for row in rows]

    async def own_count(self, institution: str, days: Days = EVER, most: int = 100_000) -> int:
        """How many studies an institution's own list has, counted up to `most`."""
        code, first, last, limit = self._marks(1, 4)
        statement = (
            f"SELECT count(*) FROM (SELECT 1 FROM imaging_study WHERE institution = {code} AND started >= {first}"
            f" AND started <= {last} LIMIT {limit}) AS counted"
        )
        return int((await self._connection.fetch(statement, (institution, days.first, days.last, most)))[0][0])

    async def series(self, refs: Collection[int]) -> Mapping[int, Sequence[Series]]:
        """The series of studies by their refs."""
        rows = await among(
            self._connection, "SELECT study_ref, body FROM imaging_series WHERE study_ref ", list(refs), "bigint"
        )
        return {ref: series_of(body) for ref, body in rows}

    def _person_sql(self, keys: int) -> str:
        marks = self._marks(1, keys)
        first, last, state, own, limit = self._marks(keys + 1, 5)
        return (
            f"SELECT {COLUMNS} FROM imaging_study WHERE person_key IN ({','.join(marks)}) AND started >= {first}"
            f" AND started <= {last} AND (state = {state} OR institution = {own})"
            f" ORDER BY started DESC, study_ref DESC LIMIT {limit}"
        )

    def _marks(self, first: int, count: int) -> list[str]:
        """Parameters from a number on, as the driver writes them."""
        sign = "$" if self._connection.dialect == "postgresql" else "?"
        return [f"{sign}{number}" for number in range(first, first + count)]


def _shown(study: KeptStudy, own: str) -> bool:
    if study.state is State.WITHDRAWN:
        return False
    return study.state is State.ACTIVE or (study.study is not None and study.study.fixmedins_code == own)
