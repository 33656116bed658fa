"""Moments that institutions tell: none that is still to come, no end before its begin, fees within their encounter."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from services.kernel.clock import BEIJING
from services.kernel.errors import MORE_VIOLATIONS, Fault, FaultKind
from services.settlement.domain.care.moments import (
    FeeMoment,
    check_begin,
    check_end,
    check_fees,
    check_range,
    check_standing_fees,
    fee_window,
    latest_moment,
)

NOW = datetime(2025, 3, 10, 9, 0, tzinfo=BEIJING)
SECOND = timedelta(seconds=1)
LATEST = NOW + timedelta(minutes=10)


def refusal(check: object, *arguments: object) -> Fault:
    with pytest.raises(Fault) as caught:
        check(*arguments)  # type: ignore[operator]
    return caught.value


def test_a_hospitals_clock_may_be_ten_minutes_ahead() -> None:
    assert latest_moment(NOW) == LATEST
    check_begin(LATEST, LATEST, "data.begntime")
    fault = refusal(check_begin, LATEST + SECOND, LATEST, "data.begntime")
    assert (fault.kind, fault.reason) == (FaultKind.INVALID, "TIME_IN_FUTURE")
    assert fault.metadata == {"told": "2025-03-10 09:10:01", "latest": "2025-03-10 09:10:00"}
    assert [violation.path for violation in fault.violations] == ["data.begntime"]


def test_a_sandboxs_business_date_is_the_whole_day_whatever_the_hour_is_here() -> None:
    latest = latest_moment(NOW, date(2025, 3, 10))
    check_begin(datetime(2025, 3, 10, 23, 59, 59, tzinfo=BEIJING), latest, "data.begntime")
    refusal(check_begin, datetime(2025, 3, 11, tzinfo=BEIJING), latest, "data.begntime")


def test_a_stay_ends_after_its_begin_and_not_in_the_future() -> None:
    check_end(NOW, NOW, LATEST, "dscginfo.endtime")
    check_end(NOW, LATEST, LATEST, "dscginfo.endtime")
    assert refusal(check_end, NOW, NOW - SECOND, LATEST, "dscginfo.endtime").violations[0].rule == "not_before_begin"
    assert refusal(check_end, NOW, LATEST + SECOND, LATEST, "dscginfo.endtime").reason == "TIME_IN_FUTURE"


def test_a_discharge_told_by_its_day_only_is_of_today_and_not_in_the_future() -> None:
    today = NOW.replace(hour=23, minute=59, second=59)
    check_end(NOW, today, LATEST, "dscginfo.endtime")
    assert refusal(check_end, NOW, today + timedelta(days=1), LATEST, "dscginfo.endtime").reason == "TIME_IN_FUTURE"


def test_fees_arise_from_a_day_before_the_begin_to_ten_minutes_after_the_end() -> None:
    end = NOW + timedelta(days=2)
    window = fee_window(NOW, end, LATEST)
    assert window == (NOW - timedelta(hours=24), end + timedelta(minutes=10))
    inside = [FeeMoment("1", window.first), FeeMoment("2", window.last)]
    check_fees(inside, window)
    early, late = FeeMoment("3", window.first - SECOND), FeeMoment("4", window.last + SECOND)
    fault = refusal(check_fees, [*inside, early, inside[0], late], window)
    assert (fault.kind, fault.reason) == (FaultKind.INVALID, "FEE_TIME_OUTSIDE")
    assert [each.path for each in fault.violations] == ["feedetail[2].fee_ocur_time", "feedetail[4].fee_ocur_time"]
    assert (fault.metadata["feedetl_sn"], fault.metadata["lines"]) == ("3, 4", "2")
    assert (fault.metadata["first"], fault.metadata["last"]) == ("2025-03-09 09:00:00", "2025-03-12 09:10:00")


def test_while_a_stay_lasts_its_fees_arise_until_now() -> None:
    window = fee_window(NOW - timedelta(days=3), None, LATEST)
    check_fees([FeeMoment("1", LATEST)], window)
    refusal(check_fees, [FeeMoment("1", LATEST + SECOND)], window)


def test_of_many_fees_outside_twenty_are_named_and_all_are_counted() -> None:
    window = fee_window(NOW, None, LATEST)
    fees = [FeeMoment(str(place), LATEST + SECOND) for place in range(5000)]
    upload = refusal(check_fees, fees, window)
    standing = refusal(check_standing_fees, fees, window, "dscginfo.endtime")
    assert (len(upload.violations), upload.metadata["lines"]) == (20, "5000")
    assert upload.metadata[MORE_VIOLATIONS] == "4980"
    (broken,) = standing.violations
    assert (standing.kind, broken.path) == (FaultKind.PRECONDITION, "dscginfo.endtime")
    assert [f" {number} (" in broken.description for number in (0, 19, 20)] == [True, True, False]
    check_standing_fees([], window, "dscginfo.endtime")


def test_a_range_does_not_end_before_it_begins() -> None:
    check_range(NOW, NOW, "data.endtime")
    assert refusal(check_range, NOW, NOW - SECOND, "data.endtime").violations[0].path == "data.endtime"
