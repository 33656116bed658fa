"""Days and moments of messages: values come back as they went, and what no calendar has is refused by its field."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import Fault
from services.runtime.wire import (
    DayReader,
    day_fields,
    day_message,
    day_of,
    moment_message,
    moment_of,
    optional_day_message,
    optional_day_of,
    optional_told_day,
    sent_moment,
    told_day,
)
from yibao.catalogue.v1.records_pb2 import Validity

_NO_DAY = Date(year=2026, month=2, day=30)


@given(st.dates())
def test_a_day_comes_back_as_it_went(day: date) -> None:
    message = day_message(day)
    assert (day_of(message, "day"), told_day(message), Date(**day_fields(day))) == (day, day, message)


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-11))])))
def test_a_moment_comes_back_to_the_microsecond(moment: datetime) -> None:
    assert moment_of(moment_message(moment)) == moment


def test_a_moment_before_1970_has_nanoseconds_that_count_forward() -> None:
    message = moment_message(datetime(1969, 12, 31, 23, 59, 59, 250_000, tzinfo=UTC))
    assert (message.seconds, message.nanos) == (-1, 250_000_000)


def test_a_day_that_is_left_out_is_none_both_ways() -> None:
    open_end = Validity(from_day=day_message(date(2026, 1, 1)), to_day=optional_day_message(None))
    assert optional_told_day(open_end, "to_day") is None
    assert optional_day_of(open_end, "to_day", "validity") is None
    assert optional_day_of(open_end, "from_day", "validity") == date(2026, 1, 1)


def test_a_day_of_no_calendar_is_refused_with_the_path_of_its_field() -> None:
    validity = Validity(to_day=_NO_DAY)
    for path, wanted in (("validity", "validity.to_day"), ("", "to_day")):
        with pytest.raises(Fault, match="INVALID_REQUEST") as refused:
            optional_day_of(validity, "to_day", path)
        assert [(each.path, each.rule) for each in refused.value.violations] == [(wanted, "date")]


def test_all_days_of_a_request_that_are_wrong_are_told_at_once() -> None:
    reader = DayReader()
    reader.day(_NO_DAY, "first")
    reader.day(day_message(date(2026, 2, 28)), "second")
    reader.optional(Validity(to_day=_NO_DAY), "to_day", "third")
    with pytest.raises(Fault, match="INVALID_REQUEST") as refused:
        reader.check()
    assert [each.path for each in refused.value.violations] == ["first", "third.to_day"]


@pytest.mark.parametrize("message", [Timestamp(seconds=1 << 40), Timestamp(nanos=1 << 30)])
def test_a_moment_that_there_is_not_is_refused_with_its_path(message: Timestamp) -> None:
    with pytest.raises(Fault, match="INVALID_REQUEST") as refused:
        sent_moment(message, "context.deadline")
    assert [each.path for each in refused.value.violations] == ["context.deadline"]
