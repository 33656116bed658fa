"""The store of imaging: opens transactions and hands out what they read and write. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.imaging.store.audit import AuditRows
from services.imaging.store.changes import ChangeRows, DigestRows
from services.imaging.store.conflicts import ConflictRows
from services.imaging.store.drift import DriftRows
from services.imaging.store.nodes import NodeRows
from services.imaging.store.own_lists import OwnRows
from services.imaging.store.recognition import AdviceRows, QualityRows
from services.imaging.store.reports import ReportRows
from services.imaging.store.schema import schema
from services.imaging.store.search import StudyRows
from services.imaging.store.sessions import SessionRows
from services.imaging.store.studies import StudyWrites
from services.imaging.store.tables import Tables, make_tables
from services.imaging.store.tickets import TicketRows
from services.runtime.db import Database, DriverConnection, Within, insert_sql
from services.runtime.journal import Journal, JournalRows, journal_of
from services.runtime.secret_rows import SecretRows, SecretStatements

_INSERTED: Final = (
    "node",
    "study",
    "series",
    "own",
    "own_part",
    "change",
    "digest",
    "secret",
    "audit",
    "audit_about",
    "audit_end",
    "session",
    "ticket",
    "revoked",
)
_RECOGNITION: Final = ("report", "advice", "quality")
_WATCHED: Final = ("drift", "conflict")
_SECRETS: Final = SecretStatements("imaging_secret")


@dataclass(frozen=True, slots=True)
class Statements:
    """What is made once for a store: its journal, and the INSERT of each table by dialect."""

    journal: Journal
    inserts: Mapping[str, Mapping[str, str]]


class Unit:
    """One transaction."""

    __slots__ = (
        "advices",
        "audit",
        "changes",
        "conflicts",
        "digests",
        "drift",
        "journal",
        "nodes",
        "own",
        "quality",
        "reports",
        "search",
        "secrets",
        "sessions",
        "studies",
        "tickets",
    )

    def __init__(self, connection: DriverConnection, statements: Statements) -> None:
        def insert(table: str) -> str:
            return statements.inserts[table][connection.dialect]

        self.journal = JournalRows(connection, statements.journal)
        self.nodes = NodeRows(connection, insert("node"))
        self.studies = StudyWrites(connection, insert("study"), insert("series"))
        self.own = OwnRows(connection, insert("own"), insert("own_part"))
        self.search = StudyRows(connection)
        self.tickets = TicketRows(connection, insert("ticket"), insert("revoked"))
        self.changes = ChangeRows(connection, insert("change"))
        self.digests = DigestRows(connection, insert("digest"))
        self.secrets = SecretRows(connection, _SECRETS, insert("secret"))
        self.audit = AuditRows(connection, insert("audit"), insert("audit_about"), insert("audit_end"))
        self.reports = ReportRows(connection, insert("report"))
        self.advices = AdviceRows(connection, insert("advice"))
        self.quality = QualityRows(connection, insert("quality"))
        self.sessions = SessionRows(connection, insert("session"))
        self.drift = DriftRows(connection, insert("drift"))
        self.conflicts = ConflictRows(connection, insert("conflict"))


class ImagingStore:
    """Where transactions of imaging open."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements = _statements(make_tables())

    async def start(self) -> None:
        """Connects, and makes the tables or brings them up; STORE_UNAVAILABLE."""
        await self._database.start(schema())

    def write(self) -> Within[Unit]:
        """A transaction: committed at the end of the block, undone where it raises; `Moved` where another was first."""
        return Within(self._database.driver_write(), lambda connection: Unit(connection, self._statements), moved=True)

    def read(self) -> Within[Unit]:
        """A read-only snapshot."""
        return Within(self._database.driver_read(), lambda connection: Unit(connection, self._statements))


def _statements(tables: Tables) -> Statements:
    return Statements(
        journal_of(tables.entry),
        {name: insert_sql(getattr(tables, name)) for name in (*_INSERTED, *_RECOGNITION, *_WATCHED)},
    )
