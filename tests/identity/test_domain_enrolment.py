"""Enrolments in time."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.enrolment import answered_on, entitlement_on, overlapping, revise
from services.identity.domain.person import Enrolment
from services.kernel.clock import days_meet, holds_on
from services.kernel.errors import Fault, FaultKind
from tests.identity.people import enrolment

DAYS = st.dates(date(2020, 1, 1), date(2020, 3, 1))
SPANS = st.tuples(DAYS, st.none() | st.integers(0, 40)).map(
    lambda span: (span[0], None if span[1] is None else span[0] + timedelta(days=span[1]))
)


@given(SPANS, SPANS)
def test_two_spans_meet_exactly_where_some_day_lies_in_both(
    one: tuple[date, date | None], other: tuple[date, date | None]
) -> None:
    days = [date(2020, 1, 1) + timedelta(days=number) for number in range(150)]
    shared = any(holds_on(day, *one) and holds_on(day, *other) for day in days)
    assert days_meet(*one, *other) == shared


def test_first_and_last_day_belong_to_an_enrolment_and_the_days_beside_them_do_not() -> None:
    year = enrolment(from_day=date(2025, 1, 1), to_day=date(2025, 12, 31))
    assert entitlement_on([year], "310", date(2025, 1, 1)).entitled
    assert entitlement_on([year], "310", date(2025, 12, 31)).entitled
    assert entitlement_on([year], "310", date(2024, 12, 31)).reason == "NOT_ENROLLED"
    assert entitlement_on([year], "310", date(2026, 1, 1)).reason == "ENROLMENT_ENDED"


@pytest.mark.parametrize(
    ("stas", "reason"),
    [
        ("1", ""),
        ("2", "ENROLMENT_SUSPENDED"),
        ("4", "ENROLMENT_ENDED"),
        ("0", "NOT_ENROLLED"),
        ("3", "NOT_ENROLLED"),
    ],
)
def test_the_status_of_the_enrolment_decides_on_a_day_that_it_holds(stas: str, reason: str) -> None:
    entitlement = entitlement_on([enrolment(psn_insu_stas=stas)], "310", date(2025, 5, 1))
    assert (entitlement.reason, entitlement.entitled) == (reason, not reason)


def test_another_insurance_type_does_not_entitle() -> None:
    entitlement = entitlement_on([enrolment()], "390", date(2025, 5, 1))
    assert (entitlement.reason, entitlement.enrolment) == ("NOT_ENROLLED", None)


def test_on_a_day_without_enrolment_the_latest_before_it_is_answered() -> None:
    old = enrolment(from_day=date(2018, 1, 1), to_day=date(2018, 12, 31))
    late = enrolment(insutype="390", from_day=date(2020, 1, 1), to_day=date(2020, 12, 31))
    again = enrolment(from_day=date(2030, 1, 1))
    assert answered_on([old, late, again], date(2025, 1, 1)) == (late,)
    assert answered_on([old, late, again], date(2025, 1, 1), "310") == (old,)
    assert answered_on([old, late, again], date(2017, 1, 1)) == ()


def test_enrolments_of_the_day_hide_those_of_other_days() -> None:
    old = enrolment(from_day=date(2018, 1, 1), to_day=date(2018, 12, 31))
    employee, maternity = enrolment(), enrolment(insutype="510")
    assert answered_on([old, employee, maternity], date(2025, 1, 1)) == (employee, maternity)


def test_enrolments_of_one_type_may_touch_but_not_share_a_day() -> None:
    first = enrolment(from_day=date(2024, 1, 1), to_day=date(2024, 6, 30))
    second = enrolment(from_day=date(2024, 7, 1))
    assert overlapping([first, second]) == ()
    assert overlapping([second, enrolment(from_day=date(2024, 6, 30), to_day=date(2024, 7, 1))]) == (1,)
    assert overlapping([second, enrolment(insutype="390", from_day=date(2024, 7, 1))]) == ()


def test_a_revision_ends_the_enrolment_on_the_day_before() -> None:
    retired = enrolment(status="retired", from_day=date(2026, 4, 1))
    revision = revise([enrolment()], retired)
    assert revision.before == enrolment()
    assert revision.ended == enrolment(to_day=date(2026, 3, 31))
    assert revision.opened == retired


def test_after_a_gap_a_revision_opens_without_ending_anything() -> None:
    ended = enrolment(to_day=date(2021, 12, 31))
    revision = revise([ended], enrolment(from_day=date(2023, 1, 1)))
    assert (revision.before, revision.ended) == (None, None)


def _refused(enrolments: list[Enrolment], successor: Enrolment) -> Fault:
    with pytest.raises(Fault) as refused:
        revise(enrolments, successor)
    return refused.value


def test_a_revision_needs_an_earlier_enrolment_of_the_same_type() -> None:
    fault = _refused([enrolment()], enrolment(insutype="390", from_day=date(2026, 1, 1)))
    assert (fault.kind, fault.reason) == (FaultKind.PRECONDITION, "ENROLMENT_NOT_FOUND")


def test_a_revision_may_not_begin_on_or_run_into_a_later_enrolment() -> None:
    later = enrolment(from_day=date(2026, 1, 1))
    assert _refused([later], enrolment(from_day=date(2026, 1, 1))).reason == "ENROLMENT_OVERLAPS"
    first = enrolment(to_day=date(2025, 12, 31))
    assert _refused([first, later], enrolment(from_day=date(2025, 6, 1))).reason == "ENROLMENT_OVERLAPS"
    between = enrolment(from_day=date(2025, 6, 1), to_day=date(2025, 12, 31))
    assert revise([first, later], between).ended == enrolment(to_day=date(2025, 5, 31))


def test_a_revision_whose_days_run_backwards_names_the_field() -> None:
    fault = _refused([enrolment()], enrolment(from_day=date(2026, 2, 1), to_day=date(2026, 1, 1)))
    assert [violation.path for violation in fault.violations] == ["enrolment.to_day"]


@given(SPANS, st.lists(SPANS, max_size=3))
def test_after_any_accepted_revision_no_two_enrolments_share_a_day(
    successor: tuple[date, date | None], spans: list[tuple[date, date | None]]
) -> None:
    standing = [enrolment(from_day=first, to_day=last) for first, last in spans]
    if overlapping(standing):
        return
    try:
        revision = revise(standing, enrolment(from_day=successor[0], to_day=successor[1]))
    except Fault:
        return
    kept = [each for each in standing if each != revision.before]
    assert overlapping([*kept, *([revision.ended] if revision.ended else []), revision.opened]) == ()
