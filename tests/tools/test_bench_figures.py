"""The benchmark's arithmetic: arrivals, percentiles, several runs, and the numbers of its invented world."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.persons import check_digit
from tools.bench import engine
from tools.bench.figures import arrivals, next_rate, percentile, several, spread
from tools.bench.world import BILLS, HOSPITALS, LINES, bills
from tools.played.people import person, person_record

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=200)


def test_a_poisson_stream_grows_ends_in_time_and_has_its_rate() -> None:
    moments = arrivals(324, 60, Random(7))
    assert moments == sorted(moments)
    assert moments[0] > 0
    assert moments[-1] < 60
    # Standard deviation of the number is its root, 139.
    assert abs(len(moments) - 324 * 60) < 6 * 139


def test_gaps_of_a_poisson_stream_vary_as_much_as_they_are_long() -> None:
    moments = arrivals(100, 200, Random(3))
    gaps = [late - early for early, late in pairwise(moments)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert mean == pytest.approx(0.01, rel=0.05)
    assert deviation == pytest.approx(mean, rel=0.05)


def test_the_same_seed_gives_the_same_arrivals() -> None:
    assert arrivals(50, 5, Random(1)) == arrivals(50, 5, Random(1)) != arrivals(50, 5, Random(2))


def test_a_percentile_is_a_value_that_was_seen() -> None:
    ordered = [float(value) for value in range(1, 101)]
    assert [percentile(ordered, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1.0, 50.0, 99.0, 100.0]
    assert percentile([4.0], 0.99) == 4.0
    assert percentile([], 0.5) == 0.0


@given(VALUES, st.floats(0, 1))
def test_at_least_that_share_does_not_exceed_a_percentile(values: list[float], share: float) -> None:
    found = percentile(sorted(values), share)
    assert sum(value <= found for value in values) >= share * len(values) * (1 - 1e-12)


@given(VALUES)
def test_a_spread_is_in_order(values: list[float]) -> None:
    seen = spread(values)
    assert seen.count == len(values)
    assert min(values) <= seen.p50_ms <= seen.p90_ms <= seen.p99_ms <= seen.max_ms == max(values)


def test_the_worst_of_several_runs_is_the_slowest_or_the_least() -> None:
    assert several([3.0, 9.0, 4.0]).median == 4.0
    assert several([3.0, 9.0, 4.0]).worst == 9.0
    assert several([70.0, 61.0, 65.0], more_is_better=True).worst == 61.0
    with pytest.raises(ValueError, match="no run"):
        several([])


def test_the_search_grows_until_it_fails_and_then_halves() -> None:
    assert next_rate(400, None) == 500
    assert next_rate(400, 500) == 450


def test_bills_have_twenty_different_items_and_cross_the_deductible() -> None:
    made = bills()
    assert len(made) == BILLS
    assert {bill.hospital for bill in made} == set(HOSPITALS)
    for bill in made:
        assert len({line.item for line in bill.lines}) == LINES
        assert 190_000 < bill.amount_fen < 520_000
        assert all(line.amount_fen == line.count * line.price_fen > 0 for line in bill.lines)


@given(st.integers(0, 9_999_999), st.integers(0, 9_999_999))
def test_people_are_different_in_everything_and_their_names_are_of_one_length(one: int, other: int) -> None:
    first, second = person(one), person(other)
    assert first.certno.startswith("99")
    assert first.certno[-1] == check_digit(first.certno[:-1])
    assert len(first.psn_name.encode()) == len(second.psn_name.encode())
    assert (len(first.psn_no), len(first.certno)) == (len(second.psn_no), len(second.certno))
    if one != other:
        assert {first.psn_no, first.psn_name, first.certno}.isdisjoint({second.psn_no, second.psn_name, second.certno})


def test_a_person_is_registered_under_the_certificate_that_bills_show() -> None:
    assert person_record(person(77)).person.certno == person(77).certno


@pytest.mark.parametrize("name", list(engine.STACKS))
def test_the_engine_is_timed_on_each_stack(name: str) -> None:
    p50, p99 = engine.microseconds(name, rounds=3)
    assert 0 < p50 <= p99
