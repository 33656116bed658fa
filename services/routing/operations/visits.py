"""Visits of persons whom another cell insures: that cell says who it is, the cell of care registers the visit.

One cell writes, so nothing has to be undone: a repeat finds what stands in the cell of care.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from services.kernel.elsewhere import outcome_unknown
from services.kernel.errors import AWAY, Fault
from services.routing.operations.elsewhere import Asked, Elsewhere


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

    async def register(self, care_cell: str, asked: Asked, request: Any) -> Any:
        """Registers a visit.

        Raises what `Elsewhere.ask` does, the refusals of both cells, and OUTCOME_UNKNOWN where the cell of care, which was asked
        to write, does not answer.
        """
        insured = await self.elsewhere.ask(asked, lambda cell: self.cells.insured(cell, request))
        try:
            return await self.cells.register_visit(care_cell, request, insured)
        except Fault as fault:
            if fault.reason not in AWAY:
                raise
            raise outcome_unknown(request.request_id) from None
