"""What holds for filings, kind by kind, as data. The reference names kinds and fields and no terms: all of these are ours.

医保发〔2022〕22号 keeps the filing of who lives elsewhere until it is changed, and asks of that of who is away for a time that it
hold for at least six months.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final


class FilingKind(Enum):
    """Kinds of filings; emergency is none, and counts as one where the institution says it."""

    LONG_TERM = "long_term"
    TEMPORARY = "temporary"
    REFERRAL = "referral"


@dataclass(frozen=True, slots=True)
class KindTerms:
    """Of one kind: most days that a filing may hold (None for no end), those of one that names no last day (None for no
    end), and how many days before today it may begin without a stay being named.
    """

    longest_days: int | None
    usual_days: int | None
    back_days: int


@dataclass(frozen=True, slots=True)
class FilingTerms:
    """All: the terms of each kind, how far ahead a filing may begin, and which kind counts before which."""

    kinds: Mapping[FilingKind, KindTerms]
    ahead_days: int
    precedence: tuple[FilingKind, ...]


DEFAULTS: Final = FilingTerms(
    kinds=MappingProxyType(
        {
            FilingKind.LONG_TERM: KindTerms(longest_days=None, usual_days=None, back_days=0),
            FilingKind.TEMPORARY: KindTerms(longest_days=366, usual_days=183, back_days=0),
            # The paper of a referral is often entered after the person has left.
            FilingKind.REFERRAL: KindTerms(longest_days=366, usual_days=183, back_days=3),
        }
    ),
    ahead_days=90,
    precedence=(FilingKind.LONG_TERM, FilingKind.REFERRAL, FilingKind.TEMPORARY),
)
