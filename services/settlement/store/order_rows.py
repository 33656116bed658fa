"""Rows of orders, of the entries that their steps leave, and of carried bills: read and written in bulk on a connection.

Statements are text on the driver connection, as everywhere where the books are moved.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Final

from services.kernel.clock import to_micros
from services.runtime.db import DriverConnection, insert_sql
from services.settlement.domain.books.entries import BookChanges, CarriedBill, RequestKey, StoredAnswer
from services.settlement.domain.books.orders import Order
from services.settlement.domain.care.carried import CarriedKey
from services.settlement.domain.care.encounters import Entry
from services.settlement.store.keyed import fetch_keyed, keys_from
from services.settlement.store.order_tables import CARRIED_BILL, SETTLE_ORDER
from services.settlement.store.settlement_rows import regions_from, regions_text
from services.settlement.store.tables import LEDGER_ENTRY

_DIALECTS: Final = ("sqlite", "postgresql")
ORDER_COLUMNS: Final = tuple(column.name for column in SETTLE_ORDER.columns)
ORDER: Final = (
    f"{', '.join(f'o.{name}' for name in ORDER_COLUMNS)},"
    " COALESCE((SELECT c.setl_id FROM settlement AS c WHERE c.reverses = o.setl_id AND o.phase = 'void'), '')"
)
"""What `order_of` reads of a row of `settle_order AS o`."""

ORDERS: Final = {
    dialect: f"SELECT {ORDER} FROM {keys_from(dialect, 1)} JOIN settle_order AS o ON o.order_no = k0"
    for dialect in _DIALECTS
}
ENTRIES: Final = {
    dialect: "SELECT e.scope, e.request_id, e.content_hash, 'entry', e.entry_id, e.response, e.hash_version, e.regions"
    f" FROM {keys_from(dialect, 2)} JOIN ledger_entry AS e ON e.scope = k0 AND e.request_id = k1"
    for dialect in _DIALECTS
}
CARRIED_LINES: Final = {
    dialect: f"SELECT c.fixmedins_code, c.mdtrt_id, c.line_numbers, s.setl_id FROM {keys_from(dialect, 1)}"
    " JOIN settlement AS s ON s.mdtrt_id = k0 AND s.kind = 'settle' AND s.state IN ('standing', 'pending')"
    " JOIN carried_bill AS c ON c.setl_id = s.setl_id"
    for dialect in _DIALECTS
}
_ADD_ORDERS: Final = insert_sql(SETTLE_ORDER)
_ADD_ENTRIES: Final = insert_sql(LEDGER_ENTRY)
_ADD_BILLS: Final = insert_sql(CARRIED_BILL)
_CARRIED: Final = ORDER_COLUMNS.index("carried")


def order_of(row: Sequence[Any]) -> Order:
    """The order of a row of ORDER."""
    values = list(row)
    values[_CARRIED], values[_CARRIED + 1] = bool(values[_CARRIED]), bool(values[_CARRIED + 1])
    return Order(*values)


def orders_from(rows: Sequence[Any]) -> dict[str, Order]:
    """The rows of ORDERS, by number."""
    return {row[0]: order_of(row) for row in rows}


async def read_orders(connection: DriverConnection, numbers: Sequence[str]) -> dict[str, Order]:
    """The orders of these numbers; unknown ones are absent."""
    return orders_from(await fetch_keyed(connection, ORDERS[connection.dialect], 1, numbers))


def entries_from(rows: Sequence[Any]) -> dict[RequestKey, StoredAnswer]:
    """The rows of ENTRIES: what requests left that leave no settlement."""
    return {(row[0], row[1]): StoredAnswer(*(*row[:7], regions_from(row[7]))) for row in rows}


async def read_entries(connection: DriverConnection, keys: Sequence[RequestKey]) -> dict[RequestKey, StoredAnswer]:
    """What requests left that leave no settlement; unknown ones are absent."""
    return entries_from(await fetch_keyed(connection, ENTRIES[connection.dialect], 2, keys)) if keys else {}


def carried_from(rows: Sequence[Any]) -> dict[CarriedKey, str]:
    """The rows of CARRIED_LINES: lines of encounters of another cell that pending or standing bills hold, with those bills."""
    return {(row[0], row[1], number): row[3] for row in rows for number in json.loads(row[2])}


async def add_entries(connection: DriverConnection, entries: Iterable[Entry]) -> None:
    """Keeps the requests that led to steps of orders, in the order of their keys, as `add_order_rows` does; their answers are
    made anew from what stands."""
    rows = [
        (
            *(each.entry_id, each.stamp.scope, each.stamp.request_id, each.stamp.rpc, each.stamp.content_hash),
            *(each.response, to_micros(each.created_at), each.stamp.hash_version, regions_text(each.stamp.regions)),
        )
        for each in sorted(entries, key=attrgetter("stamp.scope", "stamp.request_id"))
    ]
    await connection.insert(_ADD_ENTRIES[connection.dialect], rows)


async def add_order_rows(connection: DriverConnection, orders: Iterable[Order]) -> None:
    """New orders, by number: two transactions that both wait for the other's would never end."""
    rows = [
        tuple(int(value) if type(value) is bool else value for value in (getattr(each, name) for name in ORDER_COLUMNS))
        for each in sorted(orders, key=attrgetter("order_no"))
    ]
    await connection.insert(_ADD_ORDERS[connection.dialect], rows)


async def add_orders(connection: DriverConnection, changes: BookChanges) -> None:
    """Orders that a batch opens, with their entries and the bills that they carry; nothing where it opens none."""
    if not changes.orders:
        return
    await add_order_rows(connection, changes.orders)
    await add_entries(connection, changes.entries)
    await connection.insert(_ADD_BILLS[connection.dialect], [_carried_row(each) for each in changes.carried])


def _carried_row(kept: CarriedBill) -> tuple[Any, ...]:
    """In the order of the table's columns."""
    setl_id, care, bill, at = kept
    known, filing = care.encounter, care.filing
    filed = ("", "", "", "")
    if filing is not None:
        until = "" if filing.to_day is None else filing.to_day.isoformat()
        filed = (filing.kind, filing.filing_no, filing.from_day.isoformat(), until)
    return (
        *(setl_id, known.fixmedins_code, known.mdtrt_id, known.kind, care.ipt_otp_no, known.med_type),
        *(known.local_med_type, known.begin_at, known.end_at, known.insuplc_admdvs, known.mdtrtarea_admvs),
        *(bill.mdtrt_cert_type, known.dise_codg, known.dise_name, *filed),
        *(bill.desk.opter, bill.desk.opter_name, at),
        *(care.batch.medfee_fen, care.batch.hosp_part_fen, json.dumps(care.lines.numbers), care.lines.packed),
        care.care_cell,
    )
