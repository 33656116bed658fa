"""The RPCs of orders: opened, tried, confirmed, voided, renewed, looked at and lifted; lists of the first ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from services.runtime.batch import Admitted, serve_batch
from services.runtime.call import CallContext, Role, current_call
from services.runtime.committer import Committer
from services.runtime.idempotency import stamp_of
from services.runtime.telemetry import inject
from services.settlement.domain.books import orders as domain
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.decision import PreparedBill
from services.settlement.domain.books.orders import INSTITUTION, PERSON, Step, Verb
from services.settlement.domain.books.reversal import ReversalRequest
from services.settlement.operations.benefits.trial import Tried, Trying
from services.settlement.operations.books.orders import Opens, Orders, Stepped
from services.settlement.operations.books.reverse import Reversing
from services.settlement.operations.books.settle import BillOutcome
from services.settlement.servicer.convert_orders import OpeningReader, open_response, order_message
from services.settlement.servicer.convert_settlement import desk_of
from yibao.settlement.v1 import order_pb2, order_pb2_grpc, order_state_pb2, reversal_pb2, settlement_pb2


@dataclass(frozen=True, slots=True)
class OrderOperations:
    """What the servicer needs: the operations, and the committers of bills, of bills that another cell has decided, of trials
    and of steps."""

    opens: Opens
    orders: Orders
    trying: Trying
    reversing: Reversing
    settles: Committer[PreparedBill, BillOutcome]
    booked: Committer[BillRequest, BillOutcome]
    trials: Committer[PreparedBill, Tried]
    steps: Committer[Step, Stepped]


class OrderServicer(order_pb2_grpc.OrderServiceServicer):
    """Answers OrderService; a unary call is a list of one."""

    def __init__(self, operations: OrderOperations) -> None:
        self._operations = operations
        self._bills = OpeningReader()

    async def Open(self, request: order_pb2.OpenRequest, context: Any) -> order_pb2.OpenResponse:  # noqa: N802
        """Opens a bill."""
        asked = await self._bills.opened(request, current_call())
        (opened,) = await self._operations.opens.open([asked], lambda _, bill: self._submit(bill))
        if isinstance(opened, BaseException):
            raise opened
        return open_response(opened)

    async def BatchOpen(self, request: order_pb2.BatchOpenRequest, context: Any) -> order_pb2.BatchOpenResponse:  # noqa: N802
        """A list of bills, one commit for all."""
        return await serve_batch(request, order_pb2.BatchOpenResponse(), handle=self._open_items)

    async def TryOpen(self, request: order_pb2.TryOpenRequest, context: Any) -> order_pb2.TryOpenResponse:  # noqa: N802
        """Tries a carried bill."""
        asked = await self._bills.carried(request.carried, current_call())
        self._operations.opens.check_clocks(asked)
        trials = self._operations.trials
        (answer,) = await self._operations.trying.try_bills([asked], lambda _, prepared: trials.submit(prepared))
        if isinstance(answer, BaseException):
            raise answer
        return order_pb2.TryOpenResponse(trial=settlement_pb2.TrialResponse.FromString(answer))

    async def Confirm(self, request: order_pb2.ConfirmRequest, context: Any) -> order_pb2.ConfirmResponse:  # noqa: N802
        """Makes an order stand."""
        return order_pb2.ConfirmResponse(order=await self._taken(_step(Verb.CONFIRM, request, current_call())))

    async def BatchConfirm(  # noqa: N802
        self, request: order_pb2.BatchConfirmRequest, context: Any
    ) -> order_pb2.BatchConfirmResponse:
        """A list of them, one commit for all."""
        handle = self._steps_of(Verb.CONFIRM, order_pb2.ConfirmResponse)
        return await serve_batch(request, order_pb2.BatchConfirmResponse(), handle=handle)

    async def Void(self, request: order_pb2.VoidRequest, context: Any) -> order_pb2.VoidResponse:  # noqa: N802
        """Makes an order void."""
        return order_pb2.VoidResponse(order=await self._taken(_step(Verb.VOID, request, current_call())))

    async def BatchVoid(self, request: order_pb2.BatchVoidRequest, context: Any) -> order_pb2.BatchVoidResponse:  # noqa: N802
        """A list of them, one commit for all."""
        handle = self._steps_of(Verb.VOID, order_pb2.VoidResponse)
        return await serve_batch(request, order_pb2.BatchVoidResponse(), handle=handle)

    async def Renew(self, request: order_pb2.RenewRequest, context: Any) -> order_pb2.RenewResponse:  # noqa: N802
        """Moves the expiry of an order, and may mark it as charged."""
        step = _step(
            Verb.RENEW, request, current_call(), expires_after_s=request.expires_after_s, charged=request.charged
        )
        return order_pb2.RenewResponse(order=await self._taken(step))

    async def ReverseOrder(  # noqa: N802
        self, request: order_pb2.ReverseOrderRequest, context: Any
    ) -> order_pb2.ReverseOrderResponse:
        """Reverses what a confirmed order became."""
        call = current_call()
        asked = ReversalRequest(stamp_of(call, request), desk_of(request.desk), call.now)
        answer = await self._operations.reversing.reverse_order(asked, request.order_no, request.opener)
        return order_pb2.ReverseOrderResponse(counter=reversal_pb2.ReverseResponse.FromString(answer))

    async def GetOrder(  # noqa: N802
        self, request: order_state_pb2.GetOrderRequest, context: Any
    ) -> order_state_pb2.GetOrderResponse:
        """An order as it stands."""
        caller = current_call().caller
        opener = caller.subject if caller.role is Role.SERVICE else ""
        found = await self._operations.orders.order(request.order_no, opener)
        return order_state_pb2.GetOrderResponse(order=order_message(found))

    async def Lift(self, request: order_state_pb2.LiftRequest, context: Any) -> order_state_pb2.LiftResponse:  # noqa: N802
        """Lifts an order at the institution's window."""
        lifter = request.desk.fixmedins_code
        step = _step(Verb.LIFT, request, current_call(), cause=INSTITUTION, lifter=lifter)
        return order_state_pb2.LiftResponse(order=await self._taken(step))

    async def ListOwnOrders(  # noqa: N802
        self, request: order_state_pb2.ListOwnOrdersRequest, context: Any
    ) -> order_state_pb2.ListOwnOrdersResponse:
        """The person's pending orders."""
        found = await self._operations.orders.pending_of(request.psn_no)
        return order_state_pb2.ListOwnOrdersResponse(orders=[order_message(each) for each in found])

    async def LiftOwn(  # noqa: N802
        self, request: order_state_pb2.LiftOwnRequest, context: Any
    ) -> order_state_pb2.LiftOwnResponse:
        """Lifts an own order."""
        step = _step(Verb.LIFT, request, current_call(), cause=PERSON, lifter=request.psn_no)
        return order_state_pb2.LiftOwnResponse(order=await self._taken(step))

    async def _taken(self, step: Step) -> order_state_pb2.Order:
        steps = self._operations.steps
        (order,) = await self._operations.orders.take([step], lambda _, each: steps.submit(each))
        if isinstance(order, BaseException):
            raise order
        return order_message(order)

    async def _open_items(self, items: Sequence[Admitted]) -> list[order_pb2.OpenResponse | BaseException]:
        found: list[Any] = [await self._opened_item(item) for item in items]
        places = [place for place, bill in enumerate(found) if isinstance(bill, BillRequest)]

        def submit(place: int, bill: PreparedBill | BillRequest) -> Awaitable[BillOutcome]:
            return self._submit(bill, items[places[place]])

        bills = [found[place] for place in places]
        for place, opened in zip(places, await self._operations.opens.open(bills, submit), strict=True):
            found[place] = opened if isinstance(opened, BaseException) else open_response(opened)
        return found

    def _submit(self, bill: PreparedBill | BillRequest, item: Admitted | None = None) -> Awaitable[BillOutcome]:
        operations = self._operations
        told = (item.call, item.span) if item else ()
        if isinstance(bill, BillRequest):
            return operations.booked.submit(bill, *told)
        return operations.settles.submit(bill, *told)

    async def _opened_item(self, item: Admitted) -> BillRequest | BaseException:
        try:
            return await self._bills.opened(item.request, item.call, inject(item.span))
        except Exception as error:  # noqa: BLE001  # it becomes the outcome of this item
            return error

    def _steps_of(self, verb: Verb, made: Callable[..., Any]) -> Callable[[Sequence[Admitted]], Any]:
        """Takes a step for each item of a list."""

        async def handle(items: Sequence[Admitted]) -> list[Any]:
            def submit(place: int, step: Step) -> Awaitable[Stepped]:
                return self._operations.steps.submit(step, items[place].call, items[place].span, items)

            steps = [_step(verb, item.request, item.call) for item in items]
            found = await self._operations.orders.take(steps, submit)
            return [made(order=order_message(each)) if isinstance(each, domain.Order) else each for each in found]

        return handle


def _step(verb: Verb, request: Any, call: CallContext, **told: Any) -> Step:
    opener = "" if verb is Verb.LIFT else request.opener
    return Step(verb, request.order_no, stamp_of(call, request), opener, **told)
