"""ElsewhereService on the wire: reads here; what is done for encounters and for bills in parts of their own."""

from __future__ import annotations

from typing import Any

from services.kernel.clock import beijing_day
from services.kernel.credential_marks import cell_of
from services.routing.operations.elsewhere import Elsewhere
from services.routing.servicer.asked import numbered, shown
from services.routing.servicer.convert import within_time
from services.routing.servicer.elsewhere_bills import BillOperations, BillRpcs
from services.routing.servicer.elsewhere_encounters import EncounterOperations, EncounterRpcs
from services.runtime.call import current_call
from services.runtime.wire import moment_of
from yibao.routing.v1 import elsewhere_pb2, elsewhere_pb2_grpc


class ElsewhereServicer(EncounterRpcs, BillRpcs, elsewhere_pb2_grpc.ElsewhereServiceServicer):
    """Messages in, messages out."""

    def __init__(self, elsewhere: Elsewhere, encounters: EncounterOperations, bills: BillOperations) -> None:
        EncounterRpcs.__init__(self, encounters)
        BillRpcs.__init__(self, bills)
        self._elsewhere = elsewhere
        self._cells = elsewhere.cells

    async def DecodeCode(  # noqa: N802 - the contract's name
        self, request: elsewhere_pb2.DecodeCodeRequest, context: Any
    ) -> elsewhere_pb2.DecodeCodeResponse:
        """6101. What is laid out like no code is the own cell's to refuse."""
        unary = request.request
        made_in = cell_of(unary.in_data.ec_qr_code) or current_call().caller.cell
        with within_time():
            decoded = await self._elsewhere.ask_maker(made_in, lambda cell: self._cells.decoded(cell, unary))
        return elsewhere_pb2.DecodeCodeResponse(response=decoded)

    async def GetInsuredInfo(  # noqa: N802 - the contract's name
        self, request: elsewhere_pb2.GetInsuredInfoRequest, context: Any
    ) -> elsewhere_pb2.GetInsuredInfoResponse:
        """1101."""
        unary = request.request
        found = await self._elsewhere.ask(
            shown(unary.desk, unary.data, "data"), lambda cell: self._cells.insured_info(cell, unary)
        )
        return elsewhere_pb2.GetInsuredInfoResponse(response=found)

    async def CheckBenefit(  # noqa: N802 - the contract's name
        self, request: elsewhere_pb2.CheckBenefitRequest, context: Any
    ) -> elsewhere_pb2.CheckBenefitResponse:
        """2001."""
        unary = request.request
        asked = numbered(unary.desk, unary.data, "data", beijing_day(moment_of(unary.data.begntime)))
        found = await self._elsewhere.ask(asked, lambda cell: self._cells.benefit(cell, unary))
        return elsewhere_pb2.CheckBenefitResponse(response=found)

    async def ListCumulations(  # noqa: N802 - the contract's name
        self, request: elsewhere_pb2.ListCumulationsRequest, context: Any
    ) -> elsewhere_pb2.ListCumulationsResponse:
        """5206."""
        unary = request.request
        asked = numbered(unary.desk, unary.data, "data", beijing_day(current_call().now))
        found = await self._elsewhere.ask(asked, lambda cell: self._cells.cumulations(cell, unary))
        return elsewhere_pb2.ListCumulationsResponse(response=found)
