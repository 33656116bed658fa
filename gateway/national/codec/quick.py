"""The quick way through a row of single values that all fit, which nearly every row is; all else goes the careful way.

It takes no notes and tells no refusal: where it finds anything to tell it gives the row back unread, and `decode` reads it from
its beginning. So both ways read alike what both read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from typing import Any, Final

from gateway.national.codec import scalars
from gateway.national.codec.plan import ABSENT, FieldPlan, Kind, Place
from gateway.national.codec.refusing import LONGEST_KEY
from gateway.national.codec.scalars import Reader, Unfit

QuickReader = Callable[[dict[str, Any]], dict[str, Any] | None]

_NUMBERS: Final = frozenset({int, bytes})
_MOST_PASSED: Final = 512
_KEPT_AMOUNTS: Final = 4096
_KEPT_CODES: Final = 64


def quick_reader(plans: Mapping[str, FieldPlan], left: Iterable[str], known: Callable[[str], bool]) -> QuickReader:
    """`read(row)` → its values by field, None for a row that is to be read with care.

    `plans` are the single values by the key that each stands under, `left` keys that are not read. Of other keys `known` says
    whether they mean something; those that do not are passed over, and the first of them are remembered.
    """
    slots = {key: (plan.field, _reader(plan)) for key, plan in plans.items()}
    passed = set(left)

    def read(row: dict[str, Any]) -> dict[str, Any] | None:
        values: dict[str, Any] = {}
        try:
            for key, raw in row.items():
                slot = slots.get(key)
                if slot is None:
                    if raw is None or key in passed:
                        continue
                    if known(key):
                        return None
                    if len(key) <= LONGEST_KEY and len(passed) < _MOST_PASSED:
                        passed.add(key)
                    continue
                field, read_value = slot
                if type(raw) is str:
                    text = raw.strip()
                    if text in ABSENT:
                        continue
                    value = text if read_value is None else read_value(text)
                elif type(raw) in _NUMBERS:
                    value = scalars.read_text(raw) if read_value is None else read_value(raw)
                elif raw is None:
                    continue
                else:
                    return None
                if value is not None:
                    values[field] = value
        except Unfit:
            return None
        return values

    return read


def _reader(plan: FieldPlan) -> Reader | None:
    """How a value of this field is read, None for a text, which stands for itself. What was read of numbers and codes is kept:
    the same few come again and again, and names of people are no numbers.
    """
    match plan.kind:
        case Kind.TEXT:
            return None
        case Kind.FEN | Kind.NUMBER | Kind.INTEGER | Kind.FLAG:
            return _amounts(plan.kind, plan.scale)
        case Kind.CODE:
            return lru_cache(_KEPT_CODES, typed=True)(scalars.reader(plan))
    return scalars.reader(plan)


@cache
def _amounts(kind: Kind, scale: int) -> Reader:
    """One for all fields of a kind."""
    plan = FieldPlan("", kind, (), (), Place.NODE, scale)
    return lru_cache(_KEPT_AMOUNTS, typed=True)(scalars.reader(plan))
