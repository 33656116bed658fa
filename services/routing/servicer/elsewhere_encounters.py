"""The RPCs of ElsewhereService that begin and end encounters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from services.routing.domain.bills import VISIT
from services.routing.domain.stays import ADMIT, CANCEL_ADMISSION, DISCHARGE, UNDO_DISCHARGE
from services.routing.operations.stays import Stays
from services.routing.operations.steps import Message
from services.routing.operations.visits import Visits
from services.routing.servicer.asked import registered
from services.routing.servicer.convert import within_time
from services.routing.servicer.elsewhere_bills import answering_in_time, message_of
from services.runtime.wire import moment_of
from yibao.routing.v1 import elsewhere_encounters_pb2 as pb2


@dataclass(frozen=True, slots=True)
class EncounterOperations:
    """What these RPCs need."""

    visits: Visits
    stays: Stays


class EncounterRpcs:
    """A part of the servicer: messages in, messages out."""

    def __init__(self, operations: EncounterOperations) -> None:
        self._visits = operations.visits
        self._stays = operations.stays

    async def RegisterVisit(  # noqa: N802 - the contract's name
        self, request: pb2.RegisterVisitRequest, context: Any
    ) -> pb2.RegisterVisitResponse:
        """2201."""
        unary = request.request
        who = registered(unary.desk, unary.data, "data")
        visit = await _served(VISIT, unary, lambda message: self._visits.register(message, who))
        return pb2.RegisterVisitResponse(response=visit)

    async def Admit(self, request: pb2.AdmitRequest, context: Any) -> pb2.AdmitResponse:  # noqa: N802 - the contract's name
        """2401."""
        unary = request.request
        stay = unary.mdtrtinfo
        who, begin_at = registered(unary.desk, stay, "mdtrtinfo"), moment_of(stay.begntime)
        admitted = await _served(ADMIT, unary, lambda message: self._stays.admit(message, who, begin_at))
        return pb2.AdmitResponse(response=admitted)

    async def Discharge(  # noqa: N802 - the contract's name
        self, request: pb2.DischargeRequest, context: Any
    ) -> pb2.DischargeResponse:
        """2402."""
        return pb2.DischargeResponse(response=await self._changed(DISCHARGE, request.request, request.request.dscginfo))

    async def UndoDischarge(  # noqa: N802 - the contract's name
        self, request: pb2.UndoDischargeRequest, context: Any
    ) -> pb2.UndoDischargeResponse:
        """2405."""
        unary = request.request
        return pb2.UndoDischargeResponse(response=await self._changed(UNDO_DISCHARGE, unary, unary.data))

    async def CancelAdmission(  # noqa: N802 - the contract's name
        self, request: pb2.CancelAdmissionRequest, context: Any
    ) -> pb2.CancelAdmissionResponse:
        """2404."""
        unary = request.request
        return pb2.CancelAdmissionResponse(response=await self._changed(CANCEL_ADMISSION, unary, unary.data))

    async def _changed(self, act: str, unary: Any, stay: Any) -> Any:
        return await _served(act, unary, lambda message: self._stays.change(message, stay.mdtrt_id, stay.psn_no))


async def _served(act: str, unary: Any, serve: Callable[[Message], Awaitable[Any]]) -> Any:
    """What a message of an institution is answered, said while its caller still waits."""
    with answering_in_time() as left_s, within_time():
        return await serve(message_of(act, unary, left_s))
