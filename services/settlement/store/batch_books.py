"""The books as a batch of bills needs them: a few statements for the whole batch, whatever its length, and no row by row.

Reads are on a snapshot or, for a batch that writes, inside its one transaction after the persons' locks. Statements are
text on the driver connection: this is the one place where the cost of a statement is felt.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from services.kernel.clock import MICROSECOND, from_micros
from services.kernel.requests import Moved
from services.runtime.db import Database, DriverConnection, Within, advisory_lock, insert_statement
from services.settlement.domain.books.booking import Posting
from services.settlement.domain.books.entries import (
    AccumulatorEntry,
    BookChanges,
    Books,
    StoredAnswer,
    Wanted,
)
from services.settlement.domain.books.ledger import AccountHead, AccountKey, LedgerKey, YearLedger
from services.settlement.domain.care.bill import BilledBatch, BilledEncounter
from services.settlement.domain.care.moments import BEFORE_BEGIN, CLOCKS_DIFFER, FeeMoment
from services.settlement.domain.care.pending import PendingOrder
from services.settlement.store.keyed import fetch_keyed, key_parameters, keys_from
from services.settlement.store.locks import person_lock
from services.settlement.store.order_rows import (
    CARRIED_LINES,
    ENTRIES,
    ORDERS,
    add_orders,
    carried_from,
    entries_from,
    orders_from,
)
from services.settlement.store.outbox import add_notices
from services.settlement.store.settlement_rows import SETTLEMENT_COLUMNS, regions_from, settlement_row
from services.settlement.store.tables import ACCUMULATOR_ENTRY, POSTING, SETTLEMENT

_DIALECTS: Final = ("sqlite", "postgresql")
_LEDGER: Final = "psn_no = k0 AND {0}.insutype = k1 AND {0}.insuplc_admdvs = k2 AND {0}.benefit_year = k3"

LATEST: Final = "(SELECT MAX(r.setl_id) FROM settlement AS r WHERE r.replays = {0})"
"""The last of those that replays have put in the place of a settlement: it tells what has reversed it. Numbers grow with time."""
_LATEST: Final = LATEST.format("s.setl_id")
_ANSWERS: Final = {
    dialect: "SELECT s.scope, s.request_id, s.content_hash, s.kind, s.setl_id, s.response, s.hash_version,"
    " s.regions, COALESCE(c.setl_id, ''), s.state, COALESCE(o.order_no, ''), COALESCE(o.lapses_at, 0), s.insured_cell,"
    f" COALESCE({_LATEST}, '') FROM {keys_from(dialect, 2)} JOIN settlement AS s ON s.scope = k0 AND s.request_id = k1"
    f" LEFT JOIN settlement AS c ON c.reverses = COALESCE({_LATEST}, s.setl_id)"
    " LEFT JOIN settle_order AS o ON o.setl_id = s.setl_id"
    for dialect in _DIALECTS
}
_ENCOUNTERS: Final = {
    dialect: f"SELECT {', '.join(f'e.{name}' for name in BilledEncounter._fields)}"
    f" FROM {keys_from(dialect, 1)} JOIN encounter AS e ON e.mdtrt_id = k0"
    for dialect in _DIALECTS
}
_BATCHES: Final = {
    dialect: "SELECT f.fee_batch_id, f.mdtrt_id, f.chrg_bchno, f.setl_id, f.medfee_fen, f.fulamt_ownpay_fen,"
    " f.overlmt_fen, f.preselfpay_fen, f.inscp_fen, f.hosp_part_fen, f.exempt_json"
    f" FROM {keys_from(dialect, 1)} JOIN fee_batch AS f ON f.mdtrt_id = k0 AND f.state IN ('open', 'settled')"
    " ORDER BY f.created_at, f.fee_batch_id"
    for dialect in _DIALECTS
}
_SPENT: Final = {
    dialect: f"SELECT s.ec_token_digest, s.mdtrt_id FROM {keys_from(dialect, 1)}"
    " JOIN settlement AS s ON s.ec_token_digest = k0 AND s.kind = 'settle' AND s.state <> 'voided'"
    for dialect in _DIALECTS
}
# The interim bill of a pending order has paid the deductible of the admission: a trial is decided after it.
_CONTINUED: Final = {
    dialect: f"SELECT DISTINCT k0 FROM {keys_from(dialect, 1)}"
    " JOIN settlement AS s ON s.mdtrt_id = k0 AND s.kind = 'settle' AND s.state IN ('standing', 'pending')"
    " AND s.medfee_sumamt_fen > 0"
    for dialect in _DIALECTS
}
# Unsettled fees of stays that arose too early or too late: none but of uploads before that was refused.
_OUTSIDE: Final = {
    dialect: f"SELECT k0, l.feedetl_sn, l.fee_at FROM {keys_from(dialect, 1)} JOIN encounter AS e ON e.mdtrt_id = k0"
    " JOIN fee_batch AS f ON f.mdtrt_id = k0 AND f.state = 'open'"
    " JOIN fee_line AS l ON l.fee_batch_id = f.fee_batch_id AND l.state = 'open'"
    f" WHERE l.fee_at < e.begin_at - {BEFORE_BEGIN // MICROSECOND} OR l.fee_at > e.end_at + {CLOCKS_DIFFER // MICROSECOND}"
    " ORDER BY l.fee_at, l.feedetl_sn"
    for dialect in _DIALECTS
}
_YEARS: Final = {
    dialect: f"SELECT k0, k1, k2, k3, a.key, CAST(SUM(a.delta) AS BIGINT), MAX(a.seq) FROM {keys_from(dialect, 4)}"
    f" JOIN accumulator_entry AS a ON a.{_LEDGER.format('a')} GROUP BY k0, k1, k2, k3, a.key"
    f" UNION ALL SELECT k0, k1, k2, k3, NULL, 0, (SELECT MAX(s.ledger_seq) FROM settlement AS s"
    f" WHERE s.{_LEDGER.format('s')}) FROM {keys_from(dialect, 4)}"
    for dialect in _DIALECTS
}
# Accounts, and the orders that block them.
_ACCOUNTS: Final = {
    dialect: "SELECT k0, k1, p.account_seq, p.balance_after, p.current_year_after, p.benefit_year, NULL, ''"
    f" FROM {keys_from(dialect, 2)} JOIN posting AS p ON p.owner_psn_no = k0 AND p.owner_insutype = k1"
    " AND p.account_seq = (SELECT MAX(l.account_seq) FROM posting AS l WHERE l.owner_psn_no = k0 AND l.owner_insutype = k1)"
    f" UNION ALL SELECT k0, k1, o.lapses_at, 0, 0, o.order_no, o.setl_id, o.insured_cell FROM {keys_from(dialect, 2)}"
    " JOIN settle_order AS o ON o.psn_no = k0 AND o.insutype = k1 AND o.phase = 'pending'"
    for dialect in _DIALECTS
}
_SETTLE_BATCHES: Final = {
    dialect: f"UPDATE fee_batch SET state = 'settled', setl_id = k1 FROM {keys_from(dialect, 2)}"
    " WHERE fee_batch_id = k0 AND state = 'open' RETURNING fee_batch_id"
    for dialect in _DIALECTS
}
_INSERTS: Final = {
    (dialect, table.name): insert_statement(table, dialect, columns)
    for dialect in _DIALECTS
    for table, columns in (
        (SETTLEMENT, SETTLEMENT_COLUMNS),
        (ACCUMULATOR_ENTRY, AccumulatorEntry._fields),
        (POSTING, Posting._fields),
    )
}


class BookReader:
    """One snapshot of the books."""

    def __init__(self, connection: DriverConnection) -> None:
        self._connection = connection
        self._dialect = connection.dialect

    async def load(self, wanted: Wanted) -> Books:
        """All that is known of what is wanted; what is not found is absent."""
        books = Books()
        asked = [part for part in _PARTS if getattr(wanted, part.wanted)]
        reads = [
            (part.statement, key_parameters(self._dialect, part.width, getattr(wanted, part.wanted))) for part in asked
        ]
        for part, rows in zip(asked, await self._connection.together(reads), strict=True):
            part.keep(books, rows)
        return books

    async def _rows(self, statements: Mapping[str, str], width: int, keys: Sequence[Any]) -> Sequence[Any]:
        return await fetch_keyed(self._connection, statements[self._dialect], width, keys)


def _keep_answers(books: Books, rows: Sequence[Any]) -> None:
    for row in rows:
        books.answers[row[0], row[1]] = StoredAnswer._make((*row[:7], regions_from(row[7]), *row[8:14]))


def _keep_encounters(books: Books, rows: Sequence[Any]) -> None:
    for row in rows:
        books.encounters[row[0]] = BilledEncounter(*row)


def _keep_batches(books: Books, rows: Sequence[Any]) -> None:
    for row in rows:
        exempt = () if row[10] == "{}" else tuple(json.loads(row[10]).items())
        books.batches.setdefault(row[1], []).append(BilledBatch._make((*row[:10], exempt)))


def _keep_spent(books: Books, rows: Sequence[Any]) -> None:
    books.spent = {row[0]: row[1] for row in rows}


def _keep_continued(books: Books, rows: Sequence[Any]) -> None:
    books.continued = {row[0] for row in rows}


def _keep_outside(books: Books, rows: Sequence[Any]) -> None:
    for row in rows:
        books.outside.setdefault(row[0], []).append(FeeMoment(row[1], from_micros(row[2])))


def _keep_years(books: Books, rows: Sequence[Any]) -> None:
    values: dict[LedgerKey, tuple[int, dict[str, int]]] = {}
    for row in rows:
        key = LedgerKey(*row[:4])
        seq, accumulators = values.get(key, (0, {}))
        if row[4] is not None:
            accumulators[row[4]] = row[5]
        values[key] = max(seq, row[6] or 0), accumulators
    books.years = {key: YearLedger(seq, accumulators) for key, (seq, accumulators) in values.items()}


def _keep_accounts(books: Books, rows: Sequence[Any]) -> None:
    for row in rows:
        key = AccountKey(row[0], row[1])
        if row[6] is None:
            books.accounts[key] = AccountHead(*row[2:6])
        else:
            books.pending[key] = PendingOrder(row[5], row[6], row[2], row[7])


def _keep_carried(books: Books, rows: Sequence[Any]) -> None:
    books.carried = carried_from(rows)


def _keep_orders(books: Books, rows: Sequence[Any]) -> None:
    books.orders = orders_from(rows)


def _keep_entries(books: Books, rows: Sequence[Any]) -> None:
    books.entries = entries_from(rows)


class _Part(NamedTuple):
    """What is read for keys of so many texts, which `Wanted` has under the name `wanted`, and how it is kept."""

    wanted: str
    statement: Mapping[str, str]
    width: int
    keep: Callable[[Books, Sequence[Any]], None]


_PARTS: Final = (
    _Part("requests", _ANSWERS, 2, _keep_answers),
    _Part("encounters", _ENCOUNTERS, 1, _keep_encounters),
    _Part("batches", _BATCHES, 1, _keep_batches),
    _Part("digests", _SPENT, 1, _keep_spent),
    _Part("stays", _CONTINUED, 1, _keep_continued),
    _Part("stays", _OUTSIDE, 1, _keep_outside),
    _Part("ledgers", _YEARS, 4, _keep_years),
    _Part("accounts", _ACCOUNTS, 2, _keep_accounts),
    _Part("carried", CARRIED_LINES, 1, _keep_carried),
    _Part("orders", ORDERS, 1, _keep_orders),
    _Part("entries", ENTRIES, 2, _keep_entries),
)


class BookWriter(BookReader):
    """One transaction on the books: persons locked first, then read, then written."""

    async def lock(self, persons: Iterable[str]) -> None:
        """Holds the books of these persons until the transaction ends."""
        await advisory_lock(self._connection, map(person_lock, persons))

    async def save(self, changes: BookChanges) -> None:
        """Stores everything; `Moved` where a fee batch is not open any more."""
        dialect = self._dialect
        inserts = (
            (_INSERTS[dialect, SETTLEMENT.name], [settlement_row(each) for each in changes.settlements]),
            (_INSERTS[dialect, ACCUMULATOR_ENTRY.name], changes.accumulators),
            (_INSERTS[dialect, POSTING.name], changes.postings),
        )
        settling = (_SETTLE_BATCHES, key_parameters(dialect, 2, changes.settled)) if changes.settled else None
        if len(await self._connection.insert_all(inserts, settling)) != len(changes.settled):
            raise Moved
        await add_orders(self._connection, changes)
        await add_notices(self._connection, changes.noticed, changes.told)


class BatchBooks:
    """The books of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reading(self) -> Within[BookReader]:
        """A snapshot."""
        return Within(self._database.driver_read(), BookReader)

    def looking(self) -> Within[BookReader]:
        """A snapshot for one `load`."""
        return Within(self._database.driver_look(), BookReader)

    def writing(self) -> Within[BookWriter]:
        """One transaction; `Moved` where another process wrote what this one meant to write."""
        return Within(self._database.driver_write(), BookWriter, moved=True)
