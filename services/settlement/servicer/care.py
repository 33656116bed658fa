"""The RPCs of care across cells: what the insured cell tells of a person, and what the cell of care keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.kernel.errors import invalid
from services.runtime.batch import serve_batch
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.settlement.domain.books.reversal import ReversalRequest
from services.settlement.domain.care.bill import STAY
from services.settlement.operations.books.reverse import Reversing
from services.settlement.operations.care.encounters import EncounterOperations
from services.settlement.operations.care.stays import StayOperations
from services.settlement.servicer.care_bills import BillsElsewhere
from services.settlement.servicer.convert_care import insured_elsewhere, told_cover
from services.settlement.servicer.convert_encounters import Codes, kept_stamp_of
from services.settlement.servicer.convert_registrations import (
    RegistrationReader,
    SentRegistration,
    by_institution,
    discharge_of,
    name_of,
)
from services.settlement.servicer.convert_settlement import desk_of
from services.settlement.servicer.filed import FiledBills
from services.settlement.servicer.messages import take_back
from yibao.settlement.v1 import care_pb2, care_pb2_grpc, reversal_pb2, stay_pb2, visit_pb2

_ENCOUNTERS = "EncounterService"


@dataclass(frozen=True, slots=True)
class CareOperations:
    """What the servicer needs; `cell` is this member's own."""

    cell: str
    encounters: EncounterOperations
    stays: StayOperations
    reversing: Reversing


