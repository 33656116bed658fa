"""Charges, refunds and orders as reconciliation compares them: by lists of numbers, and by when money moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.payment.domain.compared import OurCharge, OurOrder, OurRefund
from services.payment.domain.orders import ChargeState, RefundState
from services.payment.domain.phases import Phase
from services.payment.domain.splits import Split
from services.runtime.db import DriverConnection, sql

_CHARGE: Final = (
    "SELECT c.charge_no, c.pay_ord_id, c.channel, c.charge_fen, c.charged_fen, c.state, c.trade_no, c.created_at,"
    " c.paid_at, c.return_no, c.returned_at, o.fixmedins_code, o.phase, o.charge_no"
    " FROM pay_charge AS c JOIN pay_order AS o ON o.pay_ord_id = c.pay_ord_id"
)
_CHARGES: Final = sql(f"{_CHARGE} WHERE AMONG(c.charge_no, ?1)")
_RETURNED: Final = sql(f"{_CHARGE} WHERE c.return_no <> '' AND AMONG(c.return_no, ?1)")
_MADE: Final = sql(
    f"{_CHARGE} WHERE c.channel = ?1 AND c.created_at >= ?2 AND c.created_at < ?3"
    " AND (c.created_at > ?2 OR c.charge_no > ?4) ORDER BY c.created_at, c.charge_no LIMIT ?5"
)
_SENT_BACK: Final = sql(
    f"{_CHARGE} WHERE c.channel = ?1 AND c.returned_at >= ?2 AND c.returned_at < ?3 AND c.returned_at > 0"
    " AND (c.returned_at > ?2 OR c.charge_no > ?4) ORDER BY c.returned_at, c.charge_no LIMIT ?5"
)
_REFUND: Final = (
    "SELECT r.refund_no, r.pay_ord_id, c.channel, r.cash_fen + r.card_fen, r.state, r.created_at, r.done_at, o.fixmedins_code,"
    " r.reason FROM pay_refund AS r JOIN pay_order AS o ON o.pay_ord_id = r.pay_ord_id"
    " JOIN pay_charge AS c ON c.charge_no = o.charge_no"
)
_REFUNDS: Final = sql(f"{_REFUND} WHERE AMONG(r.refund_no, ?1)")
_DONE: Final = sql(
    f"{_REFUND} WHERE c.channel = ?1 AND r.done_at >= ?2 AND r.done_at < ?3 AND r.done_at > 0 AND r.state = 'done'"
    " AND (r.done_at > ?2 OR r.refund_no > ?4) ORDER BY r.done_at, r.refund_no LIMIT ?5"
)
_PARTS: Final = ("total", "fund", "acct", "other", "hosp", "cash", "mulaid")
_OWN: Final = (
    "SELECT o.pay_ord_id, o.open_no, o.setl_id, o.fixmedins_code, o.phase, o.has_split,"
    f" {', '.join(f'o.tried_{part}_fen' for part in _PARTS)}, o.charged_fen, o.refunded_fen, o.insured_returned"
)
_ORDER: Final = (
    f"{_OWN}, c.charged_fen, (SELECT CAST(COALESCE(SUM(r.cash_fen + r.card_fen), 0) AS BIGINT) FROM pay_refund AS r"
    " WHERE r.pay_ord_id = o.pay_ord_id AND r.state = 'done'), o.insured_cell, o.paid_at"
    " FROM pay_order AS o LEFT JOIN pay_charge AS c ON c.charge_no = o.charge_no"
)
_ORDERS: Final = sql(f"{_OWN}, NULL, 0, o.insured_cell, o.paid_at FROM pay_order AS o WHERE AMONG(o.pay_ord_id, ?1)")
_PAID: Final = sql(
    f"{_ORDER} WHERE o.paid_at >= ?1 AND o.paid_at < ?2 AND o.paid_at > 0 AND (o.paid_at > ?1 OR o.pay_ord_id > ?3)"
    " ORDER BY o.paid_at, o.pay_ord_id LIMIT ?4"
)
_FIRST_PAID: Final = sql("SELECT paid_at FROM pay_order WHERE paid_at > 0 ORDER BY paid_at LIMIT 1")

_STATES: Final = {each.value: each for each in ChargeState}
_PHASES: Final = {each.value: each for each in Phase}

Span = tuple[int, int]
"""From a moment and before another."""
Place = tuple[int, str]
"""Moment and number of the last row of a page."""


class ComparedRows:
    """What is compared, in one snapshot."""

    def __init__(self, connection: DriverConnection) -> None:
        self._connection = connection

    async def charges(self, numbers: Sequence[str]) -> dict[str, OurCharge]:
        """Those of these numbers."""
        found = map(_charge, await self._connection.run(_CHARGES, sorted(set(numbers))))
        return {each.charge_no: each for each in found}

    async def returned(self, numbers: Sequence[str]) -> dict[str, OurCharge]:
        """Those that go back under these numbers, by them."""
        found = map(_charge, await self._connection.run(_RETURNED, sorted(set(numbers))))
        return {each.return_no: each for each in found}

    async def refunds(self, numbers: Sequence[str]) -> dict[str, OurRefund]:
        """Those of these numbers."""
        found = map(_refund, await self._connection.run(_REFUNDS, sorted(set(numbers))))
        return {each.refund_no: each for each in found}

    async def charges_made(self, channel: str, span: Span, after: Place, most: int) -> list[tuple[Place, OurCharge]]:
        """A channel's charges by when they were made."""
        rows = await self._connection.run(_MADE, channel, max(span[0], after[0]), span[1], after[1], most)
        return [((each.created_at, each.charge_no), each) for each in map(_charge, rows)]

    async def charges_sent_back(
        self, channel: str, span: Span, after: Place, most: int
    ) -> list[tuple[Place, OurCharge]]:
        """A channel's charges that went back whole, by when they did."""
        rows = await self._connection.run(_SENT_BACK, channel, max(span[0], after[0]), span[1], after[1], most)
        return [((each.returned_at, each.charge_no), each) for each in map(_charge, rows)]

    async def refunds_done(self, channel: str, span: Span, after: Place, most: int) -> list[tuple[Place, OurRefund]]:
        """A channel's refunds by when they were done."""
        rows = await self._connection.run(_DONE, channel, max(span[0], after[0]), span[1], after[1], most)
        return [((each.done_at, each.refund_no), each) for each in map(_refund, rows)]

    async def orders_paid(self, span: Span, after: Place, most: int) -> list[tuple[Place, OurOrder]]:
        """Orders by when they were paid, also those that were given back since."""
        rows = await self._connection.run(_PAID, max(span[0], after[0]), span[1], after[1], most)
        return [((int(row[-1]), str(row[0])), _order(row)) for row in rows]

    async def first_paid(self) -> int | None:
        """When the first order was paid."""
        rows = await self._connection.run(_FIRST_PAID)
        return int(rows[0][0]) if rows else None

    async def orders(self, numbers: Sequence[str]) -> dict[str, OurOrder]:
        """Those of these numbers, without what their charges and refunds add up to."""
        found = map(_order, await self._connection.run(_ORDERS, sorted(set(numbers))))
        return {each.pay_ord_id: each for each in found}


def _charge(row: Sequence[Any]) -> OurCharge:
    *told, current_no = row
    told[5], told[12] = _STATES[told[5]], _PHASES[told[12]]
    told.append(current_no == told[0])
    return OurCharge(*told)


def _refund(row: Sequence[Any]) -> OurRefund:
    told = list(row)
    told[4] = RefundState(told[4])
    return OurRefund(*told)


def _order(row: Sequence[Any]) -> OurOrder:
    pay_ord_id, open_no, setl_id, fixmedins_code, phase, has_split, *rest = row
    split = Split(*rest[:7]) if has_split else None
    charged_fen, refunded_fen, insured_returned, collected_fen, returned_fen, cell, _ = rest[7:]
    return OurOrder(
        *(pay_ord_id, open_no, setl_id, fixmedins_code, _PHASES[phase], split, charged_fen, refunded_fen),
        insured_returned=bool(insured_returned),
        collected_fen=collected_fen,
        returned_fen=returned_fen,
        insured_cell=cell,
    )
