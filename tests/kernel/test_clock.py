"""Moments as rows hold them, and as numbers that hold a second write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.kernel.clock import BEIJING, MICROSECOND, from_micros, stamp_text, to_micros

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = (
    *(EPOCH, EPOCH - MICROSECOND, EPOCH + MICROSECOND, datetime(1900, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC)),
    *(datetime(2026, 1, 31, 15, 59, 59, 999_999, tzinfo=UTC), datetime(2026, 1, 31, 16, 0, tzinfo=UTC)),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=14))),
)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_moment_is_kept_to_the_microsecond(moment: datetime) -> None:
    assert to_micros(moment) == (moment - EPOCH) // MICROSECOND
    assert from_micros(to_micros(moment)) == moment


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_second_is_written_as_beijing_has_it(moment: datetime) -> None:
    there = moment.astimezone(BEIJING)
    # Twice: the second time it is known.
    for each in (moment, there):
        assert stamp_text(each) == there.replace(tzinfo=None).isoformat()[:19].translate(dict.fromkeys(map(ord, "-T:")))
