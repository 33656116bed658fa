"""Rows of filings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.kernel.clock import from_micros, to_micros
from services.routing.domain.filings import Filing, Registered
from services.runtime.db import DriverConnection, sql

_COLUMNS: Final = "filing_no, filing_name, registered_at"
_FIND: Final = sql(f"SELECT {_COLUMNS} FROM routing_filing WHERE filing_no = ?1")
_HOLD: Final = sql(f"SELECT {_COLUMNS} FROM routing_filing WHERE filing_no = ?1 FOR UPDATE")


class FilingRows:
    """Filings, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert

    async def find(self, filing_no: str) -> Registered | None:
        """What stands under a number."""
        return await self._one(_FIND, filing_no)

    async def hold(self, filing_no: str) -> Registered | None:
        """The same, held against other writers until the transaction ends."""
        return await self._one(_HOLD, filing_no)

    async def add(self, registered: Registered) -> None:
        """A new one; its number is unique."""
        filing = registered.filing
        row = (filing.filing_no, filing.filing_name, to_micros(registered.registered_at))
        await self._connection.insert(self._insert, [row])

    async def _one(self, statement: Mapping[str, str], filing_no: str) -> Registered | None:
        for number, name, registered_at in await self._connection.run(statement, filing_no):
            return Registered(Filing(number, name), from_micros(registered_at))
        return None
