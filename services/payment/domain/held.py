"""What rests until people decide about it: why, which decisions are safe, and what follows from each.

Safe is what cannot move the same money twice: a channel is asked again under the number that it knows, and what is taken as done
needs a proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import Final

from services.payment.domain import steps
from services.payment.domain.charges import Half
from services.payment.domain.notices import NoticeState, OrderNotice, again
from services.payment.domain.orders import TAKEN, Charge, ChargeState, PayOrder, Refund, RefundState, moved
from services.payment.domain.phases import Phase


class HeldKind(Enum):
    """What rests: an order, a refund of a paid one, a charge for which no order waits, or a notice that nobody heard."""

    ORDER = "order"
    REFUND = "refund"
    CHARGE = "charge"
    NOTICE = "notice"


class Decision(Enum):
    """What people may decide; `yibao.payment.v1.HeldDecision` says what each means."""

    ASK_AGAIN = "ask_again"
    GIVE_BACK = "give_back"
    TAKEN_AS_GIVEN_BACK = "taken_as_given_back"
    TAKEN_AS_PAID = "taken_as_paid"
    TAKEN_AS_TOLD = "taken_as_told"


NOT_TOLD: Final = "INSTITUTION_NOT_TOLD"
PROVEN: Final = frozenset({Decision.TAKEN_AS_GIVEN_BACK, Decision.TAKEN_AS_PAID})
"""What is taken as done, by a proof."""
_BACK: Final = (Decision.ASK_AGAIN, Decision.TAKEN_AS_GIVEN_BACK)
_SAFE: Final[Mapping[str, tuple[Decision, ...]]] = MappingProxyType(
    {
        steps.AMOUNT_DIFFERS: (*_BACK, Decision.GIVE_BACK, Decision.TAKEN_AS_PAID),
        steps.RETURN_ABNORMAL: _BACK,
        steps.MERCHANT_UNKNOWN: _BACK,
        steps.CHANNEL_SILENT: _BACK,
        steps.RETURN_UNHEARD: (Decision.ASK_AGAIN, Decision.TAKEN_AS_TOLD),
        steps.CASH_TO_HAND_OUT: (Decision.TAKEN_AS_GIVEN_BACK,),
        NOT_TOLD: (Decision.ASK_AGAIN, Decision.TAKEN_AS_TOLD),
    }
)


@dataclass(frozen=True, slots=True)
class Held:
    """One that rests, with what it is about."""

    kind: HeldKind
    reason: str
    order: PayOrder
    charge: Charge | None = None
    refund: Refund | None = None
    notice: OrderNotice | None = None

    @property
    def number(self) -> str:
        """By what it is decided about."""
        if self.notice is not None:
            return self.notice.notice_no
        return self.charge.charge_no if self.kind is HeldKind.CHARGE and self.charge else self.order.pay_ord_id

    @property
    def charged_fen(self) -> int:
        """What the channel has collected, as it says."""
        return self.charge.charged_fen if self.charge is not None else self.order.charged_fen

    @property
    def safe(self) -> tuple[Decision, ...]:
        """What may be decided now."""
        return tuple(each for each in _SAFE.get(self.reason, ()) if self._fits(each))

    def _fits(self, decision: Decision) -> bool:
        charge = self.charge
        if decision is Decision.GIVE_BACK:
            return charge is not None and charge.charged_fen > 0
        if decision is Decision.TAKEN_AS_PAID:
            # The channel believes in another whole, but has collected the cash and nothing is open of the other half.
            right = charge is not None and charge.charged_fen == charge.charge_fen
            return right and charge is not None and charge.half in (Half.NONE, Half.DONE)
        return True


def held_order(order: PayOrder, charge: Charge | None, refund: Refund | None) -> Held:
    """An order that rests, by its rows; `refund` is that which is under way."""
    kind = HeldKind.ORDER if refund is None else HeldKind.REFUND
    return Held(kind, order.reason, order, charge, refund)


def held_charge(charge: Charge, order: PayOrder) -> Held:
    """A charge that rests though its order does not wait for it."""
    return Held(HeldKind.CHARGE, steps.why_back(charge), order, charge)


def held_notice(notice: OrderNotice, order: PayOrder) -> Held:
    """A notice that was given up."""
    return Held(HeldKind.NOTICE, NOT_TOLD, order, notice=notice)


@dataclass(frozen=True, slots=True)
class Followed:
    """What follows from a decision: the rows as they are from now on."""

    order: PayOrder
    charge: Charge | None = None
    refund: Refund | None = None
    notice: OrderNotice | None = None


def followed(held: Held, decision: Decision, now: int) -> Followed:
    """What follows. The decision is one of those that are safe."""
    match held.kind:
        case HeldKind.CHARGE:
            return _of_charge(held, decision, now)
        case HeldKind.NOTICE:
            return _of_notice(held, decision, now)
        case HeldKind.REFUND:
            return _of_refund(held, decision, now)
        case _:
            return _of_order(held, decision, now)


def _of_charge(held: Held, decision: Decision, now: int) -> Followed:
    charge = held.charge
    if charge is None:
        raise AssertionError("a charge is held by its row")
    state = ChargeState.RETURNING if decision is Decision.ASK_AGAIN else ChargeState.RETURNED
    order = replace(held.order, changed_at=now, version=held.order.version + 1)
    return Followed(order, replace(charge, state=state, due_at=now, tries=0))


def _of_notice(held: Held, decision: Decision, now: int) -> Followed:
    if held.notice is None:
        raise AssertionError("a notice is held by its row")
    left = replace(held.notice, state=NoticeState.LEFT, done_at=now)
    return Followed(held.order, notice=again(held.notice, now) if decision is Decision.ASK_AGAIN else left)


def _of_refund(held: Held, decision: Decision, now: int) -> Followed:
    if held.refund is None:
        raise AssertionError("a refund is held by its row")
    if held.reason == steps.RETURN_UNHEARD:
        state = RefundState.TOLD if decision is Decision.TAKEN_AS_TOLD else RefundState.CASH_BACK
        refund = replace(held.refund, state=state)
    elif decision is Decision.ASK_AGAIN:
        refund = replace(held.refund, state=RefundState.INSURED_BACK)
    else:
        refund = replace(held.refund, state=RefundState.CASH_BACK, reason=TAKEN)
    return Followed(moved(held.order, Phase.REFUNDING, now), None, refund)


def _of_order(held: Held, decision: Decision, now: int) -> Followed:
    order, charge = held.order, held.charge
    if charge is None:
        raise AssertionError("an order is held by its charge")
    returning = held.reason != steps.AMOUNT_DIFFERS and order.charged_fen > 0
    match decision:
        case Decision.ASK_AGAIN if not returning:
            # What was collected is told anew.
            after = moved(order, Phase.WAITING, now, charged_fen=0)
            return Followed(after, replace(charge, state=ChargeState.WAITING))
        case Decision.ASK_AGAIN | Decision.GIVE_BACK:
            after = moved(order, Phase.RETURNING, now, charged_fen=charge.charged_fen)
            return Followed(after, replace(charge, state=ChargeState.CHARGED))
        case Decision.TAKEN_AS_PAID:
            after = moved(order, Phase.CHARGED, now, charged_fen=charge.charged_fen, reason="", channel_code="")
            return Followed(after, replace(charge, state=ChargeState.CHARGED))
        case _:
            after = moved(order, Phase.VOIDING, now, charged_fen=charge.charged_fen, refunded_fen=charge.charged_fen)
            state = ChargeState.RETURNED if charge.charged_fen else ChargeState.ENDED
            return Followed(after, replace(charge, state=state, due_at=0))


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as it is kept: about what, by whom, when and why; `charged_fen` is what the channel had collected."""

    decision_no: str
    held_no: str
    pay_ord_id: str
    reason: str
    decision: Decision
    memo: str
    proof_no: str
    charged_fen: int
    decided_by: str
    decided_at: int
