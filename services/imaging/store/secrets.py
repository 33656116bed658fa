"""Secrets of imaging that outlive the keys of the mesh, sealed under these, by their names; and their table."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, LargeBinary, MetaData, Table, Text

from services.runtime.db import DriverConnection, sql

_FIND: Final = sql("SELECT sealed FROM imaging_secret WHERE name = ?1")
_REPLACE: Final = sql("UPDATE imaging_secret SET sealed = ?2 WHERE name = ?1")
_ONCE: Final = " ON CONFLICT (name) DO NOTHING"


def secret_table(metadata: MetaData) -> Table:
    """The table."""
    return Table(
        "imaging_secret",
        metadata,
        Column("name", Text, primary_key=True),
        Column("sealed", LargeBinary, nullable=False),
    )


class SecretRows:
    """Secrets, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert

    async def find(self, name: str) -> bytes | None:
        """One as it is sealed."""
        rows = await self._connection.run(_FIND, name)
        return bytes(rows[0][0]) if rows else None

    async def keep_once(self, name: str, sealed: bytes) -> None:
        """A new one; what stands already is left as it is."""
        await self._connection.insert(self._insert + _ONCE, [(name, sealed)])

    async def replace(self, name: str, sealed: bytes) -> None:
        """The same secret sealed anew."""
        await self._connection.run(_REPLACE, name, sealed)
