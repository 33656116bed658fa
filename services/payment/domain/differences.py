"""What a day's reconciliation compares, and what each difference between two books is called: pure decisions, row by row.

Four books tell the same money: the provider's bill, our charges and refunds, our orders, and settlement's. Amounts are fen,
moments microseconds UTC, days those of Beijing. One row has one difference at most: the one that explains the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from typing import Any, Final

from services.kernel.clock import beijing_day, from_micros
from services.payment.domain.charges import BillKind
from services.payment.domain.compared import Billed, ComparedSettlement, OurCharge, OurOrder, OurRefund, Statement
from services.payment.domain.orders import SECOND, TAKEN, ChargeState, RefundState
from services.payment.domain.phases import RUNNING, Phase
from services.payment.domain.splits import Split

MARGIN_S: Final = 3600
"""How far from midnight a trade may be booked on the day beside its own, and how long after its beginning a charge may be paid
(our decision: a person has 40 minutes at most)."""
CURRENCY: Final = "CNY"


class Kind(Enum):
    """What differs; `yibao.payment.v1.DifferenceKind` says what each means."""

    CHARGE_MISSING_HERE = "charge_missing_here"
    CHARGE_MISSING_THERE = "charge_missing_there"
    CHARGE_AMOUNT = "charge_amount"
    CHARGE_BEHIND = "charge_behind"
    CHARGE_LATE = "charge_late"
    CHARGE_TWICE = "charge_twice"
    CHARGE_DAY = "charge_day"
    CHARGE_NUMBER = "charge_number"
    MERCHANT = "merchant"
    CURRENCY = "currency"
    REFUND_MISSING_HERE = "refund_missing_here"
    REFUND_MISSING_THERE = "refund_missing_there"
    REFUND_AMOUNT = "refund_amount"
    REFUND_BEHIND = "refund_behind"
    REFUND_TWICE = "refund_twice"
    ORDER_AMOUNT = "order_amount"
    ORDER_MISSING = "order_missing"
    ORDER_BEHIND = "order_behind"
    SETTLEMENT_MISSING = "settlement_missing"
    SETTLEMENT_AMOUNT = "settlement_amount"
    SETTLEMENT_REVERSED = "settlement_reversed"
    SETTLEMENT_NOT_REVERSED = "settlement_not_reversed"
    SETTLEMENT_NUMBER = "settlement_number"
    INSTITUTION = "institution"
    STATEMENT = "statement"


class Repair(Enum):
    """What mends a difference. ASK: the channel is asked how the charge stands, and the order follows (what came too late goes
    back). BRING_ON: the order is brought on. SEND_AGAIN: the refund is asked for again under its number. PEOPLE: nothing is safe
    to do by itself.
    """

    ASK = "ask"
    BRING_ON = "bring_on"
    SEND_AGAIN = "send_again"
    PEOPLE = "people"


REPAIRS: Final = {
    **dict.fromkeys(Kind, Repair.PEOPLE),
    Kind.CHARGE_MISSING_THERE: Repair.ASK,
    Kind.CHARGE_BEHIND: Repair.ASK,
    Kind.CHARGE_LATE: Repair.ASK,
    Kind.CHARGE_NUMBER: Repair.ASK,
    Kind.REFUND_MISSING_THERE: Repair.SEND_AGAIN,
    Kind.REFUND_BEHIND: Repair.BRING_ON,
    Kind.ORDER_BEHIND: Repair.BRING_ON,
}
"""The repair of each kind."""
UNKNOWN: Final = frozenset({Kind.CHARGE_MISSING_HERE, Kind.REFUND_MISSING_HERE})
"""Lines of a bill that payment knows nothing of; where another cell made their number they are that one's to judge."""
NOT_COLLECTED: Final = frozenset({ChargeState.PLANNED, ChargeState.ASKED, ChargeState.WAITING, ChargeState.ENDED})
"""States of a charge of which nothing is held here."""
_REFUNDING: Final = frozenset({RefundState.BEGUN, RefundState.INSURED_BACK})
_STANDS: Final = frozenset({Phase.PAID, Phase.REFUNDING, Phase.HELD})
"""Phases of an order whose settlement stands, or has stood."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: the number by which both sides know it, or one of them; what is here and what is there."""

    kind: Kind
    number: str
    channel: str = ""
    merchant_no: str = ""
    pay_ord_id: str = ""
    fixmedins_code: str = ""
    trade_no: str = ""
    here_fen: int = 0
    there_fen: int = 0
    here: str = ""
    there: str = ""

    @property
    def repair(self) -> Repair:
        """What mends it."""
        return REPAIRS[self.kind]

    @property
    def key(self) -> str:
        """What stays the same when the same day is compared again."""
        return "|".join((self.kind.value, self.channel, self.number, self.trade_no))


