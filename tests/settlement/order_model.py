"""Random lines of events on a few persons' books, against a small model: what stands, what is pending, what each step is told.

The model knows no money: that is compared with persons whose bills were settled plainly, in the order in which they stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from services.kernel.errors import Fault
from services.settlement.domain.books.bill_request import BillRequest
from tests.settlement.ordering import confirm, lift_own, open_bill, renew, void
from tests.settlement.world import Still, World
from yibao.settlement.v1 import settlement_pb2

BALANCE, CURRENT = 400_000, 150_000
VERBS = ("open", "open", "open", "settle", "settle", "confirm", "confirm", "void", "renew", "lift", "reverse", "wait")


@dataclass(slots=True)
class Known:
    """An order as the model knows it."""

    psn_no: str
    amount: int
    phase: str
    lapses_at: int
    charged: bool = False


@dataclass(slots=True)
class Standing:
    """A bill that stands, as it was answered."""

    amount: int
    answer: settlement_pb2.SettleResponse


@dataclass
class Model:
    """Plays and foresees; what the world says otherwise is an assertion."""

    world: World
    random: Random
    persons: int = 3
    standing: dict[str, list[Standing]] = field(default_factory=dict)
    orders: dict[str, Known] = field(default_factory=dict)
    answers: dict[str, settlement_pb2.SettleResponse] = field(default_factory=dict)
    serial: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    async def begin(self) -> None:
        """People with money."""
        for number in range(self.persons):
            psn_no = self.world.person(f"P{number}")
            await self.world.open_ledger(psn_no, balance=BALANCE, current=CURRENT)
            self.standing[psn_no] = []

    async def play(self, steps: int) -> None:
        """So many events."""
        for _ in range(steps):
            verb = self.random.choice(VERBS)
            match verb:
                case "open" | "settle":
                    await self._bill(opened=verb == "open")
                case "reverse":
                    await self._reverse()
                case "wait":
                    self._clock.at += timedelta(seconds=self.random.choice((1, 5, 20, 40)))
                case _:
                    await self._step(verb)

    async def check(self) -> None:
        """Books and answers are those of persons whose standing bills were settled plainly, and the ledger holds together."""
        unmet = [number for number, known in self.orders.items() if known.phase in ("pending", "lapsed")]
        await self.world.orders.lapse(unmet)
        for psn_no, bills in self.standing.items():
            pending = self._pending(psn_no)
            amounts = [each.amount for each in bills] + ([] if pending is None else [pending[1].amount])
            told = [each.answer for each in bills] + ([] if pending is None else [self.answers[pending[0]]])
            self.serial += 1
            twin = self.world.person(f"T{self.serial}")
            await self.world.open_ledger(twin, balance=BALANCE, current=CURRENT)
            plain = [await self.world.settle(await self._order(twin, amount)) for amount in amounts]
            assert [_sums(each) for each in told] == [_sums(each) for each in plain]
            assert await self.world.accumulators(psn_no) == await self.world.accumulators(twin)
            assert await self.world.balance(psn_no) == await self.world.balance(twin)
        assert await self.world.findings() == ()

    @property
    def _clock(self) -> Still:
        assert isinstance(self.world.clock, Still)
        return self.world.clock

    @property
    def _now(self) -> int:
        return int(self._clock.at.timestamp())

    def _pending(self, psn_no: str) -> tuple[str, Known] | None:
        for order_no, known in self.orders.items():
            if known.psn_no == psn_no and known.phase == "pending":
                if known.lapses_at > self._now:
                    return order_no, known
                known.phase = "lapsed"
        return None

    async def _order(self, psn_no: str, amount: int) -> BillRequest:
        self.serial += 1
        mdtrt_id = await self.world.visit_with_fees(psn_no, amount, presel=amount // 10)
        total = amount + amount // 10
        return self.world.order(psn_no, mdtrt_id, total, f"2207:{self.serial}", use_own=amount != 90_000)

    async def _bill(self, *, opened: bool) -> None:
        psn_no = f"P{self.random.randrange(self.persons)}"
        amount = self.random.choice((700, 30_001, 90_000, 230_000))
        bill = await self._order(psn_no, amount)
        expected = "ORDER_PENDING" if self._pending(psn_no) else ""
        order_no, expires = f"O{self.serial}", self.random.choice((10, 30, 90))
        try:
            if opened:
                made = await open_bill(self.world, bill, order_no, expires=expires)
                answer = settlement_pb2.SettleResponse.FromString(made.response)
                self.orders[order_no] = Known(psn_no, amount, "pending", self._now + expires)
                self.answers[order_no] = answer
            else:
                answer = await self.world.settle(bill)
                self.standing[psn_no].append(Standing(amount, answer))
        except Fault as fault:
            self._told(fault, expected)
        else:
            assert expected == ""

    async def _step(self, verb: str) -> None:
        if not self.orders:
            return
        order_no = self.random.choice(list(self.orders)[-4:])
        known = self.orders[order_no]
        self._pending(known.psn_no)
        charged = self.random.random() < 0.3
        acts = {
            "confirm": lambda: confirm(self.world, order_no),
            "void": lambda: void(self.world, order_no),
            "renew": lambda: renew(self.world, order_no, 30, charged=charged),
            "lift": lambda: lift_own(self.world, order_no, known.psn_no),
        }
        expected = _foreseen(verb, known)
        try:
            await acts[verb]()
        except Fault as fault:
            self._told(fault, expected)
            return
        assert expected == ""
        if known.phase == "pending":
            self._happened(verb, order_no, known, charged=charged)

    def _happened(self, verb: str, order_no: str, known: Known, *, charged: bool) -> None:
        if verb == "renew":
            known.lapses_at = max(known.lapses_at, self._now + 30)
            known.charged = known.charged or charged
        elif verb == "confirm":
            known.phase = "confirmed"
            self.standing[known.psn_no].append(Standing(known.amount, self.answers[order_no]))
        else:
            known.phase = "void"

    async def _reverse(self) -> None:
        psn_no = f"P{self.random.randrange(self.persons)}"
        bills = self.standing[psn_no]
        if not bills:
            return
        place = self.random.choice((len(bills) - 1, self.random.randrange(len(bills))))
        expected = "LATER_SETTLEMENT_EXISTS" if place < len(bills) - 1 else ""
        expected = "ORDER_PENDING" if self._pending(psn_no) else expected
        self.serial += 1
        try:
            await self.world.reverse(bills[place].answer, f"2208:{self.serial}")
        except Fault as fault:
            self._told(fault, expected)
        else:
            assert expected == ""
            del bills[place]

    def _told(self, fault: Fault, expected: str) -> None:
        assert fault.reason == expected
        self.refused[expected] = self.refused.get(expected, 0) + 1


def _foreseen(verb: str, known: Known) -> str:
    """What a step of an order is told by its phase; empty where it is taken."""
    if known.phase == "confirmed":
        return "" if verb == "confirm" else "ORDER_CONFIRMED"
    if known.phase == "pending":
        return "ORDER_CHARGED" if verb == "lift" and known.charged else ""
    if verb in ("void", "lift"):
        return ""
    return "ORDER_LAPSED" if known.phase == "lapsed" else "ORDER_VOID"


def _sums(answer: settlement_pb2.SettleResponse) -> dict[str, int]:
    info = answer.setlinfo
    return {each.name: getattr(info, each.name) for each in info.DESCRIPTOR.fields if each.name.endswith("_fen")}
