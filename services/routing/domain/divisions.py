"""Divisions 医保区划 in time: which code stood for what on a day, and what came of one that has ended. Pure.

Insurance has codes that GB/T 2260 does not have: pools of a province (xx9900) and of a city (xxyy99), and zones. A pool is as
old as its province or city. The change lists name years and no days, so that a code that ended in a year and the one that
took its place both hold in all of it (our decision).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from typing import Final

from services.kernel.clock import days_text, holds_on
from services.kernel.errors import Fault, FaultKind, Violation

FIRST_DAY: Final = date(1984, 1, 1)
"""From which lists of changes can be believed; what stood then counts from here (our decision)."""

NATION: Final = "000000"
_PROVINCE_POOL: Final = "9900"
_CITY_POOL: Final = "99"


class DivisionKind(Enum):
    """What a code stands for."""

    NATION = "nation"
    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"
    PROVINCE_POOL = "province_pool"
    CITY_POOL = "city_pool"
    ZONE = "zone"


@dataclass(frozen=True, slots=True)
class Division:
    """A code from a day to a day (None while it stands); `successors` are the codes that came of it."""

    code: str
    name: str
    kind: DivisionKind
    from_day: date
    to_day: date | None = None
    successors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the list of changes: in a year, `old` became `new`; either is "" where there is none.

    `founds` where the new code did not stand before: one that is merged into another founds nothing.
    """

    year: int
    old: str
    old_name: str
    new: str
    new_name: str
    founds: bool


class Divisions:
    """All divisions that were loaded. `whole` where the counties of all cities are among them; else a county that is not
    listed stands as its city does.
    """

    def __init__(self, divisions: Iterable[Division], *, whole: bool) -> None:
        self._whole = whole
        spans: dict[str, list[Division]] = {}
        for each in divisions:
            spans.setdefault(each.code, []).append(each)
        self._spans: Mapping[str, tuple[Division, ...]] = {
            code: tuple(sorted(found, key=lambda each: each.from_day)) for code, found in spans.items()
        }

    def __len__(self) -> int:
        return len(self._spans)

    def parent(self, code: str) -> str:
        """The code above: the nearest of city, province and nation that was loaded; "" for the nation."""
        if code == NATION:
            return ""
        above = (code[:4].ljust(6, "0"), code[:2].ljust(6, "0"))
        return next((each for each in above if each != code and each in self._spans), NATION)

    def on(self, code: str, day: date, path: str) -> Division:
        """What a code stood for on a day. `path` is the field that says it.

        DIVISION_UNKNOWN where it never stood for anything; DIVISION_NOT_THEN where it did on other days.
        """
        spans = self._spans_of(code)
        if not spans:
            raise Fault(
                FaultKind.INVALID,
                "DIVISION_UNKNOWN",
                {"admdvs": code},
                violations=[Violation(path, "division.unknown", "no division of that code is known", {"admdvs": code})],
            )
        for each in spans:
            if holds_on(day, each.from_day, each.to_day):
                return each
        raise _not_then(nearest(spans, day), day, path)

    def _spans_of(self, code: str) -> tuple[Division, ...]:
        found = self._spans.get(code)
        if found:
            return found
        if code[2:] == _PROVINCE_POOL:
            return self._derived(code, code[:2].ljust(6, "0"), DivisionKind.PROVINCE_POOL)
        if code[4:] == _CITY_POOL:
            return self._derived(code, code[:4].ljust(6, "0"), DivisionKind.CITY_POOL)
        if not self._whole and code[4:] != "00":
            return self._derived(code, self.parent(code), DivisionKind.COUNTY)
        return ()

    def _derived(self, code: str, above: str, kind: DivisionKind) -> tuple[Division, ...]:
        """As its city or province; a city pool under a municipality, which has no cities, hangs on nothing."""
        if above == NATION:
            return ()
        return tuple(
            replace(each, code=code, name=_name(each.name, kind), kind=kind, successors=())
            for each in self._spans.get(above, ())
        )


