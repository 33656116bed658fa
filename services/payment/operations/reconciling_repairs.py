"""What mends differences by itself: only what is safe to repeat. A channel is asked, an order is brought on, a refund is asked
for again under its number. What the channel then says decides; the rest is people's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Final

from services.kernel.errors import Fault
from services.payment.domain import refusals
from services.payment.domain.charges import ChannelState, RefundStanding, Seen
from services.payment.domain.differences import Kind, Repair
from services.payment.domain.orders import ChargeState, PayOrder, RefundState
from services.payment.domain.phases import Phase
from services.payment.domain.runs import DifferenceState, Kept
from services.payment.operations.books import Books, Stale
from services.payment.operations.driving import Driving
from services.payment.operations.ports import ChannelPort
from services.payment.store.unit import PaymentStore

AT_ONCE: Final = 16
_PAGE: Final = 64
_LEFT_S: Final = 5.0
_ROUNDS: Final = 8
_TURN_S: Final = 0.05
UNKNOWN: Final = "OUTCOME_UNKNOWN"
HAS_IT: Final = "CHANNEL_HAS_IT"
"""The channel says that it is so as it stands here: its bill comes later, or is wrong."""
_GOES_BACK: Final = (ChargeState.RETURNING, ChargeState.RETURNED)
RepairOutcome = tuple[DifferenceState, str]


class Repairing:
    """Mends the open differences of a day. `failed` is told of one of which a bug keeps it; the others are mended."""

    def __init__(
        self,
        store: PaymentStore,
        books: Books,
        driving: Driving,
        channels: ChannelPort,
        failed: Callable[[BaseException, str], None],
    ) -> None:
        self._store = store
        self._books = books
        self._driving = driving
        self._channels = channels
        self._failed = failed
        self._room = asyncio.Semaphore(AT_ONCE)

    async def repair(self, day: date, beat: Callable[[], Awaitable[None]]) -> None:
        """All that are safe to mend; `beat` is called between two pages."""
        after = ""
        while True:
            async with self._store.read() as work:
                kept = await work.recon.differences(day, DifferenceState.OPEN.value, after, _PAGE)
            mended = [each for each in kept if each.difference.repair is not Repair.PEOPLE]
            outcomes = await asyncio.gather(*map(self._mended, mended))
            if mended:
                async with self._store.write() as work:
                    for each, (state, note) in zip(mended, outcomes, strict=True):
                        await work.recon.change(each.difference_no, state, note, self._books.now())
                await beat()
            if len(kept) < _PAGE:
                return
            after = kept[-1].difference_no

    async def _mended(self, kept: Kept) -> RepairOutcome:
        async with self._room:
            try:
                match kept.difference.repair:
                    case Repair.ASK:
                        return await self._asked(kept)
                    case Repair.SEND_AGAIN:
                        return await self._sent_again(kept)
                    case _:
                        return await self._brought_on(kept)
            except Fault as fault:
                return DifferenceState.OPEN, fault.reason
            except Stale:
                return DifferenceState.OPEN, UNKNOWN
            except Exception as error:  # noqa: BLE001  # told, and the others are mended all the same
                self._failed(error, kept.difference_no)
                return DifferenceState.OPEN, UNKNOWN

    async def _asked(self, kept: Kept) -> RepairOutcome:
        """The channel says how the charge stands, and the order follows."""
        told = kept.difference
        order, seen = await self._followed(told.number)
        if seen.standing is ChannelState.UNKNOWN:
            return DifferenceState.OPEN, UNKNOWN
        if order.running:
            order = await self._driving.drive(order, _LEFT_S)
        charge = await self._books.known_charge(told.number)
        if told.kind is Kind.CHARGE_MISSING_THERE:
            collected = seen.standing in (ChannelState.CHARGED, ChannelState.RETURNED)
            return DifferenceState.OPEN, HAS_IT if collected else f"CHANNEL_SAYS_{seen.standing.name}"
        if told.kind is Kind.CHARGE_NUMBER:
            mended = charge.trade_no == told.there
        else:
            mended = charge.state in _GOES_BACK or order.phase in (Phase.PAID, Phase.RETURNING)
        return _done(mended, f"CHANNEL_SAYS_{seen.standing.name}")

    async def _followed(self, charge_no: str) -> tuple[PayOrder, Seen]:
        for _ in range(_ROUNDS):
            charge = await self._books.known_charge(charge_no)
            order, now = await self._books.known_order(charge.pay_ord_id), self._books.now()
            seen = await self._channels.look(charge)
            try:
                return await self._driving.seen(order, charge, seen, looked_at=now), seen
            except Stale:
                await asyncio.sleep(_TURN_S)
        raise refusals.still_changing(charge_no)

    async def _sent_again(self, kept: Kept) -> RepairOutcome:
        """The refund is looked for at the channel, and asked for where it knows nothing of it."""
        told = kept.difference
        refund = await self._books.refund(told.number)
        if refund is not None:
            order = await self._books.known_order(refund.pay_ord_id)
            charge = await self._books.known_charge(order.charge_no)
        else:
            found = await self._books.charge_of_return(told.number)
            if found is None:
                raise AssertionError("what is missing there is known here")
            charge = found
        seen = await self._channels.give_back(charge, told.number, told.here_fen, refund)
        there = seen.standing is RefundStanding.RETURNED
        return DifferenceState.OPEN, HAS_IT if there else f"CHANNEL_SAYS_{seen.standing.name}"

    async def _brought_on(self, kept: Kept) -> RepairOutcome:
        told = kept.difference
        order = await self._books.known_order(told.pay_ord_id)
        if order.running:
            order = await self._driving.drive(order, _LEFT_S)
        if told.kind is Kind.ORDER_BEHIND:
            return _done(order.phase is Phase.PAID, order.phase.value.upper())
        refund = await self._books.refund(told.number)
        if refund is not None:
            return _done(refund.state is RefundState.DONE, refund.state.value.upper())
        charge = await self._books.charge_of_return(told.number)
        return _done(charge is not None and charge.state is ChargeState.RETURNED, order.phase.value.upper())


def _done(mended: bool, note: str) -> RepairOutcome:
    return (DifferenceState.REPAIRED if mended else DifferenceState.OPEN), note
