"""Lines of bills of other cells in columns: their sums are those of the lines one by one, and what no split gives is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import Fault
from services.settlement.domain.care import carried
from services.settlement.domain.care.carried import CarriedLines
from services.settlement.domain.care.lines import LineInput, LineSplit, split_line, totals_of
from services.settlement.domain.care.pricing import exempt_tags

LINES = st.lists(
    st.tuples(
        st.builds(
            LineInput,
            amount_fen=st.integers(-(10**7), 10**7),
            count_e4=st.integers(-50_000, 50_000),
            chrg_class=st.sampled_from("ABC"),
            selfpay_prop_e4=st.integers(0, 10_000),
            price_limit_e6=st.none() | st.integers(0, 10**9),
            hosp_bear=st.booleans(),
        ),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


def in_columns(splits: list[LineSplit], essential: list[bool], negotiated: list[bool]) -> CarriedLines:
    """Splits as a bill carries them."""
    numbers = [str(place) for place in range(len(splits))]
    columns: list[Any] = [numbers, *map(list, zip(*splits, strict=True)), essential, negotiated, b""]
    return CarriedLines._make(columns)


@given(LINES)
def test_whatever_a_place_of_care_splits_adds_up_to_the_same_in_columns(
    lines: list[tuple[LineInput, bool, bool]],
) -> None:
    splits = [split_line(line) for line, _, _ in lines]
    essential, negotiated = [each[1] for each in lines], [each[2] for each in lines]
    told = in_columns(splits, essential, negotiated)
    told.check()
    tags = [exempt_tags(first, second) for first, second in zip(essential, negotiated, strict=True)]
    assert told.totals() == totals_of(splits, tags)


@given(LINES, st.integers(0, 4), st.integers(1, 1_000))
def test_a_part_that_is_another_than_the_split_is_refused(
    lines: list[tuple[LineInput, bool, bool]], part: int, more: int
) -> None:
    splits = [split_line(line) for line, _, _ in lines]
    broken = list(splits[-1])
    broken[part] += more
    flags = [False] * len(lines)
    with pytest.raises(Fault, match="INVALID_REQUEST") as refused:
        in_columns([*splits[:-1], LineSplit(*broken)], flags, flags).check()
    assert {each.path for each in refused.value.violations} >= {f"carried.lines[{len(lines) - 1}].split"}


def test_a_number_stands_once_and_lines_are_from_one_to_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    split = LineSplit(100, 0, 30, 0, 70, 30)
    lines = in_columns([split, split], [True, False], [False, False])
    lines.check()
    none = CarriedLines([], [], [], [], [], [], [], [], [], b"")
    monkeypatch.setattr(carried, "MOST_LINES", 2)
    assert refused_at(lines._replace(numbers=["1", "1"])) == ["carried.lines[1].feedetl_sn"]
    assert refused_at(lines._replace(numbers=["1", ""])) == ["carried.lines[1].feedetl_sn"]
    assert refused_at(lines._replace(hosp_part=[30, 29])) == ["carried.lines[1].split.hosp_part_amt_fen"]
    assert refused_at(lines._replace(negotiated=[False])) == refused_at(none) == ["carried.lines"]
    assert refused_at(in_columns([split] * 3, [True] * 3, [True] * 3)) == ["carried.lines"]


def refused_at(lines: CarriedLines) -> list[str]:
    """What is wrong with lines, by path."""
    with pytest.raises(Fault, match="INVALID_REQUEST") as refused:
        lines.check()
    return [each.path for each in refused.value.violations]
