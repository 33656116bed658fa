"""A fake of visits and lines for tests of orders."""

from __future__ import annotations

from typing import Any

from services.payment.domain.orders import PayOrder


class FakeBills:
    """Visits by the order that they were registered for; of lines nothing is told."""

    def __init__(self) -> None:
        self.visits: dict[str, str] = {}
        self.cancelled: list[str] = []

    async def register(self, order_no: str, request: Any) -> str:
        self.visits[order_no] = f"M-{order_no}"
        return self.visits[order_no]

    async def find_visit(self, order: PayOrder) -> str:
        return self.visits.get(order.pay_ord_id, "")

    async def upload(self, order_no: str, request: Any, mdtrt_id: str, *, stay: bool) -> None:
        return None

    async def take_back_lines(self, order: PayOrder) -> None:
        return None

    async def take_back_visit(self, order: PayOrder) -> None:
        self.cancelled.append(order.bill.mdtrt_id)
