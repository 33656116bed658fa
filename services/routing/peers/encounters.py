"""The settlement members of all cells, as the cell that insures a person and as the cell where care is given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from services.runtime.outbound import Peers
from yibao.settlement.v1 import care_pb2, care_pb2_grpc, visit_pb2

MEMBER: Final = "settlement"


class EncounterCells:
    """Asks any cell; raises its refusal."""

    def __init__(self, peers: Peers, cells: Iterable[str]) -> None:
        self._peers = peers
        self._care = {cell: peers.stub(care_pb2_grpc.CareServiceStub, MEMBER, cell) for cell in cells}

    async def insured(self, cell: str, request: visit_pb2.RegisterVisitRequest) -> care_pb2.InsuredElsewhere:
        """Who the person of a registration is, as the cell that insures them tells it."""
        asked = care_pb2.GetInsuredRequest(visit=request)
        return (await self._peers.call(self._care[cell].GetInsured, asked)).insured

    async def register_visit(
        self, cell: str, request: visit_pb2.RegisterVisitRequest, insured: care_pb2.InsuredElsewhere
    ) -> visit_pb2.RegisterVisitResponse:
        """2201, at the place of care."""
        asked = care_pb2.RegisterCareRequest(visit=request, insured=insured)
        return (await self._peers.call(self._care[cell].RegisterCare, asked)).visit
