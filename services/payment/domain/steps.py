"""What follows from what a channel says, or a settlement: pure decisions about an order and its charge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.kernel.rests import LONGEST_REST_S, rest_s
from services.payment.domain.accounts import CASH
from services.payment.domain.charges import ChannelState, Half, Hearing, RefundSeen, RefundStanding, Seen
from services.payment.domain.orders import (
    SECOND,
    Charge,
    ChargeState,
    Goal,
    PayOrder,
    Refund,
    RefundState,
    bank_part_fen,
    kept,
    moved,
    rested,
)
from services.payment.domain.phases import PLACEABLE, Phase

ABSENT_S: Final = 20
"""How long after a charge was asked for a channel that knows nothing of it is believed: nothing on the way lives longer (our
decision, above every limit of a call)."""
LOOKS_S: Final = (1, 2, 2, 5, 5, 10, 15)
"""Between looks at a charge of which nobody knows yet, and at one of which its channel does not tell; then every 15 s."""
TOLD_LOOKS_S: Final = (5, 10, 15)
"""Between looks at a charge that waits for the person, where the channel tells when it is paid: a look finds a notify that was
lost (our decision; earlier ones asked about what the channel was about to tell, and kept its notifies waiting)."""
LATE_LOOKS_S: Final = (60, 600, 7_200)
"""After these rests a channel is asked once more how a charge stands that was closed or lost: what came all the same without
a notify would else be found by the day's bill alone (our decision)."""
BEYOND_S: Final = 600
"""How much longer a settlement stays open than the person may pay: a charge in the last second is still confirmed (issue: at
least 10 minutes)."""
MOST_REFUSED: Final = 6
"""After so many attempts in vain people decide where a channel answers and refuses to say or to do it: half a minute (our
decision; C§5.1 speaks of twelve, further apart)."""

AMOUNT_DIFFERS: Final = "CHARGE_AMOUNT_DIFFERS"
INSURED_HALF_FAILED: Final = "INSURED_HALF_FAILED"
CHANNEL_REFUSED: Final = "CHANNEL_REFUSED"
NOT_PAID_IN_TIME: Final = "NOT_PAID_IN_TIME"
NOT_SENT: Final = "CHANNEL_UNREACHABLE"
"""Nothing left this house: the channel could not be reached."""
CHANNEL_LOST: Final = "CHANNEL_LOST_IT"
BANK_BALANCE_LESS: Final = "BANK_BALANCE_LESS"
PAID_TOO_LATE: Final = "PAID_TOO_LATE"
RETURN_ABNORMAL: Final = "RETURN_ABNORMAL"
CASH_TO_HAND_OUT: Final = "CASH_TO_HAND_OUT"
MERCHANT_UNKNOWN: Final = "MERCHANT_UNKNOWN"
CHANNEL_SILENT: Final = "CHANNEL_TELLS_NOTHING"
"""The channel refuses to say how a charge stands that nobody shall pay any more."""
RETURN_UNHEARD: Final = "RETURN_NOT_HEARD"
"""All has gone back, and the channel of a mixed order refuses to hear of the insured part."""
MOST_FEN: Final = 10**15
"""What an amount is cut to before it is stored: nobody pays so much, and a channel that says so is not believed."""
_PAYING: Final = frozenset({Phase.PLACING, Phase.WAITING, Phase.CLOSING})
_LEFT_TO_PEOPLE: Final = (RefundStanding.REFUSED, RefundStanding.ABNORMAL)
_UNDONE: Final = frozenset({Phase.VOIDING, *PLACEABLE, Phase.REVOKING, Phase.REVOKED})


@dataclass(frozen=True, slots=True)
class Step:
    """An order and its charge after something was learned."""

    order: PayOrder
    charge: Charge


def after_seen(
    order: PayOrder, charge: Charge, seen: Seen, now: int, looked_at: int | None = None, *, tells: bool = True
) -> Step:
    """After a channel has said how the order's charge stands. `looked_at` is when it was asked, where that was before now: what
    was on the way then may have arrived since. `tells` says whether the channel calls when the charge is paid.
    """
    told = _told(charge, seen)
    if order.charge_no != charge.charge_no or order.phase not in _PAYING:
        return _late(order, told, now)
    if seen.standing is ChannelState.CHARGED:
        return _collected(order, told, seen, now, tells=tells)
    if seen.standing is ChannelState.CLOSED and seen.unasked and _agreed_to(order, charge, now):
        return _open(order, told, seen, now, tells=tells)
    if seen.standing in (ChannelState.CLOSED, ChannelState.REFUSED, ChannelState.RETURNED):
        reason = _why(order, seen)
        ended = _ended(told, now, late=seen.standing is ChannelState.CLOSED and seen.code != NOT_SENT)
        if seen.short and bank_part_fen(order):
            # The balance is no more what the bill was split by: it is placed again.
            goal = Goal.SAVED if order.goal is Goal.FAILED else order.goal
            less = moved(order, Phase.VOIDING, now, goal=goal, reason=BANK_BALANCE_LESS, channel_code=seen.code)
            return Step(less, ended)
        return Step(moved(order, Phase.VOIDING, now, reason=reason, channel_code=seen.code), ended)
    if seen.standing is ChannelState.ABSENT:
        believed_at = charge.asked_at + ABSENT_S * SECOND
        if (now if looked_at is None else looked_at) < believed_at:
            return Step(_again(order, now, min(_next_look(order, now), max(believed_at, now + 1))), told)
        ended = _ended(told, now, late=True)
        return Step(moved(order, Phase.VOIDING, now, reason=order.reason or CHANNEL_LOST), ended)
    return _open(order, told, seen, now, tells=tells)


