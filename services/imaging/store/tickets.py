"""Rows of tickets that live, and of the list of what was revoked; and their tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text

from services.imaging.domain.tickets import Ticket
from services.kernel.clock import from_micros, to_micros
from services.runtime.db import DriverConnection, Moment, RowNumber, advisory_lock, sql

_COLUMNS: Final = "jti, cell, grant_no, study_uid, institution, session_no, expires_at"
_ANY: Final = sql("SELECT 1 FROM imaging_ticket WHERE cell = ?1 AND expires_at > ?2 LIMIT 1")
_OF_CELL: Final = sql(f"SELECT {_COLUMNS} FROM imaging_ticket WHERE cell = ?1 AND expires_at > ?2 LIMIT ?3")
_OF_GRANTS: Final = {
    "sqlite": f"SELECT {_COLUMNS} FROM imaging_ticket WHERE grant_no IN (SELECT value FROM json_each(?1)) AND expires_at > ?2",
    "postgresql": f"SELECT {_COLUMNS} FROM imaging_ticket WHERE grant_no = ANY($1::text[]) AND expires_at > $2",
}
_OF_SESSIONS: Final = sql("SELECT jti FROM imaging_ticket WHERE AMONG(session_no, ?1) AND expires_at > ?2")
_DROP: Final = {
    "sqlite": "DELETE FROM imaging_ticket WHERE jti IN (SELECT value FROM json_each(?1))",
    "postgresql": "DELETE FROM imaging_ticket WHERE jti = ANY($1::text[])",
}
_OVER: Final = sql("DELETE FROM imaging_ticket WHERE expires_at <= ?1")
_LAST: Final = sql("SELECT coalesce(max(seq), 0) FROM imaging_revoked")
_AFTER: Final = sql("SELECT seq, name FROM imaging_revoked WHERE seq > ?1 ORDER BY seq LIMIT ?2")
_FORGET: Final = sql("DELETE FROM imaging_revoked WHERE noted_at < ?1 AND seq < (SELECT max(seq) FROM imaging_revoked)")
_ONCE: Final = " ON CONFLICT (name) DO NOTHING"
_LOCK: Final = "imaging_revoked"


def ticket_table(metadata: MetaData) -> Table:
    """Tickets that were given, until they are over."""
    return Table(
        "imaging_ticket",
        metadata,
        Column("jti", Text, primary_key=True),
        Column("cell", Text, nullable=False),
        Column("grant_no", Text, nullable=False),
        Column("study_uid", Text, nullable=False),
        Column("institution", Text, nullable=False),
        Column("session_no", Text, nullable=False),
        Column("expires_at", Moment, nullable=False),
        Index("imaging_ticket_cell", "cell", "expires_at"),
        Index("imaging_ticket_grant", "grant_no"),
        Index("imaging_ticket_session", "session_no"),
    )


def revoked_table(metadata: MetaData) -> Table:
    """The list: ids of tickets and digests of grants, in the order in which nodes read it."""
    return Table(
        "imaging_revoked",
        metadata,
        Column("seq", RowNumber, primary_key=True, autoincrement=False),
        Column("name", Text, nullable=False, unique=True),
        Column("noted_at", BigInteger, nullable=False),
    )


class TicketRows:
    """Tickets and the list, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str, insert_revoked: str) -> None:
        self._connection = connection
        self._insert = insert
        self._insert_revoked = insert_revoked

    async def add(self, ticket: Ticket) -> None:
        """A new one."""
        row = (
            *(ticket.jti, ticket.cell, ticket.grant_no, ticket.study_uid, ticket.fixmedins_codes),
            *(ticket.session_no, to_micros(ticket.expires_at)),
        )
        await self._connection.insert(self._insert, [row])

    async def living(self, cells: Collection[str], now: datetime) -> list[str]:
        """Those of the cells of which a ticket lives."""
        at = to_micros(now)
        return [each for each in cells if await self._connection.run(_ANY, each, at)]

    async def of_cell(self, cell: str, now: datetime, most: int) -> list[Ticket]:
        """A cell's tickets that live, at most so many."""
        return [_ticket(row) for row in await self._connection.run(_OF_CELL, cell, to_micros(now), most)]

    async def of_grants(self, grant_nos: Collection[str], now: datetime) -> list[Ticket]:
        """Tickets that live under these grants."""
        if not grant_nos:
            return []
        return [_ticket(row) for row in await self._connection.run(_OF_GRANTS, list(grant_nos), to_micros(now))]

    async def end_sessions(self, session_nos: Sequence[str], now: datetime) -> None:
        """Puts the tickets of sessions that end at the end of the list, each by its id, for the grants live on."""
        if not session_nos:
            return
        jtis = [jti for (jti,) in await self._connection.run(_OF_SESSIONS, list(session_nos), to_micros(now))]
        if jtis:
            await self.revoke(jtis, jtis, now)

    async def revoke(self, names: Sequence[str], jtis: Sequence[str], now: datetime) -> None:
        """Puts names at the end of the list, and lets the tickets go whose ids they are. Places are given under a lock that is
        held until the transaction ends, so that whoever reads a place has seen all before."""
        await advisory_lock(self._connection, [_LOCK])
        last, at = await self.last(), to_micros(now)
        rows = [(last + place, name, at) for place, name in enumerate(names, 1)]
        await self._connection.insert(self._insert_revoked + _ONCE, rows, patient=len(rows) > 64)
        if jtis:
            await self._connection.run(_DROP, list(jtis))

    async def revoked(self, after: int, most: int) -> list[tuple[int, str]]:
        """The list behind a place, each entry with its place."""
        return [(seq, name) for seq, name in await self._connection.run(_AFTER, after, most)]

    async def last(self) -> int:
        """The list's last place, 0 of an empty one."""
        ((last,),) = await self._connection.run(_LAST)
        return int(last)

    async def sweep(self, now: datetime, forget: datetime) -> None:
        """Lets go of tickets that are over, and of what was noted before `forget`; the last place stays taken."""
        await self._connection.run(_OVER, to_micros(now))
        await self._connection.run(_FORGET, to_micros(forget))


def _ticket(row: Any) -> Ticket:
    jti, cell, grant_no, study_uid, institution, session_no, expires = row
    return Ticket(jti, cell, grant_no, study_uid, institution, session_no, from_micros(expires))