def of_charge_line(
    billed: Billed, same: Sequence[Billed], back_fen: int, ours: OurCharge | None, owners: frozenset[str]
) -> Difference | None:
    """A line of money that came in. `same` are all lines of its number, it among them; `back_fen` is what went back under the
    same number (a reversal); `owners` are the institutions of the account whose bill it is.
    """
    line = billed.line
    if ours is None or ours.channel != billed.channel:
        return _of_line(Kind.CHARGE_MISSING_HERE, billed)
    told = _of_ours(ours, billed)
    if line.currency != CURRENCY:
        return _as(Kind.CURRENCY, told, here=CURRENCY, there=line.currency)
    if ours.fixmedins_code not in owners:
        return _as(Kind.MERCHANT, told, here=ours.fixmedins_code, there=billed.merchant_no)
    # Where one of them has the number that we know, the others are the further ones.
    first = min(same, key=lambda each: (each.line.trade_no != ours.trade_no, each.place))
    if billed.place != first.place:
        return _as(Kind.CHARGE_TWICE, told)
    if line.amount_fen != ours.charge_fen:
        return _as(Kind.CHARGE_AMOUNT, told)
    if ours.state in NOT_COLLECTED:
        return None if back_fen == line.amount_fen or near_end(ours.created_at) else _uncollected(ours, told)
    if ours.trade_no and line.trade_no and ours.trade_no != line.trade_no:
        return _as(Kind.CHARGE_NUMBER, told, here=ours.trade_no, there=line.trade_no)
    if ours.paid_at and not on_day(ours.paid_at, line.day):
        return _as(Kind.CHARGE_DAY, told, here=f"{_day(ours.paid_at)}", there=f"{line.day}")
    return None


def of_refund_line(
    billed: Billed, same: Sequence[Billed], refund: OurRefund | None, charge: OurCharge | None, owners: frozenset[str]
) -> Difference | None:
    """A line of money that went back: of a refund, or of the return of a whole charge. `charge` is what goes back under this
    number, or whose own number it is: a reversal.
    """
    line, ours = billed.line, refund or charge
    if ours is None or ours.channel != billed.channel:
        return _of_line(Kind.REFUND_MISSING_HERE, billed)
    here_fen = refund.cash_fen if refund is not None else charge.charge_fen if charge is not None else 0
    told = Difference(
        Kind.REFUND_AMOUNT,
        line.number,
        billed.channel,
        billed.merchant_no,
        ours.pay_ord_id,
        ours.fixmedins_code,
        line.trade_no,
        here_fen,
        line.amount_fen,
    )
    if line.currency != CURRENCY:
        return _as(Kind.CURRENCY, told, here=CURRENCY, there=line.currency)
    if ours.fixmedins_code not in owners:
        return _as(Kind.MERCHANT, told, here=ours.fixmedins_code, there=billed.merchant_no)
    if billed.place != min(each.place for each in same):
        return _as(Kind.REFUND_TWICE, told)
    if line.amount_fen != here_fen:
        return told
    if refund is not None and refund.state in _REFUNDING:
        return _as(Kind.REFUND_BEHIND, told, here=refund.state.value)
    if charge is not None and charge.return_no == line.number and charge.state is ChargeState.CHARGED:
        return _as(Kind.REFUND_BEHIND, told, here=charge.state.value)
    return None


