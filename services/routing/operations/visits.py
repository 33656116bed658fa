"""Visits of persons whom another cell insures: that cell says who it is, the cell of care registers the visit.

One cell writes, so nothing has to be undone: a repeat finds what stands in the cell of care.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from services.routing.operations.elsewhere import AskedPerson, Elsewhere
from services.routing.operations.steps import Message, written


class VisitCells(Protocol):
    """The cells; each raises its refusal."""

    async def insured(self, cell: str, request: Any) -> Any:
        """Who the person is, as the cell that insures them tells it."""
        ...

    async def register_visit(self, cell: str, request: Any, insured: Any) -> Any:
        """2201, at the place of care."""
        ...


@dataclass(frozen=True, slots=True)
class Visits:
    """What is done for visits."""

    elsewhere: Elsewhere
    cells: VisitCells

    async def register(self, message: Message, who: AskedPerson) -> Any:
        """Registers a visit.

        Raises what `Elsewhere.ask` does, the refusals of both cells, and OUTCOME_UNKNOWN where the cell of care, which was asked
        to write, does not answer.
        """
        care, request = message.care_cell, message.request
        insured = await self.elsewhere.ask(who, lambda cell: self.cells.insured(cell, request))
        return await written(message, lambda: self.cells.register_visit(care, request, insured))
