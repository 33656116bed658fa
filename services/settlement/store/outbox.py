"""Rows of the outbox: written in bulk in the transaction that books, read in pages, taken away in steps.

What a notice tells is read from the rows of the books, written a moment before in the same transaction. Places are given
by one statement that holds the head's row until the transaction ends: whoever reads a place has seen all before it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from services.kernel.clock import MICROSECOND
from services.runtime.db import Database, DriverConnection, Within, insert_sql, sql
from services.settlement.domain.benefits.outcome import FUND_FIELDS
from services.settlement.domain.books.notices import (
    CARE,
    INSURED,
    KEPT,
    MOST,
    ClearedRow,
    Head,
    Notice,
    NoticeOrigin,
    Placed,
    apart,
    notice_of,
)
from services.settlement.store.keyed import fetch_keyed, keys_from
from services.settlement.store.outbox_tables import OUTBOX
from services.settlement.store.settlement_rows import regions_from

_DIALECTS: Final = ("sqlite", "postgresql")
# A reversal is of the place and order of what it reverses; the institution of a carried bill is no scope of this cell, and a
# bill that another cell insures has only its place of care here.
_BOOKED: Final = {
    dialect: "SELECT s.setl_id, b.setl_id, s.kind, c.setl_id IS NOT NULL,"
    " CASE s.kind WHEN 'settle' THEN COALESCE(o.order_no, '') ELSE '' END,"
    " s.mdtrt_id, COALESCE(c.fixmedins_code, b.scope), s.regions, s.insutype, s.med_type, s.setl_at, s.medfee_sumamt_fen,"
    f" s.acct_pay_fen, {', '.join(f's.{name}_fen' for name in FUND_FIELDS)}, s.insured_cell"
    f" FROM {keys_from(dialect, 1)} JOIN settlement AS s ON s.setl_id = k0"
    " JOIN settlement AS b ON b.setl_id = COALESCE(s.reverses, s.setl_id)"
    " LEFT JOIN carried_bill AS c ON c.setl_id = b.setl_id LEFT JOIN settle_order AS o ON o.setl_id = b.setl_id"
    for dialect in _DIALECTS
}
_GIVE: Final = sql(
    "INSERT INTO outbox_head (name, last_seq, acked_seq) VALUES ('clearing', ?1, 0) ON CONFLICT (name)"
    " DO UPDATE SET last_seq = outbox_head.last_seq + excluded.last_seq RETURNING last_seq"
)
_HEAD: Final = sql(
    "SELECT COALESCE((SELECT MIN(seq) FROM outbox), last_seq + 1), last_seq, acked_seq FROM outbox_head"
    " WHERE name = 'clearing'"
)
_AFTER: Final = sql("SELECT seq, kind, payload, traceparent FROM outbox WHERE seq > ?1 ORDER BY seq LIMIT ?2")
_ACK: Final = sql(
    "UPDATE outbox_head SET acked_seq = CASE WHEN last_seq < ?1 THEN last_seq ELSE ?1 END WHERE name = 'clearing'"
    " RETURNING acked_seq"
)
_OLDEST: Final = sql("SELECT seq, created_at FROM outbox WHERE seq <= ?1 ORDER BY seq LIMIT ?2")
_PRUNE: Final = sql("DELETE FROM outbox WHERE seq <= ?1")
_ADD: Final = insert_sql(OUTBOX)


async def add_notices(connection: DriverConnection, setl_ids: Sequence[str], told: NoticeOrigin) -> None:
    """Notices of those of these settlements and counter-entries that are of cross-region care, in the order of their
    numbers: the last thing that a transaction does."""
    if not setl_ids:
        return
    rows = await fetch_keyed(connection, _BOOKED[connection.dialect], 1, setl_ids)
    found = [notice_of(booked) for booked in sorted(map(_booked, rows), key=_number) if apart(booked.regions)]
    if not found:
        return
    ((last,),) = await connection.run(_GIVE, len(found))
    first = int(last) - len(found) + 1
    await connection.insert(
        _ADD[connection.dialect],
        [(seq, each.kind, _payload_of(each), told.traceparent, told.at) for seq, each in enumerate(found, first)],
    )


class OutboxReader:
    """The outbox as one snapshot shows it."""

    def __init__(self, connection: DriverConnection) -> None:
        self._connection = connection

    async def head(self) -> Head:
        """How far it is."""
        for first, last, acked in await self._connection.run(_HEAD):
            return Head(int(first), int(last), int(acked))
        return Head()

    async def after(self, seq: int, limit: int) -> list[Placed]:
        """Notices behind a place, in order."""
        rows = await self._connection.run(_AFTER, seq, limit)
        return [Placed(int(row[0]), _notice_from(row[1], row[2]), row[3]) for row in rows]


class OutboxWriter(OutboxReader):
    """The outbox inside one transaction."""

    async def ack(self, upto: int, now: int) -> int:
        """Keeps what has arrived, and takes away some of what arrived long ago; what was kept."""
        for (acked,) in await self._connection.run(_ACK, upto):
            oldest = await self._connection.run(_OLDEST, int(acked), MOST)
            before = now - KEPT // MICROSECOND
            gone = max((int(seq) for seq, created_at in oldest if created_at < before), default=0)
            if gone:
                await self._connection.run(_PRUNE, gone)
            return int(acked)
        return 0


class Outbox:
    """The outbox of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reading(self) -> Within[OutboxReader]:
        """A snapshot."""
        return Within(self._database.driver_read(), OutboxReader)

    def writing(self) -> Within[OutboxWriter]:
        """One transaction."""
        return Within(self._database.driver_write(), OutboxWriter)


def _number(booked: ClearedRow) -> str:
    return booked.setl_id


def _booked(row: Sequence[Any]) -> ClearedRow:
    *amounts, insured_cell = row[13:]
    sides = (CARE,) if insured_cell else (INSURED,) if row[3] else (INSURED, CARE)
    values: tuple[Any, ...] = (*row[:3], sides, *row[4:7], regions_from(row[7]), *row[8:13], tuple(amounts))
    return ClearedRow(*values)


def _payload_of(notice: Notice) -> bytes:
    """A notice as its row keeps it: an object by the names of the fields, its kind apart."""
    told = {name: getattr(notice, name) for name in Notice.__slots__ if name != "kind"}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _notice_from(kind: str, payload: bytes) -> Notice:
    """The notice of a row."""
    told: dict[str, Any] = json.loads(payload)
    parts = tuple((fund, fen) for fund, fen in told["parts"])
    return Notice(**{**told, "kind": kind, "sides": tuple(told["sides"]), "parts": parts})
