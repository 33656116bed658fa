"""Bills that a place of care has pending and that nobody works at: routing's store, or that of the cell, came back from a backup.

Their message need not come again for that. Each cell is asked now and then for what waits longer than it should.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from services.routing.domain.bills import VISIT, PendingBill
from services.routing.domain.sagas import Saga
from services.routing.operations.sagas import Sagas
from services.routing.operations.steps import take_on

EVERY_S: Final = 180.0
"""How long a cell is not asked after it was."""


class PendingCells(Protocol):
    """The settlement of any cell."""

    async def pending(self, cell: str) -> list[PendingBill]:
        """Bills that wait there for their end longer than they should."""
        ...


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Takes them on. `end_again` ends a bill at the place of care as it has ended elsewhere."""

    sagas: Sagas
    pending: PendingCells
    end_again: Callable[[Saga], Awaitable[None]]
    cells: tuple[str, ...]

    async def pull(self, cell: str) -> int:
        """Takes on what routing does not know, and ends what it has at rest; how many. The peer's Fault where it is away."""
        bills = await self.pending.pending(cell)
        found = await self.sagas.books.find_all([each.order_no for each in bills]) if bills else {}
        count = 0
        for bill in bills:
            saga = found.get(bill.order_no)
            if saga is None:
                await take_on(self.sagas, cell, VISIT, bill)
            elif not saga.running:
                await self.end_again(saga)
            count += saga is None or not saga.running
        return count
