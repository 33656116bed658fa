"""NoticeService on the wire."""

from __future__ import annotations

from typing import Any, Final

from services.kernel.clock import beijing_day, from_micros
from services.runtime.wire import day_message, micros_message
from services.settlement.domain.books import notices as domain
from services.settlement.domain.books.entries import REVERSE, SETTLE
from services.settlement.domain.books.notices import CARE, INSURED, MOST, Placed
from services.settlement.operations.books.notices import Notices
from yibao.settlement.v1 import notice_pb2, notice_pb2_grpc

_KINDS: Final = {SETTLE: notice_pb2.NOTICE_KIND_SETTLE, REVERSE: notice_pb2.NOTICE_KIND_REVERSE}
_SIDES: Final = {INSURED: notice_pb2.NOTICE_SIDE_INSURED, CARE: notice_pb2.NOTICE_SIDE_CARE}


class NoticeServicer(notice_pb2_grpc.NoticeServiceServicer):
    """Messages in, messages out."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices

    async def ListNotices(  # noqa: N802 - the contract's name
        self, request: notice_pb2.ListNoticesRequest, context: Any
    ) -> notice_pb2.ListNoticesResponse:
        """A page of notices."""
        found, head = await self._notices.after(request.after, request.limit or MOST)
        return notice_pb2.ListNoticesResponse(
            notices=[notice_message(each) for each in found],
            next=found[-1].seq if found else request.after,
            first_seq=head.first_seq,
            last_seq=head.last_seq,
            acked_seq=head.acked_seq,
        )

    async def AckNotices(  # noqa: N802
        self, request: notice_pb2.AckNoticesRequest, context: Any
    ) -> notice_pb2.AckNoticesResponse:
        """What has arrived."""
        return notice_pb2.AckNoticesResponse(acked_seq=await self._notices.ack(request.upto))


def notice_message(placed: Placed) -> notice_pb2.Notice:
    """A notice at its place."""
    found: domain.Notice = placed.notice
    return notice_pb2.Notice(
        seq=placed.seq,
        kind=_KINDS[found.kind],
        sides=[_SIDES[side] for side in found.sides],
        setl_id=found.setl_id,
        order_no=found.order_no,
        mdtrt_id=found.mdtrt_id,
        fixmedins_code=found.fixmedins_code,
        insured_area=found.insured_area,
        care_area=found.care_area,
        insutype=found.insutype,
        clr_type=found.clr_type,
        setl_time=micros_message(found.at),
        setl_day=day_message(beijing_day(from_micros(found.at))),
        bill_total_fen=found.bill_total_fen,
        parts=[notice_pb2.NoticePart(fund_pay_type=fund, amount_fen=fen) for fund, fen in found.parts],
        traceparent=placed.traceparent,
    )
