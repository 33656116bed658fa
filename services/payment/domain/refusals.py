"""Why payment refuses: each reason in one place, with what its text names. Nothing personal is in a fault."""

from __future__ import annotations

from services.kernel.errors import Fault, FaultKind, conflict, denied, invalid, not_found, precondition
from services.kernel.money import yuan_text
from services.payment.domain.orders import PayOrder
from services.payment.domain.splits import Split

LATER_S = 2.0
"""When an order that is on its way is worth another look (our decision)."""


def order_unknown(pay_ord_id: str) -> Fault:
    """NOT_FOUND PAY_ORDER_NOT_FOUND; also another institution's."""
    return not_found("PAY_ORDER_NOT_FOUND", pay_ord_id=pay_ord_id)


def token_wrong(pay_ord_id: str) -> Fault:
    """DENIED PAY_TOKEN_WRONG: it is not the one that 6201 answered."""
    return denied("PAY_TOKEN_WRONG", pay_ord_id=pay_ord_id)


def order_exists(order: PayOrder) -> Fault:
    """CONFLICT PAY_ORDER_EXISTS: the institution's number stands for another bill."""
    return conflict("PAY_ORDER_EXISTS", med_org_ord=order.med_org_ord, pay_ord_id=order.pay_ord_id)


def order_ended(order: PayOrder) -> Fault:
    """PRECONDITION PAY_ORDER_ENDED: it was revoked, and its number is used up."""
    return precondition("PAY_ORDER_ENDED", pay_ord_id=order.pay_ord_id)


def wrong_phase(order: PayOrder, wanted: str) -> Fault:
    """PRECONDITION PAY_ORDER_STATE: what is asked is not done with an order that stands so."""
    return precondition("PAY_ORDER_STATE", pay_ord_id=order.pay_ord_id, phase=order.phase.value, wanted=wanted)


def on_its_way(order: PayOrder) -> Fault:
    """UNAVAILABLE OUTCOME_UNKNOWN: it ends by itself; ask again."""
    return still_changing(order.pay_ord_id)


def still_changing(number: str) -> Fault:
    """UNAVAILABLE OUTCOME_UNKNOWN of an order or charge that others change time after time."""
    return Fault(FaultKind.UNAVAILABLE, "OUTCOME_UNKNOWN", {"order_no": number}, retry_after_s=LATER_S)


def split_moved(order: PayOrder, now: Split) -> Fault:
    """PRECONDITION SPLIT_MOVED: both splits; nothing was charged, and the order is to be placed again."""
    was = order.split or now
    return precondition(
        "SPLIT_MOVED",
        pay_ord_id=order.pay_ord_id,
        tried_cash=yuan_text(was.cash_fen),
        cash=yuan_text(now.cash_fen),
        tried_insured=yuan_text(was.insured_fen),
        insured=yuan_text(now.insured_fen),
    )


def bank_balance_less(order: PayOrder) -> Fault:
    """PRECONDITION BANK_BALANCE_LESS: the account has less than its part; nothing stands, and the order is to be placed again."""
    part = yuan_text(order.split.bank_fen if order.split is not None else 0)
    return precondition("BANK_BALANCE_LESS", pay_ord_id=order.pay_ord_id, part=part)


def deposit_late(order: PayOrder) -> Fault:
    """PRECONDITION DEPOSIT_STAY_SETTLED: no deposit is taken for a stay that is settled."""
    return precondition("DEPOSIT_STAY_SETTLED", mdtrt_id=order.bill.mdtrt_id)


def deposits_short(mdtrt_id: str, left_fen: int) -> Fault:
    """PRECONDITION DEPOSITS_SHORT: the deposits of a stay have less left than that."""
    return precondition("DEPOSITS_SHORT", mdtrt_id=mdtrt_id, left=yuan_text(left_fen))


def deposit_with_lines(path: str) -> Fault:
    """INVALID DEPOSIT_WITH_LINES."""
    return invalid(path, "deposit.lines", "nothing: a deposit is no bill", reason="DEPOSIT_WITH_LINES")


