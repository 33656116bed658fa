"""How WeChat Pay says no: an HTTP status, a code, a sentence, and an inner number that stands at the end of `Request-ID`.

Codes and numbers are those of its documents (C§1.6); where a document names no number the answer carries none.
"""

from __future__ import annotations

from typing import Final

ILLEGAL: Final = 268435461
ABSENT: Final = 268529515
EXISTS: Final = 268512536
OPENID: Final = 268510603
SUB_OPENID: Final = 268510604
DIGEST_DIFFERS: Final = 268545961
NAME_DIFFERS: Final = 268545962
NOT_ACTIVATED: Final = 268545963
RELATIVE_UNKNOWN: Final = 268545964
AUTHORISATION_INVALID: Final = 268547120
AUTHORISATION_UNKNOWN: Final = 268545967
BUREAU_REFUSES: Final = 268510610
TOTAL_RULE: Final = 268529477
CASH_RULE: Final = 268529476
MIXED_RULE: Final = 268529481
FIELD_MISSING: Final = 268529474
FIELD_FORBIDDEN: Final = 268529475
NOT_REVERSIBLE: Final = 268554200
REVERSAL_FAILED: Final = 268554422
PASSWORD_ENTERED: Final = 268560650


class Refused(Exception):
    """A request that is not done. `inner` is 0 where the documents name no number."""

    def __init__(self, status: int, code: str, message: str, inner: int = 0, field: str = "") -> None:
        self.status, self.code, self.message, self.inner, self.field = status, code, message, inner, field
        super().__init__(message)


def parameter(field: str, message: str, inner: int = ILLEGAL) -> Refused:
    """A field that is missing, of the wrong form or length."""
    return Refused(400, "PARAM_ERROR", message, inner, field)


def invalid(message: str, inner: int = 0) -> Refused:
    """A request that does not fit what the order is now."""
    return Refused(400, "INVALID_REQUEST", message, inner)


def rule(message: str, inner: int = 0) -> Refused:
    """A rule of the business that is broken."""
    return Refused(403, "RULE_LIMIT", message, inner)


def exists(message: str) -> Refused:
    """A number that was used before."""
    return Refused(400, "ALREADY_EXISTS", message, EXISTS)


def no_order() -> Refused:
    """No order of that number."""
    return Refused(404, "ORDER_NOT_EXIST", "订单不存在", ABSENT)


def no_resource(message: str) -> Refused:
    """Nothing of that number."""
    return Refused(404, "RESOURCE_NOT_EXISTS", message)


def unsigned(message: str) -> Refused:
    """A signature that does not prove the merchant."""
    return Refused(401, "SIGN_ERROR", message)


def not_allowed(message: str) -> Refused:
    """Something that this merchant may not do."""
    return Refused(403, "NO_AUTH", message)
