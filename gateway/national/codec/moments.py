"""Times as clients print them: .NET, Java, JavaScript, Oracle, compact digits; Beijing where no zone is written.

A weekday beside a date must be that of the date. What can be read in two ways is refused, never guessed: `01/02/2026`, years
of two digits, seconds since 1970. The date that a
typed client prints for a field that was never set is no date at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from services.kernel.calendar import not_of_calendar
from services.kernel.clock import BEIJING

_DAY_S: Final = 86_400
_BEIJING_S: Final = 28_800
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_OLDEST_YEAR: Final = 1900
# .NET, Java and MySQL begin at year 1 or 0; SQL Server at 1753 and 1900; Delphi, PowerBuilder and Excel at the end of 1899.
_LAST_UNSET_YEAR: Final = 1
_UNSET: Final = frozenset({(1753, 1, 1), (1899, 12, 30), (1899, 12, 31), (1900, 1, 1)})
_LONG_MONTHS: Final = "january february march april may june july august september october november december".split()
_MONTHS: Final = {name: 1 + at for at, long in enumerate(_LONG_MONTHS) for name in (long, long[:3])}
_AFTERNOON: Final = frozenset({"pm", "下午"})

_CLOCK: Final = (
    r"(?P<half>AM|PM|上午|下午)? ?(?P<hour>[0-9]{1,2})[:时](?P<minute>[0-9]{1,2})"
    r"(?:分?$|分(?= )|(?:[:分](?P<second>[0-9]{1,2})秒?))?(?:[.,][0-9]{1,9})?(?: ?(?P<after>AM|PM|上午|下午))?"
    r"(?: ?(?P<zone>Z|CST|(?:GMT|UTC)?[+-][0-9]{1,2}(?::?[0-9]{2})?|GMT|UTC))?"
)
_COMPACT: Final = (("year", 4), ("month", 2), ("day", 2), ("hour", 2), ("minute", 2), ("second", 2))
# Written before a date, behind it, or behind the time; the names of the one language or the other, whole or short.
_WEEKDAY: Final = re.compile(
    r"(?:(?:星期|周|礼拜)(?P<chinese>[一二三四五六日天])|(?<![a-z])(?P<english>(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)"
    r"(?:day)?)(?![a-z]))",
    re.IGNORECASE,
)
_CHINESE_DAYS: Final = {name: at for at, name in enumerate("一二三四五六日")} | {"天": 6}
_ENGLISH_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EDGES: Final = re.compile(r"[ ,，(（]*$"), re.compile(r"^[ ,，)）]*")
_MONTH: Final = "(?:(?P<name>[a-z]{3,9})|(?P<month>[0-9]{1,2})月)"
# Nearly every time that is sent, in one go; the others are tried one after the other.
_USUAL: Final = re.compile(
    r"(?P<year>[0-9]{4})([-/]?)(?P<month>[0-9]{2})\2(?P<day>[0-9]{2})"
    r"(?:[T ]*(?P<hour>[0-9]{2}):?(?P<minute>[0-9]{2})(?::?(?P<second>[0-9]{2})(?:\.[0-9]{1,9})?)?"
    r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?",
    re.ASCII,
)
_FORMS: Final = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        # 2026/1/5 9:05:03, 2026-01-05T09:05:03.0000000+08:00, 2026.1.5, 2026/1/5 下午 3:05:03
        rf"(?P<year>[0-9]{{4}})([-/.])(?P<month>[0-9]{{1,2}})\2(?P<day>[0-9]{{1,2}})(?:[T ]{_CLOCK})?",
        # 2026年1月5日 9时5分3秒
        rf"(?P<year>[0-9]{{4}})年 ?(?P<month>[0-9]{{1,2}})月 ?(?P<day>[0-9]{{1,2}})日(?: ?{_CLOCK})?",
        # 20260105090503123
        "".join(f"(?P<{part}>[0-9]{{{size}}})" for part, size in _COMPACT) + "[0-9]{3}",
        # Mon Jan 05 09:05:03 CST 2026
        rf"(?P<name>[a-z]{{3,9}}) (?P<day>[0-9]{{1,2}}) {_CLOCK} (?P<year>[0-9]{{1,4}})",
        # Mon Jan 05 2026 09:05:03 GMT+0800, Jan 5, 2026 9:05:03 AM
        rf"(?P<name>[a-z]{{3,9}}) (?P<day>[0-9]{{1,2}}),? (?P<year>[0-9]{{4}})(?:,? {_CLOCK})?",
        # Mon, 05 Jan 2026 01:05:03 GMT, 05-JAN-2026 09:05:03, 05-1月 -2026
        rf"(?P<day>[0-9]{{1,2}})[- ]{_MONTH} ?[- ](?P<year>[0-9]{{4}})(?: {_CLOCK})?",
        # 1/1/0001 12:00:00 AM: unset in any order of day and month
        rf"(?P<month>0?1)/(?P<day>0?1)/(?P<year>0{{0,3}}1)(?: {_CLOCK})?",
    )
)
# Milliseconds since 1970, as fastjson and .NET write them. No time in digits has thirteen (a day has 8, a time 12, 14 or 17), so
# these are milliseconds whatever they begin with: from 2030-03-17 they begin with 19, from 2033-05-18 with 20.
_MILLISECONDS: Final = re.compile(r"/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/|([1-9][0-9]{12}|-[0-9]{9,15})", re.ASCII)
# Milliseconds had twelve digits from 1973 to 2001, as 202601050905 has; those would be times in strange years.
_COMPACT_MINUTES: Final = 12
_COMPACT_YEARS: Final = frozenset({"0000", "0001", "1753", "9999", *map(str, range(1899, 2200))})
_REMARK: Final = re.compile(r"\[[\w/+-]{1,40}\]$|\([^()]{1,40}\)$")
_BLANKS: Final = re.compile(r"\s+")


class NoMoment(ValueError):
    """A time of a known form that no calendar or clock has, or that is not of ours; its text is the rule that says why."""

    def __init__(self, rule: str, values: Mapping[str, str] = MappingProxyType({})) -> None:
        self.rule = rule
        self.values = values
        super().__init__(rule)


class Moment(NamedTuple):
    """A day, and the second of it where a time is written, with the seconds by which its zone is ahead of Greenwich."""

    day: date
    second: int | None = None
    ahead_s: int = _BEIJING_S


@lru_cache(maxsize=1024)
def seconds_of(text: str, without_time_s: int) -> int | None:
    """Seconds since 1970, None for a date that was never set; ValueError. The lines of a bill often share one moment.

    `without_time_s` is the second of the day that a day alone means.
    """
    moment = moment_of(text)
    if moment is None:
        return None
    start = (moment.day.toordinal() - _EPOCH_DAY) * _DAY_S
    if moment.second is None:
        return start - _BEIJING_S + without_time_s
    return start + moment.second - moment.ahead_s


def day_of(text: str) -> date | None:
    """The day in Beijing, None for one that was never set; ValueError."""
    moment = moment_of(text)
    if moment is None:
        return None
    if moment.second is None or moment.ahead_s == _BEIJING_S:
        return moment.day
    return moment.day + timedelta(days=(moment.second + _BEIJING_S - moment.ahead_s) // _DAY_S)


def moment_of(text: str) -> Moment | None:
    """What a text says, None for a date that was never set; ValueError."""
    found = _USUAL.fullmatch(text)
    if found is not None:
        if len(text) == _COMPACT_MINUTES and text.isdecimal() and text[:4] not in _COMPACT_YEARS:
            raise ValueError("perhaps milliseconds before 2001-09-09")
        return _moment(found.groupdict())
    text, weekday = _without_weekday(_BLANKS.sub(" ", text))
    text = _BLANKS.sub(" ", _REMARK.sub("", text)).strip()
    milliseconds = _MILLISECONDS.fullmatch(text)
    if milliseconds is not None:
        return _since_1970(int(milliseconds[1] or milliseconds[2]) // 1000)
    for form in _FORMS:
        found = form.fullmatch(text)
        if found is not None:
            moment = _moment(found.groupdict())
            if moment is not None and weekday is not None and moment.day.weekday() != weekday:
                raise NoMoment("moment.weekday")
            return moment
    raise ValueError("no time")


def _without_weekday(text: str) -> tuple[str, int | None]:
    """A text without the name of a weekday in it, and which that is from Monday on, None for none; ValueError for two."""
    found = _WEEKDAY.search(text)
    if found is None:
        return text, None
    before, after = _EDGES[0].sub("", text[: found.start()]), _EDGES[1].sub("", text[found.end() :])
    if _WEEKDAY.search(after):
        raise ValueError("two weekdays")
    chinese = found["chinese"]
    weekday = _CHINESE_DAYS[chinese] if chinese else _ENGLISH_DAYS.index(found["english"][:3].casefold())
    return f"{before} {after}".strip(), weekday


def _moment(parts: dict[str, str | None]) -> Moment | None:
    year, day = int(parts["year"] or 0), int(parts["day"] or 0)
    name = parts.get("name")
    month = int(parts.get("month") or 0) if name is None else _MONTHS.get(name.casefold(), 0)
    if _is_unset(year, month, day):
        return None
    if year < _OLDEST_YEAR:
        raise _too_old()
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    wrong = not_of_calendar(year, month, day, hour, minute, second)
    if wrong is not None:
        raise NoMoment(wrong.rule, wrong.values)
    found = date(year, month, day)
    if parts.get("hour") is None:
        return Moment(found)
    half = (parts.get("half") or parts.get("after") or "").casefold()
    if half:
        if not 1 <= hour <= 12:
            raise NoMoment("moment.half")
        hour = hour % 12 + (12 if half in _AFTERNOON else 0)
    return Moment(found, hour * 3600 + minute * 60 + second, _ahead_s(parts.get("zone")))


def _too_old() -> NoMoment:
    return NoMoment("moment.year", {"least": str(_OLDEST_YEAR)})


def _is_unset(year: int, month: int, day: int) -> bool:
    return year <= _LAST_UNSET_YEAR or (year, month, day) in _UNSET


def _since_1970(seconds: int) -> Moment | None:
    try:
        moment = datetime.fromtimestamp(seconds, BEIJING)
    except (ValueError, OverflowError, OSError):
        # Before year 1: what Java writes for the first day of its calendar.
        if seconds < 0:
            return None
        raise ValueError("no time of ours") from None
    if _is_unset(moment.year, moment.month, moment.day):
        return None
    if moment.year < _OLDEST_YEAR:
        raise _too_old()
    return Moment(moment.date(), moment.hour * 3600 + moment.minute * 60 + moment.second)


def _ahead_s(zone: str | None) -> int:
    """CST is China's here, never Chicago's (our decision)."""
    if zone is None or zone.upper() == "CST":
        return _BEIJING_S
    text = zone.upper().removeprefix("GMT").removeprefix("UTC")
    if text in ("", "Z"):
        return 0
    digits = text[1:].replace(":", "")
    hours, minutes = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
    size = hours * 3600 + minutes * 60
    return -size if text[0] == "-" else size
