"""The store of routing: opens transactions and hands out what they read and write. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.routing.store.authorisations import AuthorisationRows
from services.routing.store.clearing.checks import CheckRows
from services.routing.store.clearing.journals import JournalBooks
from services.routing.store.clearing.months import MonthRows
from services.routing.store.clearing.notices import NoticeRows
from services.routing.store.clearing.prepaid import PrepaidRows
from services.routing.store.filings import FilingRows
from services.routing.store.insured import InsuredRows
from services.routing.store.journal import JournalRows
from services.routing.store.sagas import SagaRows
from services.routing.store.schema import schema
from services.routing.store.tables import make_tables
from services.runtime.db import Database, DriverConnection, Within, insert_sql
from services.runtime.secret_rows import SecretRows, SecretStatements

Inserts = Mapping[str, Mapping[str, str]]
"""The insert statements by table and dialect."""

_SECRETS: Final = SecretStatements("routing_secret")


class Unit:
    """One transaction."""

    __slots__ = (
        "authorisations",
        "books",
        "checks",
        "filings",
        "insured",
        "journal",
        "months",
        "notices",
        "prepaid",
        "sagas",
        "secrets",
    )

    def __init__(self, connection: DriverConnection, inserts: Inserts) -> None:
        self.authorisations = AuthorisationRows(connection, inserts["routing_authorisation"][connection.dialect])
        self.journal = JournalRows(connection, inserts["routing_entry"][connection.dialect])
        self.filings = FilingRows(connection, inserts["routing_filing"][connection.dialect])
        self.books = JournalBooks(connection, inserts)
        self.months = MonthRows(connection, inserts)
        self.checks = CheckRows(connection, inserts)
        self.notices = NoticeRows(connection, inserts)
        self.prepaid = PrepaidRows(connection, inserts)
        self.insured = InsuredRows(connection, inserts)
        self.secrets = SecretRows(connection, _SECRETS, inserts["routing_secret"][connection.dialect])
        self.sagas = SagaRows(connection, inserts["saga"][connection.dialect])


class RoutingStore:
    """Where transactions of routing open."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._inserts: Inserts = {table.name: insert_sql(table) for table in make_tables().metadata.tables.values()}

    async def start(self) -> None:
        """Connects, and makes the tables or brings them up; STORE_UNAVAILABLE."""
        await self._database.start(schema())

    def write(self) -> Within[Unit]:
        """A transaction: committed at the end of the block, undone where it raises; `Moved` where another was first."""
        return Within(self._database.driver_write(), lambda connection: Unit(connection, self._inserts), moved=True)

    def read(self) -> Within[Unit]:
        """A read-only snapshot."""
        return Within(self._database.driver_read(), lambda connection: Unit(connection, self._inserts))
