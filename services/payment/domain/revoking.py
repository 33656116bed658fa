"""revsToken: undoes the insured part within the hour in which it was paid (nhsa-interface §7)."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from services.payment.domain.orders import SECOND, PayOrder

_REVOCABLE_S: Final = 3600
"""For how long it is good."""


def revs_token(key: bytes, order: PayOrder, now: int) -> str:
    """The order's; empty where it is not paid, or not within the hour."""
    if not order.paid_at or now - order.paid_at > _REVOCABLE_S * SECOND:
        return ""
    named = f"revs\n{order.pay_ord_id}\n{order.paid_at}".encode()
    return hmac.new(key, named, hashlib.sha256).hexdigest()[:32]
