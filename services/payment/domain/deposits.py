"""Deposits for stays (住院预缴金): money that is kept until the stay is settled, used then, or given back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.payment.domain.orders import PayOrder
from services.payment.domain.phases import Phase

_NOTHING_TAKEN: Final = frozenset({Phase.SAVING, Phase.SAVED, Phase.TRIED, Phase.FAILED, Phase.REVOKING, Phase.REVOKED})


def left_fen(of_stay: Sequence[PayOrder], but: str = "") -> int:
    """What a stay's deposits have left: those that are paid, less what went back and what orders of the stay take from them, or
    may still take. `but` is an order that is not counted. A deposit of which a refund is under way counts for nothing.
    """
    found = 0
    for each in of_stay:
        if each.is_deposit and each.phase is Phase.PAID:
            found += each.charged_fen - each.refunded_fen
        elif not each.is_deposit and each.pay_ord_id != but and each.phase not in _NOTHING_TAKEN:
            found -= 0 if each.insured_returned else each.deposit_fen
    return found
