"""Codes and tokens tell by their own text in which cell they were made, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import cells
from services.kernel.credential_marks import (
    AUTHORISATION_LENGTH,
    CODE_ALPHABET,
    CODE_LENGTH,
    TOKEN_LENGTH,
    UNMARKED_CELL,
    cell_of,
    cell_of_authorisation,
    marked_authorisation,
    marked_code,
    marked_token,
)

CODES = st.text(CODE_ALPHABET, min_size=CODE_LENGTH, max_size=CODE_LENGTH)
TOKENS = st.text("0123456789abcdef", min_size=TOKEN_LENGTH, max_size=TOKEN_LENGTH)
MARKS = (
    (marked_code, CODE_LENGTH),
    (marked_token, TOKEN_LENGTH),
    (marked_authorisation, AUTHORISATION_LENGTH),
)
CELLS = st.sampled_from(cells.codes()) | st.from_regex(r"[0-9]{6}", fullmatch=True)


def test_what_has_no_mark_is_the_sandboxs() -> None:
    assert UNMARKED_CELL == cells.SANDBOX
    assert not set("ILOU") & set(CODE_ALPHABET)


@given(CODES, CELLS)
def test_a_code_names_its_cell_and_looks_like_a_real_one(random: str, cell: str) -> None:
    code = marked_code(random, cell)
    assert cell_of(code) == cell
    assert len(code) == CODE_LENGTH
    assert code.startswith("424")
    assert code.isalnum()
    assert code.upper() == code


@given(TOKENS, CELLS)
def test_a_token_names_its_cell_and_is_as_long_as_ever(random: str, cell: str) -> None:
    token = marked_token(random, cell)
    assert cell_of(token) == cell
    assert len(token) == TOKEN_LENGTH
    assert token.isalnum()


@given(TOKENS, CELLS)
def test_an_authorisation_names_its_cell_and_begins_as_the_public_text_says(random: str, cell: str) -> None:
    number = marked_authorisation(random[:AUTHORISATION_LENGTH], cell)
    assert cell_of_authorisation(number) == cell
    assert len(number) == len("AUTH") + AUTHORISATION_LENGTH
    assert number.startswith("AUTH")
    assert cell_of_authorisation("none") == UNMARKED_CELL


@given(CODES, TOKENS)
def test_codes_and_tokens_of_the_last_release_are_the_sandboxs(code: str, token: str) -> None:
    assert (cell_of(code), cell_of(token)) == (cells.SANDBOX, cells.SANDBOX)
    assert marked_token(token, cells.SANDBOX) == token


@pytest.mark.parametrize("cell", cells.codes())
def test_all_the_rest_of_a_code_and_of_a_token_is_random(cell: str) -> None:
    """The same for everybody: the mark. Different in every place: what is random."""
    codes = [marked_code(character * CODE_LENGTH, cell) for character in CODE_ALPHABET]
    tokens = [marked_token(character * TOKEN_LENGTH, cell) for character in "0123456789abcdef"]
    marked = 0 if cell == cells.SANDBOX else 7
    code_places, token_places = ([set(place) for place in zip(*texts, strict=True)] for texts in (codes, tokens))
    assert all(place == set(CODE_ALPHABET) for place in code_places[3 + marked :])
    assert all(place == set("0123456789abcdef") for place in token_places[marked:])
    assert [len(place) for place in code_places[: 3 + marked]] == [1] * (3 + marked)
    assert [len(place) for place in token_places[:marked]] == [1] * marked


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "990000198102114013",
        "0" * 27,
        "0" * 29,
        "424u370000" + "0" * 18,
        "424U37000A" + "0" * 18,
        "424U" + "３７００００" + "0" * 18,
        "425U370000" + "0" * 18,
        "424U370000" + "0" * 18 + "\n",
        "424L" + "0" * 24,
        "U370000" + "0" * 33,
        "u370000" + "A" * 33,
        "u37000a" + "0" * 33,
        "g" + "0" * 39,
        "A" * 40,
    ],
)
def test_what_is_laid_out_like_neither_is_no_cells(shown: str) -> None:
    assert cell_of(shown) is None


@pytest.mark.parametrize("cell", ["", "37000", "3700000", "37000a", "三七零零零零", "Sandbox"])
def test_a_mark_holds_six_digits(cell: str) -> None:
    for mark, length in MARKS:
        with pytest.raises(ValueError, match="six digits"):
            mark("0" * length, cell)


def test_too_little_chance_is_refused() -> None:
    for mark, length in MARKS:
        with pytest.raises(ValueError, match=f"{length} random characters"):
            mark("0" * (length - 1), "370000")
