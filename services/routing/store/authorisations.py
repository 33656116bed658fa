"""Rows of authorisations of payments, and their table."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, MetaData, Table, Text

from services.kernel.authorisations import Authorisation
from services.runtime.db import DriverConnection, Moment, sql

_COLUMNS: Final = "auth, psn_hash, fixmedins_code, made_at, expires_at, used_by"
_FIND: Final = sql(f"SELECT {_COLUMNS} FROM routing_authorisation WHERE auth = ?1 FOR UPDATE")
_SPENT: Final = sql("UPDATE routing_authorisation SET used_by = ?2 WHERE auth = ?1")
_FORGET: Final = sql("DELETE FROM routing_authorisation WHERE expires_at < ?1")
_ONCE: Final = " ON CONFLICT (auth) DO NOTHING"


def add_authorisations(metadata: MetaData) -> None:
    """Adds the table."""
    Table(
        "routing_authorisation",
        metadata,
        # Digest of the number: what stands here lets nobody pay.
        Column("auth", Text, primary_key=True),
        *(Column(name, Text, nullable=False) for name in ("psn_hash", "fixmedins_code", "used_by")),
        *(Column(name, Moment, nullable=False) for name in ("made_at", "expires_at")),
        Index("routing_authorisation_old", "expires_at"),
    )


class AuthorisationRows:
    """Authorisations, in one transaction; their `psn_no` is a hash."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert

    async def find(self, auth: str) -> Authorisation | None:
        """One, held until the transaction ends."""
        rows = await self._connection.run(_FIND, auth)
        return Authorisation(*rows[0]) if rows else None

    async def keep(self, made: Authorisation) -> None:
        """A new one; what stands already is left as it is."""
        columns = (made.auth, made.psn_no, made.fixmedins_code, made.used_by, made.made_at, made.expires_at)
        await self._connection.insert(self._insert + _ONCE, [columns])

    async def spend(self, auth: str, used_by: str) -> None:
        """For which order it was shown."""
        await self._connection.run(_SPENT, auth, used_by)

    async def forget(self, before: int) -> None:
        """Takes those away whose time was over by then."""
        await self._connection.run(_FORGET, before)
