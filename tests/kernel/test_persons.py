"""Two writings of one name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.persons import same_name

REGISTERED = "甲·乙"


@pytest.mark.parametrize("dot", ["·", "•", "・", "‧", ".", "．", "･", "∙", "⋅", " · ", "\u0387"])
def test_the_dot_of_a_minority_name_is_one_dot_however_it_is_written(dot: str) -> None:
    assert same_name(REGISTERED, f"甲{dot}乙")


@pytest.mark.parametrize("written", [" 甲·乙", "甲·乙\u3000", "\t甲 · 乙\n"])
def test_blanks_around_a_name_are_nothing(written: str) -> None:
    assert same_name(REGISTERED, written)


@pytest.mark.parametrize("written", ["JOHN SMITH", "John Smith", "ＪＯＨＮ　ＳＭＩＴＨ", "john  smith"])
def test_latin_letters_are_compared_without_case_and_width(written: str) -> None:
    assert same_name("JOHN SMITH", written)


@pytest.mark.parametrize("written", ["甲乙", "甲··乙", "乙·甲", "甲·丙", "甲-乙", "", "甲·乙·"])
def test_another_name_is_another_name(written: str) -> None:
    assert not same_name(REGISTERED, written)


def test_characters_outside_the_first_plane_are_compared_as_they_are() -> None:
    assert same_name("𠮷田", " 𠮷田")
    assert not same_name("𠮷田", "吉田")


@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_writings_are_alike_both_ways(one: str, other: str) -> None:
    assert same_name(one, one)
    assert same_name(one, other) == same_name(other, one)
