"""One trade and what may happen to it: pure, a new value for every step.

A trade has two halves that move independently: what the platform collects (`own`) and, in a medical trade, what the bureau
pays (`medical`). The platform names no values for the medical states; here they are those of a trade (C§2.3, ours). A half that
the trade has not is empty.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from tools.twins.alipay.refusals import failed

REFUNDS_APART: Final = timedelta(seconds=3)
"""Two refunds of one trade come at least so far apart (C§2.3)."""
REFUNDABLE: Final = timedelta(days=365)
"""After it the trade is finished; merchants agree on other periods (our decision)."""


class Form(StrEnum):
    """How a trade came about."""

    CODE = "bar_code"
    PRECREATE = "precreate"
    MEDICAL = "medical"


class Status(StrEnum):
    """States of a trade, and of each half of a medical one."""

    NONE = ""
    WAITING = "WAIT_BUYER_PAY"
    SUCCESS = "TRADE_SUCCESS"
    CLOSED = "TRADE_CLOSED"
    FINISHED = "TRADE_FINISHED"


class RefundStatus(StrEnum):
    """States of a refund; the platform documents them for refunds that are done later."""

    PROCESSING = "REFUND_PROCESSING"
    SUCCESS = "REFUND_SUCCESS"
    FAIL = "REFUND_FAIL"


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """One refund of cash. `done_after` is how many more queries it takes; `stuck` is one that the buyer's card did not take."""

    request_no: str
    amount_fen: int
    status: RefundStatus
    asked_at: datetime
    done_at: datetime | None = None
    reason: str = ""
    done_after: int = 0
    stuck: bool = False


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What a trade comes to: total = gov + account + other + own + subsidy."""

    total_fen: int
    own_fen: int
    gov_fen: int = 0
    account_fen: int = 0
    other_fen: int = 0
    subsidy_fen: int = 0

    @property
    def insured_fen(self) -> int:
        """What the bureau pays, or answers for."""
        return self.gov_fen + self.account_fen + self.other_fen

    def add_up(self) -> bool:
        """Whether the parts are the whole."""
        return self.total_fen == self.insured_fen + self.own_fen + self.subsidy_fen


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """A trade. `asked` holds further texts of the request, which queries tell again; `fault` is what goes wrong with it."""

    app_id: str
    out_trade_no: str
    trade_no: str
    alipay_trade_no: str
    form: Form
    subject: str
    parts: Parts
    own: Status
    medical: Status = Status.NONE
    created_at: datetime
    expires_at: datetime
    user_id: str = ""
    notify_url: str = ""
    asked: dict[str, str] = {}
    paid_at: datetime | None = None
    """When the person paid the cash, or agreed where there is none."""
    medical_paid_at: datetime | None = None
    medical_msg: str = ""
    bureau_no: str = ""
    seen: bool = True
    """False until somebody scans the code of a precreated trade: till then nobody can query it."""
    refunds: tuple[Refund, ...] = ()
    medical_returned_at: datetime | None = None
    changed_at: datetime
    fault: str = ""

    @property
    def refunded_fen(self) -> int:
        """Cash that went back."""
        return sum(each.amount_fen for each in self.refunds if each.status is RefundStatus.SUCCESS)

    @property
    def promised_fen(self) -> int:
        """Cash that went back or is on the way."""
        return sum(each.amount_fen for each in self.refunds if each.status is not RefundStatus.FAIL)

    def halves(self) -> tuple[Status, ...]:
        """The states of the halves that it has."""
        return tuple(each for each in (self.own, self.medical) if each)

    def status(self) -> Status:
        """The state of the whole: closed where the bureau refused its half, paid only where both halves are."""
        halves = set(self.halves())
        if len(halves) == 1:
            return halves.pop()
        if self.medical is Status.CLOSED and self.medical_returned_at is None:
            return Status.CLOSED
        if Status.WAITING in halves:
            return Status.WAITING
        return Status.FINISHED if self.own is Status.FINISHED else Status.SUCCESS

    def refund(self, request_no: str) -> Refund | None:
        """The refund of that number."""
        return next((each for each in self.refunds if each.request_no == request_no), None)


def aged(trade: Trade, now: datetime) -> Trade:
    """What time alone has done: unpaid is closed after its time, paid is finished when it can no longer be refunded."""
    if trade.paid_at is None:
        return closed(trade, now) if trade.status() is Status.WAITING and now >= trade.expires_at else trade
    if trade.own is Status.SUCCESS and now >= trade.paid_at + REFUNDABLE:
        return msgspec.structs.replace(trade, own=Status.FINISHED)
    return trade


def payable(trade: Trade) -> None:
    """Refuses where the person can no longer pay."""
    if trade.paid_at is not None:
        raise failed("ACQ.TRADE_HAS_SUCCESS")
    if trade.status() is Status.CLOSED:
        raise failed("ACQ.TRADE_HAS_CLOSE")


def collected(trade: Trade, now: datetime) -> Trade:
    """The person paid the cash, or, where there is none, agreed."""
    payable(trade)
    own = Status.SUCCESS if trade.own else Status.NONE
    return msgspec.structs.replace(trade, own=own, paid_at=now, seen=True, changed_at=now)


def settled(trade: Trade, now: datetime, bureau_no: str) -> Trade:
    """The bureau has settled the insured half."""
    return msgspec.structs.replace(
        trade, medical=Status.SUCCESS, medical_paid_at=now, bureau_no=bureau_no, changed_at=now
    )


def unsettled(trade: Trade, now: datetime, why: str) -> Trade:
    """The bureau refuses the insured half: the cash, where it was taken, is the merchant's to give back (C§1.3)."""
    return msgspec.structs.replace(trade, medical=Status.CLOSED, medical_msg=why, changed_at=now)


