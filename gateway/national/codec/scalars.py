"""Single values between the envelope's JSON and the messages' types; no value passes through a float.

Readers take what `msgspec` made of a literal (a number with a fraction arrives as its text) and raise `Unfit`; writers
return JSON text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, Final

from gateway.national.codec.plan import FieldPlan, Kind
from services.kernel.clock import BEIJING

Reader = Callable[[Any], Any]
Writer = Callable[[Any], str]

NULL: Final = "null"

_NUMBER: Final = re.compile(r"([+-]?)([0-9]{0,15})(?:\.([0-9]{0,30}))?(?:[eE]([+-]?[0-9]{1,2}))?", re.ASCII)
_MOMENT: Final = re.compile(
    r"([0-9]{4})([-/]?)([0-9]{2})\2([0-9]{2})"
    r"(?:[T ]*([0-9]{2}):?([0-9]{2})(?::?([0-9]{2})(?:\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?",
    re.ASCII,
)
_WHOLE_DIGITS: Final = 15
_WHOLE_LIMIT: Final = 10**_WHOLE_DIGITS
_INT32: Final = 1 << 31
_FEN_DIGITS: Final = 2
_DAY_S: Final = 86_400
_BEIJING_S: Final = 28_800
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_OLDEST_YEAR: Final = 1900
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
            return read_end_time if plan.field == "endtime" else read_time
        case Kind.DAY:
            return read_day
    return read_text


def writer(plan: FieldPlan) -> Writer:
    """How a single value of this field is written; the absent literal stands where there is no value."""
    absent = plan.absent
    match plan.kind:
        case Kind.FEN:
            return write_fen
        case Kind.NUMBER:
            scale, nothing = plan.scale, absent or "0"
            return lambda value: write_number(value, scale) if value else nothing
        case Kind.INTEGER:
            return str
        case Kind.FLAG:
            return lambda value: '"1"' if value else '"0"'
        case Kind.CODE:
            codes = {number: encode_basestring(code) for number, code in plan.codes}
            nothing = absent or NULL
            return lambda number: codes.get(number, nothing)
        case Kind.TIME:
            return lambda value: write_time(value.seconds)
        case Kind.DAY:
            return lambda value: f'"{value.year:04d}-{value.month:02d}-{value.day:02d}"'
    nothing = absent or NULL
    return lambda value: encode_basestring(value) if value else nothing


def read_fen(raw: object) -> int:
    """Yuan as fen; at most two decimals that are not zero."""
    return _scaled(raw, _FEN_DIGITS)


def read_number(raw: object, scale: int) -> str:
    """A number as its shortest decimal text, so that 1, 1.0 and "1.00" are the same content."""
    number = _scaled(raw, scale)
    if not scale:
        return str(number)
    whole, part = divmod(abs(number), 10**scale)
    text = f"{whole}.{part:0{scale}d}".rstrip("0").rstrip(".")
    return f"-{text}" if number < 0 else text


def read_integer(raw: object) -> int:
    """A whole number of 32 bits."""
    number = _scaled(raw, 0)
    if not -_INT32 <= number < _INT32:
        raise Unfit("national.number")
    return number


def read_text(raw: object) -> str:
    """Text; a number stands for its digits."""
    if type(raw) is str:
        return raw
    if type(raw) is int:
        return str(raw)
    raise Unfit("national.text")


def read_flag(raw: object) -> bool:
    """ "1" or "0", also as a number or a JSON boolean."""
    found = _FLAGS.get(raw) if isinstance(raw, str | int) else None
    if found is None:
        raise Unfit("national.flag")
    return found


def read_time(raw: object) -> dict[str, int]:
    """A moment in Beijing: with or without time, separators, T, fraction; a zone is obeyed where one is written."""
    return {"seconds": _seconds(raw, 0)}


def read_end_time(raw: object) -> dict[str, int]:
    """The same; a day without a time means its last second."""
    return {"seconds": _seconds(raw, _DAY_S - 1)}


def read_day(raw: object) -> dict[str, int]:
    """A day; a time behind it is left out."""
    found = _moment(raw)
    day = _day(found)
    return {"year": day.year, "month": day.month, "day": day.day}


def write_fen(fen: int) -> str:
    """Fen as a JSON number of yuan with two decimals."""
    if fen >= 0:
        return f"{fen // 100}.{fen % 100:02d}"
    return f"-{-fen // 100}.{-fen % 100:02d}"


@lru_cache(maxsize=4096)
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
    shown = f"{whole}.{part}" if part else whole
    return f"-{shown}" if number[1] == "-" and shown != "0" else shown


def write_time(seconds: int) -> str:
    """A moment as Beijing's `yyyy-MM-dd HH:mm:ss`."""
    return f'"{datetime.fromtimestamp(seconds, BEIJING).isoformat(" ")[:19]}"'


def _scaled(raw: object, digits: int) -> int:
    if type(raw) is int:
        if -_WHOLE_LIMIT < raw < _WHOLE_LIMIT:
            return raw * int(10**digits)
        raise Unfit("national.number")
    if type(raw) is str and raw.isascii():
        # Nearly every number that is sent: plain digits, no more decimals than the field has.
        whole, _, part = raw.partition(".")
        if whole.isdigit() and len(whole) <= _WHOLE_DIGITS and len(part) <= digits and (not part or part.isdigit()):
            return int(whole + part.ljust(digits, "0"))
    return _scaled_carefully(raw, digits)


def _scaled_carefully(raw: object, digits: int) -> int:
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
        raise Unfit("national.decimals", digits=str(digits))
    number = int((whole or "0") + part.ljust(digits, "0"))
    return -number if sign == "-" else number


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

    def read(raw: object) -> int:
        code = str(raw) if type(raw) is int else raw
        found = numbers.get(code, otherwise) if type(code) is str else None
        if found is None:
            raise Unfit("national.code", known=known)
        return found

    return read


def _moment(raw: object) -> re.Match[str]:
    text = raw if type(raw) is str else str(raw) if type(raw) is int else ""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise Unfit("national.time")
    return found


def _day(found: re.Match[str]) -> date:
    try:
        day = date(int(found[1]), int(found[3]), int(found[4]))
    except ValueError:
        raise Unfit("national.time") from None
    if day.year < _OLDEST_YEAR:
        raise Unfit("national.time")
    return day


def _seconds(raw: object, without_time_s: int) -> int:
    text = raw if type(raw) is str else str(raw) if type(raw) is int else ""
    return _seconds_of(text, without_time_s)


@lru_cache(maxsize=1024)
def _seconds_of(text: str, without_time_s: int) -> int:
    """The lines of a bill often share one moment."""
    found = _moment(text)
    start = (_day(found).toordinal() - _EPOCH_DAY) * _DAY_S
    if found[5] is None:
        return start - _BEIJING_S + without_time_s
    hour, minute, second = int(found[5]), int(found[6]), int(found[7] or 0)
    if hour > 23 or minute > 59 or second > 59:
        raise Unfit("national.time")
    return start + hour * 3600 + minute * 60 + second - _offset_s(found[8])


def _offset_s(zone: str | None) -> int:
    if zone is None:
        return _BEIJING_S
    if zone == "Z":
        return 0
    size = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
    return -size if zone[0] == "-" else size
