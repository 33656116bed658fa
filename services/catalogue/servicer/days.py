"""Days in messages: `google.type.Date` to a date and back. A day that no calendar has is refused with its field."""

from __future__ import annotations

from datetime import date

from google.type.date_pb2 import Date

from services.catalogue.domain.records import Record
from services.kernel.errors import invalid
from yibao.catalogue.v1.records_pb2 import Validity


def day_of(message: Date, path: str) -> date:
    """A whole date; INVALID with the field's path."""
    try:
        return date(message.year, message.month, message.day)
    except ValueError:
        raise invalid(path, "date", "a day of the calendar, with year, month and day") from None


def last_day_of(message: Validity, path: str) -> date | None:
    """The last day of a validity, None while it lasts."""
    return day_of(message.to_day, f"{path}.to_day") if message.HasField("to_day") else None


def day_message(day: date) -> Date:
    """A date as a message."""
    return Date(year=day.year, month=day.month, day=day.day)


def validity_of(record: Record) -> Validity:
    """A record's days as a message."""
    validity = Validity(from_day=day_message(record.from_day))
    if record.to_day is not None:
        validity.to_day.CopyFrom(day_message(record.to_day))
    return validity
