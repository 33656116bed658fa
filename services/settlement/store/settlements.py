"""Settlements by name, what stands after them, and the rows that undo them; the entries of requests that left no settlement.

Statements are text on the driver connection, as everywhere where the books are moved.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from services.kernel.clock import beijing_day, from_micros, to_micros
from services.runtime.db import Database, Within, insert_statement, sql
from services.settlement.domain.benefits.outcome import MONEY_FIELDS, Components
from services.settlement.domain.books.booking import Posting
from services.settlement.domain.books.entries import REVERSED, SETTLE, StoredAnswer
from services.settlement.domain.books.ledger import LedgerKey
from services.settlement.domain.books.opening import OpenedWith
from services.settlement.domain.books.refund import SettledRef
from services.settlement.domain.books.reversal import BookedSettlement, KnownMessage, MessageName
from services.settlement.domain.care.encounters import Entry
from services.settlement.store.batch_books import LATEST, BookReader, BookWriter
from services.settlement.store.openings import read_opened
from services.settlement.store.settlement_rows import policies_from, regions_from, regions_text
from services.settlement.store.tables import LEDGER_ENTRY

_ENTRY_COLUMNS: Final = tuple(column.name for column in LEDGER_ENTRY.columns)
SETTLEMENT: Final = (
    "SELECT s.setl_id, s.scope, s.request_id, s.rpc, s.kind, s.state,"
    " COALESCE(s.reverses, (SELECT c.setl_id FROM settlement AS c WHERE c.reverses = s.setl_id), ''), s.mdtrt_id,"
    " s.psn_no, s.insutype, s.insuplc_admdvs, s.benefit_year, s.ledger_seq, s.med_type, s.msgid, s.invono,"
    " s.policies_json, s.preselfpay_in_base, s.response, s.record, s.regions,"
    f" {', '.join(f's.{name}' for name in MONEY_FIELDS)}, s.pool_prop_selfpay_e4, s.insured_cell, COALESCE(s.replays, '')"
    " FROM settlement AS s"
)


# A void under another transaction is no message that came; the one that is asked for is told, so that it is repeated.
_SETTLED: Final = "CASE WHEN kind = 'settle' THEN setl_id ELSE '' END"
_MESSAGES: Final = sql(
    f"SELECT request_id, rpc, psn_no, {_SETTLED} FROM settlement WHERE scope = ?1 AND AMONG(request_id, ?2)"
    " AND (kind <> 'void' OR request_id = ?3)"
    " UNION ALL SELECT e.request_id, e.rpc, COALESCE(n.psn_no, ''), '' FROM encounter_entry AS e"
    " LEFT JOIN encounter AS n ON n.mdtrt_id = e.mdtrt_id"
    " WHERE e.scope = ?1 AND AMONG(e.request_id, ?2) AND (e.kind <> 'void' OR e.request_id = ?3)"
    " UNION ALL SELECT request_id, rpc, '', '' FROM ledger_entry WHERE scope = ?1 AND AMONG(request_id, ?2)"
    f" UNION ALL SELECT request_id, rpc, psn_no, {_SETTLED} FROM settlement"
    " WHERE setl_id = ?4 AND scope = ?1 AND kind <> 'void' AND replays IS NULL"
    " UNION ALL SELECT e.request_id, e.rpc, n.psn_no, '' FROM encounter_entry AS e"
    " JOIN encounter AS n ON n.mdtrt_id = e.mdtrt_id"
    " WHERE e.mdtrt_id = ?4 AND e.scope = ?1 AND e.kind IN ('register', 'admit')"
)


class SettlementReader(BookReader):
    """Settlements as one snapshot shows them."""

    async def settlement(self, setl_id: str) -> BookedSettlement | None:
        """The settlement or counter-entry of that number."""
        return booked(await self._all(f"{SETTLEMENT} WHERE s.setl_id = ?1", setl_id))

    async def in_place_of(self, found: BookedSettlement) -> BookedSettlement:
        """What stands, or stood last, in the place of a settlement since a replay; itself where none has replaced it."""
        root = found.replays or found.setl_id
        latest = None
        if found.kind == SETTLE and found.state == REVERSED:
            latest = booked(await self._all(f"{SETTLEMENT} WHERE s.setl_id = {LATEST.format('?1')}", root))
        return latest or found

    async def settlement_by_request(self, scope: str, request_id: str) -> BookedSettlement | None:
        """What a request left: settlement, counter-entry or void."""
        return booked(await self._all(f"{SETTLEMENT} WHERE s.scope = ?1 AND s.request_id = ?2", scope, request_id))

    async def settlement_by_msgid(self, scope: str, msgid: str, mdtrt_id: str) -> BookedSettlement | None:
        """The latest settlement or counter-entry that a message of this number left on the encounter, none of an order that
        was not confirmed."""
        return booked(
            await self._all(
                f"{SETTLEMENT} WHERE s.scope = ?1 AND s.msgid = ?2 AND s.mdtrt_id = ?3"
                " AND s.state IN ('standing', 'reversed')"
                " ORDER BY s.setl_at DESC, s.setl_id DESC LIMIT 1",
                *(scope, msgid, mdtrt_id),
            )
        )

    async def messages(self, scope: str, asked: MessageName, infnos: Collection[str]) -> list[KnownMessage]:
        """What the number of a message stands for at an institution: messages of these transactions, the void of that
        message included, and the message that made the settlement or encounter of that number."""
        number = asked.omsgid
        # A client of REST or gRPC chooses the whole request id.
        keys = [*(f"{infno}:{number}" for infno in infnos), number]
        rows = await self._connection.run(_MESSAGES, scope, keys, asked.request_id, number)
        return [KnownMessage(*row) for row in rows]

    async def later(self, settlement: BookedSettlement) -> list[SettledRef]:
        """What stands after a settlement in its ledger, and what of its stay stands after it in another, oldest first.

        Ledgers have no places in common; numbers of settlements grow with time.
        """
        rows = await self._all(
            "SELECT setl_id, ledger_seq, scope, regions, setl_at, (SELECT fixmedins_code FROM settle_order"
            " WHERE settle_order.setl_id = settlement.setl_id) FROM settlement WHERE kind = 'settle' AND state = 'standing'"
            " AND (psn_no = ?1 AND insutype = ?2 AND insuplc_admdvs = ?3 AND benefit_year = ?4 AND ledger_seq > ?5"
            " OR mdtrt_id = ?6 AND (insuplc_admdvs <> ?3 OR benefit_year <> ?4) AND setl_id > ?7) ORDER BY setl_id",
            *(*settlement.key, settlement.ledger_seq, settlement.mdtrt_id, settlement.setl_id),
        )
        return [
            SettledRef(
                setl_id,
                seq,
                of_order or scope,
                regions_from(regions).mdtrtarea_admvs,
                beijing_day(from_micros(setl_at)).isoformat(),
            )
            for setl_id, seq, scope, regions, setl_at, of_order in rows
        ]

    async def postings(self, source_id: str) -> list[Posting]:
        """The postings of a source, in order."""
        columns = ", ".join(Posting._fields)
        rows = await self._all(f"SELECT {columns} FROM posting WHERE source_id = ?1 ORDER BY line_no", source_id)
        return [Posting(*row) for row in rows]

    async def opened(self, ledgers: Sequence[LedgerKey]) -> Mapping[LedgerKey, OpenedWith]:
        """With what the accounts and years of these ledgers were opened."""
        return await read_opened(self._connection, ledgers)

    async def deltas(self, source_id: str) -> dict[str, int]:
        """The movements of accumulators of a source, by key."""
        rows = await self._all("SELECT key, delta FROM accumulator_entry WHERE source_id = ?1", source_id)
        return {row[0]: row[1] for row in rows}

    async def entry(self, scope: str, request_id: str) -> StoredAnswer | None:
        """The answer of a request that left an entry of its own."""
        rows = await self._all(
            "SELECT scope, request_id, content_hash, 'entry', entry_id, response, hash_version, regions FROM ledger_entry"
            " WHERE scope = ?1 AND request_id = ?2",
            *(scope, request_id),
        )
        return StoredAnswer(*(*rows[0][:7], regions_from(rows[0][7]))) if rows else None

    async def _all(self, statement: str, *parameters: Any) -> Sequence[Any]:
        if self._dialect == "postgresql":
            statement = statement.replace("?", "$")
        return await self._connection.fetch(statement, parameters)


class SettlementWriter(SettlementReader, BookWriter):
    """Settlements inside one transaction."""

    async def mark_reversed(self, setl_id: str) -> None:
        """The settlement is reversed, and its fee batches are open again."""
        await self._all("UPDATE settlement SET state = 'reversed' WHERE setl_id = ?1", setl_id)
        await self._all("UPDATE fee_batch SET state = 'open', setl_id = NULL WHERE setl_id = ?1", setl_id)

    async def add_entry(self, entry: Entry) -> None:
        """Keeps the answer of a request that leaves no settlement."""
        stamp = entry.stamp
        row = (
            *(entry.entry_id, stamp.scope, stamp.request_id, stamp.rpc, stamp.content_hash),
            *(entry.response, to_micros(entry.created_at), stamp.hash_version, regions_text(stamp.regions)),
        )
        statement = insert_statement(LEDGER_ENTRY, self._dialect, _ENTRY_COLUMNS)
        await self._connection.insert(statement, [row])


class SettlementBooks:
    """The settlements of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reading(self) -> Within[SettlementReader]:
        """A snapshot."""
        return Within(self._database.driver_read(), SettlementReader)

    def writing(self) -> Within[SettlementWriter]:
        """One transaction; `Moved` where another process wrote what this one meant to write."""
        return Within(self._database.driver_write(), SettlementWriter, moved=True)


def booked(rows: Sequence[Any]) -> BookedSettlement | None:
    if not rows:
        return None
    row = tuple(rows[0])
    key, components = LedgerKey(*row[8:12]), Components(*row[21:-2])
    values: list[Any] = [
        *row[:8],
        key,
        row[12] or 0,
        *row[13:16],
        policies_from(row[16]),
        bool(row[17]),
        *row[18:20],
        regions_from(row[20]),
        components,
        *row[-2:],
    ]
    return BookedSettlement(*values)
