"""The outboxes of the cells' settlement."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from services.routing.domain.clearing.journals import REVERSE, SETTLE, Journal, parts_of
from services.routing.domain.clearing.notices import Notice, NoticePage
from services.routing.domain.clearing.statements import CARE, INSURED
from services.runtime.outbound import Peers
from services.runtime.wire import moment_of, told_day
from yibao.settlement.v1 import notice_pb2, notice_pb2_grpc

MEMBER: Final = "settlement"
PAGE: Final = 500

_KINDS: Final = {notice_pb2.NOTICE_KIND_SETTLE: SETTLE, notice_pb2.NOTICE_KIND_REVERSE: REVERSE}
_SIDES: Final = {notice_pb2.NOTICE_SIDE_INSURED: INSURED, notice_pb2.NOTICE_SIDE_CARE: CARE}


class NoticeClient:
    """Reads the outbox of any cell."""

    def __init__(self, peers: Peers, cells: Iterable[str]) -> None:
        self._peers = peers
        self._stubs = {cell: peers.stub(notice_pb2_grpc.NoticeServiceStub, MEMBER, cell) for cell in cells}

    async def page(self, cell: str, after: int) -> NoticePage:
        """The page behind a place; the peer's Fault where the cell is away."""
        request = notice_pb2.ListNoticesRequest(after=after, limit=PAGE)
        answer = await self._peers.call(self._stubs[cell].ListNotices, request)
        notices = tuple(notice_of(cell, each) for each in answer.notices)
        return NoticePage(notices, answer.first_seq, answer.last_seq, answer.acked_seq)

    async def ack(self, cell: str, upto: int) -> None:
        """Tells the cell that its notices have arrived up to a place."""
        await self._peers.call(self._stubs[cell].AckNotices, notice_pb2.AckNoticesRequest(upto=upto))


def notice_of(cell: str, told: notice_pb2.Notice) -> Notice:
    """A notice as a cell's settlement tells it."""
    journal = Journal(
        setl_id=told.setl_id,
        kind=_KINDS[told.kind],
        order_no=told.order_no,
        mdtrt_id=told.mdtrt_id,
        fixmedins_code=told.fixmedins_code,
        insured_area=told.insured_area,
        care_area=told.care_area,
        insutype=told.insutype,
        clr_type=told.clr_type,
        setl_at=moment_of(told.setl_time),
        setl_day=told_day(told.setl_day),
        medfee_sumamt_fen=told.bill_total_fen,
        parts=parts_of(((part.fund_pay_type, part.amount_fen) for part in told.parts), "parts"),
    )
    return Notice(cell, told.seq, tuple(_SIDES[side] for side in told.sides), journal, told.traceparent)
