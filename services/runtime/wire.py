"""Days and moments of messages as values and back, for every member and face: `google.type.Date`, `google.protobuf.Timestamp`.

What a caller sent is read with the path of its field, and a day that no calendar has is refused by it. What a member of the
mesh answered is read without one (`told_day`): it was checked where it was written.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from services.kernel.clock import from_micros, to_micros
from services.kernel.errors import Fault, FaultKind, Violation, Violations, invalid

_NO_DAY = "a day of the calendar, with year, month and day"
_MICRO = 1_000_000


class DayReader:
    """Reads the days of one request; `check` raises INVALID_REQUEST with those that were wrong."""

    def __init__(self) -> None:
        self._broken = Violations()

    def day(self, message: Date, path: str) -> date:
        """The date; a day that does not exist is remembered."""
        try:
            return date(message.year, message.month, message.day)
        except ValueError:
            self._broken.add(Violation(path, "date", _NO_DAY))
            return date.min

    def optional(self, owner: Message, field: str, path: str) -> date | None:
        """The date of a field that may be absent; `path` is that of its owner."""
        return self.day(getattr(owner, field), f"{path}.{field}") if owner.HasField(field) else None

    def check(self) -> None:
        """Raises where a day was wrong."""
        if self._broken:
            raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=self._broken)


def optional_moment_message(moment: datetime | None) -> Timestamp | None:
    """The message of a moment that may not have been, None then."""
    return None if moment is None else moment_message(moment)


def day_of(message: Date, path: str) -> date:
    """A day that was sent; INVALID with the field's path."""
    try:
        return date(message.year, message.month, message.day)
    except ValueError:
        raise invalid(path, "date", _NO_DAY) from None


def optional_day_of(owner: Message, field: str, path: str = "") -> date | None:
    """A day that may be left out, None then; `path` is that of its owner, "" for the request itself."""
    if not owner.HasField(field):
        return None
    return day_of(getattr(owner, field), f"{path}.{field}" if path else field)


def told_day(message: Date) -> date:
    """A day of an answer."""
    return date(message.year, message.month, message.day)


def optional_told_day(owner: Message, field: str) -> date | None:
    """A day of an answer that may be absent."""
    return told_day(getattr(owner, field)) if owner.HasField(field) else None


def day_message(day: date) -> Date:
    """A day as its message."""
    return Date(year=day.year, month=day.month, day=day.day)


def optional_day_message(day: date | None) -> Date | None:
    """A day as its message, None where there is none: what a message's constructor takes for an absent field."""
    return None if day is None else Date(year=day.year, month=day.month, day=day.day)


def day_fields(day: date) -> dict[str, int]:
    """A day as the fields of its message, for whoever builds a message from its fields in one go."""
    return {"year": day.year, "month": day.month, "day": day.day}


def moment_of(message: Timestamp) -> datetime:
    """The moment of a message, UTC. Its field's rule keeps the seconds between years that a datetime has."""
    return from_micros(message.seconds * _MICRO + message.nanos // 1000)


def sent_moment(message: Timestamp, path: str) -> datetime:
    """A moment whose field has no rule of its own, UTC; INVALID with the path for one that a datetime does not have."""
    try:
        return message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise invalid(path, "timestamp", "must be a moment that there is") from None


def moment_message(moment: datetime) -> Timestamp:
    """A moment as its message, to the microsecond."""
    return micros_message(to_micros(moment))


def micros_message(micros: int) -> Timestamp:
    """Microseconds since 1970 UTC, as rows hold a moment, as its message."""
    return Timestamp(seconds=micros // _MICRO, nanos=micros % _MICRO * 1_000)