class CareServicer(care_pb2_grpc.CareServiceServicer):
    """Answers CareService. What an institution sent is kept under the institution's own request."""

    def __init__(self, operations: CareOperations, filed: FiledBills, bills: BillsElsewhere) -> None:
        self._cell = operations.cell
        self._encounters = operations.encounters
        self._stays = operations.stays
        self._reversing = operations.reversing
        self._filed = filed
        self._bills = bills
        self._requests = RegistrationReader(Codes())

    async def GetInsured(  # noqa: N802  # the name is the contract's
        self, request: care_pb2.GetInsuredRequest, context: Any
    ) -> care_pb2.GetInsuredResponse:
        """Who is registered, asked of the insured cell."""
        registration = self._sent(request).registration
        cover = await self._encounters.cover(registration)
        return care_pb2.GetInsuredResponse(insured=insured_elsewhere(self._cell, cover, registration))

    async def RegisterCare(  # noqa: N802
        self, request: care_pb2.RegisterCareRequest, context: Any
    ) -> care_pb2.RegisterCareResponse:
        """2201 or 2401 of a person of another cell."""
        call, sent = current_call(), self._sent(request)
        stay = sent.registration.kind == STAY
        if stay and not request.mdtrt_id:
            raise invalid("mdtrt_id", "required", "the number of the stay that is reserved")
        told = told_cover(request.insured, self._cell, sent.registration, request.mdtrt_id if stay else "")
        if not stay:
            visit = request.visit
            stamp = by_institution(kept_stamp_of(call, visit, "data"), visit.desk, _ENCOUNTERS, "RegisterVisit")
            answer = await self._encounters.register(stamp, *sent, told)
            return care_pb2.RegisterCareResponse(visit=visit_pb2.RegisterVisitResponse.FromString(answer))
        admission = request.admission
        stamp = by_institution(kept_stamp_of(call, admission, "mdtrtinfo"), admission.desk, _ENCOUNTERS, "Admit")
        answer = await self._encounters.register(stamp, *sent, told)
        return care_pb2.RegisterCareResponse(admission=stay_pb2.AdmitResponse.FromString(answer))

    async def EndAdmission(  # noqa: N802
        self, request: care_pb2.EndAdmissionRequest, context: Any
    ) -> care_pb2.EndAdmissionResponse:
        """Whether a stay was registered; from then on it is not."""
        registered = await self._stays.end_admission(request.mdtrt_id, current_call().now)
        return care_pb2.EndAdmissionResponse(registered=registered)

    async def ChangeStay(  # noqa: N802
        self, request: care_pb2.ChangeStayRequest, context: Any
    ) -> care_pb2.ChangeStayResponse:
        """2402, 2404, 2405, and 2601 of a 2401."""
        change, order_no = request.WhichOneof("request"), request.order_no
        answer = care_pb2.ChangeStayResponse()
        if change == "discharge":
            answer.discharge.CopyFrom(await self._discharge(request.discharge, order_no))
            mdtrt_id = request.discharge.dscginfo.mdtrt_id
        elif change == "undo_discharge":
            answer.undo_discharge.CopyFrom(await self._undo_discharge(request.undo_discharge, order_no))
            mdtrt_id = request.undo_discharge.data.mdtrt_id
        elif change == "cancel_admission":
            answer.cancel_admission.CopyFrom(await self._cancel(request.cancel_admission, order_no))
            mdtrt_id = request.cancel_admission.data.mdtrt_id
        else:
            answer.message.CopyFrom(await self._take_back(request.message, order_no))
            mdtrt_id = answer.message.mdtrt_id
        answer.open = await self._stays.lies(mdtrt_id)
        return answer

    async def EndStayChange(  # noqa: N802
        self, request: care_pb2.EndStayChangeRequest, context: Any
    ) -> care_pb2.EndStayChangeResponse:
        """Whether the person lies in a stay; from then on a change does not come."""
        lies = await self._stays.end_change(request.order_no, request.mdtrt_id, current_call().now)
        return care_pb2.EndStayChangeResponse(open=lies)

    async def SettleFiled(  # noqa: N802
        self, request: care_pb2.SettleFiledRequest, context: Any
    ) -> care_pb2.SettleFiledResponse:
        """2206, 2207, 2303 and 2304 of care that the own cell insures, with the filing that was looked for."""
        return await self._filed.answered(request)

    async def GetBill(  # noqa: N802
        self, request: care_pb2.GetBillRequest, context: Any
    ) -> care_pb2.GetBillResponse:
        """What a bill comes to here, or what stands under its request id."""
        return await self._bills.bill(request)

    async def BatchGetBill(  # noqa: N802
        self, request: care_pb2.BatchGetBillRequest, context: Any
    ) -> care_pb2.BatchGetBillResponse:
        """A list of them, read on one snapshot."""
        return await serve_batch(request, care_pb2.BatchGetBillResponse(), handle=self._bills.items)

    async def FindBooked(  # noqa: N802
        self, request: care_pb2.FindBookedRequest, context: Any
    ) -> care_pb2.FindBookedResponse:
        """Which settlement, or which admission, 2208, 2305 and 2601 mean."""
        return await self._bills.booked(request)

    async def ListPendingBills(  # noqa: N802
        self, request: care_pb2.ListPendingBillsRequest, context: Any
    ) -> care_pb2.ListPendingBillsResponse:
        """Bills of other cells' ledgers that wait for their end."""
        return await self._bills.pending()

    async def BookReversal(  # noqa: N802
        self, request: care_pb2.BookReversalRequest, context: Any
    ) -> care_pb2.BookReversalResponse:
        """2208, 2305 and 2601, as the insured cell has decided them."""
        return await self._bills.reversed(request)

    async def BookReplayed(  # noqa: N802
        self, request: care_pb2.BookReplayedRequest, context: Any
    ) -> care_pb2.BookReplayedResponse:
        """What a replay has made of a bill."""
        return await self._bills.replayed(request)

    async def _discharge(self, request: stay_pb2.DischargeRequest, order_no: str) -> stay_pb2.DischargeResponse:
        call = current_call()
        stamp = by_institution(kept_stamp_of(call, request, "dscginfo"), request.desk, _ENCOUNTERS, "Discharge")
        answer = await self._stays.discharge(stamp, *discharge_of(request, call), b"", order_no=order_no)
        return stay_pb2.DischargeResponse.FromString(answer)

    async def _undo_discharge(
        self, request: stay_pb2.UndoDischargeRequest, order_no: str
    ) -> stay_pb2.UndoDischargeResponse:
        call = current_call()
        stamp = by_institution(stamp_of(call, request), request.desk, _ENCOUNTERS, "UndoDischarge")
        name = name_of(STAY, request.desk, request.data)
        answer = await self._stays.undo_discharge(stamp, name, call.now, b"", order_no=order_no)
        return stay_pb2.UndoDischargeResponse.FromString(answer)

    async def _cancel(
        self, request: stay_pb2.CancelAdmissionRequest, order_no: str
    ) -> stay_pb2.CancelAdmissionResponse:
        call = current_call()
        stamp = by_institution(stamp_of(call, request), request.desk, _ENCOUNTERS, "CancelAdmission")
        name = name_of(STAY, request.desk, request.data)
        await self._encounters.cancel(stamp, name, call.now, b"", order_no=order_no)
        return stay_pb2.CancelAdmissionResponse()

    async def _take_back(
        self, request: reversal_pb2.ReverseMessageRequest, order_no: str
    ) -> reversal_pb2.ReverseMessageResponse:
        call = current_call()
        stamp = by_institution(stamp_of(call, request), request.desk, "SettlementService", "ReverseMessage")
        asked = ReversalRequest(stamp, desk_of(request.desk), call.now)
        answer = await take_back(self._stays, self._reversing, asked, request.data, order_no=order_no)
        return reversal_pb2.ReverseMessageResponse.FromString(answer)

    def _sent(self, request: care_pb2.GetInsuredRequest | care_pb2.RegisterCareRequest) -> SentRegistration:
        call = current_call()
        if request.WhichOneof("request") == "visit":
            return self._requests.visit(request.visit, call)
        return self._requests.admission(request.admission, call)
