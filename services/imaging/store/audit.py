"""Rows of the audit log and of its end; and their tables. Nothing but bytes and whole numbers: a changed byte must never be an
error of decoding."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, SmallInteger, Table

from services.imaging.domain.audit import End, Row
from services.runtime.db import DriverConnection, RowNumber, advisory_lock, sql

_COLUMNS: Final = "seq, at, person_key, session_no, body, hash"
_BEGINNING: Final = "imaging_audit"
_END: Final = sql("SELECT seq, hash, seal FROM imaging_audit_end WHERE place = 0 FOR UPDATE")
_READ_END: Final = sql("SELECT seq, hash, seal FROM imaging_audit_end WHERE place = 0")
_MOVE: Final = sql("UPDATE imaging_audit_end SET seq = ?1, hash = ?2, seal = ?3 WHERE place = 0")
_LAST: Final = sql(f"SELECT {_COLUMNS} FROM imaging_audit ORDER BY seq DESC LIMIT 1")
_AT: Final = sql(f"SELECT {_COLUMNS} FROM imaging_audit WHERE seq = ?1")
_AFTER: Final = sql(f"SELECT {_COLUMNS} FROM imaging_audit WHERE seq > ?1 ORDER BY seq LIMIT ?2")
_BEFORE: Final = sql(f"SELECT {_COLUMNS} FROM imaging_audit WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2")
_OF_PERSON: Final = sql(
    f"SELECT {_COLUMNS} FROM imaging_audit WHERE seq IN ("
    "SELECT seq FROM (SELECT seq FROM imaging_audit WHERE person_key = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3) AS alone"
    " UNION SELECT seq FROM"
    " (SELECT seq FROM imaging_audit_about WHERE person_key = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3) AS among"
    ") ORDER BY seq DESC LIMIT ?3"
)
_LISTED: Final = "SELECT person_key, seq FROM imaging_audit_about WHERE seq >= {0} AND seq <= {1} AND person_key "
_AT_ONCE: Final = 500
_OF_SESSION: Final = sql(
    f"SELECT {_COLUMNS} FROM imaging_audit WHERE session_no = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3"
)


def audit_table(metadata: MetaData) -> Table:
    """The entries. `at` is in microseconds since 1970."""
    return Table(
        "imaging_audit",
        metadata,
        Column("seq", RowNumber, primary_key=True, autoincrement=False),
        Column("at", BigInteger, nullable=False),
        Column("person_key", LargeBinary),
        Column("session_no", LargeBinary),
        Column("body", LargeBinary, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        Index("imaging_audit_person", "person_key", "seq"),
        Index("imaging_audit_session", "session_no", "seq"),
    )


def audit_about_table(metadata: MetaData) -> Table:
    """By whom entries are found that are about several persons. The entries themselves name them, and are what counts."""
    return Table(
        "imaging_audit_about",
        metadata,
        Column("person_key", LargeBinary, primary_key=True),
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )


def audit_end_table(metadata: MetaData) -> Table:
    """The end of the chain: one row, at place 0."""
    return Table(
        "imaging_audit_end",
        metadata,
        Column("place", SmallInteger, primary_key=True, autoincrement=False),
        Column("seq", BigInteger, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        Column("seal", LargeBinary, nullable=False),
    )


class AuditRows:
    """The log, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str, insert_about: str, insert_end: str) -> None:
        self._connection = connection
        self._insert = insert
        self._insert_about = insert_about
        self._insert_end = insert_end

    async def hold(self) -> tuple[End | None, Row | None]:
        """The end, held against other writers until the transaction ends, and the last entry there is."""
        rows = await self._connection.run(_END)
        if not rows:
            # There is no row to hold: of several that begin the log at once one is first.
            await advisory_lock(self._connection, [_BEGINNING])
            rows = await self._connection.run(_END)
        return _ends(rows), await self._last()

    async def end(self) -> tuple[End | None, Row | None]:
        """The same for whoever writes nothing."""
        return _ends(await self._connection.run(_READ_END)), await self._last()

    async def add(self, rows: Sequence[Row], about: Sequence[tuple[bytes, int]], end: End, *, first: bool) -> None:
        """Entries, by whom those about several persons are found, and the end behind them; `first` where there was no end."""
        told = [(each.seq, each.at, each.person_key, each.session_no, each.body, each.hash) for each in rows]
        await self._connection.insert(self._insert, told, patient=len(told) > 64)
        await self._connection.insert(self._insert_about, about, patient=len(about) > 64)
        if first:
            await self._connection.insert(self._insert_end, [(0, end.seq, end.hash, end.seal)])
        else:
            await self._connection.run(_MOVE, end.seq, end.hash, end.seal)

    async def at(self, seq: int) -> Row | None:
        """The entry at a place."""
        rows = await self._connection.run(_AT, seq)
        return _row(rows[0]) if rows else None

    async def after(self, seq: int, most: int) -> list[Row]:
        """Entries behind a place, in their order."""
        return [_row(each) for each in await self._connection.run(_AFTER, seq, most, patient=True)]

    async def before(self, seq: int, most: int) -> list[Row]:
        """Entries before a place, the latest first."""
        return [_row(each) for each in await self._connection.run(_BEFORE, seq, most)]

    async def of_person(self, person_key: bytes, before: int, most: int) -> list[Row]:
        """The same of a person."""
        return [_row(each) for each in await self._connection.run(_OF_PERSON, person_key, before, most)]

    async def listed(self, keys: Collection[bytes], first: int, last: int) -> set[tuple[bytes, int]]:
        """By whom of these entries from one place to another are found that are about several persons."""
        found: set[tuple[bytes, int]] = set()
        wanted = list(keys)
        for begin in range(0, len(wanted), _AT_ONCE):
            part = wanted[begin : begin + _AT_ONCE]
            if self._connection.dialect == "postgresql":
                rows = await self._connection.fetch(
                    f"{_LISTED.format('$1', '$2')}= ANY($3::bytea[])", (first, last, part)
                )
            else:
                part += part[-1:] * (_AT_ONCE - len(part))
                marks = ",".join("?" * _AT_ONCE)
                rows = await self._connection.fetch(f"{_LISTED.format('?', '?')}IN ({marks})", (first, last, *part))
            found.update((bytes(key), seq) for key, seq in rows)
        return found

    async def of_session(self, session_no: str, before: int, most: int) -> list[Row]:
        """The same of a session."""
        return [_row(each) for each in await self._connection.run(_OF_SESSION, session_no.encode(), before, most)]

    async def _last(self) -> Row | None:
        rows = await self._connection.run(_LAST)
        return _row(rows[0]) if rows else None


def _row(columns: Sequence[Any]) -> Row:
    return Row(*columns)


def _ends(rows: Sequence[Any]) -> End | None:
    return End(*rows[0]) if rows else None
