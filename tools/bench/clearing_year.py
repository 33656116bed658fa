"""What happens in a simulated year of clearing: settlements, reversals, late arrivals and lists with faults, from one seed.

It keeps books of its own, in plain sums, so that what the store makes of it can be compared with something.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from services.kernel.clock import day_start
from services.routing.domain.clearing.checks import ListEntry
from services.routing.domain.clearing.journals import REVERSE, SETTLE, Journal
from services.routing.domain.clearing.parties import pair_of
from services.routing.domain.clearing.statements import CARE, INSURED

PROVINCES: Final = tuple(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 66".split()
)
"""31 provinces and the Corps, by the first digits of their divisions."""
_MUNICIPALITIES: Final = frozenset({"11", "12", "31", "50"})

_REVERSED: Final = 0.03
_LONGEST_DELAY: Final = 60
_LATE: Final = 0.001
_WITHIN: Final = 0.05
_FAULTS: Final = 0.0002
_INSTITUTIONS: Final = 40
_WHERE_MANY_GO: Final = {"11": 12, "31": 12, "44": 6, "32": 5, "33": 5, "37": 4, "51": 4}


@dataclass(frozen=True, slots=True)
class Day:
    """What comes on a day: journals, the lists of both sides, and how many differences were planted in these."""

    journals: list[Journal]
    lists: dict[str, list[ListEntry]]
    planted: int
    late: int


@dataclass(slots=True)
class Year:
    """A year of so many settlements, or the first `days` of one. `next_day` is called for one day after the other."""

    seed: int
    settlements: int
    first: date
    days: int = 365
    claims: Counter[str] = field(default_factory=Counter)
    made: int = 0
    reversed: int = 0
    _coming: dict[date, list[Journal]] = field(default_factory=lambda: defaultdict(list))
    _late: dict[date, list[Journal]] = field(default_factory=lambda: defaultdict(list))
    _chance: Random = field(init=False)
    _areas: list[str] = field(init=False)
    _weights: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._chance = Random(self.seed)
        self._areas = [f"{each}0000" if each in _MUNICIPALITIES else f"{each}0100" for each in PROVINCES]
        self._weights = [_WHERE_MANY_GO.get(each, 1) for each in PROVINCES]

    def next_day(self, day: date) -> Day:
        """Everything of one day; after the last day of the year only what is still to come of it."""
        number = (day - self.first).days
        begin, end = (self.settlements * min(each, self.days) // self.days for each in (number, number + 1))
        journals = self._coming.pop(day, [])
        self._settled(day, end - begin, journals)
        lists, planted = self._lists(journals)
        late = self._late.pop(day, [])
        self._book(journals + late)
        return Day(journals + late, lists, planted, len(late))

    def _settled(self, day: date, count: int, into: list[Journal]) -> None:
        chance, at = self._chance, day_start(day) + timedelta(hours=8)
        cares = chance.choices(self._areas, self._weights, k=count)
        for care in cares:
            self.made += 1
            journal = self._settlement(care, day, at)
            if chance.random() < _LATE:
                self._late[day + timedelta(days=chance.randint(1, _LONGEST_DELAY))].append(journal)
            else:
                into.append(journal)
            if chance.random() < _REVERSED:
                self._reverse(journal, day, into)

    def _settlement(self, care: str, day: date, at: datetime) -> Journal:
        chance, number = self._chance, self.made
        insured = care
        if chance.random() < _WITHIN and care[2:] != "0000":
            insured = f"{care[:2]}0200"
        while insured == care:
            insured = self._areas[int(chance.random() * len(self._areas))]
        resident = chance.random() < 0.45
        pooled = int(chance.expovariate(1 / 180_000)) + 1
        parts = [("390100" if resident else "310100", pooled)]
        if not resident and chance.random() < 0.6:
            parts.append(("310200", int(chance.random() * 60_000) + 1))
        if chance.random() < 0.15:
            parts.append(("390201" if resident else "330100", pooled // 5 + 1))
        return Journal(
            setl_id=f"{day:%Y%m%d}{number:010}",
            kind=SETTLE,
            order_no=f"O{number:011}",
            mdtrt_id=f"M{number:011}",
            fixmedins_code=f"H{care[:2]}{number % _INSTITUTIONS:09}",
            insured_area=insured,
            care_area=care,
            insutype="390" if resident else "310",
            clr_type="11" if number % 3 else "21",
            setl_at=at + timedelta(seconds=number % 40_000),
            setl_day=day,
            medfee_sumamt_fen=pooled * 2,
            parts=tuple(sorted(parts)),
        )

    def _reverse(self, journal: Journal, day: date, today: list[Journal]) -> None:
        self.reversed += 1
        delay = int(self._chance.random() * _LONGEST_DELAY)
        then = day + timedelta(days=delay)
        reversal = replace(
            journal,
            kind=REVERSE,
            order_no=f"R{journal.order_no[1:]}",
            setl_at=day_start(then) + timedelta(hours=20),
            setl_day=then,
            medfee_sumamt_fen=-journal.medfee_sumamt_fen,
            parts=tuple((fund, -amount) for fund, amount in journal.parts),
        )
        (self._coming[then] if delay else today).append(reversal)

    def _lists(self, journals: Sequence[Journal]) -> tuple[dict[str, list[ListEntry]], int]:
        """Both sides list what there is, but for a fault here and there: one left out, a wrong sum, one too many."""
        lists: dict[str, list[ListEntry]] = defaultdict(list)
        chance, planted = self._chance.random, 0
        for journal in journals:
            pair = pair_of(journal.insured_area, journal.care_area)
            total = journal.total_fen
            for side, region in ((INSURED, pair.insured_region), (CARE, pair.care_region)):
                entry = ListEntry(journal.setl_id, journal.kind, region, total)
                fault = chance() / _FAULTS
                if fault >= 1:
                    lists[side].append(entry)
                    continue
                planted += 1
                if fault < 0.3:
                    continue
                if fault < 0.6:
                    lists[side].append(entry._replace(amount_fen=total + 100))
                else:
                    lists[side] += [entry, entry._replace(setl_id=f"X{journal.setl_id}")]
        return lists, planted

    def _book(self, journals: Sequence[Journal]) -> None:
        """Its own books: what each province, or area inside a province, has to get in all."""
        for journal in journals:
            insured, care = journal.insured_area, journal.care_area
            if insured[:2] != care[:2]:
                insured, care = f"{insured[:2]}0000", f"{care[:2]}0000"
            total = sum(amount for _, amount in journal.parts)
            self.claims[care] += total
            self.claims[insured] -= total
