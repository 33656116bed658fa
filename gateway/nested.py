"""Ways through what JSON gives: how many names it has, where an object stands in it, and its texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

Tell = Callable[[str], None]

LONGEST_NAME: Final = 64
"""Characters of a client's name that are told."""

_NESTED: Final = frozenset({dict, list})


def names_in(value: Any, most: int) -> int:
    """Names in a value, of all its objects together; it holds no more than `most` objects and lists."""
    total, met, left = 0, 1, [value] if type(value) in _NESTED else []
    while left:
        each = left.pop()
        if type(each) is dict:
            total += len(each)
            each = each.values()
        if met < most and not _NESTED.isdisjoint(map(type, each)):
            inner = [one for one in each if type(one) in _NESTED]
            met += len(inner)
            left += inner
    return total


def path_of(value: Any, wanted: dict[str, Any], path: str = "") -> str | None:
    """Where an object stands in a value; None where it does not."""
    if value is wanted:
        return path
    rows = value.items() if type(value) is dict else enumerate(value)
    for key, each in rows:
        if type(each) in _NESTED:
            found = path_of(each, wanted, step(path, key[:LONGEST_NAME] if type(key) is str else key))
            if found is not None:
                return found
    return None


def trim_texts(value: Any, blanks: str, refuse: Tell | None = None, hidden: Tell | None = None, path: str = "") -> None:
    """Takes `blanks` off the ends of all texts, in place; RecursionError for what is nested too deep.

    `refuse` is called with the path of a text that holds a NUL inside. With `hidden` only texts change that have others than
    plain blanks at their ends, and it is called with the path of each.
    """
    rows = value.items() if type(value) is dict else enumerate(value)
    for key, each in rows:
        if type(each) is str:
            text = each.strip(blanks)
            if refuse is not None and "\x00" in text:
                refuse(step(path, key))
            if text is not each and (hidden is None or len(text) < len(each.strip())):
                value[key] = text
                if hidden is not None:
                    hidden(step(path, key))
        elif type(each) in _NESTED:
            trim_texts(each, blanks, refuse, hidden, step(path, key))


def step(path: str, key: str | int) -> str:
    """The path of a key or place below another path."""
    if type(key) is int:
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)
