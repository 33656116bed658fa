"""Texts that match a regular expression, made by walking its parse tree. It draws only from the random source it is given."""

from __future__ import annotations

import re
from random import Random
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

_MOST_REPEATS: Final = 8
_DIGITS: Final = "0123456789"
_PLAIN: Final = "abcdefghijklmnopqrstuvwxyz0123456789"


def matching(pattern: str, random: Random) -> str:
    """A text that matches the whole pattern; ValueError for a construct that is not understood."""
    text = "".join(_walk(parser.parse(pattern), random))
    if re.search(pattern, text) is None:
        raise ValueError(f"{text!r} was made for {pattern!r} and does not match it")
    return text


def unmatching(pattern: str) -> str:
    """A text that is not empty and does not match."""
    for text in ("!", "?!", "一", "0", "x", "~" * 40):
        if re.search(pattern, text) is None:
            return text
    raise ValueError(f"every text tried matches {pattern!r}")


def _walk(tree: Any, random: Random) -> list[str]:
    return [_piece(kind, argument, random) for kind, argument in tree]


def _piece(kind: Any, argument: Any, random: Random) -> str:
    if kind is kinds.LITERAL:
        return chr(argument)
    if kind is kinds.AT:
        return ""
    if kind is kinds.ANY:
        return random.choice(_PLAIN)
    if kind is kinds.IN:
        return random.choice(_members(argument))
    if kind is kinds.SUBPATTERN:
        return "".join(_walk(argument[-1], random))
    if kind is kinds.BRANCH:
        return "".join(_walk(random.choice(argument[1]), random))
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT):
        least, most, inner = argument
        # An optional sign or fraction is left out; a range is filled, so that numbers made one after another differ.
        times = 0 if least == 0 else min(int(most), max(int(least), _MOST_REPEATS))
        return "".join("".join(_walk(inner, random)) for _ in range(times))
    raise ValueError(f"{kind} is not understood")


def _members(items: Any) -> str:
    found = ""
    for kind, argument in items:
        if kind is kinds.LITERAL:
            found += chr(argument)
        elif kind is kinds.RANGE:
            found += "".join(chr(code) for code in range(argument[0], argument[1] + 1))
        elif kind is kinds.CATEGORY and argument is kinds.CATEGORY_DIGIT:
            found += _DIGITS
        else:
            raise ValueError(f"{kind} inside a set is not understood")
    return found