def _ended(told: Charge, now: int, *, late: bool) -> Charge:
    """The charge once nobody waits for it; with `late` the channel is asked about it again."""
    return replace(told, state=ChargeState.ENDED, tries=0, due_at=now + LATE_LOOKS_S[0] * SECOND if late else 0)


def looked_late(charge: Charge, now: int) -> Charge:
    """The charge with its next late look, where there is one."""
    tries = charge.tries + 1
    due_at = now + LATE_LOOKS_S[tries] * SECOND if tries < len(LATE_LOOKS_S) else 0
    return replace(charge, tries=tries, due_at=due_at)


def _why(order: PayOrder, seen: Seen) -> str:
    """Why nobody pays any more."""
    if seen.standing is ChannelState.REFUSED:
        return CHANNEL_REFUSED
    return NOT_SENT if seen.code == NOT_SENT else order.reason or NOT_PAID_IN_TIME


def _agreed_to(order: PayOrder, charge: Charge, now: int) -> bool:
    """Whether the bureau cannot refuse any more what the channel was not asked to close: the insured half is agreed, and the
    channel may book it until the settlement lapses."""
    last = charge.expires_at + BEYOND_S * SECOND
    return order.phase is Phase.CLOSING and order.agreed and now < last


def _in_vain(tries: int, seen: Seen | RefundSeen | Hearing) -> bool:
    """Whether a channel has refused so often that another attempt is left to people; `tries` are those before this one."""
    return seen.refused and tries + 1 >= MOST_REFUSED


def _collected(order: PayOrder, told: Charge, seen: Seen, now: int, *, tells: bool) -> Step:
    if seen.charged_fen != told.charge_fen or seen.doubted:
        held = replace(told, state=ChargeState.HELD)
        fields = {"reason": AMOUNT_DIFFERS, "charged_fen": told.charged_fen, "channel_code": seen.code}
        return Step(moved(order, Phase.HELD, now, **fields), held)
    charged = replace(told, state=ChargeState.CHARGED)
    if seen.half in (Half.FAILED, Half.RETURNED) and not seen.charged_fen:
        ended = _ended(told, now, late=False)
        return Step(moved(order, Phase.VOIDING, now, reason=INSURED_HALF_FAILED), ended)
    if seen.half in (Half.FAILED, Half.RETURNED):
        order = moved(order, Phase.RETURNING, now, reason=INSURED_HALF_FAILED, charged_fen=seen.charged_fen)
        return Step(order, charged)
    if seen.half in (Half.WAITING, Half.UNKNOWN):
        return _open(order, told, seen, now, tells=tells)
    return Step(moved(order, Phase.CHARGED, now, charged_fen=seen.charged_fen, reason=""), charged)


def _open(order: PayOrder, told: Charge, seen: Seen, now: int, *, tells: bool) -> Step:
    """Nobody has paid yet, or nobody knows: until the person's time is over."""
    waiting = replace(told, state=ChargeState.WAITING) if seen.standing is ChannelState.WAITING else told
    if order.phase is Phase.CLOSING and _in_vain(order.tries, seen):
        held = moved(order, Phase.HELD, now, reason=CHANNEL_SILENT, channel_code=seen.code)
        return Step(held, replace(waiting, state=ChargeState.HELD))
    if order.phase is Phase.CLOSING:
        return Step(_again(order, now, now + rest_s(order.tries) * SECOND), waiting)
    if now >= told.expires_at:
        return Step(moved(order, Phase.CLOSING, now, reason=NOT_PAID_IN_TIME), waiting)
    if order.phase is Phase.PLACING and seen.standing is not ChannelState.WAITING:
        return Step(_again(order, now, _next_look(order, now)), told)
    looked = _again(order, now, min(_next_look(order, now, TOLD_LOOKS_S if tells else LOOKS_S), told.expires_at))
    return Step(replace(looked, phase=Phase.WAITING), waiting)


def _late(order: PayOrder, told: Charge, now: int) -> Step:
    """A channel speaks of a charge for which nobody waits any more: what it has collected goes back."""
    collected = told.standing is ChannelState.CHARGED and told.charged_fen > 0
    back = told.state in (ChargeState.RETURNING, ChargeState.RETURNED, ChargeState.HELD)
    current = order.charge_no == told.charge_no
    if not collected or back or (current and order.phase not in _UNDONE):
        return Step(order, told)
    if current and order.phase is Phase.VOIDING:
        returning = moved(order, Phase.RETURNING, now, reason=PAID_TOO_LATE, charged_fen=told.charged_fen)
        return Step(returning, replace(told, state=ChargeState.CHARGED))
    return Step(order, replace(told, state=ChargeState.RETURNING, due_at=now))


