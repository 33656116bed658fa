"""Entries of accepted writes, one for each (scope, request id)."""

from __future__ import annotations

from typing import Final

from services.kernel.clock import from_micros, to_micros
from services.kernel.requests import Entry, RequestStamp
from services.runtime.db import DriverConnection, advisory_lock, sql

_ENTRY: Final = sql(
    "SELECT rpc, content_hash, response, created_at FROM routing_entry WHERE scope = ?1 AND request_id = ?2"
)


class JournalRows:
    """The entries, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert

    async def find(self, stamp: RequestStamp) -> Entry | None:
        """The entry of the scope and request id; a second writer of the same id waits here for the first."""
        await advisory_lock(self._connection, [f"routing_entry:{stamp.scope}:{stamp.request_id}"])
        for rpc, content_hash, response, created_at in await self._connection.run(
            _ENTRY, stamp.scope, stamp.request_id
        ):
            standing = RequestStamp(stamp.scope, stamp.request_id, rpc, content_hash)
            return Entry(standing, response, from_micros(created_at))
        return None

    async def add(self, entry: Entry) -> None:
        """A new entry."""
        stamp = entry.stamp
        made = to_micros(entry.created_at)
        row = (stamp.scope, stamp.request_id, stamp.rpc, stamp.content_hash, entry.response, made)
        await self._connection.insert(self._insert, [row])
