"""Authorisations of a payment: payAuthNo, good once, for one person at one institution, for minutes.

The number is told once and kept as a digest. Its layout is ours: of the real one only that it begins with AUTH is public (C§4.4).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from services.kernel.errors import conflict, denied, not_found

_SECOND: Final = 1_000_000
GOOD_S: Final = 600
"""How long it is good (our decision; texts say 5 to 15 minutes)."""


@dataclass(frozen=True, slots=True)
class Authorisation:
    """One by its row, of payment or, where the institution is of another cell, of routing, which keeps a hash for `psn_no`.
    `used_by` is the order that it was shown for. Moments are microseconds.
    """

    auth: str
    psn_no: str
    fixmedins_code: str
    made_at: int
    expires_at: int
    used_by: str = ""


def digest_of(pay_auth_no: str) -> str:
    """What is kept of the number."""
    return hashlib.sha256(b"yibao payAuthNo\n" + pay_auth_no.encode()).hexdigest()[:40]


def shown(found: Authorisation | None, psn_no: str, fixmedins_code: str, pay_ord_id: str, now: int) -> Authorisation:
    """The authorisation, spent for an order; the same order may show it again.

    NOT_FOUND PAY_AUTH_UNKNOWN where there is none or its time is over; CONFLICT PAY_AUTH_SPENT for another order's;
    DENIED PAY_AUTH_OF_ANOTHER where it is another person's, or for another institution.
    """
    if found is None or (now >= found.expires_at and found.used_by != pay_ord_id):
        raise not_found("PAY_AUTH_UNKNOWN")
    if (found.psn_no, found.fixmedins_code) != (psn_no, fixmedins_code):
        raise denied("PAY_AUTH_OF_ANOTHER")
    if found.used_by and found.used_by != pay_ord_id:
        raise conflict("PAY_AUTH_SPENT")
    return replace(found, used_by=pay_ord_id)


def new(auth: str, psn_no: str, fixmedins_code: str, now: int) -> Authorisation:
    """One that is good from now on."""
    return Authorisation(auth, psn_no, fixmedins_code, now, now + GOOD_S * _SECOND)
