"""Orders at the small world's settlement: bills opened under a number, and the steps that routing or payment take."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

from services.kernel.errors import Fault
from services.kernel.requests import RequestStamp
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.decision import PreparedBill
from services.settlement.domain.books.orders import INSTITUTION, PERSON, Order, OrderOpening, Step, Verb
from services.settlement.domain.books.reversal import ReversalRequest
from services.settlement.domain.care.bill import Desk
from services.settlement.operations.books.settle import BillOutcome, OpenedOrder
from tests.settlement.world import HOSPITAL, World

ROUTING = "routing"
_NUMBERS = count(1)


def stamp_of(request: str, content: object = "", opener: str = ROUTING) -> RequestStamp:
    """A request of a member."""
    return RequestStamp(f"service:{opener}", request, "Order", str(content))


def opening(
    bill: BillRequest, order_no: str, *, expires: int = 60, request: str = "", opener: str = ROUTING
) -> BillRequest:
    """A bill that is to be opened; its content is what the bill says."""
    content = (order_no, expires, bill.bill, bill.stamp.request_id)
    stamp = stamp_of(request or f"open:{order_no}", content, opener)
    return replace(bill, opening=OrderOpening(order_no, opener, expires, stamp))


async def open_all(world: World, *bills: BillRequest) -> list[OpenedOrder | BaseException]:
    """Opens bills that arrive together."""

    async def submit(_: int, bill: PreparedBill | BillRequest) -> BillOutcome:
        return await (world.booked.submit(bill) if isinstance(bill, BillRequest) else world.committer.submit(bill))

    return await world.opens.open(bills, submit)


async def open_bill(world: World, bill: BillRequest, order_no: str, **how: Any) -> OpenedOrder:
    """Opens a bill; raises its refusal."""
    (opened,) = await open_all(world, opening(bill, order_no, **how))
    if isinstance(opened, BaseException):
        raise opened
    return opened


def step_of(verb: Verb, order_no: str, *, request: str = "", opener: str = ROUTING, **told: Any) -> Step:
    """A step of an order under a request id of its own."""
    name = request or f"{verb.value}:{next(_NUMBERS)}"
    if verb is Verb.LIFT:
        opener = ""
    return Step(verb, order_no, stamp_of(name, (verb, order_no, told), opener or "lifter"), opener, **told)


async def take_all(world: World, *steps: Step) -> list[Order | BaseException]:
    """Takes steps that arrive together."""
    return await world.orders.take(steps, lambda _, each: world.steps.submit(each))


async def take(world: World, verb: Verb, order_no: str, **told: Any) -> Order:
    """Takes a step; raises its refusal."""
    (order,) = await take_all(world, step_of(verb, order_no, **told))
    if isinstance(order, BaseException):
        raise order
    return order


async def confirm(world: World, order_no: str, **told: Any) -> Order:
    """Confirms."""
    return await take(world, Verb.CONFIRM, order_no, **told)


async def void(world: World, order_no: str, **told: Any) -> Order:
    """Makes void."""
    return await take(world, Verb.VOID, order_no, **told)


async def renew(world: World, order_no: str, expires: int = 60, *, charged: bool = False, **told: Any) -> Order:
    """Renews, and perhaps marks as charged."""
    return await take(world, Verb.RENEW, order_no, expires_after_s=expires, charged=charged, **told)


async def lift_at_window(world: World, order_no: str, hospital: str = HOSPITAL) -> Order:
    """Lifts at an institution's window."""
    return await take(world, Verb.LIFT, order_no, cause=INSTITUTION, lifter=hospital)


async def lift_own(world: World, order_no: str, psn_no: str) -> Order:
    """A person lifts."""
    return await take(world, Verb.LIFT, order_no, cause=PERSON, lifter=psn_no)


async def insured(world: World, psn_no: str = "P1") -> str:
    """Somebody with money in the account."""
    world.person(psn_no)
    await world.open_ledger(psn_no, balance=100_000, current=40_000)
    return psn_no


def later(world: World, seconds: int) -> None:
    world.clock.at += timedelta(seconds=seconds)


async def state(world: World, psn_no: str) -> tuple[object, ...]:
    return await world.accumulators(psn_no), await world.balance(psn_no)


async def reverse_order(world: World, order_no: str, *, request: str = "", opener: str = ROUTING) -> bytes:
    """Its opener reverses a confirmed order."""
    stamp = stamp_of(request or f"reverse:{next(_NUMBERS)}", order_no, opener)
    asked = ReversalRequest(stamp, Desk(HOSPITAL, "R1", "op2", "退费员"), world.clock())
    return await world.reversing.reverse_order(asked, order_no, opener)


async def reason_of(work: Any) -> str:
    """The reason of what must be refused."""
    try:
        await work
    except Fault as fault:
        return fault.reason
    raise AssertionError("it was not refused")
