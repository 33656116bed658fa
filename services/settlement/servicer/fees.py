"""The RPCs of fee lines: 2204, 2205, 2301, 2302, 5204."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from services.runtime.call import CallContext, current_call
from services.runtime.idempotency import stamp_of
from services.runtime.pieces import FEW
from services.settlement.domain.care.bill import STAY, VISIT
from services.settlement.domain.care.encounters import EncounterName
from services.settlement.operations.care.fees import FeeOperations, FeeUpload
from services.settlement.servicer.convert_encounters import Codes
from services.settlement.servicer.convert_fees import (
    add_details,
    item_keys_of,
    sent_lines,
    stay_upload_answer,
    upload_answer,
)
from yibao.settlement.v1 import fee_pb2, fee_pb2_grpc


class FeeServicer(fee_pb2_grpc.FeeServiceServicer):
    """Answers FeeService."""

    def __init__(self, fees: FeeOperations) -> None:
        self._fees = fees
        self._codes = Codes()
        self._listing = asyncio.Lock()

    async def UploadFees(  # noqa: N802  # the name is the contract's
        self, request: fee_pb2.UploadFeesRequest, context: Any
    ) -> fee_pb2.UploadFeesResponse:
        """2204."""
        call = current_call()
        name = EncounterName(VISIT, request.mdtrt_id, request.desk.fixmedins_code, request.psn_no)
        upload = await _uploaded(self._codes, call, name, request)
        answer = await self._fees.upload(stamp_of(call, request), upload, call.now, upload_answer)
        return fee_pb2.UploadFeesResponse.FromString(answer)

    async def CancelFees(  # noqa: N802
        self, request: fee_pb2.CancelFeesRequest, context: Any
    ) -> fee_pb2.CancelFeesResponse:
        """2205."""
        call, data = current_call(), request.data
        name = EncounterName(VISIT, data.mdtrt_id, request.desk.fixmedins_code, data.psn_no)
        await self._fees.cancel_batches(stamp_of(call, request), name, data.chrg_bchno, call.now, b"")
        return fee_pb2.CancelFeesResponse()

    async def UploadStayFees(  # noqa: N802
        self, request: fee_pb2.UploadStayFeesRequest, context: Any
    ) -> fee_pb2.UploadStayFeesResponse:
        """2301."""
        call = current_call()
        name = EncounterName(STAY, request.mdtrt_id, request.desk.fixmedins_code, request.psn_no)
        upload = replace(
            await _uploaded(self._codes, call, name, request),
            med_type=self._codes.med_type(request.med_type),
            local_med_type=request.local_med_type,
        )
        answer = await self._fees.upload(stamp_of(call, request), upload, call.now, stay_upload_answer)
        return fee_pb2.UploadStayFeesResponse.FromString(answer)

    async def CancelStayFees(  # noqa: N802
        self, request: fee_pb2.CancelStayFeesRequest, context: Any
    ) -> fee_pb2.CancelStayFeesResponse:
        """2302."""
        call = current_call()
        name = EncounterName(STAY, request.mdtrt_id, request.desk.fixmedins_code, request.psn_no)
        numbers = [row.feedetl_sn for row in request.data]
        await self._fees.cancel_lines(stamp_of(call, request), name, numbers, call.now, b"")
        return fee_pb2.CancelStayFeesResponse()

    async def ListFees(  # noqa: N802
        self, request: fee_pb2.ListFeesRequest, context: Any
    ) -> fee_pb2.ListFeesResponse:
        """5204."""
        data, code = request.data, request.desk.fixmedins_code
        found = await self._fees.listed(EncounterName("", data.mdtrt_id, code, data.psn_no), data.setl_id)
        items = await self._fees.items(code, await item_keys_of(found.lines))
        answer = fee_pb2.ListFeesResponse(reversed_by=found.reversed_by, reverses=found.reverses)
        # One long list at a time.
        async with self._listing if len(found.lines) > FEW else nullcontext():
            await add_details(answer.data, self._codes, found.encounter, found.lines, items)
        return answer


async def _uploaded(codes: Codes, call: CallContext, name: EncounterName, request: Any) -> FeeUpload:
    desk, lines = request.desk, await sent_lines(codes, request.feedetail)
    return FeeUpload(name, lines, "", desk.opter, desk.opter_name, call.business_date)
