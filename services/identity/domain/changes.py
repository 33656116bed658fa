"""Places in the change feed of persons, and pages of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.identity.domain.person import PersonRecord


@dataclass(frozen=True, slots=True)
class Changed:
    """A person, and its place in the feed."""

    seq: int
    record: PersonRecord


@dataclass(frozen=True, slots=True)
class Changes:
    """A page of the feed: where to go on, the feed's last place, and what its reader has said that it has."""

    changed: tuple[Changed, ...]
    next_seq: int
    last_seq: int
    acked_seq: int


def page(
    after: int, places: Sequence[tuple[int, str]], records: Mapping[str, PersonRecord], last_seq: int, acked_seq: int
) -> Changes:
    """The page behind `after`; `places` are the feed's (seq, psn_no) in order, `records` those persons as they are now."""
    changed = tuple(Changed(seq, records[psn_no]) for seq, psn_no in places)
    return Changes(changed, places[-1][0] if places else after, last_seq, acked_seq)
