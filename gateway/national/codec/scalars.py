"""Single values between the envelope's JSON and the messages' types; no value passes through a float.

Readers take what `msgspec` made of a literal (a number with a fraction as the bytes that it was), blanks at the ends of a
text taken off, and raise `Unfit`; a time that was never set is None. Writers return JSON text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, lru_cache
from json.encoder import encode_basestring
from typing import Any, Final

from gateway.national.codec.moments import NoMoment, day_of, seconds_of
from gateway.national.codec.plan import FieldPlan, Kind
from services.kernel.clock import BEIJING
from services.kernel.money import FEN_DIGITS, plainly_scaled, short_text, yuan_text
from services.runtime.wire import day_fields

Reader = Callable[[Any], Any]
Writer = Callable[[Any], str]

NULL: Final = "null"

_NUMBER: Final = re.compile(r"([+-]?)([0-9]{0,15})(?:\.([0-9]{0,60}))?(?:[eE]([+-]?[0-9]{1,2}))?", re.ASCII)
_MOST_DECIMALS: Final = 60
_LOCAL_CODE: Final = re.compile(r"[0-9]{1,6}", re.ASCII)
_WHOLE_LIMIT: Final = 10**15
_INT32: Final = 1 << 31
_DAY_S: Final = 86_400
_LONGEST_TIME: Final = 100
# The print of a double: what is at least so many digits long and off by no more than adding a few hundred doubles makes.
_DOUBLE_DIGITS: Final = 15
_DOUBLE_ERROR: Final = 1 << 43
_TAIL_UNITS: Final = 1000
_FLAGS: Final[Mapping[object, bool]] = {"1": True, "0": False, "true": True, "false": False, 1: True, 0: False}


class Unfit(Exception):
    """A value that its field cannot hold: a rule id and the values that the rule's text names."""

    def __init__(self, rule: str, **values: str) -> None:
        self.rule = rule
        self.values = values
        super().__init__(rule)


def reader(plan: FieldPlan) -> Reader:
    """How a single value of this field is read."""
    match plan.kind:
        case Kind.FEN:
            return read_fen
        case Kind.NUMBER:
            scale = plan.scale
            return lambda raw: read_number(raw, scale)
        case Kind.INTEGER:
            return read_integer
        case Kind.FLAG:
            return read_flag
        case Kind.CODE:
            return _code_reader(plan)
        case Kind.TIME:
            # A range given in days means its first and its last second.
            return read_end_time if plan.ends_range else read_time
        case Kind.DAY:
            return read_day
    return read_text


def writer(plan: FieldPlan) -> Writer:
    """How a single value of this field is written; the absent literal stands where there is no value."""
    absent = plan.absent
    match plan.kind:
        case Kind.FEN:
            return _yuan
        case Kind.NUMBER:
            return _number_writer(plan.scale, absent or "0")
        case Kind.INTEGER:
            return str
        case Kind.FLAG:
            yes, no = ("true", "false") if plan.literal else ('"1"', '"0"')
            return lambda value: yes if value else no
        case Kind.CODE:
            codes = {number: encode_basestring(code) for number, code in plan.codes}
            return _Written(codes, absent or NULL).__getitem__
        case Kind.TIME:
            return lambda value: write_time(value.seconds)
        case Kind.DAY:
            return lambda value: f'"{value.year:04d}-{value.month:02d}-{value.day:02d}"'
    nothing = absent or NULL
    return lambda value: encode_basestring(value) if value else nothing


def read_fen(raw: object) -> int:
    """Yuan as fen; at most two decimals that are not zero."""
    if type(raw) is bytes:
        raw = raw.decode()
    found = plainly_scaled(raw, FEN_DIGITS)
    return _scaled(raw, FEN_DIGITS) if found is None else found


def read_number(raw: object, scale: int) -> str:
    """A number as its shortest decimal text, so that 1, 1.0 and "1.00" are the same content."""
    if type(raw) is bytes:
        raw = raw.decode()
    number = plainly_scaled(raw, scale)
    return short_text(_scaled(raw, scale) if number is None else number, scale)


def read_integer(raw: object) -> int:
    """A whole number of 32 bits."""
    number = _scaled(raw, 0)
    if not -_INT32 <= number < _INT32:
        raise Unfit("national.number")
    return number


def read_text(raw: object) -> str:
    """Text; a number stands for its digits, in one plain form: 3e-1 and 0.30 are `0.3`, 1.0 is `1`, -0.0 is `0`.

    So the same number is the same content, however it is printed (our decision). One with a point or an exponent has at
    most 15 digits before the point and 60 behind it. A text is never read as a number.
    """
    if type(raw) is str:
        return raw
    if type(raw) is int:
        return str(raw)
    if type(raw) is bytes:
        return _plain_text(raw.decode())
    raise Unfit("national.text")


def read_flag(raw: object) -> bool:
    """ "1" or "0", also as a number or a JSON boolean."""
    found = _FLAGS.get(raw) if isinstance(raw, str | int) else None
    if found is None:
        raise Unfit("national.flag")
    return found


def read_time(raw: object) -> dict[str, int] | None:
    """A moment, as `moments` reads it; a day alone is its first second."""
    return _time(raw, 0)


def read_end_time(raw: object) -> dict[str, int] | None:
    """The same; a day without a time means its last second."""
    return _time(raw, _DAY_S - 1)


def read_day(raw: object) -> dict[str, int] | None:
    """A day in Beijing; a time behind it is left out."""
    try:
        day = day_of(_digits(raw))
    except (ValueError, OverflowError) as error:
        raise _no_time(error) from None
    return None if day is None else day_fields(day)


