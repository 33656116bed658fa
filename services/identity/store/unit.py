"""The store of identity: opens transactions and hands out what they read and write. Decides nothing."""

from __future__ import annotations

from services.identity.store.changes import ChangeRows
from services.identity.store.consents import ConsentRows
from services.identity.store.credentials import CredentialRows
from services.identity.store.journal import JournalRows
from services.identity.store.partners import PartnerRows
from services.identity.store.persons import PersonRows
from services.identity.store.schema import schema
from services.identity.store.statements import Statements, make_statements
from services.identity.store.tables import make_tables
from services.runtime.db import Database, DriverConnection, Within


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

    def write(self) -> Within[Unit]:
        """A transaction: committed at the end of the block, undone where it raises; `Moved` where another was first."""
        return Within(self._database.driver_write(), lambda connection: Unit(connection, self._statements), moved=True)

    def read(self) -> Within[Unit]:
        """A read-only snapshot."""
        return Within(self._database.driver_read(), lambda connection: Unit(connection, self._statements))

    def look(self) -> Within[Unit]:
        """`read` for one statement."""
        return Within(self._database.driver_look(), lambda connection: Unit(connection, self._statements))
