"""A day's money in four books that agree, and differences that are planted in them: what a reconciliation has to find, and
nothing else. Books are those of payment's store; bills and settlements are told by fakes here, or by twins who are given the
same lines.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Final

from services.kernel.clock import beijing_day, day_start, from_micros, to_micros
from services.payment.domain.charges import BillKind, BillLine, ChannelState
from services.payment.domain.compared import ComparedSettlement, Statement
from services.payment.domain.differences import Kind
from services.payment.domain.orders import (
    SECOND,
    Bill,
    Charge,
    ChargeState,
    PayOrder,
    Refund,
    RefundKind,
    RefundState,
)
from services.payment.domain.phases import Phase
from services.payment.domain.splits import Split
from services.payment.operations.ports import BilledAccount
from services.payment.store.unit import PaymentStore

DAY: Final = date(2026, 11, 28)
HOSPITALS: Final = ("H99010000001", "H99010000002")
ACCOUNTS: Final = {
    ("wechat", "1900099901"): frozenset({HOSPITALS[0]}),
    ("wechat", "1900099902"): frozenset({HOSPITALS[1]}),
    ("alipay", "2021000000000001"): frozenset(HOSPITALS),
    ("bank", "900000000000001"): frozenset({HOSPITALS[0]}),
}
"""Two of WeChat's, one that two hospitals share, and one of a bank."""
Accounts = Mapping[tuple[str, str], frozenset[str]]
_MESSAGE: Final = b""


@dataclass
class Deal:
    """One order with all that four books say of it."""

    order: PayOrder
    charge: Charge
    refunds: list[Refund]
    account: tuple[str, str]
    lines: list[BillLine]
    settled: ComparedSettlement | None
    late: bool = False
    """Its charge was begun so near midnight that the next day's reconciliation judges it."""


@dataclass
class Days:
    """Deals of some days. `planted` are keys of kind and number."""

    dice: random.Random
    accounts: Accounts = field(default_factory=lambda: ACCOUNTS)
    deals: list[Deal] = field(default_factory=list)
    alone: list[tuple[tuple[str, str], BillLine]] = field(default_factory=list)
    stray: list[ComparedSettlement] = field(default_factory=list)
    planted: dict[tuple[Kind, str], Deal | None] = field(default_factory=dict)
    number: int = 0

    def next(self, prefix: str) -> str:
        self.number += 1
        return f"{prefix}{self.number:011}"

    def bill(self, account: tuple[str, str], day: date) -> list[BillLine]:
        """Lines of an account and day, in the order in which a provider tells them: by kind, as they come."""
        dealt = [(each.account, line) for each in self.deals for line in each.lines]
        return [line for of, line in (*dealt, *self.alone) if of == account and line.day == day]

    def settlements(self) -> list[ComparedSettlement]:
        return [*(each.settled for each in self.deals if each.settled is not None), *self.stray]


def agreeing(count: int, seed: int, day: date = DAY, accounts: Accounts = ACCOUNTS) -> Days:
    """So many deals of a day whose books agree: paid, without cash, given back in part and whole, undone, come too late; some
    in the minutes around both midnights.
    """
    days = Days(random.Random(seed), accounts)
    begins = to_micros(day_start(day))
    for _ in range(count):
        at = begins + days.dice.randrange(0, 86_400) * SECOND
        if days.dice.random() < 0.02:
            at = begins + days.dice.choice((0, 86_400)) * SECOND + days.dice.randrange(-1200, 1200) * SECOND
        days.deals.append(_deal(days, at, days.dice.random()))
    return days


