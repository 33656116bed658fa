"""Care that has begun, as the settlement of its cell tells it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from services.kernel.clock import beijing_day
from services.kernel.errors import not_found
from services.routing.domain.filings import NamedCare, Stay
from services.runtime.outbound import Peers
from services.runtime.wire import moment_of
from yibao.settlement.v1 import encounter_pb2, encounter_pb2_grpc

MEMBER: Final = "settlement"


class CareClient:
    """Asks the settlement of any cell."""

    def __init__(self, peers: Peers, cells: Iterable[str]) -> None:
        self._peers = peers
        self._stubs = {cell: peers.stub(encounter_pb2_grpc.EncounterServiceStub, MEMBER, cell) for cell in cells}

    async def care(self, cell: str, begun: NamedCare, psn_no: str) -> Stay:
        """When it began and whether it is settled; ENCOUNTER_NOT_FOUND, also where no cell of this mesh has the place."""
        stub = self._stubs.get(cell)
        if stub is None:
            raise not_found("ENCOUNTER_NOT_FOUND", mdtrt_id=begun.mdtrt_id)
        request = encounter_pb2.GetCareStateRequest(
            fixmedins_code=begun.fixmedins_code, mdtrt_id=begun.mdtrt_id, psn_no=psn_no
        )
        answer = await self._peers.call(stub.GetCareState, request)
        return Stay(answer.mdtrtarea_admvs, beijing_day(moment_of(answer.begntime)), answer.settled)
