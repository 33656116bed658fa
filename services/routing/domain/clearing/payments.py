"""Payment orders and their states: one table of transitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.kernel.errors import Fault, not_found, precondition

ISSUED, SENT, PAID, FAILED, VOID = "issued", "sent", "paid", "failed", "void"

_NEXT: Final[Mapping[str, frozenset[str]]] = {
    ISSUED: frozenset({SENT, PAID}),
    SENT: frozenset({PAID, FAILED}),
    FAILED: frozenset({SENT}),
    PAID: frozenset(),
    VOID: frozenset(),
}
UNDER_WAY: Final = frozenset({SENT, PAID})
"""States in which money is or may be on its way."""


@dataclass(frozen=True, slots=True)
class Payment:
    """An order that one region pays another, in fen."""

    payment_no: str
    month: str
    run: int
    circle: str
    payer_region: str
    payee_region: str
    amount_fen: int
    state: str = ISSUED
    memo: str = ""


def payment_no(month: str, run: int, place: int) -> str:
    """The number of an order: month, run and its place among the orders of the run, so that the same books give the same."""
    return f"CP{month.replace('-', '')}{run:02}{place:04}"


def check_step(payment: Payment, state: str) -> bool:
    """Whether the order moves; False where it is in that state already. PRECONDITION CLEARING_PAYMENT_STATE else."""
    if payment.state == state:
        return False
    if state not in _NEXT[payment.state]:
        raise precondition(
            "CLEARING_PAYMENT_STATE", payment_no=payment.payment_no, payment_state=payment.state, wanted_state=state
        )
    return True


def no_payment(number: str) -> Fault:
    """NOT_FOUND CLEARING_PAYMENT_NOT_FOUND."""
    return not_found("CLEARING_PAYMENT_NOT_FOUND", payment_no=number)
