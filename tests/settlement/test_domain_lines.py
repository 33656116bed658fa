"""The split of a fee line, one rule a test, and its properties."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import Fault
from services.settlement.domain.care.lines import LineInput, LineSplit, split_line, totals_of
from tests.settlement.stacks import Line, line_strategy


def line(amount: int, kind: str = "A", **changes: object) -> LineInput:
    return replace(LineInput(amount, 10_000, kind), **changes)  # type: ignore[arg-type]  # names are checked by replace


@given(line_strategy(), st.sampled_from((1, -1)))
def test_the_four_parts_of_a_line_are_its_amount(drawn: Line, sign: int) -> None:
    part = split_line(replace(drawn.for_engine(), amount_fen=sign * drawn.amount_fen))
    assert part.amount_fen == part.fulamt_ownpay_fen + part.overlmt_fen + part.preselfpay_fen + part.inscp_fen
    assert all(sign * piece >= 0 for piece in (part.fulamt_ownpay_fen, part.overlmt_fen, part.inscp_fen))


@given(line_strategy())
def test_a_charge_back_is_the_mirror_of_its_charge(drawn: Line) -> None:
    charge = drawn.for_engine()
    back = split_line(replace(charge, amount_fen=-charge.amount_fen, count_e4=-charge.count_e4))
    there = split_line(charge)
    assert back == LineSplit(
        *(-there.amount_fen, -there.fulamt_ownpay_fen, -there.overlmt_fen, -there.preselfpay_fen, -there.inscp_fen),
        hosp_part_fen=-there.hosp_part_fen,
    )


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=30), st.integers(1, 10_000))
def test_rounding_line_by_line_strays_half_a_fen_a_line_at_most(amounts: list[int], share: int) -> None:
    parts = [split_line(line(amount, "B", selfpay_prop_e4=share)) for amount in amounts]
    exact = sum(amounts) * Fraction(share, 10_000)
    assert abs(sum(part.preselfpay_fen for part in parts) - exact) <= Fraction(len(amounts), 2)


def test_halves_of_a_fen_go_up() -> None:
    parts = [split_line(line(25, "B", selfpay_prop_e4=1_000)) for _ in range(5)]
    assert sum(part.preselfpay_fen for part in parts) == 15
    assert split_line(line(452, "B", selfpay_prop_e4=500)) == LineSplit(452, 0, 0, 23, 429)


def test_over_limit_goes_before_the_advance_self_pay() -> None:
    part = split_line(line(900_000, "B", selfpay_prop_e4=2_000, price_limit_e6=5_000_000_000))
    assert part == LineSplit(900_000, 0, 400_000, 100_000, 400_000)


def test_what_is_over_the_payment_standard_is_over_the_limit_and_borne_by_the_hospital() -> None:
    plain = line(900_000, "B", selfpay_prop_e4=2_000, price_limit_e6=5_000_000_000)
    assert split_line(replace(plain, hosp_bear=True)) == LineSplit(900_000, 0, 400_000, 100_000, 400_000, 400_000)
    assert split_line(replace(plain, hosp_bear=True, price_limit_e6=None)).hosp_part_fen == 0
    assert split_line(replace(plain, hosp_bear=True, chrg_class="C")) == LineSplit(900_000, 900_000, 0, 0, 0)


def test_a_limit_is_for_one_unit_and_rounded_after_the_count() -> None:
    part = split_line(line(1_000, count_e4=25_000, price_limit_e6=1_333_330))
    assert part.overlmt_fen == 1_000 - 333


def test_999999_is_no_limit() -> None:
    assert split_line(line(10**9, price_limit_e6=999_999_000_000)).overlmt_fen == 0


def test_class_c_is_borne_in_full_and_class_a_has_no_share() -> None:
    assert split_line(line(100, "C", price_limit_e6=0)) == LineSplit(100, 100, 0, 0, 0)
    assert split_line(line(100, "A", selfpay_prop_e4=5_000)) == LineSplit(100, 0, 0, 0, 100)


@pytest.mark.parametrize(
    ("restricted", "approval", "borne"),
    [(True, "0", 100), (True, "1", 0), (True, "2", 100), (False, "0", 0), (False, "1", 0), (False, "2", 100)],
)
def test_the_hospitals_approval_decides_about_a_limited_item(restricted: bool, approval: str, borne: int) -> None:
    assert split_line(line(100, restricted=restricted, approval=approval)).fulamt_ownpay_fen == borne


@pytest.mark.parametrize(
    "bad",
    [{"chrg_class": "D"}, {"selfpay_prop_e4": 10_001}, {"price_limit_e6": -1}, {"approval": "3"}, {"chrg_class": ""}],
)
def test_a_line_that_no_rule_knows_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(Fault, match="LINE_INVALID"):
        split_line(replace(line(100), **bad))  # type: ignore[arg-type]  # values are broken on purpose


def test_totals_keep_the_in_scope_cost_of_every_tag() -> None:
    splits = [split_line(line(100)), split_line(line(50)), split_line(line(7, "C"))]
    tag = frozenset({"bas_medn_flag=1"})
    totals = totals_of(splits, [tag, frozenset(), tag])
    assert (totals.medfee_fen, totals.inscp_fen, totals.fulamt_ownpay_fen) == (157, 150, 7)
    assert totals.exempt_inscp_by_tag == {"bas_medn_flag=1": 100}
    with pytest.raises(Fault, match="INVALID_REQUEST"):
        totals_of(splits, [tag])
