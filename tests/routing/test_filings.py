"""Filings: when one may be made, which one counts, and what can never stand together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.clock import holds_on
from services.kernel.errors import Fault
from services.routing.domain.filing_terms import DEFAULTS, FilingKind
from services.routing.domain.filings import (
    AskedFiling,
    Filing,
    Stay,
    check_days,
    counting,
    covers,
    made,
    share_ground,
    withdrawn,
)

TODAY = date(2026, 3, 5)
NOW = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)
# Two counties of one city, another city, the province, a municipality's county and the municipality.
PLACES = ("370102", "370103", "370202", "370000", "110105", "110000")


def asked(**changed: Any) -> AskedFiling:
    """Somebody lives in Beijing from today on."""
    return replace(AskedFiling("1", FilingKind.LONG_TERM, "110105", TODAY, None, "person"), **changed)


def filing(number: str = "F1", **changed: Any) -> Filing:
    """The same, made."""
    return replace(made(asked(), (), number, NOW), **changed)


def reason(*arguments: Any) -> str:
    """The refusal of a check of days."""
    with pytest.raises(Fault) as refused:
        check_days(*arguments)
    return refused.value.reason


def test_a_province_covers_all_of_it_and_any_other_division_its_pooling_area() -> None:
    assert covers("370000", "370102")
    assert not covers("370102", "370000")
    assert covers("370102", "370103")
    assert not covers("370102", "370202")
    assert covers("110105", "110000")
    assert not covers("370000", "110105")


def test_a_filing_lasts_as_its_kind_does_and_no_longer_than_it_may() -> None:
    assert check_days(asked(), DEFAULTS, TODAY, None).to_day is None
    usual = check_days(asked(kind=FilingKind.TEMPORARY), DEFAULTS, TODAY, None)
    assert usual.to_day == TODAY + timedelta(182)
    most = timedelta(365)
    assert (
        check_days(asked(kind=FilingKind.TEMPORARY, to_day=TODAY + most), DEFAULTS, TODAY, None).to_day == TODAY + most
    )
    longer = asked(kind=FilingKind.TEMPORARY, to_day=TODAY + most + timedelta(1))
    assert reason(longer, DEFAULTS, TODAY, None) == "FILING_TOO_LONG"
    assert check_days(asked(to_day=date(2090, 1, 1)), DEFAULTS, TODAY, None).to_day == date(2090, 1, 1)
    assert reason(asked(to_day=TODAY - timedelta(1)), DEFAULTS, TODAY, None) == "INVALID_REQUEST"
    ahead = asked(from_day=TODAY + timedelta(91))
    assert reason(ahead, DEFAULTS, TODAY, None) == "INVALID_REQUEST"
    assert check_days(replace(ahead, from_day=TODAY + timedelta(90)), DEFAULTS, TODAY, None)


def test_only_a_stay_that_is_not_settled_is_filed_from_its_admission_on() -> None:
    yesterday, admission = asked(from_day=TODAY - timedelta(1)), TODAY - timedelta(20)
    assert reason(yesterday, DEFAULTS, TODAY, None) == "FILING_TOO_LATE"
    begun = asked(from_day=admission)
    assert check_days(begun, DEFAULTS, TODAY, Stay("110101", admission, settled=False)).from_day == admission
    assert reason(begun, DEFAULTS, TODAY, Stay("110101", admission, settled=True)) == "FILING_TOO_LATE"
    assert reason(begun, DEFAULTS, TODAY, Stay("370102", admission, settled=False)) == "FILING_TOO_LATE"
    with pytest.raises(Fault, match="FILING_TOO_LATE") as refused:
        check_days(asked(from_day=admission - timedelta(1)), DEFAULTS, TODAY, Stay("110101", admission, settled=False))
    assert refused.value.metadata == {"from_day": "2026-02-12", "earliest": "2026-02-13"}
    referral = asked(kind=FilingKind.REFERRAL, from_day=TODAY - timedelta(3))
    assert check_days(referral, DEFAULTS, TODAY, None).to_day == TODAY + timedelta(179)
    assert reason(replace(referral, from_day=TODAY - timedelta(4)), DEFAULTS, TODAY, None) == "FILING_TOO_LATE"


def test_an_overlap_names_the_filing_that_stands_in_the_way() -> None:
    standing = filing(to_day=date(2026, 12, 31))
    with pytest.raises(Fault, match="FILING_OVERLAPS") as refused:
        made(asked(care_admdvs="110000", from_day=date(2026, 12, 31)), [standing], "F2", NOW)
    assert refused.value.metadata == {"filing_no": "F1", "days": "2026-03-05/2026-12-31"}
    for other in (
        asked(from_day=date(2027, 1, 1)),
        asked(care_admdvs="370102"),
        asked(kind=FilingKind.TEMPORARY),
    ):
        assert made(other, [standing], "F2", NOW).filing_no == "F2"
    assert made(asked(), [replace(standing, withdrawn_at=NOW)], "F2", NOW)


def test_the_kind_decides_which_of_several_counts_and_then_the_later_begin() -> None:
    long_term = filing("L", from_day=date(2026, 1, 1))
    referral = filing("R", kind=FilingKind.REFERRAL, from_day=date(2026, 2, 1))
    temporary = filing("T", kind=FilingKind.TEMPORARY, from_day=date(2026, 3, 1))
    later = replace(long_term, filing_no="M", from_day=date(2026, 2, 2), care_admdvs="110000")
    everything = [temporary, referral, long_term, later]
    told = [counting(everything[:most], "110101", TODAY, DEFAULTS).filing for most in (1, 2, 3, 4)]
    assert [each.filing_no for each in told if each] == ["T", "R", "L", "M"]


def test_none_counts_and_the_reason_says_what_was_nearest() -> None:
    assert counting([], "110105", TODAY, DEFAULTS).reason == "NO_FILING"
    assert counting([filing()], "370102", TODAY, DEFAULTS).reason == "OTHER_PLACE"
    assert counting([filing()], "110105", TODAY - timedelta(1), DEFAULTS).reason == "OTHER_DAYS"
    gone = withdrawn(filing(), "F1", "moved", NOW)
    assert counting([gone], "110105", TODAY, DEFAULTS) == counting([gone], "110101", TODAY, DEFAULTS)
    assert counting([gone], "110105", TODAY, DEFAULTS).reason == "WITHDRAWN"


def test_a_filing_is_withdrawn_once() -> None:
    gone = withdrawn(filing(), "F1", "moved", NOW)
    assert (gone.withdrawn_at, gone.withdrawn_why) == (NOW, "moved")
    for standing, refusal in ((gone, "FILING_WITHDRAWN"), (None, "FILING_NOT_FOUND")):
        with pytest.raises(Fault, match=refusal):
            withdrawn(standing, "F1", "", NOW)


_DAYS = st.integers(0, 60).map(lambda days: TODAY + timedelta(days))
_WISHES = st.lists(
    st.builds(
        lambda kind, place, first, length, gone: (
            asked(
                kind=kind,
                care_admdvs=place,
                from_day=first,
                to_day=None if length is None else first + timedelta(length),
            ),
            gone,
        ),
        st.sampled_from(FilingKind),
        st.sampled_from(PLACES),
        _DAYS,
        st.one_of(st.none(), st.integers(0, 30)),
        st.booleans(),
    ),
    max_size=12,
)


@given(_WISHES, st.sampled_from(PLACES), _DAYS)
def test_whatever_is_asked_no_two_of_a_kind_hold_for_one_place_on_one_day(
    wishes: list[tuple[AskedFiling, bool]], care: str, day: date
) -> None:
    standing: list[Filing] = []
    for number, (wish, gone) in enumerate(wishes):
        try:
            new = made(wish, standing, f"F{number}", NOW)
        except Fault as fault:
            # Whoever is named stands in the way indeed.
            (other,) = [each for each in standing if each.filing_no == fault.metadata["filing_no"]]
            assert share_ground(other.care_admdvs, wish.care_admdvs)
            assert other.kind is wish.kind
            assert other.withdrawn_at is None
            continue
        standing.append(withdrawn(new, new.filing_no, "", NOW) if gone else new)
    holding = [
        each
        for each in standing
        if each.withdrawn_at is None and covers(each.care_admdvs, care) and holds_on(day, each.from_day, each.to_day)
    ]
    assert len({each.kind for each in holding}) == len(holding)
    told = counting(standing, care, day, DEFAULTS)
    assert (told.filing is not None) == bool(holding) == (told.reason == "FILED")
    if told.filing is not None:
        assert told.filing in holding
        assert all(DEFAULTS.precedence.index(told.filing.kind) <= DEFAULTS.precedence.index(e.kind) for e in holding)


@given(st.sampled_from(PLACES), st.sampled_from(PLACES))
def test_sharing_ground_has_no_direction(one: str, other: str) -> None:
    assert share_ground(one, other) == share_ground(other, one)
    assert share_ground(one, one)