def of_charge(ours: OurCharge, lines: Sequence[Billed]) -> Difference | None:
    """A charge that is collected here and stands in no bill; and one that is not, stands in a bill, and was begun so late that
    what undoes it may stand in the next one, which is read by now.
    """
    if ours.state in NOT_COLLECTED:
        came = [each for each in lines if each.line.kind is BillKind.CHARGE and each.channel == ours.channel]
        back_fen = sum(each.line.amount_fen for each in lines if each.line.kind is BillKind.REFUND)
        fits = came and came[0].line.amount_fen == ours.charge_fen != back_fen
        return _uncollected(ours, _of_ours(ours, came[0])) if fits and near_end(ours.created_at) else None
    if not ours.charged_fen or lines:
        return None
    return Difference(
        Kind.CHARGE_MISSING_THERE,
        ours.charge_no,
        ours.channel,
        pay_ord_id=ours.pay_ord_id,
        fixmedins_code=ours.fixmedins_code,
        trade_no=ours.trade_no,
        here_fen=ours.charged_fen,
        here=ours.state.value,
    )


def of_refund(ours: OurRefund, lines: Sequence[Billed]) -> Difference | None:
    """A refund of cash that is done here and stands in no bill. What people took as given back otherwise need not stand in one:
    asked for again, it would go back twice.
    """
    if not ours.cash_fen or not ours.done_at or ours.reason == TAKEN or lines:
        return None
    return _missing_refund(ours.refund_no, ours, ours.cash_fen)


def of_return(ours: OurCharge, lines: Sequence[Billed]) -> Difference | None:
    """The same of a whole charge that went back."""
    if ours.state is not ChargeState.RETURNED or not ours.return_no or not ours.returned_at or lines:
        return None
    return _missing_refund(ours.return_no, ours, ours.charged_fen)


def of_sums(order: OurOrder) -> Difference | None:
    """A paid order beside its own charge and refunds."""
    collected_fen = order.charged_fen if order.collected_fen is None else order.collected_fen
    if order.phase is Phase.PAID and (order.charged_fen, order.refunded_fen) != (collected_fen, order.returned_fen):
        here_fen = order.charged_fen - order.refunded_fen
        return _as(Kind.ORDER_AMOUNT, _of_order(order), here_fen=here_fen, there_fen=collected_fen - order.returned_fen)
    return None


def of_order(order: OurOrder, settled: ComparedSettlement | None) -> Difference | None:
    """A paid order beside its settlement."""
    told = _of_order(order)
    if settled is None and not order.setl_id and order.split is not None and not order.split.insured_fen:
        # A deposit, of which settlement knows nothing.
        return None
    if settled is None or not settled.stands:
        there = "" if settled is None else "pending"
        return _as(Kind.SETTLEMENT_MISSING, told, here_fen=_whole(order.split), there=there)
    if settled.fixmedins_code != order.fixmedins_code:
        return _as(Kind.INSTITUTION, told, here=order.fixmedins_code, there=settled.fixmedins_code)
    if settled.setl_id != order.setl_id:
        return _as(Kind.SETTLEMENT_NUMBER, told, here=order.setl_id, there=settled.setl_id)
    if order.split is not None and settled.split != order.split:
        sums = {"here_fen": order.split.insured_fen, "there_fen": settled.split.insured_fen}
        return _as(Kind.SETTLEMENT_AMOUNT, told, **sums, here=_parts(order.split), there=_parts(settled.split))
    if order.phase is Phase.PAID and settled.reversed != order.insured_returned:
        kind = Kind.SETTLEMENT_REVERSED if settled.reversed else Kind.SETTLEMENT_NOT_REVERSED
        return _as(kind, told, here_fen=order.split.insured_fen if order.split else 0)
    return None


