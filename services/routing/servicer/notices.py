"""ClearingNoticeService on the wire."""

from __future__ import annotations

from typing import Any, Final

from services.routing.domain.clearing.journals import Journal
from services.routing.domain.clearing.notices import RefusedNotice
from services.routing.operations.notices import MOST, AskedRetry, Looked, Noticing
from services.routing.operations.replays import Replays
from services.routing.servicer.clearing_messages import KIND_NAMES, SIDE_NAMES
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.paging import asked_page, token_of
from services.runtime.wire import day_message, moment_message
from yibao.routing.v1 import clearing_journals_pb2 as journals_pb
from yibao.routing.v1 import clearing_notice_pb2 as pb
from yibao.routing.v1 import clearing_notice_pb2_grpc

_KINDS: Final = {name: number for number, name in KIND_NAMES.items()}
_SIDES: Final = {name: number for number, name in SIDE_NAMES.items()}


class ClearingNoticeServicer(clearing_notice_pb2_grpc.ClearingNoticeServiceServicer):
    """Messages in, messages out."""

    def __init__(self, noticing: Noticing, replays: Replays) -> None:
        self._noticing = noticing
        self._replays = replays

    async def ListRefusedNotices(  # noqa: N802 - the contract's name
        self, request: pb.ListRefusedNoticesRequest, context: Any
    ) -> pb.ListRefusedNoticesResponse:
        """A page of them."""
        after, size = asked_page(request, str, int, str)
        page = await self._noticing.refused(None if after is None else (after[0], after[1], after[2]), size)
        return pb.ListRefusedNoticesResponse(
            notices=[_refused(each) for each in page.entries], next_page_token=token_of(page.end)
        )

    async def TakeNotices(  # noqa: N802
        self, request: pb.TakeNoticesRequest, context: Any
    ) -> pb.TakeNoticesResponse:
        """Reads all cells, and takes refused ones once more."""
        call, asked = current_call(), AskedRetry(request.most or MOST, request.memo)
        # Places of care give notice of what replays have changed once they have booked it.
        await self._replays.pull_all()
        kept = await self._noticing.again(stamp_of(call, request), asked, call.now, _looked)
        return pb.TakeNoticesResponse.FromString(kept)


def _looked(looked: Looked) -> bytes:
    return pb.TakeNoticesResponse(
        read_count=looked.read,
        taken_count=looked.taken,
        refused_count=looked.refused,
        unread_cells=looked.unread,
    ).SerializeToString()


def _refused(found: RefusedNotice) -> pb.RefusedNotice:
    return pb.RefusedNotice(
        cell=found.notice.cell,
        seq=found.notice.seq,
        sides=[_SIDES[side] for side in found.notice.sides],
        journal=_journal(found.notice.journal),
        reason=found.reason,
        detail=found.detail,
        refused_time=moment_message(found.refused_at),
        memo=found.memo,
    )


def _journal(journal: Journal) -> journals_pb.Journal:
    return journals_pb.Journal(
        setl_id=journal.setl_id,
        kind=_KINDS[journal.kind],
        order_no=journal.order_no,
        mdtrt_id=journal.mdtrt_id,
        fixmedins_code=journal.fixmedins_code,
        insured_area=journal.insured_area,
        care_area=journal.care_area,
        insutype=journal.insutype,
        clr_type=journal.clr_type,
        setl_time=moment_message(journal.setl_at),
        setl_day=day_message(journal.setl_day),
        bill_total_fen=journal.medfee_sumamt_fen,
        parts=[journals_pb.JournalPart(fund_pay_type=fund, amount_fen=fen) for fund, fen in journal.parts],
    )
