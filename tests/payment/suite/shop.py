"""A shop of one channel: payment's own operations and adapter on a store of their own, the channel's twin beside them, and a
clock that a test moves for both. Settlement is a fake that keeps its own books.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

from services.kernel.authorisations import digest_of
from services.kernel.errors import Fault
from services.payment.channels.desk import Accounts, ChannelDesk
from services.payment.channels.protocol import Channel, Delivery
from services.payment.channels.record import Record
from services.payment.domain.accounts import Account
from services.payment.domain.charges import Seen
from services.payment.domain.orders import Bill, Charge, ChargeState, PayOrder, Refund, RefundKind
from services.payment.domain.phases import Phase
from services.payment.domain.profiles import Profile
from services.payment.domain.splits import Split
from services.payment.domain.terms import Switch
from services.payment.loader import Merchants
from services.payment.operations.books import Books, Write
from services.payment.operations.driving import Driving
from services.payment.operations.loop import OrderLoop
from services.payment.operations.paying import Paying
from services.payment.operations.ports import Secrets
from services.payment.operations.refunding import Refunding
from services.payment.operations.saving import Saving
from services.payment.servicer.notifies import NotifyServicer
from services.payment.servicer.pay_orders import PayOrderServicer
from services.payment.servicer.unhurried import Unhurried
from services.payment.wiring import Lines, channels_of
from services.runtime.call import CallContext, Caller, Role, use_call
from tests.payment.bill_fakes import FakeBills
from tests.payment.elsewhere_fakes import NoneElsewhere, any_institution
from tests.payment.order_fakes import Crash, Dice, FakeSettlement
from tests.payment.suite.party import INSTITUTION, MIXED, Party
from tests.payment.suite.stage import Stage
from yibao.payment.v1 import channel_pb2, notify_pb2, pay_order_pb2

FUND, ACCT, CASH = 4_000, 1_000, 3_000
REST_S: Final = 60
"""After which an order is at rest once every party answers."""
_MOST_STEPS: Final = 400
_NUMBERS: Final = count(1)
_KINDS: Final = {
    "wechat": channel_pb2.CHANNEL_KIND_WECHAT,
    "alipay": channel_pb2.CHANNEL_KIND_ALIPAY,
    "bank": channel_pb2.CHANNEL_KIND_BANK,
    "cash": channel_pb2.CHANNEL_KIND_CASH,
    "national": channel_pb2.CHANNEL_KIND_NATIONAL_APP,
}


@dataclass
class ShopClock:
    """The machine's time, and how much a test has moved it."""

    stage: Stage
    off: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.stage.offset_s) + self.off


class WatchedDesk(ChannelDesk):
    """The desk of all channels, told of each call; `answered` runs before a charge's answer is known here."""

    calls: list[str]
    answered: Callable[[Charge], Awaitable[None]] | None = None

    async def place(self, charge: Charge, secrets: Secrets) -> Seen:
        """Counts it."""
        self.calls.append("place")
        seen = await super().place(charge, secrets)
        if self.answered is not None:
            await self.answered(charge)
        return seen

    async def look(self, charge: Charge) -> Seen:
        """Counts it."""
        self.calls.append("look")
        return await super().look(charge)

    async def close(self, charge: Charge) -> Seen:
        """Counts it."""
        self.calls.append("close")
        return await super().close(charge)

    async def give_back(self, charge: Charge, refund_no: str, cash_fen: int, refund: Refund | None) -> Any:
        """Counts it."""
        self.calls.append("give_back")
        return await super().give_back(charge, refund_no, cash_fen, refund)


class Dies:
    """Lets the process die before or after it has written an order in a phase."""

    def __init__(self, books: Books) -> None:
        self._submit, books.submit = books.submit, self
        self.before: Phase | None = None
        self.after: Phase | None = None

    async def __call__(self, write: Write) -> bool:
        """Writes, or dies."""
        phase = write.order.phase if write.order is not None else None
        if phase is not None and phase is self.before:
            raise Crash
        kept = await self._submit(write)
        if kept and phase is not None and phase is self.after:
            raise Crash
        return kept


