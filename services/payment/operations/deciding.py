"""What rests until people decide about it: the list, and their decisions, each kept with who made it and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.kernel.pages import Page, page_of
from services.kernel.requests import RequestStamp
from services.payment.domain import refusals
from services.payment.domain.held import (
    PROVEN,
    Decided,
    Decision,
    Held,
    HeldKind,
    followed,
    held_charge,
    held_notice,
    held_order,
)
from services.payment.domain.notices import NoticeState, OrderNotice
from services.payment.domain.orders import Charge, ChargeState, PayOrder
from services.payment.domain.phases import Phase
from services.payment.operations.books import Books, Stale, Write
from services.payment.operations.driving import Driving
from services.payment.store.unit import Unit

_ORDERS: Final = 0
_CHARGES: Final = 1
_NOTICES: Final = 2
_PARTS: Final = {HeldKind.CHARGE: _CHARGES, HeldKind.NOTICE: _NOTICES}
FIRST: Final = (_ORDERS, "")
"""Where the list begins: a place is which part of it, and a number there."""


@dataclass(frozen=True, slots=True)
class AskedDecision:
    """A decision as it is asked for: about which number, by which operator, why, and by which proof."""

    held_no: str
    decision: Decision
    memo: str
    proof_no: str
    decided_by: str


class Deciding:
    """Lists and decides. `stray` brings a charge on, for which no order waits."""

    def __init__(self, books: Books, driving: Driving, new_decision_no: Callable[[], str]) -> None:
        self._books = books
        self._driving = driving
        self._new_decision_no = new_decision_no

    async def page(self, after: tuple[int, str], size: int) -> Page[Held]:
        """A page of what rests, behind a place."""
        part, number = after
        async with self._books.read() as work:
            orders = await work.held.orders(number, size + 1) if part == _ORDERS else []
            room = size + 1 - len(orders)
            wanted = room and part <= _CHARGES
            charges = await work.held.charges(number if part == _CHARGES else "", room) if wanted else []
            room -= len(charges)
            notices = await work.notices.given_up(number if part == _NOTICES else "", room) if room else []
            found = [
                *await _of_orders(work, orders),
                *await _of_charges(work, charges),
                *await _of_notices(work, notices),
            ]
        return page_of(found, size, lambda each: (_PARTS.get(each.kind, _ORDERS), each.number))

    async def decisions(self, pay_ord_id: str, before: str, size: int) -> Page[Decided]:
        """A page of decisions, the latest first."""
        async with self._books.read() as work:
            found = await work.held.decisions(pay_ord_id, before, size + 1)
        return page_of(found, size, lambda each: (each.decision_no,))

    async def decide(self, stamp: RequestStamp, asked: AskedDecision, left_s: float) -> tuple[Decided, PayOrder]:
        """Decides, and brings on what follows as far as that goes; or tells what this request has decided before.

        HELD_NOT_FOUND, HELD_DECISION_UNSAFE, PROOF_MISSING, OUTCOME_UNKNOWN, REQUEST_ID_REUSED.
        """
        known = await self._books.standing(stamp)
        if known is not None:
            return await self._known(known.decode(), left_s)
        held = await self._found(asked.held_no)
        if asked.decision not in held.safe:
            raise refusals.decision_unsafe(held.number, held.reason, [each.name for each in held.safe])
        if asked.decision in PROVEN and not asked.proof_no.strip():
            raise refusals.proof_missing()
        now = self._books.now()
        after = followed(held, asked.decision, now)
        decided = Decided(
            decision_no=self._new_decision_no(),
            held_no=held.number,
            pay_ord_id=held.order.pay_ord_id,
            reason=held.reason,
            decision=asked.decision,
            memo=asked.memo,
            proof_no=asked.proof_no.strip(),
            charged_fen=held.charged_fen,
            decided_by=asked.decided_by,
            decided_at=now,
        )
        write = Write(
            None if after.notice is not None else after.order,
            held.order.version,
            charges=(after.charge,) if after.charge is not None else (),
            refunds=(after.refund,) if after.refund is not None else (),
            marked=(after.notice,) if after.notice is not None else (),
            decided=(decided,),
            entry=self._books.entry(stamp, decided.decision_no.encode()),
        )
        try:
            await self._books.keep(write)
        except Stale:
            raise refusals.on_its_way(held.order) from None
        if after.notice is not None:
            return decided, after.order
        if after.charge is not None and after.charge.state is ChargeState.RETURNING:
            await self._driving.stray(after.charge)
        return decided, await self._driving.drive(after.order, left_s)

    async def _known(self, decision_no: str, left_s: float) -> tuple[Decided, PayOrder]:
        async with self._books.read() as work:
            decided = await work.held.decision(decision_no)
        if decided is None:
            raise AssertionError("a decision is never taken away")
        order = await self._books.known_order(decided.pay_ord_id)
        return decided, await self._driving.joined(order, left_s)

    async def _found(self, number: str) -> Held:
        """What rests under a number; HELD_NOT_FOUND, also where it rests no more."""
        async with self._books.read() as work:
            order = (await work.orders.find([number])).get(number)
            if order is not None and order.phase is Phase.HELD:
                return (await _of_orders(work, [order]))[0]
            charge = (await work.money.charges([number])).get(number)
            if charge is not None and charge.state is ChargeState.HELD:
                held = (await _of_charges(work, [charge]))[0]
                if held.order.phase is not Phase.HELD or held.order.charge_no != number:
                    return held
            notice = await work.notices.one(number)
            if notice is not None and notice.state is NoticeState.GIVEN_UP:
                return (await _of_notices(work, [notice]))[0]
        raise refusals.held_unknown(number)


async def _of_orders(work: Unit, orders: list[PayOrder]) -> list[Held]:
    charges = await work.money.charges([each.charge_no for each in orders if each.charge_no]) if orders else {}
    refunds = await work.held.refunds([each.refund_no for each in orders if each.refund_no])
    return [held_order(each, charges.get(each.charge_no), refunds.get(each.refund_no)) for each in orders]


async def _of_charges(work: Unit, charges: list[Charge]) -> list[Held]:
    orders = await work.orders.find([each.pay_ord_id for each in charges]) if charges else {}
    return [held_charge(each, orders[each.pay_ord_id]) for each in charges]


async def _of_notices(work: Unit, notices: list[OrderNotice]) -> list[Held]:
    orders = await work.orders.find([each.pay_ord_id for each in notices]) if notices else {}
    return [held_notice(each, orders[each.pay_ord_id]) for each in notices]
