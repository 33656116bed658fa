"""Rows of what rests until people decide about it, and of what they have decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.payment.domain.held import Decided, Decision
from services.payment.domain.orders import Charge, PayOrder, Refund
from services.payment.store.money_rows import CHARGES, REFUNDS, charge_of, refund_of
from services.payment.store.order_rows import ORDERS, order_of
from services.payment.store.tables import HELD, HELD_CHARGE
from services.runtime.db import DriverConnection, sql

_DECISION: Final = (
    *("decision_no", "held_no", "pay_ord_id", "reason", "decision", "memo", "proof_no", "decided_by"),
    *("charged_fen", "decided_at"),
)
_DECISIONS: Final = ", ".join(_DECISION)
_OF_ORDERS: Final = sql(f"SELECT {ORDERS} FROM pay_order WHERE {HELD} AND pay_ord_id > ?1 ORDER BY pay_ord_id LIMIT ?2")
# One that its own order is held by is told with that.
_OF_CHARGES: Final = sql(
    f"SELECT {CHARGES} FROM pay_charge WHERE {HELD_CHARGE} AND charge_no > ?1 AND NOT EXISTS (SELECT 1 FROM pay_order"
    f" WHERE pay_order.pay_ord_id = pay_charge.pay_ord_id AND pay_order.charge_no = pay_charge.charge_no AND {HELD})"
    " ORDER BY charge_no LIMIT ?2"
)
_OF_REFUNDS: Final = sql(f"SELECT {REFUNDS} FROM pay_refund WHERE AMONG(refund_no, ?1)")
_BEFORE: Final = "(?1 = '' OR decision_no < ?1)"
_LATEST: Final = sql(f"SELECT {_DECISIONS} FROM pay_decision WHERE {_BEFORE} ORDER BY decision_no DESC LIMIT ?2")
_LATEST_OF: Final = sql(
    f"SELECT {_DECISIONS} FROM pay_decision WHERE pay_ord_id = ?3 AND {_BEFORE} ORDER BY decision_no DESC LIMIT ?2"
)
_ONE: Final = sql(f"SELECT {_DECISIONS} FROM pay_decision WHERE decision_no = ?1")


class HeldRows:
    """What rests, and decisions, in one transaction."""

    def __init__(self, connection: DriverConnection, inserts: Mapping[str, Mapping[str, str]]) -> None:
        self._connection = connection
        self._insert = inserts["pay_decision"][connection.dialect]

    async def orders(self, after: str, most: int) -> list[PayOrder]:
        """Orders that rest, by number."""
        return [order_of(row) for row in await self._connection.run(_OF_ORDERS, after, most)]

    async def charges(self, after: str, most: int) -> list[Charge]:
        """Charges that rest by themselves, by number."""
        return [charge_of(row) for row in await self._connection.run(_OF_CHARGES, after, most)]

    async def refunds(self, numbers: Sequence[str]) -> dict[str, Refund]:
        """Those of these numbers."""
        if not numbers:
            return {}
        found = map(refund_of, await self._connection.run(_OF_REFUNDS, sorted(numbers)))
        return {each.refund_no: each for each in found}

    async def decisions(self, pay_ord_id: str, before: str, most: int) -> list[Decided]:
        """The latest first, from before a number on; of one order, or of all."""
        statement, asked = (_LATEST_OF, (before, most, pay_ord_id)) if pay_ord_id else (_LATEST, (before, most))
        return [_decided(row) for row in await self._connection.run(statement, *asked)]

    async def decision(self, decision_no: str) -> Decided | None:
        """One."""
        rows = await self._connection.run(_ONE, decision_no)
        return _decided(rows[0]) if rows else None

    async def keep(self, decided: Sequence[Decided]) -> None:
        """New ones: what was decided never changes."""
        rows = [
            (
                *(each.decision_no, each.held_no, each.pay_ord_id, each.reason, each.decision.value, each.memo),
                *(each.proof_no, each.decided_by, each.charged_fen, each.decided_at),
            )
            for each in sorted(decided, key=lambda each: each.decision_no)
        ]
        await self._connection.insert(self._insert, rows)


def _decided(row: Sequence[Any]) -> Decided:
    at = dict(zip(_DECISION, row, strict=True))
    return Decided(**(at | {"decision": Decision(at["decision"])}))
