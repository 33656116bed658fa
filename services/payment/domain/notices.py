"""What an institution is told of its order (6302): that it is paid, that something went back, that it was revoked. Told at least
once, again and again until it says that it has heard, for a day; then people look.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from services.payment.domain.orders import SECOND, PayOrder, Refund

RESTS_S: Final = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
"""Between attempts, as WeChat's own (C§5.3): 15 rests, a day."""


class NoticeKind(Enum):
    """What is told."""

    PAID = "paid"
    REFUNDED = "refunded"
    REVOKED = "revoked"


class NoticeState(Enum):
    """OPEN: to be told. TOLD: heard. NOWHERE: the institution names no address. GIVEN_UP: in vain for a day. LEFT: people have
    told it otherwise.
    """

    OPEN = "open"
    TOLD = "told"
    NOWHERE = "nowhere"
    GIVEN_UP = "given_up"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class OrderNotice:
    """One by its row. `refund_no` names the refund that it is about; `tries` counts attempts in vain, of which `reason` is the
    last one's.
    """

    notice_no: str
    pay_ord_id: str
    kind: NoticeKind
    made_at: int
    due_at: int
    refund_no: str = ""
    state: NoticeState = NoticeState.OPEN
    done_at: int = 0
    tries: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TellingOutcome:
    """What came of telling: heard, or nobody to tell, or why not."""

    told: bool = False
    nowhere: bool = False
    reason: str = ""


def of_order(order: PayOrder, kind: NoticeKind, now: int) -> OrderNotice:
    """That an order is paid, or revoked: once."""
    return OrderNotice(f"{order.pay_ord_id}-{kind.value}", order.pay_ord_id, kind, now, now)


def of_refund(refund: Refund, now: int) -> OrderNotice:
    """That a refund is through: once for each."""
    kind = NoticeKind.REFUNDED
    return OrderNotice(f"{refund.pay_ord_id}-{refund.refund_no}", refund.pay_ord_id, kind, now, now, refund.refund_no)


def after(notice: OrderNotice, outcome: TellingOutcome, now: int) -> OrderNotice:
    """After an attempt."""
    if outcome.told:
        return replace(notice, state=NoticeState.TOLD, done_at=now, reason="")
    if outcome.nowhere:
        return replace(notice, state=NoticeState.NOWHERE, done_at=now)
    tried = replace(notice, tries=notice.tries + 1, reason=outcome.reason[:60])
    if notice.tries >= len(RESTS_S):
        return replace(tried, state=NoticeState.GIVEN_UP, done_at=now)
    return replace(tried, due_at=now + RESTS_S[notice.tries] * SECOND)


def again(notice: OrderNotice, now: int) -> OrderNotice:
    """As it begins anew, after people have said so."""
    return replace(notice, state=NoticeState.OPEN, due_at=now, done_at=0, tries=0, reason="")
