"""Paying an order: its settlement is opened, a channel collects the cash, the settlement is confirmed; and what channels say.

The intent is stored before each call. Where the split has changed since it was tried nothing is charged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from services.kernel.authorisations import digest_of
from services.kernel.elsewhere import CELL_UNAVAILABLE
from services.kernel.errors import Fault, conflict, denied
from services.kernel.requests import RequestStamp
from services.payment.domain import refusals, steps
from services.payment.domain.charges import About, Heard, Seen
from services.payment.domain.orders import SECOND, Charge, ChargeState, Goal, PayOrder, kept, moved
from services.payment.domain.phases import Phase
from services.payment.domain.splits import Split
from services.payment.operations.books import Books, Stale, Write
from services.payment.operations.driving import Driving, is_away
from services.payment.operations.ports import ChannelPort, Secrets, SettlementPort

DEFAULT_EXPIRY_S: Final = 900
"""For how long a person may pay, unless said (our decision)."""
SPLIT_MOVED: Final = "SPLIT_MOVED"
_MARGIN_S: Final = 60
_ROUNDS: Final = 8
_BUSY: Final = frozenset({Phase.OPENING, Phase.PLACING, Phase.CHARGED, Phase.CLOSING, Phase.VOIDING, Phase.RETURNING})
_LOOK_S: Final = 0.05
_ASKED_AT_ONCE_S: Final = 3
"""How long after it was written down a charge is still asked for: with the limit of a call less than `steps.ABSENT_S`."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A charge as the channel's room has planned it: its row without numbers of ours, and what the channel is told once."""

    channel: str
    form: int
    charge_fen: int
    expires_s: int
    secrets: Secrets
    message: Callable[[PayOrder, str, int, int], bytes]
    deposit_fen: int = 0
    """Makes the stored message of an order, a charge's number, and when it begins and ends (microseconds)."""


Plan = Callable[[PayOrder, Split], Planned]
"""Plans a charge for an order as it is split; raises why it cannot be charged so."""


