"""Days of the wire (`google.type.Date`) as dates, with every day that does not exist named by its path."""

from __future__ import annotations

from datetime import date

from google.protobuf.message import Message
from google.type.date_pb2 import Date

from services.kernel.errors import Fault, FaultKind, Violation, Violations


class DayReader:
    """Reads the days of one request; `check` raises INVALID_REQUEST with those that were wrong."""

    def __init__(self) -> None:
        self._broken = Violations()

    def day(self, message: Date, path: str) -> date:
        """The date; a day that does not exist is remembered."""
        try:
            return date(message.year, message.month, message.day)
        except ValueError:
            self._broken.add(Violation(path, "date", "a day of the calendar, with year, month and day"))
            return date.min

    def optional(self, owner: Message, field: str, path: str) -> date | None:
        """The date of a field that may be absent."""
        return self.day(getattr(owner, field), f"{path}.{field}") if owner.HasField(field) else None

    def check(self) -> None:
        """Raises where a day was wrong."""
        if self._broken:
            raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=self._broken)


def one_day(message: Date, path: str) -> date:
    """The only day of a request; INVALID_REQUEST."""
    reader = DayReader()
    day = reader.day(message, path)
    reader.check()
    return day


def to_date(day: date) -> Date:
    """A date for the wire."""
    return Date(year=day.year, month=day.month, day=day.day)