def closed(trade: Trade, now: datetime) -> Trade:
    """Nobody can pay it any more; safe to repeat."""
    if trade.paid_at is not None:
        raise failed("ACQ.TRADE_STATUS_ERROR")
    own = Status.CLOSED if trade.own else Status.NONE
    medical = Status.CLOSED if trade.medical else Status.NONE
    return msgspec.structs.replace(trade, own=own, medical=medical, changed_at=now)


def returned(trade: Trade, now: datetime) -> Trade:
    """The bureau has given the insured half back: the whole of it, as there is no other way (C§4.5)."""
    if trade.medical is not Status.SUCCESS:
        raise failed("ACQ.TRADE_STATUS_ERROR")
    return msgspec.structs.replace(trade, medical=Status.CLOSED, medical_returned_at=now, changed_at=now)


def refund_allowed(trade: Trade, request_no: str, amount_fen: int, now: datetime) -> Refund | None:
    """The refund that this is a repeat of, or None where it is a new one and may be; a Refusal otherwise."""
    before = trade.refund(request_no)
    if before is not None:
        if before.amount_fen != amount_fen:
            raise failed("ACQ.DISCORDANT_REPEAT_REQUEST")
        return before
    if trade.own is Status.FINISHED:
        raise failed("ACQ.TRADE_HAS_FINISHED")
    if trade.paid_at is None or not trade.own:
        raise failed("ACQ.TRADE_STATUS_ERROR")
    if trade.medical is Status.WAITING:
        raise failed("ACQ.MEDICAL_NOT_SETTLED")
    if amount_fen > trade.parts.own_fen - trade.promised_fen:
        raise failed("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
    if any(now - each.asked_at < REFUNDS_APART for each in trade.refunds):
        raise failed("ACQ.REFUND_TOO_FREQUENT")
    return None


def refunding(trade: Trade, refund: Refund, now: datetime) -> Trade:
    """The trade with a refund as it stands now; all of the cash gone back closes its half."""
    others = tuple(each for each in trade.refunds if each.request_no != refund.request_no)
    trade = msgspec.structs.replace(trade, refunds=(*others, refund), changed_at=now)
    if trade.refunded_fen == trade.parts.own_fen:
        return msgspec.structs.replace(trade, own=Status.CLOSED)
    return trade


def nearer(refund: Refund, status: RefundStatus, done_at: datetime | None) -> Refund:
    """A refund that is done later, after one more query."""
    return msgspec.structs.replace(refund, status=status, done_at=done_at, done_after=refund.done_after - 1)


def with_asked(trade: Trade, *, user_id: str = "", **texts: str) -> Trade:
    """The trade with further texts of its request, and the person who is to pay."""
    asked = trade.asked | {name: text for name, text in texts.items() if text}
    return msgspec.structs.replace(trade, asked=asked, user_id=user_id or trade.user_id)


def unseen(trade: Trade) -> Trade:
    """A precreated trade before anybody scanned its code."""
    return msgspec.structs.replace(trade, seen=False)


def scanned(trade: Trade, user_id: str) -> Trade:
    """Somebody has scanned its code."""
    return msgspec.structs.replace(trade, seen=True, user_id=user_id or trade.user_id)


def notified_at(trade: Trade, url: str) -> Trade:
    """The trade with the address of its notifies."""
    return msgspec.structs.replace(trade, notify_url=url)


def reopened(trade: Trade) -> Trade:
    """A closed trade that somebody pays all the same, at the very moment in which it is closed."""
    own = Status.WAITING if trade.own is Status.CLOSED else trade.own
    medical = Status.WAITING if trade.medical is Status.CLOSED else trade.medical
    return trade if trade.paid_at else msgspec.structs.replace(trade, own=own, medical=medical)
