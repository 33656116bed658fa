"""Random days at the WeChat channel: whatever is lost on the way, what the adapter believes, the twin's books and the day's bill
are equal to the fen, and nobody pays twice.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

import pytest

from services.payment.channels.protocol import Lost
from services.payment.domain.charges import BillKind, ChannelState, Half, RefundStanding, Seen
from tests.payment.wechat_counter import APP, CODE, MIXED, NATIVE, Counter, counter
from yibao.payment.v1 import channel_pb2

T = TypeVar("T")
ORDERS = 14
MOST_TRIES = 30
FAULTS = ("TIMEOUT_BEFORE", "TIMEOUT_AFTER", "UNAVAILABLE")
OPEN = (ChannelState.WAITING, ChannelState.UNKNOWN)
DONE = (RefundStanding.RETURNED, RefundStanding.REFUSED, RefundStanding.ABNORMAL)


@dataclass
class Day:
    """One day of one merchant: what a caller of the adapter has learned, in fen."""

    desk: Counter
    chance: random.Random
    charged: dict[str, int] = field(default_factory=dict)
    returned: dict[str, int] = field(default_factory=dict)

    async def sure(self, call: Callable[[], Awaitable[T]]) -> T:
        """An answer, asked for until there is one; each time something may get lost."""
        for _ in range(MOST_TRIES):
            if self.chance.random() < 0.35:
                await self.desk.desk.door("faults", fault=self.chance.choice(FAULTS))
            try:
                return await call()
            except Lost:
                continue
        raise AssertionError("the provider never answered")

    async def placed(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """Placed once; after a lost answer looked for, and placed again only where it is unknown."""
        tried = False

        async def step() -> Seen:
            nonlocal tried
            seen = await self.desk.channel.look(charge) if tried else Seen(ChannelState.ABSENT)
            tried = True
            return await self.desk.channel.place(charge) if seen.standing is ChannelState.ABSENT else seen

        return await self.sure(step)

    async def order(self) -> None:
        """One order from its beginning to its rest."""
        form = self.chance.choice((MIXED, MIXED, NATIVE, APP, CODE))
        charge = self.desk.charge(form, cash=self.chance.randrange(100, 9_000))
        seen = await self.placed(charge)
        if seen.standing is ChannelState.WAITING and self.chance.random() < 0.7:
            await self.desk.pays(charge, deny=self.chance.random() < 0.2)
        seen = await self.sure(lambda: self.desk.channel.look(charge))
        if seen.standing in OPEN or self.chance.random() < 0.1:
            seen = await self.sure(lambda: self.desk.channel.close(charge))
        assert seen.standing in (ChannelState.CHARGED, ChannelState.CLOSED, ChannelState.REFUSED, ChannelState.RETURNED)
        if seen.standing is ChannelState.CHARGED:
            assert seen.charged_fen == charge.charge_fen
            assert seen.half in (Half.DONE, Half.NONE, Half.UNKNOWN)
            self.charged[charge.charge_no] = seen.charged_fen
            await self.refunds(charge)

    async def refunds(self, charge: channel_pb2.ChannelCharge) -> None:
        """Some refunds of it, of which the later ones may be too much."""
        left = charge.charge_fen
        for _ in range(self.chance.choice((0, 0, 1, 2))):
            refund = self.desk.refund(charge, self.chance.randrange(1, charge.charge_fen + 1))

            async def step(refund: channel_pb2.ChannelRefund = refund) -> RefundStanding:
                seen = await self.desk.channel.look_refund(refund)
                if seen.standing is RefundStanding.ABSENT:
                    seen = await self.desk.channel.refund(refund)
                return seen.standing

            standing = await self.sure(step)
            while standing not in DONE:
                standing = await self.sure(step)
            assert (standing is RefundStanding.RETURNED) is (refund.refund_fen <= left)
            if standing is RefundStanding.RETURNED:
                left -= refund.refund_fen
                self.returned[refund.refund_no] = refund.refund_fen


@pytest.mark.parametrize("seed", [7])
async def test_on_a_random_day_adapter_twin_and_bill_are_equal_to_the_fen(seed: int) -> None:
    await _day(seed, ORDERS)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(100, 160))
async def test_on_many_random_days_adapter_twin_and_bill_are_equal_to_the_fen(seed: int) -> None:
    await _day(seed, 3 * ORDERS)


async def _day(seed: int, orders: int) -> None:
    async with counter(time_scale=0.0) as desk:
        day = Day(desk, random.Random(seed))
        for _ in range(orders):
            await day.order()
        await desk.desk.client.delete("/_twin/faults")
        for number, fen in day.charged.items():
            standing = await desk.desk.door("order", out_trade_no=number)
            assert standing["trade_state"] in ("SUCCESS", "REFUND"), (number, fen, standing)
        booked = await desk.channel.bill(desk.merchant(), date.fromisoformat(await desk.desk.tomorrow()))
        charges = {line.number: line.amount_fen for line in booked if line.kind is BillKind.CHARGE}
        refunds = {line.number: line.amount_fen for line in booked if line.kind is BillKind.REFUND}
        reversed_codes = {number: fen for number, fen in refunds.items() if number in charges}
        assert {number: fen for number, fen in charges.items() if number not in reversed_codes} == day.charged
        assert {number: fen for number, fen in refunds.items() if number not in reversed_codes} == day.returned
