"""The store of identity: opens transactions and hands out what they read and write. Decides nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.identity.store.changes import ChangeRows
from services.identity.store.consents import ConsentRows
from services.identity.store.credentials import CredentialRows
from services.identity.store.journal import JournalRows
from services.identity.store.partners import PartnerRows
from services.identity.store.persons import PersonRows
from services.identity.store.schema import schema
from services.identity.store.statements import Statements, make_statements
from services.identity.store.tables import make_tables
from services.kernel.requests import Moved
from services.runtime.db import Database, DriverConnection, UniqueViolation


class Unit:
    """One transaction."""

    __slots__ = ("changes", "consents", "credentials", "journal", "partners", "persons")

    def __init__(self, connection: DriverConnection, statements: Statements) -> None:
        self.journal = JournalRows(connection, statements)
        self.changes = ChangeRows(connection, statements)
        self.persons = PersonRows(connection, statements, self.changes)
        self.consents = ConsentRows(connection, statements)
        self.credentials = CredentialRows(connection, statements)
        self.partners = PartnerRows(connection, statements)


class IdentityStore:
    """Where transactions of identity open."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tables = make_tables()
        self._statements = make_statements(self._tables)

    async def start(self) -> None:
        """Connects, and makes the tables or brings them up; STORE_UNAVAILABLE."""
        await self._database.start(schema())

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Unit]:
        """A transaction: committed at the end of the block, undone where it raises; `Moved` where another was first."""
        try:
            async with self._database.driver_write() as connection:
                yield Unit(connection, self._statements)
        except UniqueViolation as violation:
            raise Moved(violation.table) from None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Unit]:
        """A read-only snapshot."""
        async with self._database.driver_read() as connection:
            yield Unit(connection, self._statements)
