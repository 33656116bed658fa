"""Copies of one example: everywhere its own names stand, in text or bytes, the names of another take their place.

Names keep their length, so a serialised message stays whole: its inner lengths do not move. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class NameLengths(ValueError):
    """A copy's name is not as long as the example's."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one copy, in the order of the example's, as text and as bytes."""

    texts: tuple[str, ...]
    octets: tuple[bytes, ...]

    @classmethod
    def of(cls, names: Sequence[str]) -> Names:
        """From text."""
        return cls(tuple(names), tuple(name.encode() for name in names))


class Mould:
    """A value of the example, cut where its names stand."""

    def __init__(self, value: str | bytes, names: Sequence[str]) -> None:
        octets = value.encode() if isinstance(value, str) else value
        places = {name.encode(): place for place, name in enumerate(names)}
        longest_first = sorted(places, key=len, reverse=True)
        parts = re.split(b"(" + b"|".join(map(re.escape, longest_first)) + b")", octets)
        self._text = isinstance(value, str)
        self._parts: list[Any] = [part.decode() for part in parts] if isinstance(value, str) else list(parts)
        self._holes = [(place, places[part]) for place, part in enumerate(parts) if place % 2]

    @property
    def is_constant(self) -> bool:
        """Whether no name stands in it."""
        return not self._holes

    def fill(self, names: Names) -> str | bytes:
        """The value of a copy."""
        parts = self._parts.copy()
        if self._text:
            for place, name in self._holes:
                parts[place] = names.texts[name]
            return "".join(parts)
        for place, name in self._holes:
            parts[place] = names.octets[name]
        return b"".join(parts)


class RowMould:
    """A stored row of the example."""

    def __init__(self, row: Sequence[Any], names: Sequence[str]) -> None:
        self._row = tuple(row)
        moulds = ((place, Mould(value, names)) for place, value in enumerate(row) if isinstance(value, str | bytes))
        self._moulds = [(place, mould) for place, mould in moulds if not mould.is_constant]

    def fill(self, names: Names) -> list[Any]:
        """The row of a copy."""
        row = list(self._row)
        for place, mould in self._moulds:
            row[place] = mould.fill(names)
        return row


def checked(names: Sequence[str], example: Sequence[str]) -> Names:
    """The names of a copy; NameLengths where one is longer or shorter than the example's, in bytes."""
    found = Names.of(names)
    expected = [len(name.encode()) for name in example]
    if [len(name) for name in found.octets] != expected:
        raise NameLengths(f"{[len(name) for name in found.octets]} instead of {expected} bytes")
    return found


@dataclass(frozen=True, slots=True)
class Example:
    """One example whole: its names, its rows by table, its requests by name."""

    names: tuple[str, ...]
    rows: Mapping[str, tuple[RowMould, ...]]
    requests: Mapping[str, Mould]