def _deal(days: Days, at: int, fate: float) -> Deal:
    dice, pay_ord_id, charge_no = days.dice, days.next("ORD"), days.next("C")
    account = dice.choice([*days.accounts])
    hospital = dice.choice(sorted(days.accounts[account]))
    cash = 0 if fate < 0.05 else dice.randrange(100, 90_000)
    fund, acct = dice.randrange(0, 90_000), dice.randrange(0, 9_000)
    split = Split(fund + acct + cash, fund_fen=fund, acct_fen=acct, cash_fen=cash)
    paid = at + dice.randrange(5, 900) * SECOND
    bill = Bill("P1", "310", "M1", "B1", 1, "11", "01", 1, split.total_fen, stay=False)
    order = PayOrder(
        *(pay_ord_id, hospital, pay_ord_id, "digest", 1, "01", "990100", bill, False, Phase.PAID, at, paid, paid),
        split=split,
        opened=split,
        setl_id=days.next("S"),
        attempt=1,
        open_no=f"{pay_ord_id}-1",
        charge_no=charge_no,
        charged_fen=cash,
        paid_at=paid,
    )
    charge = Charge(
        *(charge_no, pay_ord_id, account[0], 1, cash, _MESSAGE, ChargeState.CHARGED, at, at + 900 * SECOND, at),
        asked_at=at,
        standing=ChannelState.CHARGED,
        charged_fen=cash,
        trade_no=f"T{charge_no}",
        paid_at=paid - 2 * SECOND,
    )
    settled = ComparedSettlement(order.open_no, order.setl_id, hospital, True, False, split)
    # The provider's clock is not ours.
    booked = _day(charge.paid_at + dice.randrange(-3, 3) * SECOND)
    line = BillLine(BillKind.CHARGE, charge_no, charge.trade_no, cash, booked, cash // 500)
    deal = Deal(order, charge, [], account, [line] if cash else [], settled)
    deal.late = not _early(at)
    return _fated(days, deal, fate) if cash else deal


def _fated(days: Days, deal: Deal, fate: float) -> Deal:
    """What became of some: a refund, a part of one, all, a reversal, or a charge that came too late and went back."""
    order, charge = deal.order, deal.charge
    cash, back_at = charge.charged_fen, deal.order.paid_at + days.dice.randrange(60, 3600) * SECOND
    if fate < 0.10:
        some = cash if fate < 0.075 else max(1, cash // 3)
        kind = RefundKind.ALL if fate < 0.075 else RefundKind.CASH
        refund = Refund(
            *(days.next("F"), order.pay_ord_id, days.next("A"), kind, 0, some, RefundState.DONE, back_at),
            done_at=back_at + 3 * SECOND,
        )
        deal.refunds.append(refund)
        deal.order = replace(order, refunded_fen=some, insured_returned=refund.insured)
        if deal.settled is not None and refund.insured:
            deal.settled = replace(deal.settled, reversed=True)
        deal.lines.append(BillLine(BillKind.REFUND, refund.refund_no, days.next("T"), some, _day(back_at)))
    elif fate < 0.12:
        deal.order = replace(order, phase=Phase.FAILED, paid_at=0, refunded_fen=cash, setl_id="")
        deal.charge = replace(
            charge, state=ChargeState.RETURNED, return_no=f"B{charge.charge_no}", returned_at=back_at + SECOND
        )
        deal.settled = None
        deal.lines.append(BillLine(BillKind.REFUND, f"B{charge.charge_no}", days.next("T"), cash, _day(back_at)))
    elif fate < 0.13:
        deal.order = replace(order, phase=Phase.FAILED, paid_at=0, charged_fen=0, setl_id="")
        deal.charge = replace(charge, state=ChargeState.ENDED, charged_fen=0)
        deal.settled = None
        deal.lines.append(BillLine(BillKind.REFUND, charge.charge_no, days.next("T"), cash, _day(back_at)))
    return deal


Plant = Callable[[Days, Deal], str]
"""Spoils one deal and tells the number by which the difference is known."""


def plant(days: Days, each_kind: int, kinds: Sequence[Kind] = ()) -> None:
    """Plants so many differences of each kind in deals that are plain: paid with cash, kept, not near midnight."""
    plain = [
        each
        for each in days.deals
        if len(each.lines) == 1
        and each.order.phase is Phase.PAID
        and not each.late
        and _early(each.order.paid_at, 7200)
    ]
    days.dice.shuffle(plain)
    rest = iter(plain)
    for kind in kinds or PLANTS:
        # Of these bills only WeChat's names a currency.
        told = (each for each in rest if kind is not Kind.CURRENCY or each.account[0] == "wechat")
        for deal in islice(told, each_kind):
            number = PLANTS[kind](days, deal)
            days.planted[kind, number] = deal


def _charge(days: Days, deal: Deal, **changes: Any) -> str:
    deal.charge = replace(deal.charge, **changes)
    return deal.charge.charge_no


def _line(days: Days, deal: Deal, **changes: Any) -> str:
    deal.lines[0] = replace(deal.lines[0], **changes)
    return deal.charge.charge_no


def _unknown_line(days: Days, deal: Deal, kind: BillKind) -> str:
    number = days.next("X")
    days.alone.append((deal.account, replace(deal.lines[0], kind=kind, number=number, trade_no=days.next("T"))))
    return number


def _gone(days: Days, deal: Deal) -> str:
    deal.lines.clear()
    return deal.charge.charge_no


def _unpaid(days: Days, deal: Deal, phase: Phase, state: ChargeState) -> str:
    deal.order = replace(deal.order, phase=phase, paid_at=0, charged_fen=0)
    deal.settled = None
    return _charge(days, deal, state=state, charged_fen=0, paid_at=0, trade_no="")


def _twice(days: Days, deal: Deal) -> str:
    # A bank gives each line a number of its own.
    same = deal.account[0] != "bank" and days.dice.random() < 0.5
    deal.lines.append(replace(deal.lines[0], trade_no=deal.lines[0].trade_no if same else days.next("T")))
    return deal.charge.charge_no


def _elsewhere(days: Days, deal: Deal) -> str:
    deal.account = next(
        key for key, owners in days.accounts.items() if key[0] == "wechat" and deal.order.fixmedins_code not in owners
    )
    return _charge(days, deal, channel="wechat")


def _refund(days: Days, deal: Deal) -> Refund:
    at, some = deal.order.paid_at + 600 * SECOND, max(1, deal.charge.charged_fen // 2)
    refund = Refund(
        *(days.next("F"), deal.order.pay_ord_id, days.next("A"), RefundKind.CASH, 0, some, RefundState.DONE, at),
        done_at=at + SECOND,
    )
    deal.refunds.append(refund)
    deal.order = replace(deal.order, refunded_fen=some)
    deal.lines.append(BillLine(BillKind.REFUND, refund.refund_no, days.next("T"), some, _day(at)))
    return refund


def refund_gone(days: Days, deal: Deal) -> Refund:
    """A refund that is done here, and stands in no bill."""
    refund = _refund(days, deal)
    deal.lines.pop()
    return refund


def _refund_amount(days: Days, deal: Deal) -> str:
    refund = _refund(days, deal)
    deal.lines[-1] = replace(deal.lines[-1], amount_fen=refund.cash_fen + 1)
    return refund.refund_no


def _refund_behind(days: Days, deal: Deal) -> str:
    refund = _refund(days, deal)
    deal.refunds[-1] = replace(refund, state=RefundState.INSURED_BACK, done_at=0)
    deal.order = replace(deal.order, phase=Phase.REFUNDING, refund_no=refund.refund_no, refunded_fen=0)
    return refund.refund_no


def _refund_twice(days: Days, deal: Deal) -> str:
    refund = _refund(days, deal)
    deal.lines.append(replace(deal.lines[-1], trade_no=days.next("T")))
    return refund.refund_no


def _order(days: Days, deal: Deal, **changes: Any) -> str:
    deal.order = replace(deal.order, **changes)
    return deal.order.pay_ord_id


def _settled(days: Days, deal: Deal, **changes: Any) -> str:
    assert deal.settled is not None
    deal.settled = replace(deal.settled, **changes)
    return deal.order.pay_ord_id


def _no_settlement(days: Days, deal: Deal) -> str:
    deal.settled = None
    return deal.order.pay_ord_id


def _no_order(days: Days, deal: Deal) -> str:
    assert deal.settled is not None
    number = f"{days.next('ORD')}-1"
    days.stray.append(replace(deal.settled, order_no=number, setl_id=days.next("S")))
    return number


def _other_split(days: Days, deal: Deal) -> str:
    assert deal.settled is not None
    old = deal.settled.split
    moved = replace(old, fund_fen=old.fund_fen + 1, total_fen=old.total_fen + 1)
    return _settled(days, deal, split=moved)


def _order_behind(days: Days, deal: Deal) -> str:
    assert deal.settled is not None
    deal.order = replace(deal.order, phase=Phase.CHARGED, paid_at=0)
    return deal.settled.order_no


PLANTS: Final[dict[Kind, Plant]] = {
    Kind.CHARGE_MISSING_HERE: lambda days, deal: _unknown_line(days, deal, BillKind.CHARGE),
    Kind.CHARGE_MISSING_THERE: _gone,
    Kind.CHARGE_AMOUNT: lambda days, deal: _line(days, deal, amount_fen=deal.charge.charge_fen + 1),
    Kind.CHARGE_BEHIND: lambda days, deal: _unpaid(days, deal, Phase.WAITING, ChargeState.WAITING),
    Kind.CHARGE_LATE: lambda days, deal: _unpaid(days, deal, Phase.FAILED, ChargeState.ENDED),
    Kind.CHARGE_TWICE: _twice,
    Kind.CHARGE_DAY: lambda days, deal: _charge(days, deal, paid_at=deal.charge.paid_at - 86_400 * SECOND),
    Kind.CHARGE_NUMBER: lambda days, deal: _charge(days, deal, trade_no=days.next("T")),
    Kind.MERCHANT: _elsewhere,
    Kind.CURRENCY: lambda days, deal: _line(days, deal, currency="USD"),
    Kind.REFUND_MISSING_HERE: lambda days, deal: _unknown_line(days, deal, BillKind.REFUND),
    Kind.REFUND_MISSING_THERE: lambda days, deal: refund_gone(days, deal).refund_no,
    Kind.REFUND_AMOUNT: _refund_amount,
    Kind.REFUND_BEHIND: _refund_behind,
    Kind.REFUND_TWICE: _refund_twice,
    Kind.ORDER_AMOUNT: lambda days, deal: _order(days, deal, charged_fen=deal.order.charged_fen + 1),
    Kind.ORDER_MISSING: _no_order,
    Kind.ORDER_BEHIND: _order_behind,
    Kind.SETTLEMENT_MISSING: _no_settlement,
    Kind.SETTLEMENT_AMOUNT: _other_split,
    Kind.SETTLEMENT_REVERSED: lambda days, deal: _settled(days, deal, reversed=True),
    Kind.SETTLEMENT_NOT_REVERSED: lambda days, deal: _order(days, deal, insured_returned=True),
    Kind.SETTLEMENT_NUMBER: lambda days, deal: _settled(days, deal, setl_id=days.next("S")),
    Kind.INSTITUTION: lambda days, deal: _settled(days, deal, fixmedins_code="H99010000003"),
}


async def keep(store: PaymentStore, days: Days) -> None:
    """Writes payment's own books."""
    for at in range(0, len(days.deals), 5000):
        some = days.deals[at : at + 5000]
        async with store.write() as work:
            await work.orders.keep([each.order for each in some])
            await work.money.keep_charges([each.charge for each in some])
            await work.money.keep_refunds([refund for each in some for refund in each.refunds])


def billed(days: Days) -> list[BilledAccount]:
    """The accounts of the days."""
    return [BilledAccount(*key, owners) for key, owners in days.accounts.items()]


@dataclass
class ToldBills:
    """Bills of accounts as they stand in the days."""

    days: Days

    def accounts(self) -> Sequence[BilledAccount]:
        return billed(self.days)

    async def bill(self, account: BilledAccount, day: date) -> Sequence[BillLine]:
        return self.days.bill((account.channel, account.merchant_no), day)


class ToldStatements:
    """Settlement's word: each was booked when its order was paid. `silent` are cells that do not answer."""

    def __init__(self, days: Days) -> None:
        self.silent = set[str]()
        self.lists: list[tuple[int, Statement]] = []
        self._found = {each.order_no: each for each in days.settlements()}
        at = {each.order.open_no: each.order.paid_at or each.order.changed_at for each in days.deals}
        middle = to_micros(datetime(DAY.year, DAY.month, DAY.day, 4, tzinfo=UTC))
        self._booked = sorted((at.get(number, middle), number) for number in self._found)

    async def settled(
        self, span: tuple[int, int], *, reversed_ones: bool
    ) -> AsyncIterator[Sequence[ComparedSettlement]]:
        found = [self._found[number] for at, number in self._booked if span[0] <= at < span[1]]
        rest = iter([each for each in found if each.reversed or not reversed_ones])
        while page := list(islice(rest, 1000)):
            yield page

    async def compared(self, span: tuple[int, int]) -> AsyncIterator[Sequence[Statement]]:
        yield [each for at, each in self.lists if span[0] <= at < span[1]]

    async def found(self, order_nos: Sequence[str]) -> dict[str, ComparedSettlement]:
        return {number: self._found[number] for number in order_nos if number in self._found}

    async def found_elsewhere(self, cells: Mapping[str, str]) -> tuple[dict[str, ComparedSettlement], frozenset[str]]:
        told = frozenset(number for number, cell in cells.items() if cell not in self.silent)
        return await self.found(sorted(told)), told


def _day(moment: int) -> date:
    return beijing_day(from_micros(moment))


def _early(moment: int, margin_s: int = 3600) -> bool:
    """Whether a moment is so far from the midnight before it and after it."""
    into = from_micros(moment) - day_start(_day(moment)).astimezone(UTC)
    return timedelta(seconds=margin_s) <= into < timedelta(days=1, seconds=-margin_s)
