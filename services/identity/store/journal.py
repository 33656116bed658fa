"""Entries of accepted writes, one for each (scope, request id)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.identity.domain.journal import Entry, RequestKey
from services.identity.store.tables import Tables
from services.runtime.db import advisory_lock, bulk_insert, fetch


class JournalRows:
    """The entries, in one transaction."""

    def __init__(self, connection: AsyncConnection, tables: Tables) -> None:
        self._connection = connection
        self._entry = tables.entry

    async def find(self, key: RequestKey) -> Entry | None:
        """The entry of the scope and request id; a second writer of the same id waits here for the first."""
        await advisory_lock(self._connection, [f"entry:{key.scope}:{key.request_id}"])
        entry = self._entry.c
        statement = select(self._entry).where(entry.scope == key.scope, entry.request_id == key.request_id)
        for row in await fetch(self._connection, statement):
            standing = RequestKey(row.scope, row.request_id, row.rpc, row.content_hash)
            return Entry(standing, row.response, row.created_at, row.seed, row.secret_digest)
        return None

    async def add(self, entry: Entry) -> None:
        """A new entry."""
        key = entry.key
        row = (
            key.scope,
            key.request_id,
            key.rpc,
            key.content_hash,
            entry.response,
            entry.created_at,
            entry.seed,
            entry.secret_digest,
        )
        await bulk_insert(self._connection, self._entry, [row])