def after_return(order: PayOrder, charge: Charge, seen: RefundSeen, now: int) -> Step:
    """After a channel has said how the return of a charge stands whose order waits for it."""
    if seen.standing is RefundStanding.RETURNED:
        returned = replace(charge, state=ChargeState.RETURNED, returned_at=now)
        return Step(moved(order, Phase.VOIDING, now, refunded_fen=charge.charged_fen), returned)
    if seen.standing in _LEFT_TO_PEOPLE or _in_vain(order.tries, seen):
        held = replace(charge, state=ChargeState.HELD, returned_fen=_bounded(seen.refunded_fen))
        reason = why_back(charge)
        return Step(moved(order, Phase.HELD, now, reason=reason, channel_code=seen.code), held)
    return Step(_again(order, now, now + rest_s(order.tries) * SECOND), charge)


def why_back(charge: Charge) -> str:
    """Why a whole charge does not go back by itself: cash in a drawer is handed out by people, who have to hear of it."""
    return CASH_TO_HAND_OUT if charge.channel == CASH else RETURN_ABNORMAL


def after_stray_return(charge: Charge, seen: RefundSeen, now: int) -> Charge:
    """The same of a charge whose order does not wait for it."""
    if seen.standing is RefundStanding.RETURNED:
        return replace(charge, state=ChargeState.RETURNED, returned_at=now)
    if seen.standing in _LEFT_TO_PEOPLE or _in_vain(charge.tries, seen):
        return replace(charge, state=ChargeState.HELD, returned_fen=_bounded(seen.refunded_fen))
    return replace(charge, tries=charge.tries + 1, due_at=now + rest_s(charge.tries) * SECOND)


def undone(order: PayOrder, now: int) -> PayOrder:
    """Nothing stands of an order any more: it goes where it was meant to."""
    match order.goal:
        case Goal.SAVED:
            return moved(order, Phase.SAVED, now, goal=Goal.FAILED)
        case Goal.REVOKED:
            return moved(order, Phase.REVOKING, now)
        case _:
            return moved(order, Phase.FAILED, now)


def after_refund(order: PayOrder, refund: Refund, seen: RefundSeen, now: int) -> tuple[PayOrder, Refund]:
    """After a channel has said how a refund's cash stands."""
    if seen.standing is RefundStanding.RETURNED:
        return _again(order, now, now), replace(refund, state=RefundState.CASH_BACK)
    if seen.standing in _LEFT_TO_PEOPLE or _in_vain(order.tries, seen):
        held = moved(order, Phase.HELD, now, reason=RETURN_ABNORMAL, channel_code=seen.code)
        told = _bounded(seen.refunded_fen)
        return held, replace(refund, state=RefundState.HELD, reason=seen.code, said_fen=told)
    return _again(order, now, now + rest_s(order.tries) * SECOND), refund


def after_telling(order: PayOrder, hearing: Hearing, now: int) -> PayOrder:
    """After the channel of a mixed order has not heard that the insured part went back."""
    if _in_vain(order.tries, hearing):
        return moved(order, Phase.HELD, now, reason=RETURN_UNHEARD, channel_code=hearing.code)
    return rested(order, "", now)


def refunded(order: PayOrder, refund: Refund, now: int) -> tuple[PayOrder, Refund]:
    """A refund is through."""
    after = moved(
        order,
        Phase.PAID,
        now,
        refund_no="",
        reason="",
        refunded_fen=order.refunded_fen + refund.back_fen,
        insured_returned=order.insured_returned or refund.insured,
    )
    return after, replace(refund, state=RefundState.DONE, done_at=now)


def _told(charge: Charge, seen: Seen) -> Charge:
    """The charge with what the channel has said; what it does not say stays."""
    return replace(
        charge,
        standing=seen.standing if seen.standing is not ChannelState.UNKNOWN else charge.standing,
        half=seen.half if seen.half not in (Half.NONE, Half.UNKNOWN) else charge.half,
        charged_fen=_bounded(seen.charged_fen) or charge.charged_fen,
        said_total_fen=charge.said_total_fen if seen.total_fen is None else _bounded(seen.total_fen),
        trade_no=seen.trade_no or charge.trade_no,
        mix_trade_no=seen.mix_trade_no or charge.mix_trade_no,
        front=dict(seen.front) or charge.front,
    )


def _bounded(fen: int) -> int:
    return min(max(0, fen), MOST_FEN)


def _next_look(order: PayOrder, now: int, looks_s: Sequence[int] = LOOKS_S) -> int:
    """When the channel is worth another look."""
    return now + (looks_s[order.tries] if order.tries < len(looks_s) else LONGEST_REST_S) * SECOND


def _again(order: PayOrder, now: int, due_at: int) -> PayOrder:
    return kept(order, now, due_at=due_at, tries=order.tries + 1)
