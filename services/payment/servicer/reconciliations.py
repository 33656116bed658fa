"""ReconciliationService on the wire."""

from __future__ import annotations

from typing import Any

from services.payment.domain.runs import DifferenceState, Kept
from services.payment.operations.reconciling import Counted, Reconciling
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.paging import asked_page, token_of
from services.runtime.wire import day_message, day_of, micros_message, optional_day_of
from yibao.payment.v1 import reconciliation_pb2 as pb
from yibao.payment.v1 import reconciliation_pb2_grpc


class ReconciliationServicer(reconciliation_pb2_grpc.ReconciliationServiceServicer):
    """The RPCs."""

    def __init__(self, reconciling: Reconciling) -> None:
        self._reconciling = reconciling

    async def Reconcile(self, request: pb.ReconcileRequest, context: Any) -> pb.ReconcileResponse:  # noqa: N802
        """Begins a day."""
        day, stamp = day_of(request.bill_day, "bill_day"), stamp_of(current_call(), request)
        run_no = await self._reconciling.begin(stamp, day, only_look=request.only_look, memo=request.memo)
        return pb.ReconcileResponse(run_no=run_no)

    async def GetReconciliation(  # noqa: N802
        self, request: pb.GetReconciliationRequest, context: Any
    ) -> pb.GetReconciliationResponse:
        """How it stands."""
        told = await self._reconciling.last(day_of(request.bill_day, "bill_day"))
        return pb.GetReconciliationResponse(reconciliation=_run_message(told))

    async def ListDifferences(  # noqa: N802
        self, request: pb.ListDifferencesRequest, context: Any
    ) -> pb.ListDifferencesResponse:
        """A page of them."""
        after, size = asked_page(request, str)
        state = None
        if request.state != pb.DIFFERENCE_STATE_UNSPECIFIED:
            state = DifferenceState[pb.DifferenceState.Name(request.state).removeprefix("DIFFERENCE_STATE_")]
        day = optional_day_of(request, "bill_day")
        page = await self._reconciling.differences(day, state, str(after[0]) if after else "", size)
        return pb.ListDifferencesResponse(
            differences=[_difference(each) for each in page.entries], next_page_token=token_of(page.end)
        )

    async def ResolveDifference(  # noqa: N802
        self, request: pb.ResolveDifferenceRequest, context: Any
    ) -> pb.ResolveDifferenceResponse:
        """Keeps that people have mended it."""
        stamp = stamp_of(current_call(), request)
        kept = await self._reconciling.resolve(stamp, request.difference_no, request.memo)
        return pb.ResolveDifferenceResponse(difference=_difference(kept))


def _run_message(told: Counted) -> pb.Reconciliation:
    run, counts = told.run, told.counts
    return pb.Reconciliation(
        bill_day=day_message(run.day),
        run_no=run.run_no,
        state=pb.ReconciliationState.Value(f"RECONCILIATION_STATE_{run.state.name}"),
        stage=pb.ReconciliationStage.Value(f"RECONCILIATION_STAGE_{run.stage.name}"),
        begun_time=micros_message(run.begun_at),
        ended_time=micros_message(run.ended_at) if run.ended_at else None,
        line_count=run.lines,
        charge_count=run.charges,
        order_count=run.orders,
        settlement_count=run.settlements,
        open_count=counts.get(DifferenceState.OPEN, 0),
        repaired_count=counts.get(DifferenceState.REPAIRED, 0),
        resolved_count=counts.get(DifferenceState.RESOLVED, 0),
        unread_accounts=run.unread,
        memo=run.memo,
        other_cells_line_count=run.other_lines,
        unasked_order_count=run.unasked,
        statement_count=run.statements,
    )


def _difference(kept: Kept) -> pb.ReconciliationDifference:
    told = kept.difference
    return pb.ReconciliationDifference(
        difference_no=kept.difference_no,
        bill_day=day_message(kept.day),
        kind=pb.DifferenceKind.Value(f"DIFFERENCE_KIND_{told.kind.name}"),
        repair=pb.DifferenceRepair.Value(f"DIFFERENCE_REPAIR_{told.repair.name}"),
        state=pb.DifferenceState.Value(f"DIFFERENCE_STATE_{kept.state.name}"),
        channel_name=told.channel,
        merchant_no=told.merchant_no,
        fixmedins_code=told.fixmedins_code,
        pay_ord_id=told.pay_ord_id,
        number=told.number,
        trade_no=told.trade_no,
        here_fen=told.here_fen,
        there_fen=told.there_fen,
        here=told.here,
        there=told.there,
        note=kept.note,
        found_time=micros_message(kept.found_at),
        changed_time=micros_message(kept.changed_at),
    )
