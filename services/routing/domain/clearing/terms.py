"""The calendar and the thresholds of clearing, as data.

Every figure here is our default (our decision): the rules that we could read tell that clearing is monthly and that
prepayments are watched, not on which day.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final

_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class ClearingTerms:
    """Days of the month after the one that is cleared, and shares of a prepayment in hundredths.

    From `closes_on` a month may be closed; both sides answer its statements until the day before `nets_on`, when silence
    counts as consent; payment orders are due on `pays_by`.
    """

    closes_on: int = 5
    nets_on: int = 16
    pays_by: int = 25
    yellow_percent: int = 70
    red_percent: int = 90

    def __post_init__(self) -> None:
        if not 1 <= self.closes_on <= self.nets_on <= self.pays_by <= 28:
            raise ValueError("a month is closed, then netted, then paid, each on a day from 1 to 28")
        if not 0 < self.yellow_percent <= self.red_percent <= 100:
            raise ValueError("a yellow warning comes before a red one, both within 100 %")

    def closes(self, month: str) -> date:
        """First day on which the month may be closed."""
        return self._day(month, self.closes_on)

    def nets(self, month: str) -> date:
        """First day on which it may be netted."""
        return self._day(month, self.nets_on)

    def pays(self, month: str) -> date:
        """Day on which its payment orders are due."""
        return self._day(month, self.pays_by)

    def _day(self, month: str, day: int) -> date:
        year, number = (int(part) for part in following(month).split("-"))
        return date(year, number, day)


DEFAULTS: Final = ClearingTerms()
"""What a mesh uses that names nothing else."""


def month_of(day: date) -> str:
    """The clearing month of a day, `yyyy-MM`."""
    return f"{day.year:04}-{day.month:02}"


def following(month: str) -> str:
    """The month after; ValueError for a text that is no month."""
    if _MONTH.fullmatch(month) is None:
        raise ValueError(f"{month!r} is no month yyyy-MM")
    year, number = (int(part) for part in month.split("-"))
    return f"{year + number // 12:04}-{number % 12 + 1:02}"


def open_from(month: str, closed: Collection[str]) -> str:
    """The first month, from this one on, that is open."""
    while month in closed:
        month = following(month)
    return month