def _name(above: str, kind: DivisionKind) -> str:
    return "" if kind is DivisionKind.COUNTY else f"{above}本级"


def nearest(spans: Sequence[Division], day: date) -> Division:
    """The span that ended last before a day, else the first that began after it."""
    before = [each for each in spans if each.to_day is not None and each.to_day < day]
    return before[-1] if before else spans[0]


def _not_then(division: Division, day: date, path: str) -> Fault:
    told = {
        "admdvs": division.code,
        "day": day.isoformat(),
        "days": days_text(division.from_day, division.to_day),
        "from_day": division.from_day.isoformat(),
        "to_day": division.to_day.isoformat() if division.to_day else "",
        "successors": ", ".join(division.successors),
    }
    return Fault(
        FaultKind.INVALID,
        "DIVISION_NOT_THEN",
        told,
        violations=[Violation(path, "division.not_then", "the division did not stand on that day", told)],
    )


def kind_of(code: str) -> DivisionKind:
    """What the form of a code says that it is."""
    if code == NATION:
        return DivisionKind.NATION
    if code[2:] == _PROVINCE_POOL:
        return DivisionKind.PROVINCE_POOL
    if code[2:] == "0000":
        return DivisionKind.PROVINCE
    if code[4:] == "00":
        return DivisionKind.CITY
    return DivisionKind.CITY_POOL if code[4:] == _CITY_POOL else DivisionKind.COUNTY


def history(current: Mapping[str, str], changes: Iterable[Change]) -> list[Division]:
    """Every code in time: those of today by code and name, and what the changes tell of them and of codes of before.

    A code that stands today stands from its last founding on, whatever else is told; one that does not, and whose end is
    not told, ends with the last year that names it (our decision: the list is not free of gaps).
    """
    tracks: dict[str, _Track] = {}
    for change in sorted(changes, key=lambda each: each.year):
        if change.year < FIRST_DAY.year or change.old == change.new:
            continue
        if change.old:
            track = tracks.setdefault(change.old, _Track(change.old, FIRST_DAY))
            track.ends(change)
        if change.new:
            track = tracks.setdefault(change.new, _Track(change.new, _first(change)))
            track.begins(change)
    for code in current:
        tracks.setdefault(code, _Track(code, FIRST_DAY))
    return [each for track in tracks.values() for each in track.told(current.get(track.code))]


def _first(change: Change) -> date:
    return date(change.year, 1, 1) if change.founds else FIRST_DAY


class _Track:
    """One code on its way through the years."""

    def __init__(self, code: str, from_day: date) -> None:
        self.code = code
        self._name = ""
        self._last = from_day.year
        self._open: date | None = from_day
        self._done: list[Division] = []

    def ends(self, change: Change) -> None:
        """It became another code, or none. What ends twice had stood again, or came in parts."""
        last = date(change.year, 12, 31)
        self._name, self._last = change.old_name or self._name, change.year
        successors = (change.new,) if change.new else ()
        if self._open is None and self._done and self._done[-1].to_day == last:
            before = self._done[-1]
            self._done[-1] = replace(before, successors=(*before.successors, *successors))
            return
        begun = self._open or (self._done[-1].to_day if self._done else None) or FIRST_DAY
        self._done.append(Division(self.code, self._name, kind_of(self.code), begun, last, successors))
        self._open = None

    def begins(self, change: Change) -> None:
        """Something became it."""
        self._name, self._last = change.new_name or self._name, change.year
        if self._open is None:
            self._open = date(change.year, 1, 1)

    def told(self, name_today: str | None) -> list[Division]:
        """All spans; `name_today` where it stands today."""
        if name_today is not None:
            begun = self._open or date(self._last, 1, 1)
            return [*self._done, Division(self.code, name_today, kind_of(self.code), begun)]
        if self._open is not None:
            ended = Division(self.code, self._name, kind_of(self.code), self._open, date(self._last, 12, 31))
            return [*self._done, ended]
        return self._done
