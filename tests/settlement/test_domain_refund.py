"""Refunds in their order, versions and benefit years by date."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import Fault
from services.settlement.domain.benefits.versions import (
    BenefitYear,
    PolicyVersion,
    SettleDates,
    benefit_year,
    choose_versions,
)
from services.settlement.domain.books.refund import SettledRef, check_refund_order

FIRST, SECOND, THIRD = SettledRef("a", 1), SettledRef("b", 2), SettledRef("c", 3, "", "110101", "2026-03-01")


def test_only_the_last_standing_settlement_can_be_refunded() -> None:
    check_refund_order(THIRD, [FIRST, SECOND, THIRD])
    with pytest.raises(Fault) as caught:
        check_refund_order(FIRST, [FIRST, THIRD, SECOND])
    assert caught.value.reason == "LATER_SETTLEMENT_EXISTS"
    last = {"later_setl_id": "c", "admdvs": "110101", "day": "2026-03-01"}
    assert caught.value.metadata == {"setl_id": "a", "count": "2"} | last


def test_a_refunded_settlement_is_not_refunded_again() -> None:
    with pytest.raises(Fault, match="SETTLEMENT_REFUNDED"):
        check_refund_order(SECOND, [FIRST])


OLD = PolicyVersion("city", "2023", date(2023, 2, 1), date(2024, 3, 31), "settle_date")
NEW = PolicyVersion("city", "2024", date(2024, 4, 1), None, "settle_date")


@pytest.mark.parametrize(("day", "version"), [(date(2024, 3, 31), "2023"), (date(2024, 4, 1), "2024")])
def test_a_version_counts_from_its_first_day(day: date, version: str) -> None:
    assert [found.version for found in choose_versions(["city"], [OLD, NEW], SettleDates(day))] == [version]


def test_a_later_version_supersedes_one_without_end() -> None:
    endless = replace(OLD, effective_to=None)
    chosen = choose_versions(["city"], [NEW, endless], SettleDates(date(2025, 1, 1)))
    assert chosen == (NEW,)


def test_the_stack_keeps_its_order_and_a_gap_is_refused() -> None:
    other = PolicyVersion("aid", "1", date(2020, 1, 1), None, "settle_date")
    day = SettleDates(date(2024, 1, 1))
    assert choose_versions(["aid", "city"], [NEW, OLD, other], day) == (other, OLD)
    with pytest.raises(Fault) as caught:
        choose_versions(["city", "gone"], [OLD], day)
    assert (caught.value.reason, caught.value.metadata["policy"]) == ("POLICY_NOT_EFFECTIVE", "gone")


def test_a_policy_may_bind_the_whole_stay_to_its_first_day() -> None:
    by_begin = [replace(version, version_on="begin_date") for version in (OLD, NEW)]
    stay = SettleDates(date(2024, 4, 5), date(2024, 3, 30), date(2024, 4, 5))
    assert choose_versions(["city"], by_begin, stay)[0].version == "2023"
    with pytest.raises(Fault) as caught:
        choose_versions(["city"], by_begin, SettleDates(date(2024, 4, 5)))
    assert (caught.value.reason, caught.value.metadata["facts"]) == ("FACT_MISSING", "begin_date")


def test_a_benefit_year_may_begin_in_july() -> None:
    assert benefit_year("01-01", date(2024, 12, 31)) == BenefitYear("2024", date(2024, 1, 1), date(2024, 12, 31))
    assert benefit_year("07-01", date(2025, 6, 30)) == BenefitYear("2024", date(2024, 7, 1), date(2025, 6, 30))
    assert benefit_year("07-01", date(2025, 7, 1)).label == "2025"


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 12), st.integers(1, 28))
def test_every_day_lies_in_exactly_its_benefit_year(day: date, month: int, first: int) -> None:
    year = benefit_year(f"{month:02d}-{first:02d}", day)
    assert year.first <= day <= year.last
    assert benefit_year(f"{month:02d}-{first:02d}", year.first) == benefit_year(f"{month:02d}-{first:02d}", year.last)
