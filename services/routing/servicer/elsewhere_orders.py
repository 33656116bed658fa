"""ElsewhereOrderService on the wire: orders that payment holds open; who calls is the payment of the cell of care."""

from __future__ import annotations

import asyncio
from typing import Any

from services.routing.domain.bills import STAY, VISIT
from services.routing.operations.booked_orders import BookedOrders
from services.routing.operations.held_orders import HeldOrders
from services.routing.operations.reversals import Reversals
from services.routing.operations.steps import Message
from services.routing.servicer.elsewhere_bills import answering_in_time
from services.runtime.call import current_call
from services.runtime.idempotency import content_hash
from yibao.routing.v1 import elsewhere_orders_pb2 as pb2
from yibao.routing.v1 import elsewhere_orders_pb2_grpc


class ElsewhereOrderServicer(elsewhere_orders_pb2_grpc.ElsewhereOrderServiceServicer):
    """Messages in, messages out."""

    def __init__(self, held: HeldOrders, reversals: Reversals, booked: BookedOrders) -> None:
        self._held = held
        self._reversals = reversals
        self._booked = booked

    async def OpenOrder(  # noqa: N802 - the contract's name
        self, request: pb2.OpenOrderRequest, context: Any
    ) -> pb2.OpenOrderResponse:
        """Opens a bill."""
        with answering_in_time() as left_s:
            opened = await self._held.open(_message(request, left_s), request.order_no, request.expires_after_s)
        answer = pb2.OpenOrderResponse()
        # The answer for a stay has the same fields.
        answer.settlement.MergeFromString(opened.SerializeToString())
        return answer

    async def RenewOrder(  # noqa: N802 - the contract's name
        self, request: pb2.RenewOrderRequest, context: Any
    ) -> pb2.RenewOrderResponse:
        """Moves the expiry."""
        with answering_in_time():
            await self._held.renew(_care_cell(), request.order_no, request.expires_after_s)
        return pb2.RenewOrderResponse()

    async def ConfirmOrder(  # noqa: N802 - the contract's name
        self, request: pb2.ConfirmOrderRequest, context: Any
    ) -> pb2.ConfirmOrderResponse:
        """Makes it stand."""
        with answering_in_time():
            await self._held.confirm(_care_cell(), request.order_no)
        return pb2.ConfirmOrderResponse()

    async def VoidOrder(  # noqa: N802 - the contract's name
        self, request: pb2.VoidOrderRequest, context: Any
    ) -> pb2.VoidOrderResponse:
        """Makes it void."""
        with answering_in_time():
            await self._held.void(_care_cell(), request.order_no)
        return pb2.VoidOrderResponse()

    async def ReverseOrder(  # noqa: N802 - the contract's name
        self, request: pb2.ReverseOrderRequest, context: Any
    ) -> pb2.ReverseOrderResponse:
        """Takes the settlement back."""
        with answering_in_time() as left_s:
            counter = await self._reversals.reverse(_message(request, left_s))
        return pb2.ReverseOrderResponse(counter_setl_id=counter.setlinfo.setl_id)

    async def FindOrders(  # noqa: N802 - the contract's name
        self, request: pb2.FindOrdersRequest, context: Any
    ) -> pb2.FindOrdersResponse:
        """Orders as they are booked."""
        asked = {each.order_no: each.insured_cell for each in request.orders}
        with answering_in_time():
            orders, silent = await self._booked.find(_care_cell(), asked)
        return pb2.FindOrdersResponse(orders=orders, silent_cells=silent)

    async def SeekFiling(  # noqa: N802 - the contract's name
        self, request: pb2.SeekFilingRequest, context: Any
    ) -> pb2.SeekFilingResponse:
        """What was filed for a bill of the cell's own."""
        with answering_in_time() as left_s:
            found = await self._held.filing(_message(request, left_s))
        return pb2.SeekFilingResponse(sought=found)


def _care_cell() -> str:
    """The cell by whose key the caller speaks."""
    return current_call().caller.cell


def _message(request: Any, left_s: float) -> Message:
    """The bill as if its institution had sent it, in whose name payment keeps it."""
    act = VISIT if request.HasField(VISIT) else STAY
    unary = getattr(request, act)
    until = asyncio.get_running_loop().time() + left_s
    return Message(act, unary, unary.desk.fixmedins_code, content_hash(unary), _care_cell(), until)
