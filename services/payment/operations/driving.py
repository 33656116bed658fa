"""What brings an order on, one step after the other, until it rests or waits for a person: for callers and for the loop alike.

Each step reads where the order stands, asks one other party, and writes what followed. Every step is safe to repeat, so that
whoever dies in one leaves an order that the next one takes up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

from services.kernel.clock import to_micros
from services.kernel.errors import AWAY, Fault, FaultKind
from services.payment.domain import steps
from services.payment.domain.charges import ChannelState, RefundSeen, RefundStanding, Seen
from services.payment.domain.notices import NoticeKind, OrderNotice, of_order, of_refund
from services.payment.domain.orders import TAKEN, Charge, Goal, PayOrder, Refund, RefundState, kept, moved, rested
from services.payment.domain.phases import RUNNING, Phase
from services.payment.operations.books import Books, Stale, Write
from services.payment.operations.ports import BillPort, ChannelPort, SettlementPort

ABANDONED: Final = "ABANDONED"
"""Why an order was undone whose caller is gone."""
_GONE: Final = frozenset({"ORDER_LAPSED", "ORDER_VOID", "ORDER_NOT_FOUND"})
"""Refusals by which nothing stands of a settlement, and nothing will."""
_NOTHING_THERE: Final = frozenset(
    {
        "CHARGE_BATCH_NOT_FOUND",
        "ENCOUNTER_NOT_FOUND",
        "ENCOUNTER_STATE",
        "BATCH_SETTLED",
        "FEES_PRESENT",
        "FEES_SETTLED",
    }
)
"""Refusals to take back what is not there any more, or what somebody has settled otherwise: it is left as it is."""
_AT_WORK: Final = RUNNING - {Phase.WAITING}
_TURN: Final = 0.02
Take = Callable[[PayOrder], Awaitable[PayOrder]]
Found = Callable[[Mapping[str, str]], None]
"""Hears numbers by which what is done now is to be found: `charge_no`, `trade_no`, …."""


def nobody(numbers: Mapping[str, str]) -> None:
    """Where nobody looks for them."""


class Driving:
    """Brings orders on."""

    def __init__(
        self,
        books: Books,
        settlements: SettlementPort,
        bills: BillPort,
        channels: ChannelPort,
        found: Found = nobody,
    ) -> None:
        self.books = books
        self._found = found
        self._settlements = settlements
        self._bills = bills
        self._channels = channels
        self._takes: Mapping[Phase, Take] = {
            Phase.SAVING: self._unsaved,
            Phase.OPENING: self._unopened,
            Phase.PLACING: self._look,
            Phase.WAITING: self._look,
            Phase.CLOSING: self._close,
            Phase.CHARGED: self._confirm,
            Phase.VOIDING: self._void,
            Phase.RETURNING: self._return,
            Phase.REVOKING: self._revoke,
            Phase.REFUNDING: self._refund,
        }

    async def drive(self, order: PayOrder, left_s: float) -> PayOrder:
        """Takes steps until the order is at rest, waits for a person, or can do nothing now; at most for so long."""
        loop = asyncio.get_running_loop()
        until = loop.time() + left_s
        while order.running and loop.time() < until:
            try:
                after = await self.step(order)
            except Stale:
                order = await self.again(order)
                await asyncio.sleep(_TURN)
                continue
            if after.tries:
                return after
            order = after
        return order

    async def joined(self, order: PayOrder, left_s: float) -> PayOrder:
        """An order that another call has begun, once that has brought it on; where nobody is at it any more it is driven here."""
        loop = asyncio.get_running_loop()
        until = loop.time() + left_s
        while order.phase in _AT_WORK and not order.tries and loop.time() < until:
            if order.due_at <= self.books.now():
                return await self.drive(order, until - loop.time())
            await asyncio.sleep(_TURN)
            order = await self.again(order)
        return order

    async def step(self, order: PayOrder) -> PayOrder:
        """One step; an order that cannot be brought on now rests. `Stale`."""
        try:
            return await self._takes[order.phase](order)
        except Fault as fault:
            if fault.reason == steps.MERCHANT_UNKNOWN:
                return await self._moved(order, Phase.HELD, reason=fault.reason)
            if not is_away(fault):
                raise
            return await self._rests(order)

    async def again(self, order: PayOrder) -> PayOrder:
        """The order as it stands now."""
        return await self.books.known_order(order.pay_ord_id)

    async def seen(
        self, order: PayOrder, charge: Charge, seen: Seen, events: tuple[str, ...] = (), looked_at: int | None = None
    ) -> PayOrder:
        """Writes what follows from what a channel says of a charge; `Stale`."""
        tells = self._channels.tells(charge)
        step = steps.after_seen(order, charge, seen, self.books.now(), looked_at, tells=tells)
        if step.order is order and step.charge == charge and not events:
            return order
        after = step.order if step.order is not order else kept(order, self.books.now())
        charge = step.charge
        numbers = {"trade_no": charge.trade_no, "mix_trade_no": charge.mix_trade_no}
        order_nos = {"pay_ord_id": order.pay_ord_id, "med_org_ord": order.med_org_ord}
        self._found({**order_nos, "charge_no": charge.charge_no, **numbers})
        if seen.paid_at is not None and not charge.paid_at:
            charge = replace(charge, paid_at=to_micros(seen.paid_at))
        await self.books.keep(Write(after, order.version, charges=(charge,), events=events))
        return after

    async def _moved(self, order: PayOrder, phase: Phase, **changes: object) -> PayOrder:
        after = moved(order, phase, self.books.now(), **changes)
        told: tuple[OrderNotice, ...] = ()
        if phase is Phase.PAID and not order.paid_at:
            told = (of_order(order, NoticeKind.PAID, after.changed_at),)
        elif phase is Phase.REVOKED and order.goal is Goal.REVOKED:
            told = (of_order(order, NoticeKind.REVOKED, after.changed_at),)
        await self.books.keep(Write(after, order.version, notices=told))
        return after

    async def charge_of(self, order: PayOrder) -> Charge:
        """The charge that an order was begun with."""
        return await self.books.known_charge(order.charge_no)

    async def _unsaved(self, order: PayOrder) -> PayOrder:
        bill = order.bill
        if order.own_visit and not bill.mdtrt_id:
            # Who began it may have died between the visit and its number: it would stay open for ever.
            bill = replace(bill, mdtrt_id=await self._bills.find_visit(order))
        return await self._moved(order, Phase.REVOKING, reason=ABANDONED, bill=bill)

    async def _unopened(self, order: PayOrder) -> PayOrder:
        """Nobody knows whether it was opened, and the caller is gone: it is made void, and nothing was charged."""
        return await self._moved(order, Phase.VOIDING, reason=ABANDONED)

    async def _look(self, order: PayOrder) -> PayOrder:
        charge, now = await self.charge_of(order), self.books.now()
        return await self.seen(order, charge, await self._channels.look(charge), looked_at=now)

    async def _close(self, order: PayOrder) -> PayOrder:
        charge, now = await self.charge_of(order), self.books.now()
        return await self.seen(order, charge, await self._channels.close(charge), looked_at=now)

    async def _confirm(self, order: PayOrder) -> PayOrder:
        try:
            await self._settlements.confirm(order)
        except Fault as fault:
            if fault.reason not in _GONE:
                raise
            gone = {"reason": fault.reason, "setl_id": ""}
            if order.charged_fen:
                return await self._moved(order, Phase.RETURNING, **gone)
            return await self._moved(order, Phase.FAILED, **gone)
        return await self._moved(order, Phase.PAID, paid_at=self.books.now(), reason="", goal=Goal.FAILED)

    async def _void(self, order: PayOrder) -> PayOrder:
        await self._settlements.void(order)
        after = steps.undone(order, self.books.now())
        await self.books.keep(Write(after, order.version))
        return after

    async def _return(self, order: PayOrder) -> PayOrder:
        """The settlement does not stand: what was collected goes back, under a number that is stored before it is sent."""
        charge = await self.charge_of(order)
        if not charge.return_no:
            charge = replace(charge, return_no=_return_no(charge))
            before = kept(order, self.books.now())
            await self.books.keep(Write(before, order.version, charges=(charge,)))
            order = before
        seen = await self._given_back(charge, charge.return_no, charge.charged_fen, None)
        now = self.books.now()
        after = steps.after_return(order, charge, seen, now)
        await self.books.keep(Write(after.order, order.version, charges=(after.charge,)))
        return after.order

    async def _given_back(self, charge: Charge, refund_no: str, fen: int, refund: Refund | None) -> RefundSeen:
        """What the channel says of money that goes back under a number."""
        self._found({"refund_no": refund_no, "charge_no": charge.charge_no, "trade_no": charge.trade_no})
        return await self._channels.give_back(charge, refund_no, fen, refund)

    async def stray(self, charge: Charge) -> Charge:
        """The same for a charge whose order does not wait for it."""
        if not charge.return_no:
            charge = replace(charge, return_no=_return_no(charge))
            await self.books.keep(Write(charges=(charge,)))
        try:
            seen = await self._given_back(charge, charge.return_no, charge.charged_fen, None)
        except Fault as fault:
            if fault.reason != steps.MERCHANT_UNKNOWN:
                raise
            seen = RefundSeen(RefundStanding.ABNORMAL)
        after = steps.after_stray_return(charge, seen, self.books.now())
        await self.books.keep(Write(charges=(after,)))
        return after

    async def late(self, charge: Charge) -> None:
        """Asks once more about a charge that nobody waits for: what came all the same goes back. `Stale`."""
        order = await self.books.known_order(charge.pay_ord_id)
        try:
            seen = await self._channels.look(charge)
        except Fault as fault:
            if fault.reason != steps.MERCHANT_UNKNOWN:
                raise
            seen = Seen(ChannelState.UNKNOWN)
        now = self.books.now()
        step = steps.after_seen(order, steps.looked_late(charge, now), seen, now)
        after = step.order if step.order is not order else kept(order, now)
        await self.books.keep(Write(after, order.version, charges=(step.charge,)))

    async def _revoke(self, order: PayOrder) -> PayOrder:
        for take_back, wanted in (
            (self._bills.take_back_lines, not order.bill.stay and bool(order.bill.mdtrt_id)),
            (self._bills.take_back_visit, order.own_visit and bool(order.bill.mdtrt_id)),
        ):
            if not wanted:
                continue
            try:
                await take_back(order)
            except Fault as fault:
                if fault.reason not in _NOTHING_THERE:
                    raise
        return await self._moved(order, Phase.REVOKED)

    async def _refund(self, order: PayOrder) -> PayOrder:
        refund = await self.books.known_refund(order.refund_no)
        match refund.state:
            case RefundState.BEGUN:
                return await self._insured_back(order, refund)
            case RefundState.INSURED_BACK:
                return await self._cash_back(order, refund)
            case _:
                return await self._told(order, refund)

    async def _insured_back(self, order: PayOrder, refund: Refund) -> PayOrder:
        """The insured part first: cash that went back before it would be lost if that is refused (C§5.1)."""
        counter = ""
        if refund.insured:
            try:
                counter = await self._settlements.reverse(order, refund.refund_no)
            except Fault as fault:
                if is_away(fault):
                    raise
                refused = replace(refund, state=RefundState.REFUSED, reason=fault.reason, done_at=self.books.now())
                after = moved(order, Phase.PAID, self.books.now(), refund_no="", reason=fault.reason)
                await self.books.keep(Write(after, order.version, refunds=(refused,)))
                raise
        return await self._kept(order, replace(refund, state=RefundState.INSURED_BACK, counter_setl_id=counter))

    async def _cash_back(self, order: PayOrder, refund: Refund) -> PayOrder:
        if not refund.back_fen:
            return await self._kept(order, replace(refund, state=RefundState.CASH_BACK))
        charge = await self.charge_of(order)
        seen = await self._given_back(charge, refund.refund_no, refund.back_fen, refund)
        after, told = steps.after_refund(order, refund, seen, self.books.now())
        if told.state is RefundState.CASH_BACK:
            after = replace(after, tries=0)
        await self.books.keep(Write(after, order.version, refunds=(told,)))
        return after

    async def _told(self, order: PayOrder, refund: Refund) -> PayOrder:
        charge = await self.books.charge(order.charge_no) if order.charge_no else None
        # What people took as given back, or as told, has no number by which the channel could hear of it.
        untold = refund.state is not RefundState.TOLD and refund.reason != TAKEN
        named = await self._named(order, refund) if charge is not None and charge.mix_trade_no and untold else None
        if charge is not None and named is not None:
            hearing = await self._channels.tell_returned(charge, order, named)
            if not hearing.heard:
                unheard = steps.after_telling(order, hearing, self.books.now())
                await self.books.keep(Write(unheard, order.version))
                return unheard
        after, done = steps.refunded(order, refund, self.books.now())
        told = (of_refund(done, after.changed_at),)
        await self.books.keep(Write(after, order.version, refunds=(done,), notices=told))
        return after

    async def _named(self, order: PayOrder, refund: Refund) -> Refund | None:
        """The refund under whose number the channel of a mixed order hears that the insured part went back: that of its cash, for
        it knows no other (C§1.1, W5). None where it has heard that before, and until cash goes back (our decision).
        """
        if not order.charged_fen:
            return refund if refund.insured else None
        before = [
            each
            for each in await self.books.refunds(order.pay_ord_id)
            if each.cash_fen and each.state is RefundState.DONE and each.reason != TAKEN
            if each.refund_no != refund.refund_no
        ]
        if refund.insured:
            return refund if refund.cash_fen else next(iter(before), None)
        return refund if order.insured_returned and not before else None

    async def _rests(self, order: PayOrder) -> PayOrder:
        after = rested(order, "", self.books.now())
        await self.books.keep(Write(after, order.version))
        return after

    async def _kept(self, order: PayOrder, refund: Refund) -> PayOrder:
        after = kept(order, self.books.now(), tries=0)
        await self.books.keep(Write(after, order.version, refunds=(refund,)))
        return after


def is_away(fault: Fault) -> bool:
    """Whether who was asked does not answer now, or is too busy: the same step may be taken later."""
    return fault.kind in (FaultKind.UNAVAILABLE, FaultKind.EXHAUSTED, FaultKind.DEADLINE) or fault.reason in AWAY


def _return_no(charge: Charge) -> str:
    """Number of the return of a whole charge: one for each charge, whoever begins it."""
    return f"B{charge.charge_no}"
