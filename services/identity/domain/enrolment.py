"""Enrolments in time: which hold on a day, whether they entitle, and how one is ended by its successor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from services.identity.domain.person import Enrolment
from services.kernel.clock import days_meet, holds_on
from services.kernel.errors import Fault, FaultKind, Violation, invalid, precondition

# Dictionary psn_insu_stas: 1 正常参保, 2 暂停参保, 4 终止参保; 0 未参保 and 3 无效参保 count as not enrolled (our decision).
_REASONS: Final = {"2": "ENROLMENT_SUSPENDED", "4": "ENROLMENT_ENDED"}
_IN_FORCE: Final = "1"
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Entitlement:
    """Whether a person is entitled on a day; the reason where not, and the enrolment that says so."""

    reason: str
    enrolment: Enrolment | None

    @property
    def entitled(self) -> bool:
        """True without a reason against it."""
        return not self.reason


@dataclass(frozen=True, slots=True)
class Revision:
    """What a revision does: `before` becomes `ended` (both None where nothing ends), and `opened` begins."""

    before: Enrolment | None
    ended: Enrolment | None
    opened: Enrolment


def answered_on(enrolments: Iterable[Enrolment], day: date, insutype: str = "") -> tuple[Enrolment, ...]:
    """The enrolments that hold on the day; where none does, the latest before it. Of one insurance type where given.

    Several that ended last on the same day are all answered.
    """
    asked = [each for each in enrolments if not insutype or each.insutype == insutype]
    holding = tuple(each for each in asked if holds_on(day, each.from_day, each.to_day))
    if holding:
        return holding
    past = [(each.to_day, each) for each in asked if each.to_day is not None and each.to_day < day]
    last = max((to_day for to_day, _ in past), default=None)
    return tuple(each for to_day, each in past if to_day == last)


def entitlement_on(enrolments: Iterable[Enrolment], insutype: str, day: date) -> Entitlement:
    """Entitled where an enrolment of the type holds and is in force; else NOT_ENROLLED, ENROLMENT_SUSPENDED or _ENDED."""
    answered = answered_on(enrolments, day, insutype)
    if not answered:
        return Entitlement("NOT_ENROLLED", None)
    enrolment = answered[0]
    if not holds_on(day, enrolment.from_day, enrolment.to_day):
        return Entitlement("ENROLMENT_ENDED", enrolment)
    if enrolment.psn_insu_stas == _IN_FORCE:
        return Entitlement("", enrolment)
    return Entitlement(_REASONS.get(enrolment.psn_insu_stas, "NOT_ENROLLED"), enrolment)


def overlapping(enrolments: Sequence[Enrolment]) -> tuple[int, ...]:
    """Places of the enrolments that share a day with an earlier one of the same insurance type."""
    found: list[int] = []
    for place, late in enumerate(enrolments):
        for early in enrolments[:place]:
            same_type = early.insutype == late.insutype
            if same_type and days_meet(early.from_day, early.to_day, late.from_day, late.to_day):
                found.append(place)
                break
    return tuple(found)


def day_violations(enrolment: Enrolment, path: str) -> list[Violation]:
    """What is wrong with the days of one enrolment."""
    broken: list[Violation] = []
    if enrolment.to_day is not None and enrolment.to_day < enrolment.from_day:
        broken.append(Violation(f"{path}.to_day", "before_from_day", "the last day is before the first"))
    if enrolment.insured_since is not None and enrolment.insured_since > enrolment.from_day:
        broken.append(Violation(f"{path}.insured_since", "after_from_day", "insured since a day after the first day"))
    return broken


def revise(enrolments: Sequence[Enrolment], successor: Enrolment) -> Revision:
    """Ends what holds on the day before the successor begins; after a gap nothing is ended (our decision).

    ENROLMENT_NOT_FOUND where the person had no earlier enrolment of the type; ENROLMENT_OVERLAPS where the successor
    would share a day with one that begins on its first day or later.
    """
    broken = day_violations(successor, "enrolment")
    if broken:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=broken)
    if successor.from_day == date.min:
        raise invalid("enrolment.from_day", "too_early")
    same = sorted((e for e in enrolments if e.insutype == successor.insutype), key=lambda e: e.from_day)
    for other in same:
        later = other.from_day >= successor.from_day
        if later and days_meet(successor.from_day, successor.to_day, other.from_day, other.to_day):
            raise overlap_fault([Violation("enrolment.from_day", "overlaps")], successor.insutype)
    earlier = [each for each in same if each.from_day < successor.from_day]
    if not earlier:
        raise precondition("ENROLMENT_NOT_FOUND", insutype=successor.insutype)
    before = earlier[-1]
    if not holds_on(successor.from_day, before.from_day, before.to_day):
        return Revision(None, None, successor)
    return Revision(before, replace(before, to_day=successor.from_day - _ONE_DAY), successor)


def overlap_fault(violations: Sequence[Violation], insutype: str = "") -> Fault:
    """PRECONDITION: two enrolments of one insurance type would hold on one day."""
    metadata = {"insutype": insutype} if insutype else {}
    return Fault(FaultKind.PRECONDITION, "ENROLMENT_OVERLAPS", metadata, violations=violations)
