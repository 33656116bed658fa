"""Refusals of what was read: a value that does not fit at its path, and objects of which there is too much to read on."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from gateway.national.codec.scalars import Unfit
from services.kernel.errors import Fault, FaultKind, Violation
from services.runtime.texts.gateway import rule_text

MOST_KEYS: Final = 500
"""Keys of one object."""
LONGEST_KEY: Final = 64
"""Characters of a key that is looked for in other spellings, or remembered as unknown."""


def violation_of(path: str, unfit: Unfit) -> Violation:
    """What is told of a value that does not fit."""
    return Violation(path, unfit.rule, rule_text(unfit.rule, unfit.values, "zh"), unfit.values)


def check_keys(row: Collection[str], path: str) -> None:
    """Fault INVALID_REQUEST for an object with more keys than any node has: look-ups by folded names walk over all."""
    if len(row) > MOST_KEYS:
        raise end_of(path, Unfit("national.max_keys", most=str(MOST_KEYS)))


def end_of(path: str, unfit: Unfit, reason: str = "INVALID_REQUEST") -> Fault:
    """Ends the reading of a request by one violation, without a look at the rest."""
    return Fault(FaultKind.INVALID, reason, violations=[violation_of(path, unfit)])
