"""InstitutionClearingService on the wire: 3260, 3261, 3262."""

from __future__ import annotations

from typing import Any

from services.kernel.codes import pooling_area
from services.kernel.errors import invalid
from services.routing.domain.clearing.institutions import PAGE, Bill, InstitutionSaid
from services.routing.domain.clearing.journals import REVERSE
from services.routing.operations.clearing_institutions import InstitutionClearing
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.wire import moment_message
from yibao.routing.v1 import institution_clearing_pb2 as pb
from yibao.routing.v1 import institution_clearing_pb2_grpc

EVERYTHING = "0"
"""otransid of 3262 that takes back all of a month."""


class InstitutionClearingServicer(institution_clearing_pb2_grpc.InstitutionClearingServiceServicer):
    """Messages in, messages out; that the caller is the institution is checked before it is reached."""

    def __init__(self, clearing: InstitutionClearing) -> None:
        self._clearing = clearing

    async def ListRemoteBills(  # noqa: N802 - the contract's name
        self, request: pb.ListRemoteBillsRequest, context: Any
    ) -> pb.ListRemoteBillsResponse:
        """3260."""
        skip = max(request.data.startrow - 1, 0)
        found = await self._clearing.bills(request.fixmedins_code, _month(request.data), skip, PAGE)
        return pb.ListRemoteBillsResponse(data=[_bill(place, each) for place, each in enumerate(found, skip + 1)])

    async def ConfirmRemoteBills(  # noqa: N802
        self, request: pb.ConfirmRemoteBillsRequest, context: Any
    ) -> pb.ConfirmRemoteBillsResponse:
        """3261."""
        call = current_call()
        if request.data.HasField("totalrow") and request.data.totalrow != len(request.detail):
            rows = str(len(request.detail))
            raise invalid("data.totalrow", "clearing.rows", "the number of rows", rows=rows)
        number = request.msgid or request.request_id
        told = [_told(each) for each in request.detail]

        def encode(count: int) -> bytes:
            result = pb.RemoteBillsConfirmed(cnfm_cnt=count, otransid=number)
            return pb.ConfirmRemoteBillsResponse(result=result).SerializeToString()

        whose = (request.fixmedins_code, _month(request.data))
        kept = await self._clearing.confirm(stamp_of(call, request), whose, told, number, call.now, encode)
        return pb.ConfirmRemoteBillsResponse.FromString(kept)

    async def WithdrawRemoteBills(  # noqa: N802
        self, request: pb.WithdrawRemoteBillsRequest, context: Any
    ) -> pb.WithdrawRemoteBillsResponse:
        """3262."""
        call = current_call()
        number = "" if request.data.otransid == EVERYTHING else request.data.otransid
        whose = (request.fixmedins_code, _month(request.data))
        kept = await self._clearing.withdraw(stamp_of(call, request), whose, number, call.now, _withdrawn)
        return pb.WithdrawRemoteBillsResponse.FromString(kept)


def _withdrawn(count: int) -> bytes:
    return pb.WithdrawRemoteBillsResponse(result=pb.RemoteBillsWithdrawn(wthd_cnt=count)).SerializeToString()


def _month(data: Any) -> str:
    return f"{data.trt_year}-{int(data.trt_month):02}"


def _told(row: pb.RemoteBillWord) -> InstitutionSaid:
    return InstitutionSaid(
        row.setl_id,
        row.cnfm_flag,
        row.medfee_sumamt_fen if row.HasField("medfee_sumamt_fen") else None,
        row.optins_pay_sumamt_fen if row.HasField("optins_pay_sumamt_fen") else None,
    )


def _bill(place: int, bill: Bill) -> pb.RemoteBill:
    journal = bill.journal
    return pb.RemoteBill(
        seqno=place,
        mdtrtarea=pooling_area(journal.care_area),
        medins_no=journal.fixmedins_code,
        mdtrt_id=journal.mdtrt_id,
        mdtrt_setl_time=moment_message(journal.setl_at),
        setl_id=journal.setl_id,
        medfee_sumamt_fen=journal.medfee_sumamt_fen,
        optins_pay_sumamt_fen=journal.total_fen,
        refd_setl_flag=journal.kind == REVERSE,
        cnfm_flag=bill.flag,
        insuplc_admdvs=pooling_area(journal.insured_area),
    )
