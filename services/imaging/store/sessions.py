"""Rows of sessions. The persons of one stand in its row: they are read with it, and go with it."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text

from services.imaging.domain.sessions import Purpose, Reader, Session
from services.runtime.db import DriverConnection, sql
from services.runtime.packing import packed, unpacked

SESSION: Final = "imaging_session"
_COLUMNS: Final = "session_no, digest, holder, purpose, organisation, reader_no, case_no, begun_at, ends_at, patients"
_FIND: Final = sql(f"SELECT {_COLUMNS} FROM imaging_session WHERE digest = ?1")
_HOLD: Final = sql(f"SELECT {_COLUMNS} FROM imaging_session WHERE digest = ?1 FOR UPDATE")
# Held by a ticket until it stands: whoever ends the session meanwhile waits, and finds it.
_GOES_ON: Final = sql("SELECT 1 FROM imaging_session WHERE session_no = ?1 AND ends_at > ?2 FOR SHARE")
_PATIENTS: Final = sql("UPDATE imaging_session SET patients = ?2 WHERE session_no = ?1")
_END: Final = sql("UPDATE imaging_session SET ends_at = ?2, patients = ?3 WHERE digest = ?1 AND ends_at > ?2")
_COUNT: Final = sql(
    "SELECT count(*) FROM (SELECT 1 FROM imaging_session WHERE organisation = ?1 AND ends_at > ?2 LIMIT ?3) AS counted"
)
# What another transaction sweeps already is left to it.
_OVER: Final = sql(
    "SELECT session_no FROM imaging_session WHERE ends_at <= ?1 ORDER BY ends_at LIMIT ?2 FOR UPDATE SKIP LOCKED"
)
_OLDEST: Final = sql(
    "SELECT session_no FROM imaging_session WHERE organisation = ?1 AND reader_no = ?2 ORDER BY ends_at DESC, session_no DESC"
    " LIMIT 100 OFFSET ?3"
)
_NOBODY: Final = packed(())
_DROP: Final = sql("DELETE FROM imaging_session WHERE AMONG(session_no, ?1)")


def add_sessions(metadata: MetaData) -> Table:
    """Adds the table."""
    return Table(
        SESSION,
        metadata,
        Column("session_no", Text, primary_key=True),
        Column("digest", LargeBinary, nullable=False),
        Column("holder", LargeBinary, nullable=False),
        Column("purpose", Text, nullable=False),
        Column("organisation", Text, nullable=False),
        Column("reader_no", Text, nullable=False),
        Column("case_no", Text, nullable=False),
        Column("begun_at", BigInteger, nullable=False),
        Column("ends_at", BigInteger, nullable=False),
        Column("patients", LargeBinary, nullable=False),
        Index("imaging_session_digest", "digest", unique=True),
        Index("imaging_session_reader", "organisation", "reader_no", "ends_at"),
        Index("imaging_session_ends", "ends_at"),
    )


class SessionRows:
    """Sessions, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert

    async def add(self, session: Session) -> None:
        """A new one."""
        reader = session.reader
        row = (
            *(session.session_no, session.digest, session.holder, reader.purpose.value),
            *(reader.organisation, reader.reader_no, reader.case_no, session.begun_at, session.ends_at),
            _packed(session),
        )
        await self._connection.insert(self._insert, [row])

    async def find(self, digest: bytes) -> Session | None:
        """The session whose token has that digest."""
        for row in await self._connection.run(_FIND, digest):
            return _session(row)
        return None

    async def hold(self, digest: bytes) -> Session | None:
        """The same, held against other writers until the transaction ends."""
        for row in await self._connection.run(_HOLD, digest):
            return _session(row)
        return None

    async def goes_on(self, session_no: str, now: int) -> bool:
        """Whether a session is not over; it does not end before the transaction does."""
        return bool(await self._connection.run(_GOES_ON, session_no, now))

    async def keep_patients(self, session: Session) -> None:
        """Those that it has now."""
        await self._connection.run(_PATIENTS, session.session_no, _packed(session))

    async def end(self, digest: bytes, now: int) -> None:
        """Ends one that goes on, and takes out whom it had."""
        await self._connection.run(_END, digest, now, _NOBODY)

    async def count(self, organisation: str, now: int, most: int) -> int:
        """How many of an organisation go on, counted up to `most`."""
        return int((await self._connection.run(_COUNT, organisation, now, most))[0][0])

    async def sweep(self, until: int, most: int) -> None:
        """Takes out the ones that were over by then, at most so many."""
        await self._drop(await self._connection.run(_OVER, until, most))

    async def end_oldest(self, reader: Reader, left: int) -> list[str]:
        """Takes out the oldest of a reader's, first those that are over, so that so many are left; the numbers of those."""
        return await self._drop(await self._connection.run(_OLDEST, reader.organisation, reader.reader_no, left))

    async def _drop(self, found: Any) -> list[str]:
        numbers = [number for (number,) in found]
        if numbers:
            await self._connection.run(_DROP, numbers)
        return numbers


def _packed(session: Session) -> bytes:
    return packed([[number, key] for number, key in session.patients])


def _session(row: Any) -> Session:
    number, digest, holder, purpose, organisation, reader_no, case_no, begun_at, ends_at, patients = row
    reader = Reader(Purpose(purpose), organisation, reader_no, case_no)
    added = tuple((grant_no, key) for grant_no, key in unpacked(patients))
    return Session(number, bytes(digest), bytes(holder), reader, begun_at, ends_at, added)
