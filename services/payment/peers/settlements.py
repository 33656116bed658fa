"""Settlements in two phases, as payment asks for them. Request ids are made of the order's number in settlement and the step, so
that a repeat is one, whoever sends it.
"""

from __future__ import annotations

from typing import Any, Final

from services.payment.domain.opened import Opened, Tried
from services.payment.domain.orders import Order
from services.payment.domain.splits import Split
from services.payment.peers.bills import MEMBER, at_home, desk_of
from services.runtime.outbound import Peers
from yibao.settlement.v1 import order_pb2, order_pb2_grpc, settlement_pb2, settlement_pb2_grpc, stay_bill_pb2

OPENER: Final = "payment"


class Settlements:
    """Tries, opens, confirms, makes void and reverses; raises settlement's refusals."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._orders = peers.stub(order_pb2_grpc.OrderServiceStub, MEMBER)
        self._settlements = peers.stub(settlement_pb2_grpc.SettlementServiceStub, MEMBER)
        self._open = peers.gathered(self._orders.Open, self._orders.BatchOpen)
        self._confirm = peers.gathered(self._orders.Confirm, self._orders.BatchConfirm)
        self._void = peers.gathered(self._orders.Void, self._orders.BatchVoid)

    async def tried(self, order: Order) -> Tried:
        """How the bill is split now; nothing is written."""
        if order.bill.stay:
            stay = stay_bill_pb2.TrialStayRequest(desk=desk_of(order), data=_stay(order))
            answer: Any = await at_home(self._peers.call(self._settlements.TrialStay, stay))
        else:
            visit = settlement_pb2.TrialRequest(desk=desk_of(order), data=_visit(order))
            answer = await at_home(self._peers.call(self._settlements.Trial, visit))
        return Tried(_split(answer.setlinfo), answer.trial_hash)

    async def open(self, order: Order, expires_s: int) -> Opened:
        """Opens the bill as pending for so many seconds."""
        step = _step(order, "open")
        settled = f"{order.open_no}:settle"
        if order.bill.stay:
            stay = stay_bill_pb2.SettleStayRequest(request_id=settled, desk=desk_of(order), data=_stay(order))
            request = order_pb2.OpenRequest(**step, expires_after_s=expires_s, stay=stay)
        else:
            visit = settlement_pb2.SettleRequest(request_id=settled, desk=desk_of(order), data=_visit(order))
            request = order_pb2.OpenRequest(**step, expires_after_s=expires_s, visit=visit)
        answer = await at_home(self._open(request))
        return Opened(_split(answer.settlement.setlinfo), answer.settlement.setlinfo.setl_id)

    async def hold(self, order: Order, expires_s: int) -> None:
        """Marks the order as charged, so that nobody else lifts it, and moves its expiry: at least so many seconds from now."""
        request = order_pb2.RenewRequest(**_step(order, "hold"), expires_after_s=expires_s, charged=True)
        await self._peers.call(self._orders.Renew, request)

    async def confirm(self, order: Order) -> None:
        """Makes the settlement stand."""
        await self._confirm(order_pb2.ConfirmRequest(**_step(order, "confirm")))

    async def void(self, order: Order) -> None:
        """Makes it void, also before it is opened."""
        await self._void(order_pb2.VoidRequest(**_step(order, "void")))

    async def reverse(self, order: Order, refund_no: str) -> str:
        """Takes the settlement back by a counter-entry; its number."""
        request = order_pb2.ReverseOrderRequest(
            request_id=f"{refund_no}:reverse", opener=OPENER, order_no=order.open_no, desk=desk_of(order)
        )
        return (await self._peers.call(self._orders.ReverseOrder, request)).counter.setlinfo.setl_id


def _step(order: Order, step: str) -> dict[str, Any]:
    return {"request_id": f"{order.open_no}:{step}", "opener": OPENER, "order_no": order.open_no}


def _visit(order: Order) -> settlement_pb2.Bill:
    bill = order.bill
    return settlement_pb2.Bill(
        psn_no=bill.psn_no,
        med_type=bill.med_type,  # type: ignore[arg-type]  # the number of the contract's own enumeration
        local_med_type=bill.local_med_type,
        medfee_sumamt_fen=bill.fee_fen,
        psn_setlway=bill.psn_setlway,
        mdtrt_id=bill.mdtrt_id,
        chrg_bchno=bill.chrg_bchno,
        acct_used_flag=bill.acct_used_flag,  # type: ignore[arg-type]  # as above
        insutype=bill.insutype,
        invono=bill.invono,
    )


def _stay(order: Order) -> stay_bill_pb2.StayBill:
    bill = order.bill
    return stay_bill_pb2.StayBill(
        psn_no=bill.psn_no,
        medfee_sumamt_fen=bill.fee_fen,
        psn_setlway=bill.psn_setlway,
        mdtrt_id=bill.mdtrt_id,
        acct_used_flag=bill.acct_used_flag,  # type: ignore[arg-type]  # as above
        insutype=bill.insutype,
        invono=bill.invono,
    )


def _split(told: Any) -> Split:
    """A settlement's sums as parts of one bill (C§4.5: own, account and funds, and what the institution bears)."""
    return Split(
        total_fen=told.medfee_sumamt_fen,
        fund_fen=told.fund_pay_sumamt_fen,
        acct_fen=told.acct_pay_fen,
        hosp_fen=told.hosp_part_amt_fen,
        cash_fen=told.psn_cash_pay_fen,
        mulaid_fen=told.acct_mulaid_pay_fen,
    )
