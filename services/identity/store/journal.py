"""Entries of accepted writes, one for each (scope, request id)."""

from __future__ import annotations

from typing import Final

from services.identity.domain.journal import SecretEntry
from services.identity.store.statements import Statements
from services.kernel.clock import from_micros, to_micros
from services.kernel.requests import RequestStamp
from services.runtime.db import DriverConnection, advisory_lock, sql

_ENTRY: Final = sql(
    "SELECT rpc, content_hash, response, created_at, seed, secret_digest FROM entry WHERE scope = ?1 AND request_id = ?2"
)


class JournalRows:
    """The entries, in one transaction."""

    def __init__(self, connection: DriverConnection, statements: Statements) -> None:
        self._connection = connection
        self._insert = statements.inserts["entry"][connection.dialect]

    async def find(self, stamp: RequestStamp) -> SecretEntry | None:
        """The entry of the scope and request id; a second writer of the same id waits here for the first."""
        await advisory_lock(self._connection, [f"entry:{stamp.scope}:{stamp.request_id}"])
        for row in await self._connection.run(_ENTRY, stamp.scope, stamp.request_id):
            rpc, content_hash, response, created_at, seed, secret_digest = row
            standing = RequestStamp(stamp.scope, stamp.request_id, rpc, content_hash)
            return SecretEntry(standing, response, from_micros(created_at), seed, secret_digest)
        return None

    async def add(self, entry: SecretEntry) -> None:
        """A new entry."""
        stamp = entry.stamp
        row = (
            stamp.scope,
            stamp.request_id,
            stamp.rpc,
            stamp.content_hash,
            entry.response,
            to_micros(entry.created_at),
            entry.seed,
            entry.secret_digest,
        )
        await self._connection.insert(self._insert, [row])
