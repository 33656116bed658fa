"""Time as an argument: a `Clock` tells now; days and texts of the field are Beijing time (UTC+8, no summer time)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")

Clock = Callable[[], datetime]
"""Returns the present as an aware datetime."""


def system_clock() -> datetime:
    """The machine's clock, UTC."""
    return datetime.now(UTC)


def beijing_day(moment: datetime) -> date:
    """The calendar day in Beijing on which an aware moment falls: the business date."""
    return moment.astimezone(BEIJING).date()


def age_on(birth: date, day: date) -> int:
    """Full years lived on `day`; a birthday of 29 February is reached on 1 March of a common year (our decision)."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def months_between(since: date, day: date) -> int:
    """Full months from a day to another, never negative."""
    return max(0, (day.year - since.year) * 12 + day.month - since.month - (day.day < since.day))