def of_settlement(settled: ComparedSettlement, order: OurOrder | None) -> Difference | None:
    """A settlement that stands for an order which is not here, or which does not know of it."""
    told = Difference(
        Kind.ORDER_MISSING,
        settled.order_no,
        fixmedins_code=settled.fixmedins_code,
        trade_no=settled.setl_id,
        there_fen=settled.split.total_fen,
    )
    if order is None:
        return told
    if settled.reversed:
        known = order.insured_returned or order.phase is not Phase.PAID or order.open_no != settled.order_no
        here_fen = order.split.insured_fen if order.split else 0
        told = replace(told, number=order.pay_ord_id, pay_ord_id=order.pay_ord_id, here_fen=here_fen, there_fen=0)
        return None if known else _as(Kind.SETTLEMENT_REVERSED, told, trade_no=order.setl_id)
    if not settled.stands:
        return None
    if order.open_no != settled.order_no or order.phase not in _STANDS:
        return _as(Kind.ORDER_BEHIND, told, pay_ord_id=order.pay_ord_id, here=order.phase.value)
    return None


def on_day(moment: int, day: date) -> bool:
    """Whether a moment may be booked on a day: its own, or the one beside it where midnight is near."""
    margin = MARGIN_S * SECOND
    return _day(moment) == day or day in (_day(moment - margin), _day(moment + margin))


def near_end(moment: int) -> bool:
    """Whether the day of a moment ends so soon that what follows from it may be booked on the next one."""
    return _day(moment) != _day(moment + MARGIN_S * SECOND)


def _uncollected(ours: OurCharge, told: Difference) -> Difference:
    behind = ours.current and ours.phase in RUNNING
    return _as(Kind.CHARGE_BEHIND if behind else Kind.CHARGE_LATE, told, here=ours.state.value)


def _day(moment: int) -> date:
    return beijing_day(from_micros(moment))


def _as(kind: Kind, told: Difference, **more: Any) -> Difference:
    return replace(told, kind=kind, **more)


def _of_line(kind: Kind, billed: Billed) -> Difference:
    line = billed.line
    return Difference(
        kind,
        line.number,
        billed.channel,
        billed.merchant_no,
        trade_no=line.trade_no,
        there_fen=line.amount_fen,
        there=f"{line.day}",
    )


def _of_ours(ours: OurCharge, billed: Billed) -> Difference:
    line = billed.line
    return Difference(
        Kind.CHARGE_AMOUNT,
        ours.charge_no,
        ours.channel,
        billed.merchant_no,
        ours.pay_ord_id,
        ours.fixmedins_code,
        line.trade_no,
        ours.charge_fen,
        line.amount_fen,
    )


def of_statement(told: Statement) -> Difference | None:
    """What an institution listed, beside what is booked."""
    if not (told.only_here or told.only_there or told.otherwise):
        return None
    return Difference(
        Kind.STATEMENT,
        told.number,
        fixmedins_code=told.fixmedins_code,
        trade_no=told.file_qury_no,
        here_fen=told.here_fen,
        there_fen=told.there_fen,
        here=f"{told.only_here} here alone, {told.otherwise} otherwise",
        there=f"{told.only_there} there alone",
    )


def _missing_refund(number: str, ours: OurRefund | OurCharge, fen: int) -> Difference:
    return Difference(
        Kind.REFUND_MISSING_THERE,
        number,
        ours.channel,
        pay_ord_id=ours.pay_ord_id,
        fixmedins_code=ours.fixmedins_code,
        here_fen=fen,
    )


def _of_order(order: OurOrder) -> Difference:
    return Difference(
        Kind.ORDER_AMOUNT,
        order.pay_ord_id,
        pay_ord_id=order.pay_ord_id,
        fixmedins_code=order.fixmedins_code,
        trade_no=order.setl_id,
    )


def _whole(split: Split | None) -> int:
    return 0 if split is None else split.total_fen


def _parts(split: Split) -> str:
    return f"fund {split.fund_fen}, account {split.acct_fen}, others {split.other_fen + split.hosp_fen}, cash {split.cash_fen}"
