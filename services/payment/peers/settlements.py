"""Settlements in two phases, as payment asks for them: those of the own cell of settlement, those of other cells of routing.

Request ids are made of the order's number in settlement and the step, so that a repeat is one, whoever sends it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from services.payment.domain.opened import OpenedBill, Tried
from services.payment.domain.orders import PayOrder
from services.payment.peers.bill_messages import (
    MEMBER,
    desk_of,
    opened_of,
    settle_request,
    split_of,
    stay_bill,
    visit_bill,
)
from services.payment.peers.deposits import Deposits
from services.payment.peers.elsewhere import SettlementsElsewhere
from services.runtime.elsewhere import HomeFirst
from services.runtime.outbound import Peers
from yibao.settlement.v1 import order_pb2, order_pb2_grpc, settlement_pb2, settlement_pb2_grpc, stay_bill_pb2

OPENER: Final = "payment"


class SettlementsAtHome:
    """Opens, confirms, makes void and reverses where the own cell has the ledgers; raises settlement's refusals. Of a person whom
    it insures in another pooling area routing says which filing counts.
    """

    def __init__(self, peers: Peers, elsewhere: SettlementsElsewhere) -> None:
        self._peers = peers
        self._elsewhere = elsewhere
        self._orders = peers.stub(order_pb2_grpc.OrderServiceStub, MEMBER)
        self._open = peers.gathered(self._orders.Open, self._orders.BatchOpen)
        self._confirm = peers.gathered(self._orders.Confirm, self._orders.BatchConfirm)
        self._void = peers.gathered(self._orders.Void, self._orders.BatchVoid)

    async def open(self, order: PayOrder, expires_s: int, *, charged: bool) -> OpenedBill:
        """Opens the bill as pending for so many seconds; `charged` keeps everybody else from lifting it."""
        bill = settle_request(order)
        sought = await self._elsewhere.filing(bill) if order.insured_cell else None
        request = order_pb2.OpenRequest(
            **_step(order, "open"), expires_after_s=expires_s, charged=charged, **bill, sought=sought
        )
        return replace(opened_of((await self._open(request)).settlement), held=charged)

    async def hold(self, order: PayOrder, expires_s: int) -> None:
        """Its opening has marked it."""

    async def confirm(self, order: PayOrder) -> None:
        """Makes the settlement stand."""
        await self._confirm(order_pb2.ConfirmRequest(**_step(order, "confirm")))

    async def void(self, order: PayOrder) -> None:
        """Makes it void, also before it is opened."""
        await self._void(order_pb2.VoidRequest(**_step(order, "void")))

    async def reverse(self, order: PayOrder, refund_no: str) -> str:
        """Takes the settlement back by a counter-entry; its number."""
        request = order_pb2.ReverseOrderRequest(
            request_id=f"{refund_no}:reverse", opener=OPENER, order_no=order.open_no, desk=desk_of(order)
        )
        return (await self._peers.call(self._orders.ReverseOrder, request)).counter.setlinfo.setl_id


class Settlements:
    """The port of operations: each order goes where its person is insured, which the first trial has found out."""

    def __init__(self, peers: Peers, home_first: HomeFirst, own_cell: str) -> None:
        self._settlements = peers.stub(settlement_pb2_grpc.SettlementServiceStub, MEMBER)
        self._trial = peers.gathered(self._settlements.Trial, self._settlements.BatchTrial)
        self._home_first = home_first
        self._own_cell = own_cell
        self._elsewhere = SettlementsElsewhere(peers)
        self._at_home = SettlementsAtHome(peers, self._elsewhere)
        self._deposits = Deposits(peers)

    async def tried(self, order: PayOrder) -> Tried:
        """How the bill is split now, and by which cell; nothing is written."""
        if order.is_deposit:
            return await self._deposits.tried(order)
        if order.bill.stay:
            stay = stay_bill_pb2.TrialStayRequest(desk=desk_of(order), data=stay_bill(order))
            answer, cell = await self._home_first.call(self._settlements.TrialStay, stay)
        else:
            visit = settlement_pb2.TrialRequest(desk=desk_of(order), data=visit_bill(order))
            answer, cell = await self._home_first.call(self._settlements.Trial, visit, at_home=self._trial)
        return Tried(split_of(answer.setlinfo, answer.bank_pay_fen), answer.trial_hash, cell)

    async def open(self, order: PayOrder, expires_s: int, *, charged: bool) -> OpenedBill:
        """Opens it as pending."""
        return await self._of(order).open(order, expires_s, charged=charged)

    async def hold(self, order: PayOrder, expires_s: int) -> None:
        """Marks it as charged and moves its expiry."""
        await self._of(order).hold(order, expires_s)

    async def confirm(self, order: PayOrder) -> None:
        """Makes it stand."""
        await self._of(order).confirm(order)

    async def void(self, order: PayOrder) -> None:
        """Makes it void."""
        await self._of(order).void(order)

    async def reverse(self, order: PayOrder, refund_no: str) -> str:
        """Its counter-entry."""
        return await self._of(order).reverse(order, refund_no)

    def _of(self, order: PayOrder) -> SettlementsAtHome | SettlementsElsewhere | Deposits:
        if order.is_deposit:
            return self._deposits
        return self._at_home if order.insured_cell in ("", self._own_cell) else self._elsewhere


def _step(order: PayOrder, step: str) -> dict[str, Any]:
    return {"request_id": f"{order.open_no}:{step}", "opener": OPENER, "order_no": order.open_no}
