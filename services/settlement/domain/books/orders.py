"""Orders: settlements in two phases, opened as pending, then confirmed or void. One transition table, and what blocks a ledger.

An order is pending until its opener confirms it before it lapses; whatever else ends it leaves a counter-entry. Moments are
microseconds UTC by the clock of the store that holds the order, which alone decides what has lapsed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, NamedTuple

from services.kernel.clock import to_micros
from services.kernel.errors import Fault, conflict, not_found, precondition
from services.kernel.requests import RequestStamp
from services.settlement.domain.books.ledger import AccountKey
from services.settlement.domain.care.pending import PendingOrder, moment_text

PENDING: Final = "pending"
CONFIRMED: Final = "confirmed"
VOID: Final = "void"

# Who made an order void.
OPENER: Final = "opener"
LAPSED: Final = "lapsed"
PERSON: Final = "person"
INSTITUTION: Final = "institution"

CLOCKS_APART: Final = timedelta(minutes=5)
"""How far the clock of the cell of care may be from this one (our decision)."""

_SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Order:
    """An order by its row. `setl_id` and the moments are empty where it was voided before it was opened.

    `counter_setl_id` is the counter-entry of a voided bill. `cause` says who made it void, empty before. `mdtrt_id` of a
    carried bill is that of the cell of care. `insured_cell` is the other cell that holds its ledgers: the bill is booked at
    the place of care, its opener alone ends it, and `lapses_at` is what that cell has said.
    """

    order_no: str
    opener: str
    phase: str
    cause: str = ""
    setl_id: str | None = None
    content_hash: str = ""
    psn_no: str = ""
    insutype: str = ""
    fixmedins_code: str = ""
    mdtrt_id: str = ""
    carried: bool = False
    charged: bool = False
    opened_at: int | None = None
    lapses_at: int | None = None
    ended_at: int | None = None
    insured_cell: str = ""
    counter_setl_id: str = ""

    @property
    def account(self) -> AccountKey:
        """Whose ledgers and account it blocks while it is pending."""
        return AccountKey(self.psn_no, self.insutype)

    @property
    def blocking(self) -> PendingOrder:
        """What others are told of it while it is pending."""
        return PendingOrder(self.order_no, self.setl_id or "", self.lapses_at or 0, self.insured_cell)

    def lapsed(self, now: int) -> bool:
        """Whether it is pending and its time is over."""
        return self.phase == PENDING and self.blocking.lapsed(now)


@dataclass(frozen=True, slots=True)
class OrderOpening:
    """That a bill is opened and not settled: under which order's number, by whom, for how many seconds.

    `stamp` is the request that opens it: its hash tells another bill under the same number. `charged` as a renewal marks it.
    """

    order_no: str
    opener: str
    expires_after_s: int
    stamp: RequestStamp
    charged: bool = False

    def opened(
        self, setl_id: str, account: AccountKey, fixmedins_code: str, mdtrt_id: str, carried: bool, now: int
    ) -> Order:
        """The order as it begins."""
        return Order(
            order_no=self.order_no,
            opener=self.opener,
            phase=PENDING,
            setl_id=setl_id,
            content_hash=self.stamp.content_hash,
            psn_no=account.psn_no,
            insutype=account.insutype,
            fixmedins_code=fixmedins_code,
            mdtrt_id=mdtrt_id,
            carried=carried,
            charged=self.charged,
            opened_at=now,
            lapses_at=now + self.expires_after_s * _SECOND,
        )


class Verb(Enum):
    """What is asked of an order that was opened."""

    CONFIRM = "confirm"
    VOID = "void"
    RENEW = "renew"
    LIFT = "lift"
    LAPSE = "lapse"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of an order, and whose request it is.

    `opener` is the member that asks, `lifter` who lifts it otherwise: the code of an institution or the number of a person,
    by `cause`. A lapse is asked by nobody and has no stamp.
    """

    verb: Verb
    order_no: str
    stamp: RequestStamp | None = None
    opener: str = ""
    cause: str = OPENER
    lifter: str = ""
    expires_after_s: int = 0
    charged: bool = False


class TakenStep(NamedTuple):
    """What a step comes to: the order from now on, and the refusal that its caller gets nevertheless.

    An order that has become void by it, of a bill, is undone by a counter-entry, also where there is a refusal.
    """

    order: Order
    refusal: Fault | None = None


