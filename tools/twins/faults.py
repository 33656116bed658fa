"""What can go wrong at a provider, by one set of names for all twins, and where it is chosen.

A fault comes with a published amount (the last four digits of the cash part in fen, AMOUNTS) or is armed for the next requests
through the control door. People with an outcome of their own are the provider's and stand in its folder.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tools.twins.http import Request


class Fault(StrEnum):
    """One thing that goes wrong. Those of a request end the request; the others change what follows."""

    TIMEOUT_BEFORE = "TIMEOUT_BEFORE"
    """No answer, and nothing happened."""
    TIMEOUT_AFTER = "TIMEOUT_AFTER"
    """No answer, and all of it happened."""
    UNAVAILABLE = "UNAVAILABLE"
    """The provider's own 5xx (or its words for it), and nothing happened."""
    DENIED = "DENIED"
    """The person, or the person's bank, says no."""
    USER_PAYING = "USER_PAYING"
    """A code payment waits for the person's password: the answer says so and the outcome comes later."""
    UNKNOWN_STATUS = "UNKNOWN_STATUS"
    """A query answers with a status that no document names."""
    NOTIFY_LOST = "NOTIFY_LOST"
    """No notify is ever sent."""
    NOTIFY_LATE = "NOTIFY_LATE"
    """The first notify comes after its last usual moment."""
    NOTIFY_REPEATED = "NOTIFY_REPEATED"
    """The notify comes three times, though the first was accepted."""
    NOTIFY_FORGED = "NOTIFY_FORGED"
    """A notify with a wrong signature comes before the true one."""
    NOTIFY_EARLY = "NOTIFY_EARLY"
    """The notify arrives before the answer to the request that made the order: it was paid at once."""
    NOTIFY_DIFFERS = "NOTIFY_DIFFERS"
    """Notify and query tell another amount than was ordered."""
    INSURANCE_FAILS = "INSURANCE_FAILS"
    """Cash is taken and the insured half is not settled."""
    REFUND_LATER = "REFUND_LATER"
    """A refund is accepted and not yet done; it is done at the second query."""
    REFUND_CLOSED = "REFUND_CLOSED"
    """A refund is accepted and then closed: no money moved."""
    REFUND_ABNORMAL = "REFUND_ABNORMAL"
    """A refund is accepted and stays with the provider: the person's card cannot take it."""


AMOUNTS: Final[Mapping[int, Fault]] = {
    9101: Fault.TIMEOUT_BEFORE,
    9102: Fault.TIMEOUT_AFTER,
    9103: Fault.UNAVAILABLE,
    9104: Fault.DENIED,
    9105: Fault.USER_PAYING,
    9106: Fault.UNKNOWN_STATUS,
    9111: Fault.NOTIFY_LOST,
    9112: Fault.NOTIFY_LATE,
    9113: Fault.NOTIFY_REPEATED,
    9114: Fault.NOTIFY_FORGED,
    9115: Fault.NOTIFY_EARLY,
    9116: Fault.NOTIFY_DIFFERS,
    9121: Fault.INSURANCE_FAILS,
    9131: Fault.REFUND_LATER,
    9132: Fault.REFUND_CLOSED,
    9133: Fault.REFUND_ABNORMAL,
}
"""By the last four digits of the cash part in fen (¥xx91.01 is 9101): faults of a request hit the first request of that
amount only, so that a retry goes through.
"""
OF_REQUESTS: Final = frozenset({Fault.TIMEOUT_BEFORE, Fault.TIMEOUT_AFTER, Fault.UNAVAILABLE})
_DIGITS: Final = 10_000


def of_amount(fen: int) -> Fault | None:
    """The fault that an amount of cash chooses."""
    return AMOUNTS.get(fen % _DIGITS)


@dataclass(slots=True)
class Armed:
    """A fault that waits for requests: to a method and a beginning of the path ("" is any; with "$" at its end the whole path),
    so often, until a moment.
    """

    fault: Fault
    method: str = ""
    path: str = ""
    times: int = 1
    seconds: float = 600.0
    until: float = 0.0


class Faults:
    """The armed faults of a twin. A restart forgets them."""

    def __init__(self) -> None:
        self._armed: list[Armed] = []

    def arm(self, armed: Armed) -> None:
        """From now on, for `armed.seconds`, the next `armed.times` matching requests have the fault."""
        armed.until = time.monotonic() + armed.seconds
        self._armed.append(armed)

    def clear(self) -> None:
        """All is well again."""
        self._armed.clear()

    def of_request(self, request: Request) -> Fault | None:
        """The fault that ends this request, used up by it."""
        return self._taken(OF_REQUESTS, request.method, request.path)

    def of_event(self, *faults: Fault) -> Fault | None:
        """The first armed one of `faults`, used up: asked where a twin decides what follows."""
        return self._taken(frozenset(faults), "", "")

    def _taken(self, wanted: frozenset[Fault], method: str, path: str) -> Fault | None:
        now = time.monotonic()
        self._armed = [each for each in self._armed if each.times > 0 and each.until > now]
        for each in self._armed:
            there = f"{path}$".startswith(each.path)
            if there and each.fault in wanted and each.method in ("", method):
                each.times -= 1
                return each.fault
        return None
