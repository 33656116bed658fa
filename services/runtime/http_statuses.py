"""The HTTP status of a fault, for the gateway and for members that answer in the form of a protocol of others."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from services.kernel.errors import Fault, FaultKind

STATUSES: Final[Mapping[FaultKind, int]] = {
    FaultKind.INVALID: 400,
    FaultKind.PRECONDITION: 400,
    FaultKind.UNAUTHENTICATED: 401,
    FaultKind.DENIED: 403,
    FaultKind.NOT_FOUND: 404,
    FaultKind.CONFLICT: 409,
    FaultKind.EXHAUSTED: 429,
    FaultKind.UNSERVED: 501,
    FaultKind.UNAVAILABLE: 503,
    FaultKind.DEADLINE: 504,
}

# Where HTTP says it more exactly than the kind does.
_REASON_STATUSES: Final[Mapping[str, int]] = {
    "BODY_TOO_LARGE": 413,
    "HEAD_TOO_LARGE": 431,
    "MESSAGE_TOO_LARGE": 413,
    "METHOD_UNSERVED": 404,
    "SEARCH_TOO_BROAD": 413,
}


def status_of(fault: Fault) -> int:
    """HTTP status of a fault."""
    return _REASON_STATUSES.get(fault.reason, STATUSES[fault.kind])


def retry_after(fault: Fault) -> dict[str, str]:
    """The header that says in how many whole seconds it is worth to ask again; none where waiting does not help."""
    if fault.retry_after_s is None:
        return {}
    return {"retry-after": str(max(1, math.ceil(fault.retry_after_s)))}
