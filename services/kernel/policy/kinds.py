"""The kinds of value that a policy document has, as data: what its readers ask of a value, and its schema says of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """A text that is not empty, whole under the pattern."""

    pattern: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the words, or a text under the pattern."""

    words: tuple[str, ...]
    pattern: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day as text, `2025-01-31`."""


@dataclass(frozen=True, slots=True)
class Yuan:
    """Yuan, as a whole number or a decimal text of at most two decimals, at least so many fen."""

    least_fen: int = 0


@dataclass(frozen=True, slots=True)
class Percent:
    """A percent text within bounds, in percent."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Factor:
    """A decimal text that is not negative."""


@dataclass(frozen=True, slots=True)
class Null:
    """Nothing, said in so many words."""


@dataclass(frozen=True, slots=True)
class When:
    """A condition: facts with the values or ranges that each may have."""


@dataclass(frozen=True, slots=True)
class Many:
    """A list of at least so many."""

    of: Kind | None
    least: int = 0


@dataclass(frozen=True, slots=True)
class Named:
    """A map whose keys are free, under a pattern, or some of known ones; `exactly` so many of them, if it says."""

    of: Kind
    key: re.Pattern[str] | tuple[str, ...]
    exactly: int | None = None


@dataclass(frozen=True, slots=True)
class Either:
    """A value of one of the kinds, which no value can be two of."""

    kinds: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A map with known keys. `one` says that exactly one of the optional keys listed stands."""

    name: str
    about: str
    required: Mapping[str, Member]
    optional: Mapping[str, Member] = field(default_factory=dict)
    one: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A key of a map: the kind of its value, and what it says to whoever writes a policy."""

    kind: Kind
    about: str


Kind: TypeAlias = (
    Text | Choice | Whole | Flag | Day | Yuan | Percent | Factor | Null | When | Many | Named | Either | Shape
)


def kinds_of(kind: Kind | None) -> tuple[Kind, ...]:
    """The kinds that a value may have."""
    if kind is None:
        return ()
    return kind.kinds if isinstance(kind, Either) else (kind,)
