"""In which cell a dynamic code or an ecToken was made, told by the text itself, so that the right cell is asked at once.

What real codes and tokens hold is not public, but that a code has 28 characters and that a phone's begins with 424. Our layout:

    code    424 then 25 characters of CODE_ALPHABET in the sandbox's cell, 424U370000 then 18 in the cell 370000
    token   40 hex digits in the sandbox's cell, u370000 then 33 in the cell 370000

An authorisation of a payment (payAuthNo) has AUTH before a token that is 12 shorter.

No unmarked text holds the letter U, so that those of release 0.1.0, which have no mark, are the sandbox's. The mark stands
for six digits and for nobody. It proves nothing: a text is good where the digest of the whole of it is kept, so that one whose
mark was changed is good nowhere.
"""

from __future__ import annotations

import re
from typing import Final

CODE_LENGTH: Final = 28
TOKEN_LENGTH: Final = 40
AUTHORISATION_LENGTH: Final = 28

# 32 characters, so that every one carries five bits evenly; letters that are read as digits are left out (our decision).
CODE_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

UNMARKED_CELL: Final = "sandbox"
"""The cell whose codes and tokens have no mark."""

_CODE_BEGINS: Final = "424"
_AUTHORISES: Final = "AUTH"
_MARKED_AUTHORISATION: Final = re.compile(rf"{_AUTHORISES}u(?P<cell>[0-9]{{6}})")
_CELL: Final = re.compile(r"[0-9]{6}")
_UNMARKED: Final = re.compile(rf"[{CODE_ALPHABET}]{{{CODE_LENGTH}}}|[0-9a-f]{{{TOKEN_LENGTH}}}")
_MARKED: Final = re.compile(
    rf"{_CODE_BEGINS}U(?P<of_code>[0-9]{{6}})[{CODE_ALPHABET}]{{18}}|u(?P<of_token>[0-9]{{6}})[0-9a-f]{{33}}"
)


def marked_code(random: str, cell: str) -> str:
    """The dynamic code made in the cell: 28 random characters of CODE_ALPHABET whose first give way to beginning and mark.

    125 random bits remain in the sandbox's cell, 90 in another; it lives a minute.
    """
    return _under(_CODE_BEGINS + _mark("U", cell), random, CODE_LENGTH)


def marked_token(random: str, cell: str) -> str:
    """The ecToken made in the cell: 40 random hex digits whose first give way to the mark; at least 132 random bits remain."""
    return _under(_mark("u", cell), random, TOKEN_LENGTH)


def marked_authorisation(random: str, cell: str) -> str:
    """The payAuthNo made in the cell: AUTH and 28 random hex digits whose first give way to the mark; at least 84 bits remain."""
    return _AUTHORISES + _under(_mark("u", cell), random, AUTHORISATION_LENGTH)


def cell_of_authorisation(shown: str) -> str:
    """Code of the cell in which a payAuthNo was made, if in any."""
    marked = _MARKED_AUTHORISATION.match(shown)
    return marked["cell"] if marked else UNMARKED_CELL


def cell_of(shown: str) -> str | None:
    """Code of the cell in which a dynamic code or an ecToken was made; None where the text is laid out like neither.

    Whether there is such a cell, and whether the text was ever given out, is not told here.
    """
    if marked := _MARKED.fullmatch(shown):
        return marked["of_code"] or marked["of_token"]
    return UNMARKED_CELL if _UNMARKED.fullmatch(shown) else None


def _mark(letter: str, cell: str) -> str:
    if cell == UNMARKED_CELL:
        return ""
    if not _CELL.fullmatch(cell):
        raise ValueError(f"a mark holds six digits, not {cell!r}")
    return letter + cell


def _under(beginning: str, random: str, length: int) -> str:
    if len(random) != length:
        raise ValueError(f"{length} random characters are needed, not {len(random)}")
    return beginning + random[len(beginning) :]
