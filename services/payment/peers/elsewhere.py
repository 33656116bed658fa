"""Settlements of persons whom another cell insures, as payment asks routing for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.kernel.elsewhere import routing_unavailable
from services.kernel.errors import AWAY, Fault
from services.payment.domain.opened import OpenedBill
from services.payment.domain.orders import PayOrder
from services.payment.peers.bill_messages import opened_of, reverse_request, settle_request
from services.runtime.outbound import Peers
from yibao.routing.v1 import elsewhere_orders_pb2, elsewhere_orders_pb2_grpc

ROUTING: Final = "routing"


class SettlementsElsewhere:
    """Opens, confirms, makes void and reverses in two cells; raises routing's refusals, and ROUTING_UNAVAILABLE."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._orders = peers.stub(elsewhere_orders_pb2_grpc.ElsewhereOrderServiceStub, ROUTING)

    async def open(self, order: PayOrder, expires_s: int, *, charged: bool) -> OpenedBill:
        """Opens the bill as pending for so many seconds; it is marked as charged by `hold` alone."""
        request = elsewhere_orders_pb2.OpenOrderRequest(
            order_no=order.open_no, expires_after_s=expires_s, **settle_request(order)
        )
        return opened_of((await asked(self._peers, self._orders.OpenOrder, request)).settlement)

    async def hold(self, order: PayOrder, expires_s: int) -> None:
        """Marks the order as charged and moves its expiry in the insured cell."""
        request = elsewhere_orders_pb2.RenewOrderRequest(order_no=order.open_no, expires_after_s=expires_s)
        await asked(self._peers, self._orders.RenewOrder, request)

    async def confirm(self, order: PayOrder) -> None:
        """Makes the settlement stand."""
        await asked(
            self._peers, self._orders.ConfirmOrder, elsewhere_orders_pb2.ConfirmOrderRequest(order_no=order.open_no)
        )

    async def void(self, order: PayOrder) -> None:
        """Makes it void, also before it is opened."""
        await asked(self._peers, self._orders.VoidOrder, elsewhere_orders_pb2.VoidOrderRequest(order_no=order.open_no))

    async def reverse(self, order: PayOrder, refund_no: str) -> str:
        """Takes the settlement back by a counter-entry; its number."""
        request = elsewhere_orders_pb2.ReverseOrderRequest(**reverse_request(order, refund_no))
        answer = await asked(self._peers, self._orders.ReverseOrder, request)
        return str(answer.counter_setl_id)

    async def filing(self, bill: Mapping[str, Any]) -> Any:
        """The filing that counts for a bill of the own cell, as settlement takes it."""
        request = elsewhere_orders_pb2.SeekFilingRequest(**bill)
        return (await asked(self._peers, self._orders.SeekFiling, request)).sought


async def asked(peers: Peers, method: Any, request: Any) -> Any:
    """What routing answers; its refusal, and ROUTING_UNAVAILABLE."""
    try:
        return await peers.call(method, request)
    except Fault as fault:
        raise routing_unavailable() if fault.reason in AWAY else fault from None
