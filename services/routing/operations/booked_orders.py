"""Orders that payment held open, as the insured cells have booked them: for the cell of care's payment, which compares books."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from services.kernel.elsewhere import CELL_UNAVAILABLE
from services.kernel.errors import Fault
from services.routing.operations.sagas import SagaBooks
from services.routing.operations.steps import is_away


class BookedCells(Protocol):
    """The books of any cell; each raises its refusal."""

    async def booked_orders(self, cell: str, order_nos: Sequence[str]) -> Sequence[Any]:
        """Orders as that cell has booked them; unknown ones are left out."""
        ...


@dataclass(frozen=True, slots=True)
class BookedOrders:
    """Looks for them, a list a cell, all cells at the same time."""

    books: SagaBooks
    cells: BookedCells

    async def find(self, care_cell: str, asked: Mapping[str, str]) -> tuple[list[Any], list[str]]:
        """Orders of these numbers, each with its insured cell, and the cells that did not answer.

        An order whose saga another cell of care has is left out. Of one so old that its saga is gone the cell knows that payment
        names.
        """
        sagas = await self.books.find_all(list(asked))
        lists: defaultdict[str, list[str]] = defaultdict(list)
        for order_no, cell in asked.items():
            saga = sagas.get(order_no)
            if saga is None or saga.care_cell == care_cell:
                lists[cell if saga is None else saga.insured_cell or cell].append(order_no)
        cells = sorted(lists)
        answers = await asyncio.gather(*(self._of(cell, lists[cell]) for cell in cells))
        silent = [cell for cell, answer in zip(cells, answers, strict=True) if answer is None]
        return [each for answer in answers if answer is not None for each in answer], silent

    async def _of(self, cell: str, order_nos: Sequence[str]) -> Sequence[Any] | None:
        """What a cell has; None where it does not answer."""
        try:
            return await self.cells.booked_orders(cell, order_nos)
        except Fault as fault:
            if is_away(fault) or fault.reason == CELL_UNAVAILABLE:
                return None
            raise
