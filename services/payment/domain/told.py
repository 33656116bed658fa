"""What a channel was told for an order, as a value: without secrets, and without who somebody is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

PLACE: Final = "place"
LOOK: Final = "look"
CLOSE: Final = "close"
LOOK_BACK: Final = "look_refund"
BACK: Final = "refund"
INSURED_BACK: Final = "tell_returned"


@dataclass(frozen=True, slots=True)
class ToldRequest:
    """A request as it was built, before it was sealed and signed. `step` is what it was for, `number` ours of the charge or the
    refund, `verb` and `target` where it went, `content` the rest as JSON in ASCII. The same thing told again is one value:
    `times`, from the first moment to the last (microseconds).
    """

    pay_ord_id: str
    channel: str
    step: str
    number: str
    verb: str
    target: str
    content: str
    first_at: int
    last_at: int
    times: int = 1

    @property
    def key(self) -> str:
        """By which the same is known again."""
        said = "\n".join((self.channel, self.step, self.number, self.verb, self.target, self.content))
        return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


def together(told: Iterable[ToldRequest]) -> dict[tuple[str, str], ToldRequest]:
    """By order and key, in that order; what was told several times counted."""
    found: dict[tuple[str, str], ToldRequest] = {}
    for each in told:
        name = (each.pay_ord_id, each.key)
        known = found.get(name)
        if known is not None:
            each = replace(known, last_at=each.last_at, times=known.times + each.times)  # noqa: PLW2901
        found[name] = each
    return dict(sorted(found.items()))
