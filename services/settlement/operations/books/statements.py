"""Orders as another member compares them with its own, in pages and by their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from services.kernel.pages import Page, page_of
from services.settlement.domain.books.statements import OrderTotals, SettledOrder, totals_of
from services.settlement.store.statements import StatementRows


@dataclass(frozen=True, slots=True)
class AskedTotals:
    """Whose totals: an institution's from a moment and before another, in microseconds UTC; "" for all of a class or office, and
    of settlements and counter-entries alike (`kind`).
    """

    fixmedins_code: str
    span: tuple[int, int]
    insutype: str
    kind: str
    clr_type: str
    setl_optins: str
    days: tuple[str, str] = ("", "")
    """First and last day of the span, in ISO form."""


@dataclass(frozen=True, slots=True)
class Statements:
    """Reads orders."""

    store: StatementRows

    async def settled(
        self, opener: str, span: tuple[int, int], after: tuple[int, str] | None, size: int, *, reversed_ones: bool
    ) -> Page[SettledOrder]:
        """A page of those that were confirmed from a moment and before another, in microseconds UTC, or reversed."""
        found = await self.store.settled(opener, span, after, size + 1, reversed_ones=reversed_ones)
        return page_of(found, size, attrgetter("place"))

    async def found(self, opener: str, order_nos: Sequence[str]) -> list[SettledOrder]:
        """Those of these numbers."""
        return await self.store.found(opener, order_nos)

    async def totals(self, asked: AskedTotals) -> OrderTotals:
        """What is booked of an institution."""
        groups = await self.store.groups(asked.fixmedins_code, asked.span, asked.insutype, asked.kind)
        return totals_of(groups, asked.clr_type, asked.setl_optins)