@dataclass
class Shop:
    """One order's world. `begin` makes the operations anew, as a process that was started again."""

    stage: Stage
    party: Party
    clock: ShopClock
    settlement: FakeSettlement
    account: Account | None
    closed: list[Switch] = field(default_factory=list)
    lost: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, BaseException]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.number = next(_NUMBERS)
        self._made = count(1)
        self.order_no = ""
        self.begin()

    def begin(self, account: Account | None = None, off_s: float = 0.0) -> None:
        """The process, started anew; with an account that knows other keys, or with a clock that is off."""
        self.account = account or self.account
        self.clock.off = timedelta(seconds=off_s)
        accounts = () if self.account is None else (self.account,)
        self.adapters: Sequence[Channel] = channels_of(Merchants(accounts), Lines(**self.stage.lines(self.clock)))
        self.books = Books(self.stage.store, self.clock)
        record = Record(self.books.note, self.books.now)
        self.stage.recorded = record.told
        self.desk = WatchedDesk(self.adapters, Accounts(accounts), lambda *told: self.lost.append(told), record.about)
        self.desk.calls = []
        self.dies = Dies(self.books)
        driving = Driving(self.books, self.settlement, FakeBills(), self.desk)
        self.saving = Saving(
            *(self.books, driving, self.settlement, FakeBills(), self.fresh, lambda: b"key"),
            *(NoneElsewhere(), self.desk.balance, any_institution),
        )
        self.paying = Paying(self.books, driving, self.settlement, self.desk, lambda: self.fresh("C"))
        self.refunding = Refunding(self.books, driving, lambda: self.fresh("F"))
        self.loop = OrderLoop(self.books, driving, _no_span, lambda error, of: self.failed.append((of, error)))
        self.servicer = PayOrderServicer(
            *(self.books, self.saving, self.paying, self.refunding, self.desk.plan, self.closed),
            *(lambda: b"key", Unhurried(), _unnamed),
        )
        self.notifies = NotifyServicer(self.paying, self.loop, Delivery)
        self.stage.agreed = self.paying.agreed

    @property
    def channel(self) -> Channel:
        """The adapter of this shop's channel."""
        return next(each for each in self.adapters if each.terms.name == self.party.name)

    @property
    def form(self) -> channel_pb2.PayForm.ValueType:
        """How it is paid."""
        return self.party.form

    def fresh(self, prefix: str) -> str:
        """A number that nobody has."""
        return f"{prefix}{self.stage.mark}X{self.number}X{next(self._made)}"

    def call(self) -> CallContext:
        """An institution's call that begins now."""
        return CallContext(Caller(Role.INSTITUTION, INSTITUTION), "/payment/Pay", None, None, self.clock())

    async def tried(self, cash: int = CASH, fund: int = FUND, acct: int = ACCT) -> PayOrder:
        """An order that was tried, and the authorisation that it was placed under."""
        split = Split(total_fen=fund + acct + cash, fund_fen=fund, acct_fen=acct, cash_fen=cash)
        number, now = self.fresh("O"), self.books.now()
        bill = Bill("P1", "310", "M1", "B1", 11, "11", "01", 1, split.total_fen, stay=False)
        order = PayOrder(
            *(number, INSTITUTION, f"H{self.number}X{now % 10**9}", "digest", 1, "01", "110100", bill, False),
            *(Phase.TRIED, now, now, now),
            split=split,
            auth=digest_of(f"AUTH{number}"),
        )
        self.settlement.split, self.order_no = split, number
        await self.books.keep(Write(order))
        return order

    async def pay(self, request_id: str = "", **changed: Any) -> str:
        """Pays the order by this channel; "" or the reason of the refusal."""
        number = self.order_no
        data = pay_order_pb2.Payment(
            pay_ord_id=number,
            pay_token=self.saving.token_of(number),
            channel=_KINDS[self.party.name],
            pay_form=self.form,
            **self.party.how(f"{self.stage.mark}{request_id}" if request_id else self.fresh("code")),
        )
        if self.form == MIXED:
            data.pay_auth_no, data.location = f"AUTH{number}", "102.682296,25.054260"
            data.payer.CopyFrom(channel_pb2.Payer(name="试验甲", cert_no="990101189902300016", cert_type="01"))
        for name, value in changed.items():
            data.ClearField(name)  # type: ignore[arg-type]  # a name of the message, of each case's own choosing
            data.MergeFrom(pay_order_pb2.Payment(**{name: value}))
        desk = pay_order_pb2.Desk(fixmedins_code=INSTITUTION)
        request = pay_order_pb2.PayRequest(request_id=request_id or self.fresh("r"), desk=desk, data=data)
        return await self._said(lambda: self.servicer.Pay(request, None))

    async def revoke(self) -> str:
        """6401."""
        data = pay_order_pb2.OrderRevocation(
            pay_ord_id=self.order_no, pay_token=self.saving.token_of(self.order_no), org_codg=INSTITUTION
        )
        desk = pay_order_pb2.Desk(fixmedins_code=INSTITUTION)
        request = pay_order_pb2.RevokeOrderRequest(request_id=self.fresh("r"), desk=desk, data=data)
        return await self._said(lambda: self.servicer.RevokeOrder(request, None))

    async def refund(self, kind: RefundKind, cash: int = 0, number: str = "A1", **parts: int) -> str:
        """6203: all of it, the insured part, or some cash."""
        split = (await self.now()).split
        assert split is not None
        insured = kind is not RefundKind.CASH
        told = {"psn_acct_refd_amt_fen": split.acct_fen, "fund_refd_amt_fen": split.fund_fen} if insured else {}
        sums: dict[str, Any] = told | {"cash_refd_amt_fen": cash} | parts
        data = pay_order_pb2.OrderRefund(
            pay_ord_id=self.order_no,
            app_refd_sn=number,
            app_refd_time="20261130120000",
            refd_type=kind.value,
            totl_refd_amt_fen=sum(sums.values()),
            **sums,
        )
        desk = pay_order_pb2.Desk(fixmedins_code=INSTITUTION)
        request = pay_order_pb2.RefundOrderRequest(request_id=self.fresh("r"), desk=desk, data=data)
        return await self._said(lambda: self.servicer.RefundOrder(request, None))

    async def _said(self, work: Callable[[], Awaitable[object]]) -> str:
        with use_call(self.call()):
            try:
                await work()
            except Fault as fault:
                return fault.reason
            except Crash:
                return "CRASH"
        return ""

    async def hears(self, delivery: Delivery) -> tuple[str, bytes]:
        """A notify comes to payment's door: the reason of a refusal or "", and the answer's body."""
        request = notify_pb2.HearRequest(
            door_name=self.party.name, query=delivery.query, headers=dict(delivery.headers), body=delivery.body
        )
        try:
            answer = await self.notifies.Hear(request, None)
        except Fault as fault:
            return fault.reason, b""
        await self.quiet()
        return "", answer.body

    async def quiet(self) -> None:
        """What was begun without anybody's waiting has come to an end."""
        # `wait` always gives the loop a turn, in which a task that has ended is taken out; awaiting that task would give none.
        while self.loop._under_way:
            done, _ = await asyncio.wait(self.loop._under_way.values())
            for task in done:
                task.result()

    async def now(self) -> PayOrder:
        """The order as it stands."""
        found = await self.books.order(self.order_no)
        assert found is not None
        return found

    async def charge(self) -> Charge:
        """Its last charge."""
        found = await self.books.charge((await self.now()).charge_no)
        assert found is not None
        return found

    async def person_pays(self, **given: object) -> None:
        """The person pays what waits."""
        await self.party.pays((await self.now()).charge_no, **given)

    async def kept_fen(self) -> int:
        """What the channel has of the order's last charge, by its own books."""
        return await self.party.kept_fen((await self.now()).charge_no)

    def on(self, seconds: float) -> None:
        """Time passes, here and there."""
        self.stage.on(seconds)

    async def round(self) -> None:
        """One look of the loop, whose work is waited for."""
        await self.loop.look()
        await self.quiet()

    async def passes(self, seconds: float) -> None:
        """Time passes while the loop looks, whenever there is something to look at."""
        while seconds > 0:
            wait_s = await self._next_s()
            self.on(min(seconds, seconds if wait_s is None else wait_s))
            seconds -= seconds if wait_s is None else wait_s
            await self.round()

    async def at_rest(self, limit_s: float = REST_S) -> PayOrder:
        """The order once nothing moves it any more, from when on every party answers; not later than that."""
        passed = 0.0
        for _ in range(_MOST_STEPS):
            wait_s = await self._next_s()
            if wait_s is None:
                assert passed <= limit_s, f"at rest after {passed:.0f} s"
                return await self.now()
            passed += wait_s
            self.on(wait_s)
            await self.round()
        raise AssertionError(f"it never rests: {await self.now()}")

    async def _next_s(self) -> float | None:
        """Seconds until something is due; None where all is at rest."""
        order, strays = await self.now(), await self._strays()
        due = [each.due_at for each in strays] + ([order.due_at] if order.running else [])
        return max(0.05, (min(due) - self.books.now()) / 1_000_000) if due else None

    async def ended(self, phase: Phase, limit_s: float = REST_S) -> PayOrder:
        """The order at rest in that phase, with books that agree."""
        order = await self.at_rest(limit_s)
        assert order.phase is phase, f"{order.phase.value} ({order.reason} {order.channel_code}), {self.lost[-3:]}"
        await self.agree()
        return order

    async def agree(self) -> None:
        """What payment says of money is what settlement and the channel say, to the fen."""
        order = await self.now()
        states = [state for number, state in self.settlement.states.items() if number.startswith(order.pay_ord_id)]
        stands = order.phase is Phase.PAID and not order.insured_returned
        assert states.count("stands") == stands, (order.phase, states)
        if order.phase is Phase.HELD:
            assert order.reason
            return
        kept = order.charged_fen - order.refunded_fen if order.phase is Phase.PAID else 0
        if self.account is not None:
            charges = await self.charges()
            assert [await self.party.kept_fen(each.charge_no) for each in charges] == [
                kept if each.charge_no == order.charge_no else 0 for each in charges
            ]
        for refund in await self.books.refunds(order.pay_ord_id):
            assert refund.state.value in ("done", "refused"), refund

    @staticmethod
    def merchant_of(charge: Charge) -> channel_pb2.Merchant:
        """Through whose contract it went."""
        return channel_pb2.ChannelCharge.FromString(charge.message).merchant

    async def charges(self) -> list[Charge]:
        """All charges of the order."""
        numbers = [f"C{self.stage.mark}X{self.number}X{each}" for each in range(1, next(self._made))]
        async with self.stage.store.read() as work:
            found = (await work.money.charges(numbers)).values()
        return [each for each in found if each.pay_ord_id == self.order_no]

    async def _strays(self) -> list[Charge]:
        return [each for each in await self.charges() if each.state is ChargeState.RETURNING]


@contextmanager
def _no_span(number: str, traceparent: str) -> Iterator[None]:
    yield


def opened(stage: Stage) -> Shop:
    """A shop on a stage that is set."""
    dice = Dice(0)
    dice.calm = True
    clock = ShopClock(stage)
    account = None if stage.door is None else stage.party.account(stage.notify_url(), stage.serial())
    return Shop(stage, stage.party, clock, FakeSettlement(clock, dice), account)  # type: ignore[arg-type]  # a clock too


async def _unnamed(fixmedins_code: str) -> Profile:
    return Profile(knows_17=True)
