"""Pages of lists: one entry more than a page holds is read, and its being there tells that a page follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

Place = tuple[Any, ...]
"""Where an entry stands in its list, in numbers, texts and days: what its order compares.

It travels in page tokens, so it is never a personal number."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list; `end` is the place of its last entry, None where no page follows."""

    entries: tuple[T, ...]
    end: Place | None


def page_of(found: Sequence[T], size: int, place: Callable[[T], Place]) -> Page[T]:
    """The first `size` of what was found when `size + 1` were asked for; `place` tells that of an entry."""
    return Page(tuple(found[:size]), place(found[size - 1]) if len(found) > size else None)
