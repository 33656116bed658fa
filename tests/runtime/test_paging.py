"""Page tokens: what an answer gave is understood again, anything else is refused by its field."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import Fault
from services.runtime.paging import place_of, token_of


@given(st.integers(-(1 << 63), (1 << 63) - 1), st.text(max_size=30))
def test_a_place_comes_back_as_it_was_given(number: int, text: str) -> None:
    assert place_of(token_of((number, text)), int, str) == (number, text)


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