def write_number(text: str, scale: int) -> str:
    """A decimal text as a JSON number with at most `scale` decimals; further digits are rounded half away from zero."""
    number = _NUMBER.fullmatch(text)
    if number is None or number[4] or not (number[2] or number[3]):
        raise ValueError("a member answered a number that is none")
    whole, part = (number[2] or "0").lstrip("0") or "0", (number[3] or "").rstrip("0")
    if len(part) > scale:
        digits = int(whole + part[:scale]) + (part[scale] >= "5")
        padded = str(digits).rjust(scale + 1, "0")
        whole, part = (padded[:-scale], padded[-scale:].rstrip("0")) if scale else (padded, "")
    return _shown(number[1], whole, part)


@lru_cache(maxsize=4096)
def write_time(seconds: int) -> str:
    """A moment as Beijing's `yyyy-MM-dd HH:mm:ss`."""
    return f'"{datetime.fromtimestamp(seconds, BEIJING).isoformat(" ")[:19]}"'


class _Written(dict[int, str]):
    """Texts by number, `nothing` for any other; asked without a step of the interpreter, as a bill asks some dozens of times."""

    def __init__(self, texts: Mapping[int, str], nothing: str) -> None:
        super().__init__(texts)
        self._nothing = nothing

    def __missing__(self, number: int) -> str:
        return self._nothing


_yuan: Final = lru_cache(maxsize=4096)(yuan_text)


@cache
def _number_writer(scale: int, nothing: str) -> Writer:
    return lru_cache(maxsize=4096)(lambda value: write_number(value, scale) if value else nothing)


def _plain_text(literal: str) -> str:
    number = _NUMBER.fullmatch(literal)
    if number is None:
        raise Unfit("national.text")
    sign, whole, part, exponent = number.groups()
    try:
        whole, part = _shifted(whole, part or "", int(exponent or 0))
    except Unfit:
        raise Unfit("national.text") from None
    part = part.rstrip("0")
    if len(part) > _MOST_DECIMALS:
        raise Unfit("national.text")
    return _shown(sign, whole.lstrip("0") or "0", part)


def _shown(sign: str, whole: str, part: str) -> str:
    shown = f"{whole}.{part}" if part else whole
    return f"-{shown}" if sign == "-" and shown != "0" else shown


def _scaled(raw: object, digits: int) -> int:
    if type(raw) is int:
        if -_WHOLE_LIMIT < raw < _WHOLE_LIMIT:
            return raw * int(10**digits)
        raise Unfit("national.number")
    if type(raw) is bytes:
        raw = raw.decode()
    found = _NUMBER.fullmatch(raw.strip()) if type(raw) is str else None
    if found is None:
        raise Unfit("national.number")
    sign, whole, part, exponent = found.groups()
    part = part or ""
    if not whole and not part:
        raise Unfit("national.number")
    if exponent:
        whole, part = _shifted(whole, part, int(exponent))
    part = part.rstrip("0")
    if len(part) > digits:
        number = _without_binary_tail(int((whole or "0") + part), len(part) - digits, len(part))
        if number is None:
            raise Unfit("national.decimals", digits=str(digits))
    else:
        number = int((whole or "0") + part.ljust(digits, "0"))
    return -number if sign == "-" else number


def _without_binary_tail(number: int, excess: int, decimals: int) -> int | None:
    """The number that a double stands for whose print is a little off, 0.30000000000000004; None for any other.

    `number` has `decimals` decimals, `excess` more than its field. Such prints have 15 digits or more and lie within 2^-43 of
    a value of the field, in proportion where they are larger than 1 (our decision): a third decimal that was meant is further.
    """
    if len(str(number)) < _DOUBLE_DIGITS:
        return None
    unit = 10**excess
    value = (2 * number + unit) // (2 * unit)
    off = abs(number - value * unit)
    near = off * _DOUBLE_ERROR <= max(number, 10**decimals) and off * _TAIL_UNITS <= unit
    return value if near else None


def _shifted(whole: str, part: str, exponent: int) -> tuple[str, str]:
    """Moves the decimal point: 1.5E+2 is 150."""
    digits, point = whole + part, len(whole) + exponent
    if point <= 0:
        return "0", "0" * -point + digits
    shifted = digits.ljust(point, "0")
    if len(shifted[:point].lstrip("0")) > len(str(_WHOLE_LIMIT)) - 1:
        raise Unfit("national.number")
    return shifted[:point], shifted[point:]


def _code_reader(plan: FieldPlan) -> Reader:
    numbers = {code: number for number, code in plan.codes}
    known = "、".join(numbers)
    # A client that keeps codes as numbers sends 2 for 02.
    numbers = {code.lstrip("0"): number for code, number in numbers.items() if code.strip("0")} | numbers
    otherwise = 0 if plan.other_codes else None
    local = bool(plan.other_codes_field)

    def read(raw: object) -> int | str:
        code = str(raw) if type(raw) is int else raw
        found = numbers.get(code, otherwise) if type(code) is str else None
        if found is not None:
            return found
        if local and type(code) is str and _LOCAL_CODE.fullmatch(code):
            return code
        raise Unfit("national.code", known=known)

    return read


def _time(raw: object, without_time_s: int) -> dict[str, int] | None:
    try:
        seconds = seconds_of(_digits(raw), without_time_s)
    except ValueError as error:
        raise _no_time(error) from None
    return None if seconds is None else {"seconds": seconds}


def _no_time(error: Exception) -> Unfit:
    return Unfit(error.rule, **error.values) if isinstance(error, NoMoment) else Unfit("national.time")


def _digits(raw: object) -> str:
    """What is read as a time, "" for what is none. No time is longer; a text that is would be kept with the times read."""
    text = raw if type(raw) is str else str(raw) if type(raw) is int else ""
    return text if len(text) <= _LONGEST_TIME else ""
