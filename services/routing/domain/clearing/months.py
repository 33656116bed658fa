"""The states of a clearing month, which step is due on a day, and why a step is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from services.kernel.errors import not_found, precondition
from services.routing.domain.clearing.terms import ClearingTerms

OPEN, CLOSED, NETTED, PAID = "open", "closed", "netted", "paid"
CLOSE, NET = "close", "net"
_ORDER: Final = (OPEN, CLOSED, NETTED, PAID)


@dataclass(frozen=True, slots=True)
class Month:
    """A month: `run` is raised each time that it is closed; `memo` is what whoever changed it last said.

    `begun` says whether anything is to clear in it, or was.
    """

    month: str
    state: str = OPEN
    run: int = 0
    changed_at: datetime | None = None
    memo: str = ""
    begun: bool = False

    @property
    def is_open(self) -> bool:
        """Whether journals of its days still clear in it."""
        return self.state == OPEN

    def reached(self, state: str) -> bool:
        """Whether it is in that state, or beyond it."""
        return _ORDER.index(self.state) >= _ORDER.index(state)


@dataclass(frozen=True, slots=True)
class Step:
    """What is due: to close a month, or to net it."""

    action: str
    month: str


def due(months: Iterable[Month], today: date, terms: ClearingTerms) -> Iterator[Step]:
    """Every step that is due on a day, in the order of months; a month that has to be closed first is both."""
    for each in sorted(months, key=lambda month: month.month):
        if each.is_open and terms.closes(each.month) <= today:
            yield Step(CLOSE, each.month)
        if not each.reached(NETTED) and terms.nets(each.month) <= today:
            yield Step(NET, each.month)


def check_due(action: str, month: str, today: date, terms: ClearingTerms) -> None:
    """PRECONDITION CLEARING_NOT_DUE before the calendar's day."""
    day = terms.closes(month) if action == CLOSE else terms.nets(month)
    if today < day:
        raise precondition("CLEARING_NOT_DUE", month=month, day=day.isoformat())


def check_known(month: Month) -> None:
    """NOT_FOUND CLEARING_MONTH_EMPTY for a month in which nothing clears: a slip of the pen closes none."""
    if not month.begun:
        raise not_found("CLEARING_MONTH_EMPTY", month=month.month)


def check_open(month: Month) -> None:
    """PRECONDITION CLEARING_MONTH_CLOSED: its books take nothing more, what comes late clears in the present month."""
    if not month.is_open:
        raise precondition("CLEARING_MONTH_CLOSED", month=month.month, month_state=month.state)


def check_answerable(month: Month) -> None:
    """A statement is answered from closing to netting: CLEARING_MONTH_OPEN before, CLEARING_MONTH_CLOSED after it."""
    if month.is_open:
        raise precondition("CLEARING_MONTH_OPEN", month=month.month)
    if month.reached(NETTED):
        raise precondition("CLEARING_MONTH_CLOSED", month=month.month, month_state=month.state)


def check_roll_back(month: Month, under_way: int, closed_heirs: Iterable[str]) -> None:
    """A month is rolled back as long as nothing of it was paid: CLEARING_MONTH_PAID names how many orders are under way.

    CLEARING_CARRIED_ON where what it left in dispute lies in a month that was closed since.
    """
    if under_way:
        raise precondition("CLEARING_MONTH_PAID", month=month.month, count=str(under_way))
    for heir in closed_heirs:
        raise precondition("CLEARING_CARRIED_ON", month=month.month, later_month=heir)