class Paying:
    """Opens, charges, confirms."""

    def __init__(
        self,
        books: Books,
        driving: Driving,
        settlements: SettlementPort,
        channels: ChannelPort,
        new_charge_no: Callable[[], str],
    ) -> None:
        self._books = books
        self._driving = driving
        self._settlements = settlements
        self._channels = channels
        self._new_charge_no = new_charge_no

    async def pay(
        self, stamp: RequestStamp, order: PayOrder, plan: Plan, left_s: float, traceparent: str = ""
    ) -> tuple[PayOrder, Charge | None]:
        """Pays an order that was tried, or tells how it stands where this request began it before. `traceparent` names the span
        to which whatever is done for it later is linked.

        PAY_ORDER_STATE, PAY_AUTH_OF_ANOTHER, SPLIT_MOVED, BANK_BALANCE_LESS, CHANNEL_REFUSED, PAY_ORDER_UNPAID, PAY_ORDER_HELD,
        OUTCOME_UNKNOWN, what `plan` raises, and settlement's refusals.
        """
        until = asyncio.get_running_loop().time() + left_s
        if await self._books.standing(stamp) is not None:
            return await self._told(await self._driving.joined(order, left_s))
        if order.phase is not Phase.TRIED or order.split is None:
            raise refusals.wrong_phase(order, Phase.TRIED.value)
        planned = plan(order, order.split)
        shown = planned.secrets.pay_auth_no
        if shown and digest_of(shown) != order.auth:
            # The bureau would refuse it to the channel later, and the cash would be taken and go back.
            raise denied("PAY_AUTH_OF_ANOTHER")
        order, charge = await self._begun(stamp, order, planned, traceparent)
        try:
            order, charge = await self._opened(order, charge, planned)
        except Stale:
            # Its lease was over: who took it up makes void what was opened, and nothing is charged.
            raise refusals.on_its_way(order) from None
        if order.phase is Phase.PLACING:
            order = await self._placed(order, charge, planned)
        order = await self._driving.drive(order, until - asyncio.get_running_loop().time())
        return await self._told(order)

    async def _begun(
        self, stamp: RequestStamp, order: PayOrder, planned: Planned, traceparent: str
    ) -> tuple[PayOrder, Charge]:
        """The intent: the settlement's number and the charge's."""
        now = self._books.now()
        charge_no, expires_at = self._new_charge_no(), now + planned.expires_s * SECOND
        after = moved(
            order,
            Phase.OPENING,
            now,
            attempt=order.attempt + 1,
            open_no=f"{order.pay_ord_id}-{order.attempt + 1}",
            charge_no=charge_no,
            opened=None,
            setl_id="",
            charged_fen=0,
            refunded_fen=0,
            deposit_fen=planned.deposit_fen,
            agreed=False,
            reason="",
            channel_code="",
            goal=Goal.FAILED,
            traceparent=traceparent,
        )
        charge = Charge(
            charge_no=charge_no,
            pay_ord_id=order.pay_ord_id,
            channel=planned.channel,
            form=planned.form,
            charge_fen=planned.charge_fen,
            message=planned.message(after, charge_no, now, expires_at),
            state=ChargeState.PLANNED,
            created_at=now,
            expires_at=expires_at,
            due_at=now,
            traceparent=traceparent,
        )
        entry = self._books.entry(stamp, order.pay_ord_id.encode())
        try:
            takes = planned.deposit_fen
            await self._books.keep(Write(after, order.version, charges=(charge,), entry=entry, takes_fen=takes))
        except Stale:
            raise refusals.on_its_way(order) from None
        return after, charge

    async def _opened(self, order: PayOrder, charge: Charge, planned: Planned) -> tuple[PayOrder, Charge]:
        """The order once it is opened and held. Its expiry counts from the opening, which is later than the charge's begin."""
        expires_s = planned.expires_s + steps.BEYOND_S + _MARGIN_S
        charged = bool(planned.charge_fen or planned.secrets.pay_auth_no)
        try:
            opened = await self._settlements.open(order, expires_s, charged=charged)
        except Fault as fault:
            if is_away(fault) and fault.reason != CELL_UNAVAILABLE:
                raise await self._left(order) from None
            await self._kept(order, moved(order, Phase.FAILED, self._books.now(), reason=fault.reason))
            raise
        if opened.split != order.split:
            changed = moved(
                *(order, Phase.VOIDING, self._books.now()),
                goal=Goal.SAVED,
                opened=opened.split,
                setl_id=opened.setl_id,
                reason=SPLIT_MOVED,
            )
            await self._kept(order, changed)
            await self._driving.drive(changed, 2.0)
            raise refusals.split_moved(order, opened.split)
        if not charged:
            after = moved(order, Phase.CHARGED, self._books.now(), setl_id=opened.setl_id)
            return await self._kept(order, after), charge
        if not opened.held:
            await self._held(order, expires_s)
        return await self._placing(order, charge, opened.setl_id)

    async def _held(self, order: PayOrder, expires_s: int) -> None:
        """Nobody else lifts what is opened from now on."""
        try:
            await self._settlements.hold(order, expires_s)
        except Fault as fault:
            if is_away(fault):
                raise await self._left(order) from None
            await self._kept(order, moved(order, Phase.VOIDING, self._books.now(), reason=fault.reason))
            raise

    async def _left(self, order: PayOrder) -> Fault:
        """Leaves an order of which nobody knows whether it was opened, now and not when its lease ends: it is made void."""
        now = self._books.now()
        await self._kept(order, kept(order, now, due_at=now))
        return refusals.on_its_way(order)

    async def _placing(self, order: PayOrder, charge: Charge, setl_id: str) -> tuple[PayOrder, Charge]:
        now = self._books.now()
        after = moved(order, Phase.PLACING, now, setl_id=setl_id)
        asked = replace(charge, asked_at=now, state=ChargeState.ASKED)
        await self._books.keep(Write(after, order.version, charges=(asked,)))
        return after, asked

    async def _placed(self, order: PayOrder, charge: Charge, planned: Planned) -> PayOrder:
        """Asks the channel; its answer counts also where the order has gone on meanwhile, for money may be in it."""
        if self._books.now() - charge.asked_at > _ASKED_AT_ONCE_S * SECOND:
            # This process stood still: who takes the order up may believe by now that nothing was asked for.
            raise refusals.on_its_way(order)
        seen = await self._channels.place(charge, planned.secrets)
        for _ in range(_ROUNDS):
            try:
                return await self._driving.seen(order, charge, seen)
            except Stale:
                await asyncio.sleep(_LOOK_S)
                order = await self._driving.again(order)
                charge = await self._books.charge(charge.charge_no) or charge
        return order

    async def _kept(self, before: PayOrder, after: PayOrder) -> PayOrder:
        await self._books.keep(Write(after, before.version))
        return after

    async def _told(self, order: PayOrder) -> tuple[PayOrder, Charge | None]:
        if order.phase is Phase.HELD:
            raise refusals.held(order)
        if order.phase in _BUSY:
            raise refusals.on_its_way(order)
        if order.phase is Phase.SAVED and order.reason == SPLIT_MOVED and order.opened is not None:
            raise refusals.split_moved(order, order.opened)
        if order.phase is Phase.SAVED and order.reason == steps.BANK_BALANCE_LESS:
            raise refusals.bank_balance_less(order)
        if order.phase is Phase.FAILED:
            raise refusals.channel_refused(order) if order.reason == steps.CHANNEL_REFUSED else refusals.not_paid(order)
        return order, await self._books.charge(order.charge_no) if order.charge_no else None

    async def agreed(self, pay_ord_id: str, channel: str, pay_auth_no: str, parts: tuple[int, int, int]) -> PayOrder:
        """The insured part of a mixed order, as a channel asks the bureau for it.

        PAY_ORDER_NOT_FOUND, PAY_ORDER_STATE, PAY_AUTH_OF_ANOTHER, SPLIT_MOVED.
        """
        for _ in range(_ROUNDS):
            order = await self._books.order(pay_ord_id)
            charge = await self._books.charge(order.charge_no) if order is not None and order.charge_no else None
            if order is None or charge is None or charge.channel != channel.lower() or order.split is None:
                raise refusals.order_unknown(pay_ord_id)
            if order.auth != digest_of(pay_auth_no):
                raise denied("PAY_AUTH_OF_ANOTHER")
            split = order.split
            if parts != split.insured_parts:
                raise refusals.split_moved(order, split)
            if order.agreed and order.phase in (Phase.PLACING, Phase.WAITING, Phase.CHARGED, Phase.PAID):
                return order
            if order.phase not in (Phase.PLACING, Phase.WAITING):
                raise refusals.wrong_phase(order, Phase.WAITING.value)
            after = replace(order, agreed=True, version=order.version + 1, changed_at=self._books.now())
            try:
                return await self._kept(order, after)
            except Stale:
                continue
        raise refusals.still_changing(pay_ord_id)

    async def hear(self, channel: str, delivery: Any) -> tuple[bytes, str, PayOrder | None]:
        """Takes a notify in: the body that tells the channel so, its type, and the order that has to be brought on.

        A Fault where it proves nothing. One that was heard before is answered as the first.
        """
        heard = self._channels.hear(channel, delivery)
        answer = heard.answer, heard.answer_type
        events = tuple(f"{channel}:{each}" for each in (f"e:{heard.event}", f"n:{heard.nonce}") if each[2:])
        if heard.about is About.CHARGE and heard.charge is not None:
            order = await self._heard_charge(channel, heard, heard.charge, events)
            return *answer, order
        if heard.about is About.REFUND:
            charge = await self._books.charge_of_return(heard.number)
            refund = await self._books.refund(heard.number)
            number = charge.pay_ord_id if charge else refund.pay_ord_id if refund else ""
            return *answer, await self._books.order(number) if number else None
        return *answer, None

    async def _heard_charge(self, channel: str, heard: Heard, seen: Seen, events: tuple[str, ...]) -> PayOrder | None:
        for _ in range(_ROUNDS):
            charge = await self._books.charge(heard.number)
            order = await self._books.order(charge.pay_ord_id) if charge is not None else None
            if charge is None or order is None:
                return None
            if not self._channels.is_of(charge, channel, heard):
                # Another merchant collected something under our number: our charge is as unpaid as before.
                raise denied("NOTIFY_FORGED", channel=channel)
            try:
                return await self._driving.seen(order, charge, seen, events)
            except Stale:
                if await self._books.known(events[:1]):
                    return await self._books.order(order.pay_ord_id)
                if await self._books.known(events[1:]):
                    raise conflict("NOTIFY_REPLAYED", channel=channel) from None
                await asyncio.sleep(_LOOK_S)
        raise refusals.still_changing(heard.number)
