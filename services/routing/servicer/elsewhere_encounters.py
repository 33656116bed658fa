"""The RPCs of ElsewhereService that begin and end encounters."""

from __future__ import annotations

from typing import Any

from services.routing.operations.visits import Visits
from services.routing.servicer.asked import registered
from services.routing.servicer.convert import within_time
from services.runtime.call import current_call
from yibao.routing.v1 import elsewhere_encounters_pb2 as messages


class EncounterRpcs:
    """A part of the servicer: messages in, messages out."""

    def __init__(self, visits: Visits) -> None:
        self._visits = visits

    async def RegisterVisit(  # noqa: N802 - the contract's name
        self, request: messages.RegisterVisitRequest, context: Any
    ) -> messages.RegisterVisitResponse:
        """2201."""
        unary = request.request
        asked, care_cell = registered(unary.desk, unary.data, "data"), current_call().caller.cell
        with within_time():
            visit = await self._visits.register(care_cell, asked, unary)
        return messages.RegisterVisitResponse(response=visit)
