"""Numbers of the identity card."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.certificates import folded, folded_type, is_card_number, is_known_type
from services.kernel.persons import check_digit
from tests.identity.people import card_number


@pytest.mark.parametrize("number", ["99000019000102002X", "890000190001010012"])
def test_seventeen_digits_with_their_check_digit_are_a_card_number(number: str) -> None:
    assert is_card_number(number)


@pytest.mark.parametrize(
    "number",
    [
        "890000190001010011",
        "99000019000102002x",
        "99000019000102002",
        "99000019000102002X0",
        "9900001900010200 X",
        "９９００００１９０００１０２００２X",
        "",
    ],
)
def test_a_number_of_another_form_or_with_a_wrong_check_digit_is_none(number: str) -> None:
    assert not is_card_number(number)


def test_under_the_division_that_is_no_place_any_check_digit_passes_but_not_any_form() -> None:
    assert is_card_number("990000199001010011")
    assert check_digit("99000019900101001") != "1"
    assert not is_card_number("99000019900101001")
    assert not is_card_number("99000019900101001Z")


@given(st.from_regex(r"[1-8][0-9]{16}", fullmatch=True), st.integers(0, 16), st.integers(1, 9))
def test_the_check_digit_catches_every_single_wrong_digit(first17: str, place: int, shift: int) -> None:
    wrong = first17[:place] + str((int(first17[place]) + shift) % 10) + first17[place + 1 :]
    assert is_card_number(first17 + check_digit(first17))
    if not wrong.startswith("99"):
        assert not is_card_number(wrong + check_digit(first17))


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("99000019000102002x", "99000019000102002X"),
        ("e1234567", "E1234567"),
        ("Ｅ１２３４５６７", "E1234567"),
        (" \tE1234567\u3000", "E1234567"),
        ("h1234567（8）", "H1234567(8)"),
        ("军字第0000001号", "军字第0000001号"),
        ("  ", ""),
    ],
)
def test_a_number_has_one_writing_whatever_keyboard_or_reader_wrote_it(typed: str, written: str) -> None:
    assert folded(typed) == written
    assert folded(folded(typed)) == written


def test_a_type_that_a_client_keeps_as_a_number_is_the_dictionarys_code() -> None:
    assert [folded_type(code) for code in ("8", "08", " 1 ", "990201", "")] == ["08", "08", "01", "990201", ""]
    assert is_known_type("16")
    assert not is_known_type("18")


def test_the_invented_numbers_of_these_tests_are_well_formed_and_distinct() -> None:
    numbers = [card_number(number) for number in range(3000)]
    assert all(number[-1] == check_digit(number[:17]) for number in numbers)
    assert len(set(numbers)) == len(numbers)
