"""Orders by number, what lapses, and the rows that change with them, inside the transactions of settlements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from services.kernel.requests import Moved
from services.runtime.db import Database, Within, sql
from services.settlement.domain.books.booking import Posting
from services.settlement.domain.books.entries import RequestKey, StoredAnswer
from services.settlement.domain.books.notices import NoticeOrigin
from services.settlement.domain.books.orders import Order
from services.settlement.domain.books.reversal import BookedSettlement
from services.settlement.domain.care.encounters import Entry
from services.settlement.store.keyed import keys_from
from services.settlement.store.order_rows import (
    ORDER,
    add_entries,
    add_order_rows,
    order_of,
    read_entries,
    read_orders,
)
from services.settlement.store.outbox import add_notices
from services.settlement.store.settlements import SETTLEMENT, SettlementReader, SettlementWriter, booked

_DIALECTS: Final = ("sqlite", "postgresql")

_LAPSED: Final = sql(
    "SELECT order_no FROM settle_order WHERE phase = 'pending' AND insured_cell = '' AND lapses_at <= ?1"
    " ORDER BY lapses_at LIMIT ?2"
)
_OVERTIME: Final = sql(
    f"SELECT {ORDER} FROM settle_order AS o WHERE o.phase = 'pending' AND o.insured_cell <> '' AND o.lapses_at <= ?1"
    " ORDER BY o.lapses_at LIMIT ?2"
)
_OF_PERSON: Final = sql(
    f"SELECT {ORDER} FROM settle_order AS o WHERE o.phase = 'pending' AND o.psn_no = ?1 AND o.insured_cell = ''"
    " ORDER BY o.insutype"
)
_OF_BILL: Final = sql(f"SELECT {ORDER} FROM settle_order AS o WHERE o.setl_id = ?1")
_ON_ITS_WAY: Final = sql(
    "SELECT setl_id FROM adjustment WHERE replayed_by = ?1 AND elsewhere = 1 AND booked_at IS NULL LIMIT 1"
)
_BILLS: Final = {dialect: f"{SETTLEMENT}, {keys_from(dialect, 1)} WHERE s.setl_id = k0" for dialect in _DIALECTS}
_POSTINGS: Final = {
    dialect: f"SELECT {', '.join(f'p.{name}' for name in Posting._fields)} FROM {keys_from(dialect, 1)}"
    " JOIN posting AS p ON p.source_id = k0 ORDER BY p.source_id, p.line_no"
    for dialect in _DIALECTS
}
_DELTAS: Final = {
    dialect: f"SELECT a.source_id, a.key, a.delta FROM {keys_from(dialect, 1)}"
    " JOIN accumulator_entry AS a ON a.source_id = k0"
    for dialect in _DIALECTS
}
_OWNERS: Final = {
    "postgresql": f"SELECT k0, o.psn_no FROM {keys_from('postgresql', 1)} JOIN settle_order AS o ON o.order_no = k0"
    f" UNION SELECT k0, p.owner_psn_no FROM {keys_from('postgresql', 1)} JOIN settle_order AS o ON o.order_no = k0"
    " JOIN posting AS p ON p.source_id = o.setl_id AND p.owner_psn_no IS NOT NULL"
}
_CHANGE: Final = {
    dialect: "UPDATE settle_order SET phase = k1, cause = k2, lapses_at = CAST(k3 AS BIGINT),"
    " charged = CAST(k4 AS INTEGER), ended_at = CAST(NULLIF(k5, '') AS BIGINT)"
    f" FROM {keys_from(dialect, 6)} WHERE order_no = k0 AND phase = 'pending' RETURNING order_no"
    for dialect in _DIALECTS
}
_MOVE: Final = {
    dialect: f"UPDATE settlement SET state = k1 FROM {keys_from(dialect, 2)}"
    " WHERE setl_id = k0 AND state = 'pending' RETURNING setl_id"
    for dialect in _DIALECTS
}
_REOPEN: Final = {
    dialect: f"UPDATE fee_batch SET state = 'open', setl_id = NULL FROM {keys_from(dialect, 1)} WHERE setl_id = k0"
    for dialect in _DIALECTS
}


class OrderReader(SettlementReader):
    """Orders as one snapshot shows them."""

    async def orders(self, numbers: Sequence[str]) -> dict[str, Order]:
        """The orders of these numbers; unknown ones are absent."""
        return await read_orders(self._connection, numbers)

    async def entries(self, keys: Sequence[RequestKey]) -> dict[RequestKey, StoredAnswer]:
        """What these requests left; unknown ones are absent."""
        return await read_entries(self._connection, keys)

    async def overdue(self, now: int, most: int) -> list[str]:
        """Pending orders whose time is over at a moment in microseconds, the oldest first; of ledgers of this cell."""
        return [row[0] for row in await self._connection.run(_LAPSED, now, most)]

    async def overtime(self, before: int, most: int) -> list[Order]:
        """Pending orders of ledgers of other cells whose time there was over at a moment, the oldest first."""
        return [order_of(row) for row in await self._connection.run(_OVERTIME, before, most)]

    async def pending_of(self, psn_no: str) -> list[Order]:
        """The pending orders of a person, on ledgers of this cell."""
        return [order_of(row) for row in await self._connection.run(_OF_PERSON, psn_no)]

    async def order_of_bill(self, setl_id: str) -> Order | None:
        """The order whose bill a settlement is."""
        rows = await self._connection.run(_OF_BILL, setl_id)
        return order_of(rows[0]) if rows else None

    async def on_its_way(self, setl_id: str) -> bool:
        """Whether a replay has put this settlement in the place of another one, and its place of care has not booked that."""
        return bool(await self._connection.run(_ON_ITS_WAY, setl_id))

    async def bills(self, setl_ids: Sequence[str]) -> dict[str, BookedSettlement]:
        """Settlements by number."""
        found = (booked([row]) for row in await self._rows(_BILLS, 1, setl_ids))
        return {each.setl_id: each for each in found if each is not None}

    async def postings_of(self, setl_ids: Sequence[str]) -> Mapping[str, list[Posting]]:
        """The postings of several sources, in order."""
        found: dict[str, list[Posting]] = {setl_id: [] for setl_id in setl_ids}
        for row in await self._rows(_POSTINGS, 1, setl_ids):
            found[row[0]].append(Posting(*row))
        return found

    async def deltas_of(self, setl_ids: Sequence[str]) -> Mapping[str, dict[str, int]]:
        """The movements of accumulators of several sources."""
        found: dict[str, dict[str, int]] = {setl_id: {} for setl_id in setl_ids}
        for source_id, key, delta in await self._rows(_DELTAS, 1, setl_ids):
            found[source_id][key] = delta
        return found


class OrderWriter(OrderReader, SettlementWriter):
    """Orders inside one transaction."""

    async def held_orders(self, numbers: Sequence[str]) -> dict[str, Order]:
        """The orders of these numbers, unknown ones absent, once the books are locked that they moved: of the persons, and of
        the owners of the accounts that paid. They never change; `Moved` where one was opened meanwhile."""
        if self._dialect == "sqlite":
            # Whoever writes is alone.
            return await self.orders(numbers)
        owners = {row[1] for row in await self._rows(_OWNERS, 1, numbers) if row[1]}
        await self.lock(owners)
        orders = await self.orders(numbers)
        if any(order.psn_no and order.psn_no not in owners for order in orders.values()):
            raise Moved
        return orders

    async def change_orders(self, orders: Sequence[Order]) -> None:
        """Orders that were pending as they are now; `Moved` where one is pending no more."""
        rows = [
            (
                *(each.order_no, each.phase, each.cause, str(each.lapses_at), str(int(each.charged))),
                "" if each.ended_at is None else str(each.ended_at),
            )
            for each in orders
        ]
        if rows and len(await self._rows(_CHANGE, 6, rows)) != len(rows):
            raise Moved

    async def move_bills(self, states: Sequence[tuple[str, str]]) -> None:
        """Pending bills, by number, in their new states; `Moved` where one is pending no more."""
        if states and len(await self._rows(_MOVE, 2, states)) != len(states):
            raise Moved

    async def reopen_batches(self, setl_ids: Sequence[str]) -> None:
        """The fee batches of voided bills are open again."""
        await self._rows(_REOPEN, 1, setl_ids)

    async def add_new(self, orders: Iterable[Order]) -> None:
        """Orders that are void before they are opened."""
        await add_order_rows(self._connection, orders)

    async def add_steps(self, entries: Iterable[Entry]) -> None:
        """The requests of accepted steps."""
        await add_entries(self._connection, entries)

    async def notify(self, setl_ids: Sequence[str], told: NoticeOrigin) -> None:
        """Notices of those of these bills that are of cross-region care; to be called last."""
        await add_notices(self._connection, setl_ids, told)


class OrderBooks:
    """The orders of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reading(self) -> Within[OrderReader]:
        """A snapshot."""
        return Within(self._database.driver_read(), OrderReader)

    def writing(self) -> Within[OrderWriter]:
        """One transaction; `Moved` where another process wrote what this one meant to write."""
        return Within(self._database.driver_write(), OrderWriter, moved=True)
