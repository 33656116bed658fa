"""Notices that cells give of cross-region settlements, and what becomes of them. Pure.

The insured place owns the money: its notice becomes the journal, and an entry of its list. That of the place of care is an
entry of that place's list, which the daily check compares. A notice that is refused harms no other one: it stays in a list of
its own with the reason, until an operator has it taken again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from services.kernel.clock import beijing_day
from services.kernel.errors import Fault
from services.routing.domain.clearing.checks import ListEntry, new_entries
from services.routing.domain.clearing.journals import KINDS, Filed, Journal, Key, file
from services.routing.domain.clearing.parties import pair_of
from services.routing.domain.clearing.statements import INSURED

DAY_TO_COME: Final = "DAY_TO_COME"
"""Why a notice waits whose day has not come here (a sandbox's business date): it is taken by itself on that day."""

CLOCKS_APART: Final = timedelta(minutes=5)
"""How far a cell's clock may be before this one, as settlement has it (our decision)."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a cell tells of a settlement or reversal; `sides` are the places that the cell has of it."""

    cell: str
    seq: int
    sides: tuple[str, ...]
    journal: Journal
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class NoticePage:
    """A page of a cell's notices, the first place that the cell still keeps, the last that it gave, and what it knows of
    its reader."""

    notices: tuple[Notice, ...]
    first_seq: int
    last_seq: int
    acked_seq: int

    def after(self, seq: int) -> int:
        """Where to go on behind the page; behind everything where the cell keeps nothing more."""
        return self.notices[-1].seq if self.notices else max(self.last_seq, seq)


@dataclass(frozen=True, slots=True)
class RefusedNotice:
    """A notice that was not taken: why, in the words of the refusal, since when, and what an operator said who had it taken
    once more."""

    notice: Notice
    reason: str
    detail: str
    refused_at: datetime
    memo: str = ""

    @property
    def place(self) -> tuple[str, int, str]:
        """Where it stands in the list."""
        return self.notice.cell, self.notice.seq, self.notice.journal.setl_id


class Day(NamedTuple):
    """The list of a side of a day."""

    day: date
    side: str


@dataclass(slots=True)
class TakenNotices:
    """What comes of notices: new journals, new entries of lists, and those that are refused."""

    fresh: list[Filed] = field(default_factory=list)
    listed: dict[Day, list[ListEntry]] = field(default_factory=dict)
    refused: list[RefusedNotice] = field(default_factory=list)


def lost(seq: int, page: NoticePage) -> int:
    """How many notices behind a place the cell does not keep any more: this store is older than what cells keep."""
    return max(min(page.first_seq - 1, page.last_seq) - seq, 0)


def reached(seq: int, seqs: Iterable[int]) -> int:
    """The place up to which all have come, behind `seq` and with these: what lies behind a gap does not count."""
    for each in sorted(set(seqs)):
        if each == seq + 1:
            seq = each
    return seq


def days_of(notices: Iterable[Notice]) -> dict[Day, list[str]]:
    """The lists that notices belong to, with the settlements that they name there."""
    found: dict[Day, list[str]] = {}
    for notice in notices:
        for side in notice.sides:
            found.setdefault(Day(notice.journal.setl_day, side), []).append(notice.journal.setl_id)
    return found


def take(
    notices: Sequence[Notice],
    standing: Mapping[Key, Journal],
    listed: Mapping[Day, Sequence[ListEntry]],
    closed: Collection[str],
    now: datetime,
) -> TakenNotices:
    """Decides notices one after the other. `standing` are the journals under their settlements' numbers, `listed` the entries
    of their lists that name these, `closed` the months that are not open."""
    taken, known = TakenNotices(), dict(standing)
    entries = {(day, each.setl_id, each.kind): each for day, those in listed.items() for each in those}
    today = beijing_day(now + CLOCKS_APART)
    for notice in notices:
        if notice.journal.setl_day > today:
            taken.refused.append(RefusedNotice(notice, DAY_TO_COME, "", now))
            continue
        try:
            _file(notice, known, closed, today, taken)
            _list(notice, entries, taken)
        except Fault as fault:
            taken.refused.append(RefusedNotice(notice, fault.reason, _detail(fault), now))
    return taken


def _file(notice: Notice, known: dict[Key, Journal], closed: Collection[str], today: date, taken: TakenNotices) -> None:
    journal = notice.journal
    if INSURED not in notice.sides:
        return
    keys = (Key(journal.setl_id, kind) for kind in KINDS)
    filing = file([journal], {key: known[key] for key in keys if key in known}, closed, today)
    taken.fresh += filing.fresh
    known[journal.key] = journal


def _list(notice: Notice, entries: dict[tuple[Day, str, str], ListEntry], taken: TakenNotices) -> None:
    journal = notice.journal
    pair = pair_of(journal.insured_area, journal.care_area)
    for side in notice.sides:
        region = pair.insured_region if side == INSURED else pair.care_region
        day, entry = Day(journal.setl_day, side), ListEntry(journal.setl_id, journal.kind, region, journal.total_fen)
        key = (day, entry.setl_id, entry.kind)
        before = entries.get(key)
        fresh = new_entries([entry], () if before is None else (before,))
        if fresh:
            entries[key] = entry
            taken.listed.setdefault(day, []).append(entry)


def _detail(fault: Fault) -> str:
    told = [f"{each.path}: {each.description or each.rule}" for each in fault.violations]
    return "; ".join(told or [f"{name}={value}" for name, value in fault.metadata.items()])
