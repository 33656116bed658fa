"""Small fakes for tests of orders: a settlement and a channel that keep books of their own, lose answers, refuse, and pay
late; and a member's operations on a real store, which may die between any two writes.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from services.kernel.errors import Fault, FaultKind, precondition
from services.kernel.requests import RequestStamp
from services.payment.domain.charges import About, ChannelState, Heard, Hearing, RefundSeen, RefundStanding, Seen
from services.payment.domain.opened import OpenedBill, Tried
from services.payment.domain.orders import Bill, Charge, PayOrder, Refund
from services.payment.domain.phases import Phase
from services.payment.domain.splits import Split
from services.payment.operations.books import Books, Write
from services.payment.operations.driving import Driving
from services.payment.operations.loop import OrderLoop
from services.payment.operations.paying import Paying, Planned
from services.payment.operations.ports import Secrets
from services.payment.operations.refunding import Refunding
from services.payment.operations.saving import Saving
from services.payment.store.unit import PaymentStore
from tests.payment.bill_fakes import FakeBills
from tests.payment.elsewhere_fakes import NOBODY

SPLIT = Split(total_fen=10_000, fund_fen=6_000, acct_fen=1_000, cash_fen=3_000)
BANK = Split(total_fen=10_000, fund_fen=6_000, acct_fen=1_000, cash_fen=3_000, bank_fen=800)
NO_CASH = Split(total_fen=10_000, fund_fen=9_000, acct_fen=1_000)

Meanwhile = Callable[[], Awaitable[None]]
"""What happens while a call is on its way."""


async def _nothing() -> None:
    return None


class Crash(Exception):
    """The process is gone: before or after it has written."""


class Dice:
    """Whether something goes wrong; nothing does once it is calm."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.calm = False

    def falls(self, share: float) -> bool:
        return not self.calm and self.chance.random() < share


