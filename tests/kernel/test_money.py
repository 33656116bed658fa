"""Exact money: rounding half away from zero, parsing without loss, texts with their decimals."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import Fault
from services.kernel.money import (
    fen_of_yuan,
    percent_of,
    ratio_e4,
    ratio_of,
    ratio_text,
    round_half_away,
    round_quotient,
    scaled_of,
    scaled_text,
    short_text,
    yuan_text,
)


@pytest.mark.parametrize(
    ("value", "rounded"), [("1/2", 1), ("-1/2", -1), ("3/2", 2), ("-5/2", -3), ("2/5", 0), ("-1/3", 0)]
)
def test_halves_go_away_from_zero(value: str, rounded: int) -> None:
    assert round_half_away(Fraction(value)) == rounded


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**9))
def test_rounding_strays_half_at_most_and_is_odd(numerator: int, denominator: int) -> None:
    rounded = round_quotient(numerator, denominator)
    assert abs(Fraction(numerator, denominator) - rounded) <= Fraction(1, 2)
    assert round_quotient(-numerator, denominator) == -rounded


@given(st.integers(-(10**14), 10**14), st.sampled_from((2, 4, 6)))
def test_a_decimal_text_and_its_number_are_each_others_inverse(number: int, digits: int) -> None:
    assert scaled_of(scaled_text(number, digits), digits) == number


@pytest.mark.parametrize(
    ("text", "fen"), [("0.01", 1), ("-0.05", -5), ("12", 1200), (12, 1200), ("1.500", 150), ("+3.4", 340)]
)
def test_yuan_become_fen_exactly(text: str | int, fen: int) -> None:
    assert fen_of_yuan(text) == fen


@pytest.mark.parametrize("text", ["0.001", "1e3", "1,000", " 1", "", ".5", "5.", "１", "nan", "1_000", True, 1.5, None])
def test_what_is_no_exact_amount_is_refused(text: object) -> None:
    with pytest.raises(Fault) as caught:
        fen_of_yuan(text, "bill.amount")  # type: ignore[arg-type]  # what an untyped edge might hand in
    assert caught.value.reason == "AMOUNT_INVALID"
    assert caught.value.violations[0].path == "bill.amount"


def test_ratios_are_read_as_percent_or_decimal_and_a_policy_writes_percent() -> None:
    assert ratio_of("89.5%") == ratio_of("0.895") == percent_of("89.5%") == Fraction(179, 200)
    assert percent_of("-20%") == Fraction(-1, 5)
    for text, reader in (
        ("0.85", percent_of),
        ("85 %", percent_of),
        ("85", percent_of),
        ("%", ratio_of),
        ("a", ratio_of),
    ):
        with pytest.raises(Fault, match="RATIO_INVALID"):
            reader(text)


def test_texts_have_their_decimals() -> None:
    assert (yuan_text(-5), yuan_text(123456), ratio_text(8500)) == ("-0.05", "1234.56", "0.8500")


def test_a_reported_ratio_is_nought_without_a_divisor() -> None:
    assert ratio_e4(1, 0) == ratio_e4(1, -5) == 0
    assert ratio_e4(23447, 100_000) == 2345


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (1500, 4, "0.15"),
        (-1500, 4, "-0.15"),
        (20_000, 4, "2"),
        (0, 4, "0"),
        (0, 0, "0"),
        (-70, 0, "-70"),
        (100, 2, "1"),
    ],
)
def test_a_short_text_has_no_needless_zero(number: int, digits: int, text: str) -> None:
    assert short_text(number, digits) == text
    assert scaled_of(text, digits) == number
