"""Times as clients print them: many forms, one meaning; what could be two times is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.national.codec import scalars
from gateway.national.codec.decode import compile_request
from gateway.national.codec.moments import NoMoment, moment_of
from gateway.national.codec.scalars import Unfit
from services.kernel.clock import BEIJING
from yibao.settlement.v1 import encounter_pb2, stay_bill_pb2


class TestTimes:
    @pytest.mark.parametrize(
        "text",
        [
            "2025-01-15 09:30:00",
            "2025-01-15T09:30:00",
            "20250115093000",
            "2025-01-15 09:30",
            "2025-01-15 09:30:00.123",
            "2025/01/15 09:30:00",
            "2025-01-15T01:30:00Z",
            "2025-01-15T09:30:00+08:00",
        ],
    )
    def test_a_moment_comes_in_many_forms(self, text: str) -> None:
        assert scalars.read_time(text) == {"seconds": 1736904600}

    def test_a_day_alone_is_its_first_second_or_the_last_one_of_a_range(self) -> None:
        assert scalars.read_time("2025-01-15") == {"seconds": 1736870400}
        assert scalars.read_end_time("2025-01-15") == {"seconds": 1736870400 + 86399}
        assert scalars.read_end_time("2025-01-15 09:30:00") == {"seconds": 1736904600}

    def test_only_a_field_whose_option_says_so_ends_a_range(self) -> None:
        read = compile_request(encounter_pb2.ListEncountersRequest)
        query = {"data": {"psn_no": "1", "begntime": "2025-01-15", "endtime": "2025-01-15"}}
        request: Any = read({}, query, "")
        assert request.data.endtime.seconds - request.data.begntime.seconds == 86399

    @pytest.mark.parametrize(
        "text",
        [
            *("2025-02-30", "2025-01-15 24:00:00", "15.01.2025", "x", "", "2025-01", "2025/01-15"),
            # What can be read in two ways.
            *("01/02/2025", "1/5/2025 9:05:03 AM", "05-JAN-25", "1736904600"),
            # No count of digits that a time has, or thirteen has for milliseconds.
            *("202501150", "2025011509", "20250115093", "202501150930001"),
            # Milliseconds of 1990, which would be a time in the year 6439.
            "643911120000",
            *("1850-05-05", "2025-01-15 13:30:00 PM", "99999999999999"),
            # Longer than any time: it would be kept with those that were read.
            "2025-01-15" + " " * 1000 + "09:30:00",
        ],
    )
    def test_what_is_no_moment_is_refused(self, text: str) -> None:
        with pytest.raises(Unfit):
            scalars.read_time(text)

    @pytest.mark.parametrize(
        "text",
        [
            # .NET: zh-CN, ISO, R, JSON
            *("2026/1/5 9:05:03", "2026/1/5 上午 9:05:03", "2026年1月5日 9:05:03", "2026-01-05T09:05:03.0000000"),
            *("2026-01-05T09:05:03.1234567+08:00", "Mon, 05 Jan 2026 01:05:03 GMT", "/Date(1767575103000+0800)/"),
            # Java: Date, fastjson, Gson, ZonedDateTime, JDK 8
            *(
                "Mon Jan 05 09:05:03 CST 2026",
                "1767575103000",
                "Jan 5, 2026 9:05:03 AM",
                "Jan 5, 2026, 9:05:03\u202fAM",
            ),
            *("2026-01-05T09:05:03+08:00[Asia/Shanghai]", "2026-1-5 9:05:03", "2026-01-05 09:05:03.0"),
            # JavaScript, Oracle, others
            *("Mon Jan 05 2026 09:05:03 GMT+0800 (中国标准时间)", "2026-01-05T01:05:03.000Z", "05-JAN-2026 09:05:03"),
            *(
                "05-1月 -2026 09:05:03",
                "20260105090503123",
                "20260105 090503",
                "2026.01.05 09:05:03",
                "2026年1月5日 9时5分3秒",
            ),
            "2026-01-05 \t 09:05:03",
        ],
    )
    def test_a_moment_is_read_as_programs_print_it(self, text: str) -> None:
        assert scalars.read_time(text) == {"seconds": 1767575103}
        assert scalars.read_day(text) == {"year": 2026, "month": 1, "day": 5}

    def test_milliseconds_may_be_a_number(self) -> None:
        assert scalars.read_time(1767575103000) == {"seconds": 1767575103}

    @pytest.mark.parametrize(
        ("digits", "at"),
        [
            ("1899999999000", datetime(2030, 3, 18, 1, 46, 39, tzinfo=BEIJING)),
            ("1900000000000", datetime(2030, 3, 18, 1, 46, 40, tzinfo=BEIJING)),
            ("1912091809300", datetime(2030, 8, 5, 0, 36, 49, tzinfo=BEIJING)),
            ("2000000000000", datetime(2033, 5, 18, 11, 33, 20, tzinfo=BEIJING)),
            # As fastjson prints the end of a filing; and digits that would be a time if one more stood behind them.
            ("2082643200000", datetime(2035, 12, 31, 0, tzinfo=BEIJING)),
            ("2026010509050", datetime(2034, 3, 15, 12, 41, 49, tzinfo=BEIJING)),
            ("2999999999000", datetime(2065, 1, 24, 13, 19, 59, tzinfo=BEIJING)),
        ],
    )
    def test_thirteen_digits_are_milliseconds_whatever_they_begin_with(self, digits: str, at: datetime) -> None:
        assert scalars.read_time(digits) == scalars.read_time(int(digits)) == {"seconds": int(at.timestamp())}
        assert scalars.read_day(digits) == {"year": at.year, "month": at.month, "day": at.day}

    @pytest.mark.parametrize(
        "text",
        [
            *("0001-01-01", "0001-01-01 00:00:00", "0001-01-01T00:00:00", "0001/1/1 0:00:00", "1/1/0001 12:00:00 AM"),
            *("00010101000000", "/Date(-62135596800000)/", "0001-01-01T00:00:00.000+08:00", "0001年1月1日"),
            *(
                "Sat Jan 01 00:00:00 CST 1",
                "0000-12-31T15:54:17Z",
                "-62135798743000",
                "01-JAN-0001",
                "0000-00-00 00:00:00",
            ),
            *(
                "1900-01-01",
                "1900-01-01 00:00:00.000",
                "1900/1/1 0:00:00",
                "1899-12-30",
                "1899-12-31T16:00:00Z",
                "1753-01-01",
            ),
        ],
    )
    def test_the_date_of_a_field_that_was_never_set_is_none(self, text: str) -> None:
        assert (scalars.read_time(text), scalars.read_end_time(text), scalars.read_day(text)) == (None, None, None)
        read = compile_request(stay_bill_pb2.TrialStayRequest)
        query = {"data": {"psn_no": "P", "dscg_time": text, "dscgTime": "2025-01-15"}}
        assert read({}, query, "") == read({}, {"data": {"psn_no": "P", "dscgTime": "2025-01-15"}}, "")

    @given(st.integers(-2_170_000_000, 4_102_000_000))
    def test_every_spelling_of_a_moment_is_the_same(self, seconds: int) -> None:
        moment = datetime.fromtimestamp(seconds, BEIJING)
        bare = f"{moment.year}{{}}{moment.month}{{}}{moment.day} {moment.hour}:{moment.minute:02d}:{moment.second:02d}"
        spellings = (
            *(bare.format(mark, mark) for mark in "-/."),
            f"{moment:%Y%m%d%H%M%S}",
            moment.isoformat(),
            moment.isoformat()[:19],
            moment.astimezone(UTC).isoformat(),
            f"{moment:%a %b %d %H:%M:%S} CST {moment.year}",
            f"{moment:%b} {moment.day}, {moment.year} {moment:%I:%M:%S %p}",
            f"{moment:%d-%b-%Y %H:%M:%S}".upper(),
            f"/Date({seconds}000)/",
            *((f"{seconds}000",) if seconds >= 10**9 else ()),
        )
        assert [scalars.read_time(text) for text in spellings] == [{"seconds": seconds}] * len(spellings)

    def test_a_day_is_that_of_beijing(self) -> None:
        assert scalars.read_day("2026-01-04T16:00:00Z") == {"year": 2026, "month": 1, "day": 5}
        assert scalars.read_day("2026-01-05T00:30:00+09:00") == {"year": 2026, "month": 1, "day": 4}

    def test_a_day_may_come_with_a_time(self) -> None:
        assert scalars.read_day("2025-01-15 09:30:00") == {"year": 2025, "month": 1, "day": 15}


@pytest.mark.parametrize(
    "text",
    [
        "2026年1月5日 星期一 9:05:03",
        "2026年1月5日星期一 上午9:05:03",
        "2026年1月5日 星期一 上午09时05分03秒 CST",
        "2026/1/5 周一 9:05:03",
        "星期一 2026/1/5 9:05:03",
        "2026-01-05 Monday 09:05:03",
        "2026-01-05 09:05:03 (周一)",
        "Monday, January 5, 2026 9:05:03 AM",
        "Monday, 05 January 2026 09:05:03",
    ],
)
def test_a_weekday_beside_its_date_is_read_and_one_of_another_date_refused(text: str) -> None:
    assert moment_of(text) == (date(2026, 1, 5), 9 * 3600 + 5 * 60 + 3, 8 * 3600)
    for wrong in (text.replace("周一", "周日"), text.replace("星期一", "星期天"), text.replace("Monday", "Friday")):
        if wrong != text:
            with pytest.raises(NoMoment, match=r"moment\.weekday"):
                moment_of(wrong)


@pytest.mark.parametrize(
    "text", ["周一", "2026-01-05 Mondy", "星期一 2026-01-05 星期一", "2026-01-05 周八", "2026-01-05Mon9:05:03x"]
)
def test_a_weekday_is_no_date_and_stands_once(text: str) -> None:
    with pytest.raises(ValueError, match=r"no time|two weekdays"):
        moment_of(text)


def test_the_text_of_a_refusal_is_its_rule_whatever_values_it_has() -> None:
    for text, rule in (("1799-01-05", "moment.year"), ("2026-02-30", "moment.day")):
        with pytest.raises(NoMoment) as caught:
            moment_of(text)
        assert str(caught.value) == caught.value.rule == rule