@dataclass
class Ticking:
    """A clock that a test moves."""

    now: datetime = datetime(2026, 11, 30, 4, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class FakeSettlement:
    """Settlements in two phases by number: pending, stands, void, reversed. What is pending lapses."""

    clock: Ticking
    dice: Dice
    split: Split = SPLIT
    states: dict[str, str] = field(default_factory=dict)
    lapses: dict[str, datetime] = field(default_factory=dict)
    meanwhile: Meanwhile = field(default=_nothing)
    lapses_on_confirm: bool = False
    locked: bool = False
    away_for: dict[str, int] = field(default_factory=dict)

    async def tried(self, order: PayOrder) -> Tried:
        return Tried(self.split, "hash")

    async def open(self, order: PayOrder, expires_s: int, *, charged: bool) -> OpenedBill:
        await self._reached()
        if self.dice.falls(0.03):
            raise precondition("PSN_FROZEN")
        if self._of(order) in ("void", "lapsed"):
            raise precondition("ORDER_VOID", order_no=order.open_no)
        self.states[order.open_no] = "pending"
        self.lapses[order.open_no] = self.clock() + timedelta(seconds=expires_s)
        await self._reached()
        # Of two orders one is as of another cell, which is held by a call of its own.
        return OpenedBill(self.split, f"S-{order.open_no}", held=charged and len(self.states) % 2 == 0)

    async def hold(self, order: PayOrder, expires_s: int) -> None:
        await self._step(order, "pending")

    async def confirm(self, order: PayOrder) -> None:
        if (self.lapses_on_confirm or self.dice.falls(0.03)) and self._of(order) == "pending":
            self.states[order.open_no] = "lapsed"
        await self._step(order, "stands", "confirm")

    async def void(self, order: PayOrder) -> None:
        await self._reached("void")
        assert self._of(order) not in ("stands", "reversed"), "what stands is never made void"
        if self._of(order) != "lapsed":
            self.states[order.open_no] = "void"
        await self._reached()

    async def reverse(self, order: PayOrder, refund_no: str) -> str:
        await self._reached("reverse")
        if self._of(order) == "stands" and (self.locked or self.dice.falls(0.1)):
            raise precondition("SETTLEMENT_LOCKED")
        assert self._of(order) in ("stands", "reversed")
        self.states[order.open_no] = "reversed"
        await self._reached()
        return f"R-{refund_no}"

    async def _step(self, order: PayOrder, to: str, name: str = "") -> None:
        await self._reached(name)
        state = self._of(order)
        if state in ("void", "lapsed", "none"):
            raise precondition("ORDER_LAPSED" if state == "lapsed" else "ORDER_VOID", order_no=order.open_no)
        self.states[order.open_no] = to if state == "pending" else state
        await self._reached()

    def _of(self, order: PayOrder) -> str:
        state = self.states.get(order.open_no, "none")
        if state == "pending" and self.clock() >= self.lapses[order.open_no]:
            state = self.states[order.open_no] = "lapsed"
        return state

    async def _reached(self, step: str = "") -> None:
        await self.meanwhile()
        away = self.away_for.get(step, 0)
        if away:
            self.away_for[step] = away - 1
        if away or self.dice.falls(0.06):
            raise Fault(FaultKind.UNAVAILABLE, "SERVICE_UNAVAILABLE", retry_after_s=1.0)


@dataclass
class Booked:
    """A charge in the channel's own books."""

    charge_fen: int
    state: str = "waiting"
    paid_fen: int = 0
    returns: dict[str, int] = field(default_factory=dict)


@dataclass
class FakeChannel:
    """A channel by its own books. What is on the way may arrive up to 15 s late."""

    clock: Ticking
    dice: Dice
    booked: dict[str, Booked] = field(default_factory=dict)
    on_the_way: list[tuple[datetime, Charge]] = field(default_factory=list)
    wrong_fen: int = 0
    meanwhile: Meanwhile = field(default=_nothing)

    async def place(self, charge: Charge, secrets: Secrets) -> Seen:
        seen = self._placed(charge)
        await self.meanwhile()
        return seen

    def _placed(self, charge: Charge) -> Seen:
        if self.dice.falls(0.1):
            return Seen(ChannelState.UNKNOWN)
        if self.dice.falls(0.1):
            self.on_the_way.append((self.clock() + timedelta(seconds=self.dice.chance.randint(1, 15)), charge))
            return Seen(ChannelState.UNKNOWN)
        if self.dice.falls(0.05):
            return Seen(ChannelState.REFUSED, code="NO")
        self._book(charge)
        return self._told(charge.charge_no)

    async def look(self, charge: Charge) -> Seen:
        self._arrive()
        seen = self._told(charge.charge_no)
        await self.meanwhile()
        return seen

    async def close(self, charge: Charge) -> Seen:
        self._arrive()
        if self.dice.falls(0.1):
            return Seen(ChannelState.UNKNOWN)
        booked = self.booked.get(charge.charge_no)
        if booked is not None and booked.state == "waiting":
            booked.state = "closed"
        return self._told(charge.charge_no)

    async def give_back(self, charge: Charge, refund_no: str, cash_fen: int, refund: Refund | None) -> RefundSeen:
        assert cash_fen > 0, "nothing is not given back"
        await self.meanwhile()
        if self.dice.falls(0.1):
            return RefundSeen(RefundStanding.UNKNOWN)
        if self.dice.falls(0.03) and refund_no not in self.booked[charge.charge_no].returns:
            return RefundSeen(RefundStanding.ABNORMAL, code="CARD_CLOSED")
        self.booked[charge.charge_no].returns[refund_no] = cash_fen
        if self.dice.falls(0.1):
            return RefundSeen(RefundStanding.UNKNOWN)
        return RefundSeen(RefundStanding.RETURNED, cash_fen)

    async def tell_returned(self, charge: Charge, order: PayOrder, refund: Refund) -> Hearing:
        return Hearing(heard=not self.dice.falls(0.2))

    def tells(self, charge: Charge) -> bool:
        return charge.form != 1

    def hear(self, channel: str, delivery: Any) -> Heard:
        if not isinstance(delivery, Heard):
            raise precondition("NOTIFY_FORGED")
        return delivery

    def is_of(self, charge: Charge, channel: str, heard: Heard) -> bool:
        return charge.channel == channel and heard.merchant == ("", "")

    def person_pays(self, charge_no: str) -> None:
        """The person pays what waits, if it does."""
        self._arrive()
        booked = self.booked.get(charge_no)
        if booked is not None and booked.state == "waiting":
            booked.state, booked.paid_fen = "charged", booked.charge_fen + self.wrong_fen

    def notify(self, charge_no: str, event: str) -> Heard:
        """What the channel would send about a charge now."""
        self._arrive()
        return Heard(event, About.CHARGE, charge_no, charge=self._seen(charge_no), nonce=f"n{event}")

    def left_fen(self, charges: list[Charge]) -> int:
        """Collected and not returned, over some charges."""
        held = [self.booked[each.charge_no] for each in charges if each.charge_no in self.booked]
        return sum(each.paid_fen - sum(each.returns.values()) for each in held)

    def _arrive(self) -> None:
        for at, charge in [*self.on_the_way]:
            if at <= self.clock():
                self.on_the_way.remove((at, charge))
                self._book(charge)

    def _book(self, charge: Charge) -> None:
        self.booked.setdefault(charge.charge_no, Booked(charge.charge_fen))
        if self.dice.falls(0.4):
            self.person_pays(charge.charge_no)

    def _told(self, charge_no: str) -> Seen:
        return Seen(ChannelState.UNKNOWN) if self.dice.falls(0.15) else self._seen(charge_no)

    def _seen(self, charge_no: str) -> Seen:
        booked = self.booked.get(charge_no)
        if booked is None:
            return Seen(ChannelState.ABSENT)
        standing = {"waiting": ChannelState.WAITING, "closed": ChannelState.CLOSED, "charged": ChannelState.CHARGED}[
            booked.state
        ]
        return Seen(standing, charged_fen=booked.paid_fen, trade_no=f"T{charge_no}")


class House:
    """Payment's operations on a store, with fakes around them. `submit` may crash before or after it has written."""

    def __init__(self, store: PaymentStore, clock: Ticking, dice: Dice, mark: str) -> None:
        self.clock, self.dice, self.mark, self.store = clock, dice, mark, store
        self.settlement, self.channel = FakeSettlement(clock, dice), FakeChannel(clock, dice)
        self.books = Books(store, clock)
        self._submit = self.books.submit
        self.books.submit = self._may_crash
        self.crashes = 0.0
        self.failed: list[tuple[str, BaseException]] = []
        self._number = 0
        self._meanwhile = False
        self.order_no = ""
        self.walked: set[tuple[Phase, Phase]] = set()
        self._phase = Phase.TRIED
        self.settlement.meanwhile = self.channel.meanwhile = self.meanwhile
        bills = self.bills = FakeBills()
        driving = Driving(self.books, self.settlement, bills, self.channel)
        self.driving = driving
        self.saving = Saving(self.books, driving, self.settlement, bills, self.number, lambda: b"key", *NOBODY)
        self.paying = Paying(self.books, driving, self.settlement, self.channel, lambda: self.number("C"))
        self.refunding = Refunding(self.books, driving, lambda: self.number("F"))
        self.loop = OrderLoop(self.books, driving, _no_span, lambda error, of: self.failed.append((of, error)))

    async def meanwhile(self) -> None:
        """Sometimes others are at the same order while a call is on its way."""
        if self._meanwhile or not self.order_no or not self.dice.falls(0.12):
            return
        self._meanwhile = True
        order = await self.books.order(self.order_no)
        assert order is not None
        match self.dice.chance.choice(("round", "hears", "revoke", "pays")):
            case "round":
                self.clock.on(31)
                await self.tries(self.round)
            case "hears":
                heard = self.channel.notify(order.charge_no, self.number("e"))
                await self.tries(lambda: self.paying.hear("fake", heard))
            case "revoke":
                await self.tries(lambda: self.saving.revoke(self.stamp(), order, 0.1))
            case _:
                self.channel.person_pays(order.charge_no)
        self._meanwhile = False

    def number(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}{self.mark}-{self._number}"

    def stamp(self) -> RequestStamp:
        number = self.number("r")
        return RequestStamp("test", number, "Pay", number)

    async def tried(self, split: Split = SPLIT) -> PayOrder:
        """An order that is tried, in the store."""
        bill = Bill("P1", "310", "M1", "B1", 11, "11", "01", 1, split.total_fen, stay=False)
        number, now = self.number("O"), self.books.now()
        order = PayOrder(
            *(number, "H11010000001", number, "digest", 1, "01", "110100", bill, False, Phase.TRIED, now, now, now),
            split=split,
        )
        self.settlement.split = split
        with self.without_crashes():
            await self.books.keep(Write(order))
        self.order_no = number
        return order

    def plan(self, order: PayOrder, split: Split) -> Planned:
        """All the cash, by one code."""
        return Planned("fake", 1, split.charged_fen, 900, Secrets(), lambda *_: b"message")

    async def now(self, order: PayOrder) -> PayOrder:
        found = await self.books.order(order.pay_ord_id)
        assert found is not None
        return found

    async def rests(self, order: PayOrder, rounds: int = 60) -> PayOrder:
        """The order once nobody can bring it on any more: everybody answers from now on."""
        self.dice.calm, self.crashes = True, 0.0
        for _ in range(rounds):
            self.clock.on(31)
            await self.round()
            if not (await self.now(order)).running and not await self.books.strays(64):
                break
            self.clock.on(30)
        return await self.now(order)

    async def round(self) -> None:
        """One look of the loop, one order after the other."""
        for order in await self.books.take(64):
            await self.loop.take_up(order)
        for charge in await self.books.strays(64):
            await self.loop.give_back(charge)

    async def tries(self, work: Callable[[], Awaitable[object]]) -> object:
        """Does it; refusals and crashes are ways to end, nothing else is."""
        with suppress(Fault, Crash):
            return await work()
        return None

    async def charges(self, order: PayOrder) -> list[Charge]:
        numbers = [f"C{self.mark}-{each}" for each in range(self._number + 1)]
        async with self.store.read() as work:
            found = (await work.money.charges(numbers)).values()
        return [each for each in found if each.pay_ord_id == order.pay_ord_id]

    @contextmanager
    def without_crashes(self) -> Iterator[None]:
        before, self.crashes = self.crashes, 0.0
        yield
        self.crashes = before

    async def _may_crash(self, write: Write) -> bool:
        if self.dice.falls(self.crashes):
            raise Crash
        kept = await self._submit(write)
        if kept and write.order is not None:
            self.walked.add((self._phase, write.order.phase))
            self._phase = write.order.phase
        if self.dice.falls(self.crashes):
            raise Crash
        return kept


@contextmanager
def _no_span(number: str, traceparent: str) -> Iterator[None]:
    yield
