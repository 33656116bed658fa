"""Days and times of the right form that no calendar or clock has: what exactly is wrong with them. It reads no text."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Wrong:
    """Which part does not exist: the id of a rule, and the values that its text names."""

    rule: str
    values: Mapping[str, str] = field(default_factory=dict)


def not_of_calendar(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> Wrong | None:
    """The first part that does not exist, None where all do. There is no hour 24 and no second 60."""
    if year < 1:
        return Wrong("moment.year", {"least": "1"})
    if not 1 <= month <= 12:
        return Wrong("moment.month")
    days = monthrange(year, month)[1]
    if not 1 <= day <= days:
        return Wrong("moment.day", {"days": str(days)})
    for rule, value, most in (("hour", hour, 23), ("minute", minute, 59), ("second", second, 59)):
        if value > most:
            return Wrong(f"moment.{rule}")
    return None
