"""The settlement members of all cells, as the cell that insures a person and as the cell where care is given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from services.routing.domain.stays import Admitted, BegunStay, Changed, Covered, Held
from services.routing.peers.cells import stub_of
from services.runtime.outbound import Peers
from services.runtime.wire import moment_message, moment_of
from yibao.settlement.v1 import (
    care_pb2,
    care_pb2_grpc,
    encounter_pb2,
    encounter_pb2_grpc,
    stay_pb2,
    stay_reservation_pb2,
    stay_reservation_pb2_grpc,
    visit_pb2,
)

MEMBER: Final = "settlement"
OPENER: Final = "routing"


class EncounterCells:
    """Asks any cell; raises its refusal."""

    def __init__(self, peers: Peers, cells: Iterable[str]) -> None:
        codes = tuple(cells)
        self._peers = peers
        self._care = {cell: peers.stub(care_pb2_grpc.CareServiceStub, MEMBER, cell) for cell in codes}
        self._encounters = {cell: peers.stub(encounter_pb2_grpc.EncounterServiceStub, MEMBER, cell) for cell in codes}
        reservations = stay_reservation_pb2_grpc.StayReservationServiceStub
        self._reservations = {cell: peers.stub(reservations, MEMBER, cell) for cell in codes}

    async def insured(self, cell: str, request: visit_pb2.RegisterVisitRequest) -> care_pb2.InsuredElsewhere:
        """Who visits, as the cell that insures them tells it."""
        asked = care_pb2.GetInsuredRequest(visit=request)
        return (await self._peers.call(stub_of(self._care, cell).GetInsured, asked)).insured

    async def register_visit(
        self, cell: str, request: visit_pb2.RegisterVisitRequest, insured: care_pb2.InsuredElsewhere
    ) -> visit_pb2.RegisterVisitResponse:
        """2201, at the place of care."""
        asked = care_pb2.RegisterCareRequest(visit=request, insured=insured)
        return (await self._peers.call(stub_of(self._care, cell).RegisterCare, asked)).visit

    async def covered(self, cell: str, request: stay_pb2.AdmitRequest) -> Covered:
        """Who is admitted, as the cell that insures them tells it."""
        asked = care_pb2.GetInsuredRequest(admission=request)
        insured = (await self._peers.call(stub_of(self._care, cell).GetInsured, asked)).insured
        return Covered(cell, insured.person.psn_no, insured)

    async def admit(
        self, cell: str, request: stay_pb2.AdmitRequest, told: care_pb2.InsuredElsewhere, mdtrt_id: str
    ) -> Admitted:
        """2401, at the place of care."""
        asked = care_pb2.RegisterCareRequest(admission=request, insured=told, mdtrt_id=mdtrt_id)
        answer = (await self._peers.call(stub_of(self._care, cell).RegisterCare, asked)).admission
        return Admitted(answer, answer.result.mdtrt_id)

    async def end_admission(self, cell: str, mdtrt_id: str) -> bool:
        """Whether a stay is registered at the place of care, which it will not be from then on."""
        asked = care_pb2.EndAdmissionRequest(mdtrt_id=mdtrt_id)
        return (await self._peers.call(stub_of(self._care, cell).EndAdmission, asked)).registered

    async def begun(self, cell: str, fixmedins_code: str, mdtrt_id: str, psn_no: str) -> BegunStay:
        """A stay as the place of care has it."""
        asked = encounter_pb2.GetCareStateRequest(fixmedins_code=fixmedins_code, mdtrt_id=mdtrt_id, psn_no=psn_no)
        answer = await self._peers.call(stub_of(self._encounters, cell).GetCareState, asked)
        return BegunStay(moment_of(answer.begntime), answer.insured_cell)

    async def change(self, cell: str, act: str, request: Any, order_no: str) -> Changed:
        """2402, 2404, 2405 or 2601 of a 2401, at the place of care; acts are called as the contract calls them."""
        asked = care_pb2.ChangeStayRequest(order_no=order_no, **{act: request})
        answer = await self._peers.call(stub_of(self._care, cell).ChangeStay, asked)
        return Changed(getattr(answer, act), answer.open)

    async def end_change(self, cell: str, order_no: str, mdtrt_id: str) -> bool:
        """Whether the person lies in a stay, whose change of that number does not come from then on."""
        asked = care_pb2.EndStayChangeRequest(order_no=order_no, mdtrt_id=mdtrt_id)
        return (await self._peers.call(stub_of(self._care, cell).EndStayChange, asked)).open

    async def reserve(self, cell: str, request_id: str, held: Held) -> None:
        """Holds a person to a stay, in the insured cell."""
        asked = stay_reservation_pb2.ReserveStayRequest(
            request_id=request_id,
            opener=OPENER,
            mdtrt_id=held.mdtrt_id,
            psn_no=held.psn_no,
            fixmedins_code=held.fixmedins_code,
            care_cell=held.care_cell,
            begin_time=moment_message(held.begin_at),
        )
        await self._peers.call(stub_of(self._reservations, cell).ReserveStay, asked)

    async def release(self, cell: str, request_id: str, mdtrt_id: str, undoes: str = "") -> None:
        """Lets go of it."""
        asked = stay_reservation_pb2.ReleaseStayRequest(
            request_id=request_id, opener=OPENER, mdtrt_id=mdtrt_id, undoes=undoes
        )
        await self._peers.call(stub_of(self._reservations, cell).ReleaseStay, asked)
