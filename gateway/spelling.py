"""Which known name a misspelt one was probably meant for. It decides nothing: what it says is a question to the reader."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import Final

_ALIKE: Final = 0.75
_LONGEST: Final = 64


def nearest(name: str, known: tuple[str, ...]) -> str:
    """The known name that is most like it, "" where none is; case and underscores do not count.

    Comparing costs up to 0.1 ms; a name that was compared before costs nothing.
    """
    # A longer one is not even kept: it is whatever a client sent, up to the size of a message.
    return _nearest(name, known) if len(name) <= _LONGEST else ""


def fold(name: str) -> str:
    """A name without case and underscores."""
    return name.replace("_", "").casefold()


@lru_cache(maxsize=4096)
def _nearest(name: str, known: tuple[str, ...]) -> str:
    by_fold = {fold(each): each for each in reversed(known)}
    found = get_close_matches(fold(name), by_fold, n=1, cutoff=_ALIKE)
    return by_fold[found[0]] if found else ""
