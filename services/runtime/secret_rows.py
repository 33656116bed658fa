"""Secrets that outlive the keys of the mesh, as a store keeps them, sealed and by their names: their table and its rows."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, LargeBinary, MetaData, Table, Text

from services.runtime.db import DriverConnection, sql

_ONCE: Final = " ON CONFLICT (name) DO NOTHING"


def secret_table(name: str, metadata: MetaData) -> Table:
    """The table under a member's own name."""
    return Table(name, metadata, Column("name", Text, primary_key=True), Column("sealed", LargeBinary, nullable=False))


class SecretStatements:
    """Statements on the table of a name."""

    def __init__(self, table: str) -> None:
        self.find = sql(f"SELECT sealed FROM {table} WHERE name = ?1")
        self.replace = sql(f"UPDATE {table} SET sealed = ?2 WHERE name = ?1")


class SecretRows:
    """Secrets, in one transaction."""

    def __init__(self, connection: DriverConnection, statements: SecretStatements, insert: str) -> None:
        self._connection = connection
        self._statements = statements
        self._insert = insert

    async def find(self, name: str) -> bytes | None:
        """One as it is sealed."""
        rows = await self._connection.run(self._statements.find, name)
        return bytes(rows[0][0]) if rows else None

    async def keep_once(self, name: str, sealed: bytes) -> None:
        """A new one; what stands already is left as it is."""
        await self._connection.insert(self._insert + _ONCE, [(name, sealed)])

    async def replace(self, name: str, sealed: bytes) -> None:
        """The same secret sealed anew."""
        await self._connection.run(self._statements.replace, name, sealed)
