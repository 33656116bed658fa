"""Rows of studies as a search reads them: by person, UID, accession number, or ref. Each way has an index.

Whom the rows may be shown to is decided elsewhere; only those of an own list may be in conflict. Tombstones are never read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from services.imaging.domain.own_lists import EVER, Days
from services.imaging.domain.scopes import ToldAs
from services.imaging.domain.studies import KeptStudy, Series, State
from services.imaging.store.packs import COLUMNS, series_of, study_of
from services.imaging.store.studies import among
from services.imaging.store.uids import packed_uid, unpacked_uid
from services.runtime.db import DriverConnection
from services.runtime.pieces import in_pieces

_ACTIVE: Final = int(State.ACTIVE)


class StudyRows:
    """Studies as they are found, in one reading transaction."""

    def __init__(self, connection: DriverConnection) -> None:
        self._connection = connection

    async def of_persons(
        self,
        keys: Collection[bytes],
        days: Days = EVER,
        *,
        own: str = "",
        behind: tuple[int, int] | None = None,
        most: int = 10_000,
    ) -> Sequence[KeptStudy]:
        """Studies of persons, the newest first, of one minute by ref, at most so many behind one by `started` and ref. Those of
        the institution `own` alone where it is named, else none in conflict. A person has some dozens, so that conditions that
        no index has are judged by whoever asks.
        """
        if not keys:
            return ()
        values = (*keys, *days.minutes, own or _ACTIVE, most, *(behind or ()))
        statement = self._person_sql(len(keys), "institution" if own else "state", goes_on=behind is not None)
        return await in_pieces(study_of, await self._connection.fetch(statement, values))

    async def told_as(self, keys: Collection[bytes], institutions: Collection[str]) -> Sequence[ToldAs]:
        """Which studies of persons are told as one of these institutions', of whatever day and however they stand."""
        if not keys or not institutions:
            return ()
        marks = self._marks(1, len(keys) + len(institutions))
        whose, told_as = ",".join(marks[: len(keys)]), ",".join(marks[len(keys) :])
        rows = await self._connection.fetch(
            "SELECT person_key, institution, uid FROM imaging_study"
            f" WHERE person_key IN ({whose}) AND institution IN ({told_as})",
            (*keys, *institutions),
        )
        return await in_pieces(lambda row: (bytes(row[0]), str(row[1]), unpacked_uid(bytes(row[2]))), rows)

    async def of_uids(self, uids: Collection[str], *, own: str = "") -> Sequence[KeptStudy]:
        """Studies under these UIDs, at any node. Those in conflict only of the institution `own`."""
        found = await among(
            self._connection,
            f"SELECT {COLUMNS} FROM imaging_study WHERE uid ",
            [packed_uid(each) for each in uids],
            "bytea",
        )
        return [each for each in await in_pieces(study_of, found) if _shown(each, own)]

    async def of_study(self, uid: str, keys: Collection[bytes]) -> Sequence[KeptStudy]:
        """A study at whichever nodes, where it is of one of these persons and not in conflict."""
        if not keys:
            return ()
        one, state, *marks = self._marks(1, len(keys) + 2)
        whose = ",".join(marks)
        rows = await self._connection.fetch(
            f"SELECT {COLUMNS} FROM imaging_study WHERE uid = {one} AND state = {state} AND person_key IN ({whose})",
            (packed_uid(uid), _ACTIVE, *keys),
        )
        return [study_of(row) for row in rows]

    async def of_accession(self, accession_no: str, institution: str, most: int = 200) -> Sequence[KeptStudy]:
        """Studies of an institution with an accession number of whichever issuer, at most so many."""
        number, code, limit = self._marks(1, 3)
        statement = (
            f"SELECT {COLUMNS} FROM imaging_study WHERE accession = {number} AND institution = {code}"
            f" ORDER BY study_ref LIMIT {limit}"
        )
        return [study_of(row) for row in await self._connection.fetch(statement, (accession_no, institution, most))]

    async def of_refs(self, refs: Sequence[int]) -> Sequence[KeptStudy]:
        """Studies by their refs, in that order."""
        rows = await among(self._connection, f"SELECT {COLUMNS} FROM imaging_study WHERE study_ref ", refs, "bigint")
        found = {row[0]: row for row in rows}
        return tuple(study_of(found[ref]) for ref in refs)

    async def series(self, refs: Collection[int]) -> Mapping[int, Sequence[Series]]:
        """The series of studies by their refs."""
        rows = await among(
            self._connection, "SELECT study_ref, body FROM imaging_series WHERE study_ref ", list(refs), "bigint"
        )
        return dict(await in_pieces(lambda row: (row[0], series_of(row[1])), rows, heavy=True))

    def _person_sql(self, keys: int, told_by: str, *, goes_on: bool) -> str:
        marks = self._marks(1, keys)
        first, last, value, limit, started, ref = self._marks(keys + 1, 6)
        behind = f" AND (started, study_ref) < ({started}, {ref})" if goes_on else ""
        return (
            f"SELECT {COLUMNS} FROM imaging_study WHERE person_key IN ({','.join(marks)}) AND started >= {first}"
            f" AND started <= {last} AND {told_by} = {value}{behind} ORDER BY started DESC, study_ref DESC LIMIT {limit}"
        )

    def _marks(self, first: int, count: int) -> list[str]:
        """Parameters from a number on, as the driver writes them."""
        sign = "$" if self._connection.dialect == "postgresql" else "?"
        return [f"{sign}{number}" for number in range(first, first + count)]


def _shown(study: KeptStudy, own: str) -> bool:
    if study.state is State.WITHDRAWN:
        return False
    return study.state is State.ACTIVE or (study.study is not None and study.study.fixmedins_code == own)