def bank_away() -> Fault:
    """UNAVAILABLE BANK_AWAY: the bank of a real account does not answer; nothing was asked for but its balance."""
    return Fault(FaultKind.UNAVAILABLE, "BANK_AWAY", retry_after_s=LATER_S)


def bank_card_refused(code: str) -> Fault:
    """PRECONDITION BANK_CARD_REFUSED: the bank does not say what that card has; its own word is told."""
    return precondition("BANK_CARD_REFUSED", code=code or "-")


def credential_missing(path: str) -> Fault:
    """INVALID CREDENTIAL_MISSING: neither ecToken nor payAuthNo."""
    return invalid(path, "credential.missing", "an ecToken or a payAuthNo", reason="CREDENTIAL_MISSING")


def desk_mismatch(path: str) -> Fault:
    """INVALID DESK_MISMATCH: the bill names another institution than its sender."""
    return invalid(path, "desk.mismatch", "the institution that sends it", reason="DESK_MISMATCH")


def channel_refused(order: PayOrder) -> Fault:
    """PRECONDITION CHANNEL_REFUSED: nothing was collected and nothing stands; the channel's own word is told."""
    return precondition("CHANNEL_REFUSED", pay_ord_id=order.pay_ord_id, code=order.channel_code or "-")


def not_paid(order: PayOrder) -> Fault:
    """PRECONDITION PAY_ORDER_UNPAID: it came to nothing, and why."""
    return precondition("PAY_ORDER_UNPAID", pay_ord_id=order.pay_ord_id, why=order.reason or "-")


def held(order: PayOrder) -> Fault:
    """PRECONDITION PAY_ORDER_HELD: people have to decide."""
    return precondition("PAY_ORDER_HELD", pay_ord_id=order.pay_ord_id, why=order.reason or "-")


def refund_unbalanced(path: str, acct_fen: int, fund_fen: int) -> Fault:
    """INVALID REFUND_UNBALANCED: parts that do not add up, or that are not those of the order (C§4.5)."""
    told = {"acct": yuan_text(acct_fen), "fund": yuan_text(fund_fen)}
    return invalid(path, "refund.balance", "the parts of the order", reason="REFUND_UNBALANCED", **told)


def refund_exceeds(order: PayOrder, left_fen: int) -> Fault:
    """PRECONDITION REFUND_EXCEEDS_PAID: more cash than is left of it."""
    return precondition("REFUND_EXCEEDS_PAID", pay_ord_id=order.pay_ord_id, left=yuan_text(left_fen))


def refund_exists(asked_no: str) -> Fault:
    """CONFLICT REFUND_EXISTS: that number is another refund's."""
    return conflict("REFUND_EXISTS", app_refd_sn=asked_no)


def charge_unbalanced(path: str) -> Fault:
    """INVALID CHARGE_UNBALANCED: more is taken off the cash than there is."""
    return invalid(path, "charge.balance", "at most the cash and what is added", reason="CHARGE_UNBALANCED")


def code_missing(path: str) -> Fault:
    """INVALID CODE_MISSING: that form of payment needs it."""
    return invalid(path, "charge.code", "what this form of payment needs", reason="CODE_MISSING")


def person_mismatch(pay_ord_id: str) -> Fault:
    """DENIED PERSON_MISMATCH: the order is another person's than the one who is named."""
    return denied("PERSON_MISMATCH", pay_ord_id=pay_ord_id)


def held_unknown(number: str) -> Fault:
    """NOT_FOUND HELD_NOT_FOUND: nothing rests under that number, or nothing any more."""
    return not_found("HELD_NOT_FOUND", held_no=number)


def decision_unsafe(number: str, why: str, safe: list[str]) -> Fault:
    """PRECONDITION HELD_DECISION_UNSAFE: that could move money twice, or is no answer to why it rests; names those that are."""
    return precondition("HELD_DECISION_UNSAFE", held_no=number, why=why, safe=", ".join(safe) or "-")


def proof_missing() -> Fault:
    """INVALID PROOF_MISSING: what is taken as done needs a proof."""
    return invalid("proof_no", "held.proof", "the number of a proof", reason="PROOF_MISSING")
