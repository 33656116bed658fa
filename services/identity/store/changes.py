"""Rows of the change feed: one for each person, at the place of its last change; and what each reader has of the feed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.identity.store.statements import Statements
from services.runtime.db import DriverConnection, advisory_lock, sql

_LAST: Final = sql("SELECT COALESCE(MAX(seq), 0) FROM person_change")
_LEAVE: Final = sql("DELETE FROM person_change WHERE AMONG(psn_no, ?1)")
_AFTER: Final = sql("SELECT seq, psn_no FROM person_change WHERE seq > ?1 ORDER BY seq LIMIT ?2")
_ACKED: Final = sql("SELECT acked_seq FROM change_reader WHERE reader = ?1")
_ACK: Final = sql("UPDATE change_reader SET acked_seq = ?2 WHERE reader = ?1")


class ChangeRows:
    """The feed, in one transaction."""

    def __init__(self, connection: DriverConnection, statements: Statements) -> None:
        self._connection = connection
        self._statements = statements

    async def move(self, psn_nos: Sequence[str]) -> None:
        """Puts these persons, in this order, at the end of the feed.

        To be called last in a transaction: places are given under a lock that is held until it ends, so that whoever reads
        a place has seen all before it.
        """
        if not psn_nos:
            return
        await advisory_lock(self._connection, ["person_change"])
        last = await self.last()
        await self._connection.run(_LEAVE, list(psn_nos))
        rows = [(psn_no, last + place) for place, psn_no in enumerate(psn_nos, 1)]
        await self._connection.insert(self._insert("person_change"), rows)

    async def last(self) -> int:
        """The feed's last place; 0 for an empty one."""
        ((last,),) = await self._connection.run(_LAST)
        return int(last)

    async def after(self, seq: int, limit: int) -> list[tuple[int, str]]:
        """Place and number of the persons behind a place, in order."""
        return [(int(row[0]), str(row[1])) for row in await self._connection.run(_AFTER, seq, limit)]

    async def acked(self, reader: str) -> int:
        """What a reader has said that it has; 0 where it has said nothing."""
        for (acked_seq,) in await self._connection.run(_ACKED, reader):
            return int(acked_seq)
        return 0

    async def ack(self, reader: str, seq: int) -> None:
        """Keeps what a reader has."""
        await advisory_lock(self._connection, [f"change_reader:{reader}"])
        if await self._connection.run(_ACKED, reader):
            await self._connection.run(_ACK, reader, seq)
        else:
            await self._connection.insert(self._insert("change_reader"), [(reader, seq)])

    def _insert(self, table: str) -> str:
        return self._statements.inserts[table][self._connection.dialect]
