"""The journal of a store: one row for each accepted write, unique under scope and request id, with the bytes answered.

It is for a member whose writes leave no other row that could hold them; where one does, as a settlement, that row is the entry.
The row is written in the transaction that does the work (`services.runtime.writes`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

from services.kernel.clock import from_micros, to_micros
from services.kernel.requests import Entry, RequestStamp
from services.runtime.db import DriverConnection, Moment, advisory_lock, insert_sql, sql


def journal_table(name: str, metadata: MetaData) -> Table:
    """The table of a journal."""
    texts = (Column(each, Text, nullable=False) for each in ("scope", "request_id", "rpc", "content_hash"))
    return Table(
        name,
        metadata,
        *texts,
        Column("response", LargeBinary, nullable=False),
        Column("created_at", Moment, nullable=False),
        PrimaryKeyConstraint("scope", "request_id"),
    )


@dataclass(frozen=True, slots=True)
class Journal:
    """The statements of one journal by dialect, made once for a store."""

    table: str
    select: Mapping[str, str]
    insert: Mapping[str, str]


def journal_of(table: Table) -> Journal:
    """The statements of a table that `journal_table` made."""
    wanted = f"SELECT rpc, content_hash, response, created_at FROM {table.name} WHERE scope = ?1 AND request_id = ?2"
    return Journal(table.name, sql(wanted), insert_sql(table))


class JournalRows:
    """The entries, in one transaction."""

    def __init__(self, connection: DriverConnection, journal: Journal) -> None:
        self._connection = connection
        self._journal = journal

    async def find(self, stamp: RequestStamp) -> Entry | None:
        """The entry of the scope and request id; a second writer of the same id waits here for the first."""
        await advisory_lock(self._connection, [f"{self._journal.table}:{stamp.scope}:{stamp.request_id}"])
        rows = await self._connection.run(self._journal.select, stamp.scope, stamp.request_id)
        for rpc, content_hash, response, created_at in rows:
            standing = RequestStamp(stamp.scope, stamp.request_id, rpc, content_hash)
            return Entry(standing, response, from_micros(created_at))
        return None

    async def add(self, entry: Entry) -> None:
        """A new entry."""
        await self.add_all([entry])

    async def add_all(self, entries: Sequence[Entry]) -> None:
        """New entries, in one statement."""
        rows = [_row(each) for each in sorted(entries, key=lambda each: (each.stamp.scope, each.stamp.request_id))]
        await self._connection.insert(self._journal.insert[self._connection.dialect], rows)


def _row(entry: Entry) -> tuple[Any, ...]:
    stamp = entry.stamp
    return (
        *(stamp.scope, stamp.request_id, stamp.rpc, stamp.content_hash),
        *(entry.response, to_micros(entry.created_at)),
    )