def taken(step: Step, known: Order | None, now: int) -> TakenStep:
    """Decides a step; the order that comes back is the known one itself where nothing changes.

    Raises ORDER_NOT_FOUND also for an order of another opener, institution or person, ORDER_CONFIRMED, ORDER_CHARGED,
    ORDER_VOID, ORDER_LAPSED.
    """
    if known is None or not _may(step, known):
        if known is None and step.verb is Verb.VOID:
            # Delivered before the Open that it undoes: that is refused when it comes.
            return TakenStep(Order(step.order_no, step.opener, VOID, step.cause, ended_at=now))
        raise not_found("ORDER_NOT_FOUND", order_no=step.order_no)
    if known.phase == CONFIRMED:
        if step.verb in (Verb.CONFIRM, Verb.LAPSE):
            return TakenStep(known)
        raise precondition("ORDER_CONFIRMED", order_no=known.order_no, setl_id=known.setl_id or "")
    if known.phase == VOID:
        if step.verb in (Verb.VOID, Verb.LIFT, Verb.LAPSE):
            return TakenStep(known)
        raise ended(known)
    return _taken_of_pending(step, known, now)


def _taken_of_pending(step: Step, known: Order, now: int) -> TakenStep:
    late = known.lapsed(now)
    match step.verb:
        case Verb.LAPSE:
            return TakenStep(_void(known, LAPSED, now) if late else known)
        case Verb.LIFT if known.charged and not late:
            raise precondition("ORDER_CHARGED", order_no=known.order_no, lapses_at=moment_text(known.lapses_at or 0))
        case Verb.VOID | Verb.LIFT:
            # What had lapsed has lapsed, whoever comes first.
            return TakenStep(_void(known, LAPSED if late else step.cause, now))
        case _ if late:
            void = _void(known, LAPSED, now)
            return TakenStep(void, ended(void))
        case Verb.CONFIRM:
            return TakenStep(replace(known, phase=CONFIRMED, ended_at=now))
        case _:
            # A renewal that comes late or twice never shortens what another one gave.
            later = max(known.lapses_at or 0, now + step.expires_after_s * _SECOND)
            return TakenStep(replace(known, lapses_at=later, charged=known.charged or step.charged))


def _may(step: Step, known: Order) -> bool:
    """Whether who asks has anything to do with the order."""
    if step.verb is Verb.LAPSE:
        return True
    if step.verb is not Verb.LIFT:
        return step.opener == known.opener
    # Of one that is booked here its opener alone knows whether it stands where it was decided.
    return (
        not known.insured_cell
        and step.lifter != ""
        and step.lifter == (known.psn_no if step.cause == PERSON else known.fixmedins_code)
    )


def _void(known: Order, cause: str, now: int) -> Order:
    return replace(known, phase=VOID, cause=cause, ended_at=now)


def ended(known: Order) -> Fault:
    """PRECONDITION ORDER_LAPSED or ORDER_VOID: nothing stands of it, and nothing will."""
    if known.cause == LAPSED:
        return precondition("ORDER_LAPSED", order_no=known.order_no, lapses_at=moment_text(known.lapses_at or 0))
    return precondition("ORDER_VOID", order_no=known.order_no)


def reopened(opening: OrderOpening, known: Order, now: int) -> Order:
    """The order that stands under a number that is opened again, for the same bill.

    Raises CONFLICT ORDER_EXISTS for another bill or opener, ORDER_VOID, ORDER_LAPSED.
    """
    same = known.content_hash in ("", opening.stamp.content_hash)
    if known.opener != opening.opener or not same:
        raise conflict("ORDER_EXISTS", order_no=known.order_no)
    if known.phase == VOID or known.lapsed(now):
        raise ended(known if known.phase == VOID else replace(known, cause=LAPSED))
    return known


def check_clocks(setl_at: datetime, now: datetime) -> None:
    """PRECONDITION CLOCK_APART where the moment of a carried bill is more than five minutes from this store's clock."""
    if abs(setl_at - now) > CLOCKS_APART:
        told, here = moment_text(to_micros(setl_at)), moment_text(to_micros(now))
        raise precondition("CLOCK_APART", told=told, now=here)
