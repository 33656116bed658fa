"""HeldService on the wire: what rests until people decide, and their decisions."""

from __future__ import annotations

from typing import Any, Final

from services.payment.domain.held import Decided, Decision, Held, HeldKind
from services.payment.domain.orders import UNSAID
from services.payment.operations.deciding import FIRST, AskedDecision, Deciding
from services.payment.servicer import convert
from services.payment.servicer.unhurried import Unhurried
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.paging import asked_page, token_of
from services.runtime.texts.payment_held import HELD, HELD_STEPS
from services.runtime.wire import micros_message
from yibao.payment.v1 import held_pb2, held_pb2_grpc, pay_order_state_pb2

_KINDS: Final = {
    HeldKind.ORDER: held_pb2.HELD_KIND_ORDER,
    HeldKind.REFUND: held_pb2.HELD_KIND_REFUND,
    HeldKind.CHARGE: held_pb2.HELD_KIND_CHARGE,
    HeldKind.NOTICE: held_pb2.HELD_KIND_NOTICE,
}


class HeldServicer(held_pb2_grpc.HeldServiceServicer):
    """The RPCs."""

    def __init__(self, deciding: Deciding, work: Unhurried) -> None:
        self._deciding = deciding
        self._work = work

    async def ListHeld(  # noqa: N802 - the contract's name
        self, request: held_pb2.ListHeldRequest, context: Any
    ) -> held_pb2.ListHeldResponse:
        """A page of what rests."""
        after, size = asked_page(request, int, str)
        page = await self._deciding.page((after[0], after[1]) if after else FIRST, size)
        return held_pb2.ListHeldResponse(
            held=[_held(each) for each in page.entries], next_page_token=token_of(page.end)
        )

    async def DecideHeld(  # noqa: N802 - the contract's name
        self, request: held_pb2.DecideHeldRequest, context: Any
    ) -> held_pb2.DecideHeldResponse:
        """An operator's decision."""
        call = current_call()
        stamp = stamp_of(call, request)
        word = held_pb2.HeldDecision.Name(request.decision).removeprefix("HELD_DECISION_")
        asked = AskedDecision(request.held_no, Decision[word], request.memo, request.proof_no, call.caller.subject)
        decided, order = await self._work.run(
            stamp, request.held_no, lambda left_s: self._deciding.decide(stamp, asked, left_s)
        )
        phase = pay_order_state_pb2.OrderPhase.Value(f"ORDER_PHASE_{order.phase.name}")
        return held_pb2.DecideHeldResponse(decided=_decided(decided), phase=phase)

    async def ListHeldDecisions(  # noqa: N802 - the contract's name
        self, request: held_pb2.ListHeldDecisionsRequest, context: Any
    ) -> held_pb2.ListHeldDecisionsResponse:
        """A page of decisions."""
        before, size = asked_page(request, str)
        page = await self._deciding.decisions(request.pay_ord_id, before[0] if before else "", size)
        return held_pb2.ListHeldDecisionsResponse(
            decisions=[_decided(each) for each in page.entries], next_page_token=token_of(page.end)
        )


def _held(held: Held) -> held_pb2.HeldPayment:
    order, charge, refund = held.order, held.charge, held.refund
    (text_zh, text_en), (next_zh, next_en) = HELD[held.reason], HELD_STEPS[held.reason]
    told = held_pb2.HeldPayment(
        held_no=held.number,
        kind=_KINDS[held.kind],
        reason=held.reason,
        text_zh=text_zh,
        text_en=text_en,
        next_zh=next_zh,
        next_en=next_en,
        decisions=[_number(each) for each in held.safe],
        fixmedins_code=order.fixmedins_code,
        pay_ord_id=order.pay_ord_id,
        med_org_ord=order.med_org_ord,
        phase=pay_order_state_pb2.OrderPhase.Value(f"ORDER_PHASE_{order.phase.name}"),
        channel_code=_word(held),
        total_fen=order.split.total_fen if order.split is not None else order.bill.fee_fen,
        held_time=micros_message(order.changed_at),
    )
    if charge is not None:
        told.channel = convert.channel_kind(charge.channel)
        told.charge_no, told.trade_no, told.mix_trade_no = charge.charge_no, charge.trade_no, charge.mix_trade_no
        told.charge_fen, told.charged_fen = charge.charge_fen, charge.charged_fen
        if charge.said_total_fen != UNSAID:
            told.channel_total_fen = charge.said_total_fen
        if charge.return_no:
            told.refund_no, told.return_fen, told.returned_fen = (
                charge.return_no,
                charge.charged_fen,
                charge.returned_fen,
            )
    if refund is not None:
        told.refund_no, told.return_fen, told.returned_fen = refund.refund_no, refund.cash_fen, refund.said_fen
    return told


def _word(held: Held) -> str:
    """The channel's word, or what came of telling a notice."""
    if held.notice is not None:
        return held.notice.reason
    return held.order.channel_code if held.kind is not HeldKind.CHARGE else ""


def _decided(decided: Decided) -> held_pb2.DecidedHeld:
    return held_pb2.DecidedHeld(
        decision_no=decided.decision_no,
        held_no=decided.held_no,
        pay_ord_id=decided.pay_ord_id,
        reason=decided.reason,
        decision=_number(decided.decision),
        memo=decided.memo,
        proof_no=decided.proof_no,
        charged_fen=decided.charged_fen,
        decided_by=decided.decided_by,
        decided_time=micros_message(decided.decided_at),
    )


def _number(decision: Decision) -> held_pb2.HeldDecision.ValueType:
    return held_pb2.HeldDecision.Value(f"HELD_DECISION_{decision.name}")
