"""Page tokens: what an answer gave is understood again, anything else is refused by its field."""

from __future__ import annotations

import base64
from datetime import date
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import Fault
from services.runtime.paging import asked_page, place_of, token_of


@given(st.integers(-(1 << 63), (1 << 63) - 1), st.text(max_size=30))
def test_a_place_comes_back_as_it_was_given(number: int, text: str) -> None:
    assert place_of(token_of((number, text)), int, str) == (number, text)


@given(st.dates(), st.text(max_size=30))
def test_a_day_is_a_part_of_a_place_too(day: date, text: str) -> None:
    assert place_of(token_of((text, day)), str, date) == (text, day)


def test_a_text_that_is_no_day_is_refused_where_a_day_stands() -> None:
    with pytest.raises(Fault, match="INVALID_REQUEST"):
        place_of(token_of(("2026-02-30",)), date)


def test_a_request_that_asks_for_no_size_gets_fifty() -> None:
    assert asked_page(SimpleNamespace(page_token="", page_size=0), int) == (None, 50)
    assert asked_page(SimpleNamespace(page_token=token_of((7,)), page_size=3), int) == ((7,), 3)


def test_no_token_is_the_first_page_and_no_place_the_last() -> None:
    assert place_of("", int) is None
    assert token_of(None) == ""


@pytest.mark.parametrize(
    "inner",
    [
        "null",
        "[]",
        "[1]",
        '["1","a"]',
        '[1,"a",2]',
        '{"0":1}',
        '[1.5,"a"]',
        '[1,"\\ud800"]',
        f'[{1 << 63},"a"]',
        "[" * 2000,
    ],
)
def test_a_text_that_no_answer_held_is_refused_by_its_field(inner: str) -> None:
    for token in (base64.urlsafe_b64encode(inner.encode()).decode(), f"{inner}ä"):
        with pytest.raises(Fault, match="INVALID_REQUEST") as refused:
            place_of(token, int, str)
        assert [each.path for each in refused.value.violations] == ["page_token"]
