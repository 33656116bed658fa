"""Wildcards of DICOM (PS3.4 C.2.2.2.4): `*` for any characters, none too, and `?` for one."""

from __future__ import annotations

import re
from functools import lru_cache


def is_wild(text: str) -> bool:
    """Whether a value asked holds any."""
    return "*" in text or "?" in text


@lru_cache(maxsize=1024)
def pattern_of(text: str) -> re.Pattern[str]:
    """What a value asked is compared by. What stands between two `*` is looked for once and not given back (an atomic group), so
    that no value asked makes the comparison slow.
    """
    first, *others = [_literal(each) for each in re.split(r"\*+", text)]
    if not others:
        return re.compile(first, re.DOTALL)
    middle = "".join(f"(?>.*?{each})" for each in others[:-1])
    return re.compile(f"{first}{middle}.*{others[-1]}", re.DOTALL)


def _literal(text: str) -> str:
    return "".join("." if each == "?" else re.escape(each) for each in text)
