"""Time as an argument: a `Clock` tells now; days and texts of the field are Beijing time (UTC+8, no summer time)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")

FIRST_BUSINESS_DAY: Final = date(1990, 1, 1)
LAST_BUSINESS_DAY: Final = date(2099, 12, 31)
"""Days on which a request may be decided (our decision): there was no insurance before, and benefit years, ages and time
zones around every one of them are days that a calendar has.
"""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
_SECOND: Final = 1_000_000
_DAY_S: Final = 86_400
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

Clock = Callable[[], datetime]
"""Returns the present as an aware datetime."""


def system_clock() -> datetime:
    """The machine's clock, UTC."""
    return datetime.now(UTC)


def ahead(clock: Clock, seconds: int) -> Clock:
    """The clock, so many seconds ahead, or behind."""
    if not seconds:
        return clock
    offset = timedelta(seconds=seconds)
    return lambda: clock() + offset


def beijing_day(moment: datetime) -> date:
    """The calendar day in Beijing on which an aware moment falls: the business date."""
    return moment.astimezone(BEIJING).date()


def day_start(day: date) -> datetime:
    """The first moment of a day in Beijing."""
    return datetime(day.year, day.month, day.day, tzinfo=BEIJING)


def stamp_text(moment: datetime) -> str:
    """A moment as yyyyMMddHHmmss in Beijing: the form of the mobile envelope and of numbers that hold a second."""
    since = moment - _EPOCH
    return _second_text(since.days * _DAY_S + since.seconds)


@lru_cache(maxsize=16)
def _second_text(second: int) -> str:
    """Made once for all that happens in a second, counted since 1970 UTC."""
    return f"{_EPOCH.astimezone(BEIJING) + timedelta(seconds=second):%Y%m%d%H%M%S}"


def to_micros(moment: datetime) -> int:
    """A moment as rows and page tokens hold it: microseconds since 1970 UTC; ValueError for a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    since = moment - _EPOCH
    # A quotient of two timedeltas takes ten times as long.
    return (since.days * _DAY_S + since.seconds) * _SECOND + since.microseconds


def from_micros(micros: int) -> datetime:
    """The moment that rows hold so, UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def business_day(text: str) -> date | None:
    """The day that a text `yyyy-MM-dd` names, None for one of another form or that there is not."""
    if _DAY.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def is_business_day(day: date) -> bool:
    """Whether a request may be decided on that day."""
    return FIRST_BUSINESS_DAY <= day <= LAST_BUSINESS_DAY


def days_text(from_day: date, to_day: date | None) -> str:
    """A span of days as texts tell it (ISO 8601-2): `2026-01-01/2026-03-31`, and `2026-01-01/..` for one that lasts."""
    return f"{from_day.isoformat()}/{to_day.isoformat() if to_day else '..'}"


def holds_on(day: date, from_day: date, to_day: date | None) -> bool:
    """Whether a span of days, both ends included and None for one that lasts, holds a day."""
    return from_day <= day and (to_day is None or day <= to_day)


def days_meet(from_day: date, to_day: date | None, other_from: date, other_to: date | None) -> bool:
    """Whether two such spans have a day in common."""
    return (other_to is None or from_day <= other_to) and (to_day is None or other_from <= to_day)


def age_on(birth: date, day: date) -> int:
    """Full years lived on `day`; a birthday of 29 February is reached on 1 March of a common year (our decision)."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def months_between(since: date, day: date) -> int:
    """Full months from a day to another, never negative."""
    return max(0, (day.year - since.year) * 12 + day.month - since.month - (day.day < since.day))
