"""What channels were told for an order, page by page."""

from __future__ import annotations

from typing import Final

from services.kernel.pages import Page, page_of
from services.payment.domain import refusals
from services.payment.domain.orders import Charge
from services.payment.domain.told import ToldRequest
from services.payment.operations.books import Books

FIRST: Final = (0, "")
"""The place before the first."""
MOST_CHARGES: Final = 50


class Egress:
    """Reads the record."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def page(self, pay_ord_id: str, after: tuple[int, str], size: int) -> Page[ToldRequest]:
        """What was told behind a place (moment, key); PAY_ORDER_NOT_FOUND."""
        if await self._books.order(pay_ord_id) is None:
            raise refusals.order_unknown(pay_ord_id)
        # What is on its way now is told too.
        await self._books.write_told()
        found = await self._books.told(pay_ord_id, after, size + 1)
        return page_of(found, size, lambda each: (each.first_at, each.key))

    async def charges(self, pay_ord_id: str) -> list[Charge]:
        """The order's latest charges."""
        return await self._books.charges_of(pay_ord_id, MOST_CHARGES)
