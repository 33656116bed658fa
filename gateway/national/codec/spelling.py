"""How the national text writes a value, and what is said of one that is read here though it is written otherwise.

Nothing is refused by it: the readers of `scalars` decide what can be meant. It is asked only where somebody wants notes, of
values that were read, without blanks at their ends. What it says never holds a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from gateway.national.codec.moments import moment_of
from gateway.national.codec.plan import FieldPlan, Kind
from gateway.national.codec.tables import dictionaries, dictionary_of, is_division

PADDED: Final = "lenient.padded"
NULL_TEXT: Final = "lenient.null_text"
EMPTY: Final = "lenient.empty"
TEXT: Final = "lenient.text"
NUMBER: Final = "lenient.number"
TAIL: Final = "lenient.binary_tail"
FLAG: Final = "lenient.flag"
CODE: Final = "lenient.code"
CODE_FORM: Final = "lenient.code_form"
LOCAL_CODE: Final = "lenient.local_code"
DICTIONARY: Final = "lenient.dictionary"
DIVISION: Final = "lenient.division"
TIME: Final = "lenient.time"
DAY: Final = "lenient.day"
UNSET: Final = "lenient.unset_time"

_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_REGIONS: Final = ("admdvs", "admvs")
_FLAGS: Final = frozenset({"0", "1"})
_FEW: Final = 10

SHORT: Final = 14
"""Characters of a number that holds no binary tail."""


class Odd(NamedTuple):
    """What is not as the text writes it: a rule, and the values that the rule's text names."""

    rule: str
    values: Mapping[str, str] = MappingProxyType({})


_ODD: Final = {rule: Odd(rule) for rule in (EMPTY, TEXT, NUMBER, FLAG, LOCAL_CODE, DIVISION, TIME, DAY, UNSET)}


@dataclass(frozen=True, slots=True)
class Spelling:
    """How one field is written. `codes` is true of what is written so; None where any text is, or where `numeric`, any number
    that is not longer than one that a program adds up. `why` says of the rest what is odd, or None for what is not."""

    codes: Callable[[Any], object] | None
    why: Callable[[Any], Odd | None]
    numeric: bool = False

    def fits(self, raw: Any) -> object:
        """Whether a single value is written as the text has it, as far as can be told at once."""
        if self.codes is not None:
            return self.codes(raw)
        if self.numeric:
            return type(raw) is int or (type(raw) is bytes and len(raw) <= SHORT)
        return type(raw) is str

    def odd(self, raw: Any) -> Odd | None:
        """What is odd in a value, None for nothing."""
        if type(raw) in (dict, list):
            return None if raw else _ODD[EMPTY]
        return None if self.fits(raw) else self.why(raw)


def spelling(plan: FieldPlan) -> Spelling:
    """How the values of a field are written."""
    match plan.kind:
        case Kind.FEN:
            return _number(2)
        case Kind.NUMBER | Kind.INTEGER:
            return _number(plan.scale)
        case Kind.FLAG:
            return Spelling(_FLAGS.__contains__, lambda raw: _ODD[FLAG])
        case Kind.CODE:
            return _code(plan)
        case Kind.TIME:
            return Spelling(_is_moment, partial(_odd_time, rule=TIME))
        case Kind.DAY:
            return Spelling(_is_date, partial(_odd_time, rule=DAY))
    if plan.digits:
        return Spelling(lambda raw: True, lambda raw: None)
    return _text(plan.name.rpartition(".")[2])


def _text(name: str) -> Spelling:
    if name.endswith(_REGIONS):
        return Spelling(
            lambda raw: type(raw) is str and is_division(raw),
            lambda raw: _ODD[TEXT] if type(raw) is not str else _ODD[DIVISION],
        )
    dictionary = dictionary_of(name)
    if not dictionary:
        return Spelling(None, lambda raw: _ODD[TEXT] if type(raw) is not str else None)
    codes = dictionaries()[dictionary]
    foreign = _foreign(codes, Odd(DICTIONARY, {"dictionary": dictionary}))
    return Spelling(codes.__contains__, lambda raw: _ODD[TEXT] if str(raw) in codes else foreign)


def _foreign(codes: frozenset[str], otherwise: Odd) -> Odd:
    """What is said of a code that is none of these: which they are, where they are few."""
    return Odd(CODE, {"known": "、".join(sorted(codes))}) if len(codes) <= _FEW else otherwise


def _code(plan: FieldPlan) -> Spelling:
    codes = frozenset(code for _, code in plan.codes)
    short = {code.lstrip("0"): Odd(CODE_FORM, {"meant": code}) for code in codes if code.strip("0")}
    foreign = _foreign(codes, Odd(DICTIONARY, {"dictionary": plan.name.rpartition(".")[2]}))

    def why(raw: Any) -> Odd:
        code = str(raw)
        if code in codes:
            return _ODD[TEXT]
        if code in short:
            return short[code]
        return _ODD[LOCAL_CODE] if plan.other_codes_field else foreign

    return Spelling(codes.__contains__, why)


def _number(digits: int) -> Spelling:
    tail, text = Odd(TAIL, {"digits": str(digits)}), Odd(NUMBER)

    def why(raw: Any) -> Odd | None:
        shown = raw.decode() if type(raw) is bytes else str(raw)
        if "e" not in shown.casefold() and len(shown.partition(".")[2].rstrip("0")) > digits:
            return tail
        return None if type(raw) is bytes else text

    return Spelling(None, why, numeric=True)


@lru_cache(maxsize=1024)
def _is_moment(raw: Any) -> bool:
    """Whether a value is a time as the text writes it, and one that was set."""
    return type(raw) is str and _MOMENT.fullmatch(raw) is not None and not _is_unset(raw)


@lru_cache(maxsize=1024)
def _is_date(raw: Any) -> bool:
    return type(raw) is str and _DATE.fullmatch(raw) is not None and not _is_unset(raw)


def _is_unset(text: str) -> bool:
    try:
        return moment_of(text) is None
    except ValueError:
        return False


def _odd_time(raw: Any, rule: str) -> Odd:
    text = raw.decode() if type(raw) is bytes else str(raw)
    return _ODD[UNSET if _is_unset(text) else rule]
