"""The RPCs of replays: planned, made, and the adjustments that they leave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.paging import asked_page, token_of
from services.runtime.wire import micros_message
from services.settlement.domain.benefits.outcome import Components
from services.settlement.domain.books.adjustments import Adjustment, AdjustmentFilter, UnbookedReplay
from services.settlement.domain.books.replay import Counter, LeftOver, Renewed
from services.settlement.operations.books.replays import Replayed, Replaying, ReplayTarget
from yibao.settlement.v1 import replay_pb2, replay_pb2_grpc, reversal_pb2, settlement_pb2, settlement_query_pb2

_SUMS = tuple(field.name for field in replay_pb2.ReplaySums.DESCRIPTOR.fields)
_PARTS = tuple(field.name for field in replay_pb2.ReplayDifference.DESCRIPTOR.fields)


class ReplayServicer(replay_pb2_grpc.ReplayServiceServicer):
    """Answers ReplayService."""

    def __init__(self, replaying: Replaying) -> None:
        self._replaying = replaying

    async def PlanReplay(  # noqa: N802  # the name is the contract's
        self, request: replay_pb2.PlanReplayRequest, context: Any
    ) -> replay_pb2.PlanReplayResponse:
        """What a replay would come to."""
        planned = await self._replaying.plan(request.setl_id)
        return replay_pb2.PlanReplayResponse(settlements=_settlements(planned))

    async def Replay(  # noqa: N802
        self, request: replay_pb2.ReplayRequest, context: Any
    ) -> replay_pb2.ReplayResponse:
        """Makes it."""
        call = current_call()
        answer = await self._replaying.run(
            stamp_of(call, request), ReplayTarget(request.setl_id, request.memo), call.now, _response
        )
        return replay_pb2.ReplayResponse.FromString(answer)

    async def ListAdjustments(  # noqa: N802
        self, request: replay_pb2.ListAdjustmentsRequest, context: Any
    ) -> replay_pb2.ListAdjustmentsResponse:
        """A page of them."""
        after, size = asked_page(request, str)
        whose = AdjustmentFilter(request.psn_no, request.fixmedins_code)
        page = await self._replaying.adjustments(whose, after[0] if after else "", size)
        return replay_pb2.ListAdjustmentsResponse(
            adjustments=[_adjustment(each) for each in page.entries], next_page_token=token_of(page.end)
        )

    async def ListReplayedElsewhere(  # noqa: N802
        self, request: replay_pb2.ListReplayedElsewhereRequest, context: Any
    ) -> replay_pb2.ListReplayedElsewhereResponse:
        """What places of care are to be told."""
        page = await self._replaying.waiting(request.after)
        return replay_pb2.ListReplayedElsewhereResponse(
            replayed=[_told(each) for each in page.entries], next=page.end[0] if page.end else ""
        )

    async def AckReplayedElsewhere(  # noqa: N802
        self, request: replay_pb2.AckReplayedElsewhereRequest, context: Any
    ) -> replay_pb2.AckReplayedElsewhereResponse:
        """What they have booked."""
        return replay_pb2.AckReplayedElsewhereResponse(acked_count=await self._replaying.booked(request.setl_ids))


def _told(each: UnbookedReplay) -> replay_pb2.ReplayedElsewhere:
    replaced: Mapping[str, Any] = {}
    if each.replacement:
        replaced = {
            "replacement": settlement_pb2.SettleResponse.FromString(each.replacement),
            "record": settlement_query_pb2.SetlinfoRecord.FromString(each.record),
        }
    return replay_pb2.ReplayedElsewhere(
        setl_id=each.setl_id,
        mdtrtarea_admvs=each.care_admdvs,
        care_cell=each.care_cell,
        replay_no=each.replay_no,
        memo=each.memo,
        counter=reversal_pb2.ReverseResponse.FromString(each.counter),
        **replaced,
    )


def _response(done: Replayed) -> bytes:
    answer = replay_pb2.ReplayResponse(replay_no=done.replay_no, settlements=_settlements(done))
    return answer.SerializeToString()


def _settlements(done: Replayed) -> list[replay_pb2.ReplayedSettlement]:
    return [_settlement(*each, made=bool(done.replay_no)) for each in done.decided.differences()]


def _settlement(
    counter: Counter, renewed: Renewed | None, left: LeftOver, *, made: bool
) -> replay_pb2.ReplayedSettlement:
    original = counter.original
    was = original.settlement
    return replay_pb2.ReplayedSettlement(
        setl_id=was.setl_id,
        reversed_by=counter.setl_id if made else "",
        replayed_by=renewed.setl_id if made and renewed is not None else "",
        fixmedins_code=original.fixmedins_code,
        mdtrtarea_admvs=was.regions.mdtrtarea_admvs,
        setl_time=micros_message(original.setl_at),
        benefit_year=was.key.benefit_year,
        before=_sums(was.components),
        after=None if renewed is None else _sums(renewed.settlement.components),
        difference=_difference(left),
    )


def _sums(components: Components) -> replay_pb2.ReplaySums:
    return replay_pb2.ReplaySums(**{name: getattr(components, name) for name in _SUMS})


def _difference(left: LeftOver | Adjustment) -> replay_pb2.ReplayDifference:
    return replay_pb2.ReplayDifference(**{name: getattr(left, name) for name in _PARTS})


def _adjustment(found: Adjustment) -> replay_pb2.Adjustment:
    return replay_pb2.Adjustment(
        replay_no=found.replay_no,
        setl_id=found.setl_id,
        reversed_by=found.counter_setl_id,
        replayed_by=found.replayed_by,
        psn_no=found.psn_no,
        insutype=found.insutype,
        fixmedins_code=found.fixmedins_code,
        mdtrtarea_admvs=found.care_admdvs,
        difference=_difference(found),
        memo=found.memo,
        replayed_time=micros_message(found.created_at),
        elsewhere=bool(found.elsewhere),
        booked_time=None if found.booked_at is None else micros_message(found.booked_at),
    )
