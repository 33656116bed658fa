"""Makers of opaque ids: number texts that grow with time. Clock and randomness are arguments."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from services.kernel.clock import Clock, to_micros

NewId = Callable[[str], str]
"""Makes an id that begins with the given prefix."""

_DIGITS = 20
_TAIL = 10_000


def time_ordered_ids(clock: Clock, randomness: Random) -> NewId:
    """A maker of `prefix` + 20 digits: 16 of the moment in microseconds, 4 random.

    Ids of one maker are distinct and grow, even where the clock stands still or goes back. Makers of several processes
    keep apart by the random digits; the unique column of the row has the last word.
    """
    last = 0

    def new_id(prefix: str) -> str:
        nonlocal last
        number = to_micros(clock()) * _TAIL + randomness.randrange(_TAIL)
        last = max(number, last + 1 + randomness.randrange(_TAIL) if number <= last else number)
        return f"{prefix}{last:0{_DIGITS}d}"

    return new_id
