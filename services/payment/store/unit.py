"""The store of payment: opens transactions and hands out what they read and write. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping

from services.payment.store.compared_rows import ComparedRows
from services.payment.store.egress_rows import EgressRows
from services.payment.store.held_rows import HeldRows
from services.payment.store.money_rows import MoneyRows
from services.payment.store.notice_rows import NoticeRows
from services.payment.store.order_rows import OrderRows
from services.payment.store.recon_rows import ReconRows
from services.payment.store.schema import schema
from services.payment.store.tables import make_tables
from services.runtime.db import Database, DriverConnection, Within, insert_sql
from services.runtime.journal import Journal, JournalRows, journal_of


class Unit:
    """One transaction."""

    __slots__ = ("compared", "egress", "held", "journal", "money", "notices", "orders", "recon")

    def __init__(
        self, connection: DriverConnection, journal: Journal, inserts: Mapping[str, Mapping[str, str]]
    ) -> None:
        self.journal = JournalRows(connection, journal)
        self.orders = OrderRows(connection, inserts["pay_order"][connection.dialect])
        self.money = MoneyRows(connection, inserts)
        self.held = HeldRows(connection, inserts)
        self.compared = ComparedRows(connection)
        self.recon = ReconRows(connection, inserts)
        self.notices = NoticeRows(connection, inserts)
        self.egress = EgressRows(connection, inserts["pay_egress"][connection.dialect])


class PaymentStore:
    """Where transactions of payment open."""

    def __init__(self, database: Database) -> None:
        self._database = database
        tables = make_tables()
        self._journal = journal_of(tables.entry)
        self._inserts = {name: insert_sql(table) for name, table in tables.metadata.tables.items()}

    async def start(self) -> None:
        """Connects, and makes the tables or brings them up; STORE_UNAVAILABLE."""
        await self._database.start(schema())

    def write(self) -> Within[Unit]:
        """A transaction: committed at the end of the block, undone where it raises; `Moved` where another was first."""
        return Within(
            self._database.driver_write(), lambda connection: Unit(connection, self._journal, self._inserts), moved=True
        )

    def read(self, *, patient: bool = False) -> Within[Unit]:
        """A read-only snapshot; `patient` is for one that reads many rows, so that everything else goes on meanwhile."""
        return Within(
            self._database.driver_read(patient=patient),
            lambda connection: Unit(connection, self._journal, self._inserts),
        )
