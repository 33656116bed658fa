"""The daily check: the list of the insured place, that of the place of care, and the nation's journals, side by side.

What is compared is the number, the kind, the region that the side is of, and the sum that is cleared. The store compares whole
days at once; here stands what a difference is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from services.kernel.errors import conflict

MISSING, UNKNOWN, AMOUNT, REGION = "missing", "unknown", "amount", "region"
DIFFERENCES: Final = (MISSING, UNKNOWN, AMOUNT, REGION)
"""A journal that a side does not list; a listed entry without journal; another sum; another region."""


class ListEntry(NamedTuple):
    """An entry of a side's list: the region is the side's own, the sum in fen, negative for a reversal."""

    setl_id: str
    kind: str
    region: str
    amount_fen: int


class ListDifference(NamedTuple):
    """What a side and the nation tell differently of an entry; 0 fen where one does not have it."""

    setl_id: str
    kind: str
    side: str
    difference: str
    national_fen: int
    listed_fen: int

    @property
    def place(self) -> tuple[str, str, str, str]:
        """Where it stands in the list of its day."""
        return self.setl_id, self.kind, self.side, self.difference


class DayCheck(NamedTuple):
    """How many entries each list of a day has, and how many differences there are."""

    national_count: int
    insured_count: int
    care_count: int
    difference_count: int
    checked_at: datetime
    memo: str


def new_entries(entries: Sequence[ListEntry], standing: Iterable[ListEntry]) -> list[ListEntry]:
    """Entries that are not listed yet; CONFLICT CLEARING_JOURNAL_EXISTS for one that is, with other content."""
    known = {(each.setl_id, each.kind): each for each in standing}
    fresh: list[ListEntry] = []
    for each in entries:
        before = known.get((each.setl_id, each.kind))
        if before is None:
            known[each.setl_id, each.kind] = each
            fresh.append(each)
        elif before != each:
            raise conflict("CLEARING_JOURNAL_EXISTS", setl_id=each.setl_id, journal_kind=each.kind)
    return fresh
