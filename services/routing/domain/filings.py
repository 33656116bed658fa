"""Filings 备案 for care elsewhere: when one may be made, which counts for care on a day, and how one is withdrawn. Pure.

A filing names a division: a province's covers all of the province, any other its pooling area, for a hospital's street is
nobody's business. Filings of one kind never hold on one day for places that share ground; those of several kinds may, and
`FilingTerms.precedence` says which counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final

from services.kernel.clock import days_meet, days_text, holds_on
from services.kernel.codes import pooling_area
from services.kernel.errors import Fault, conflict, invalid, not_found, precondition
from services.routing.domain.filing_terms import FilingKind, FilingTerms

_PROVINCE: Final = "0000"


@dataclass(frozen=True, slots=True)
class Filing:
    """A filing that was made. `filed_by` is person, operator or institution; `fixmedins_code` the institution that refers;
    `detail` what a referral says beside it, by the names of the national text. `to_day` is None where it has no end.
    """

    filing_no: str
    psn_no: str
    kind: FilingKind
    care_admdvs: str
    from_day: date
    to_day: date | None
    filed_by: str
    filed_at: datetime
    fixmedins_code: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)
    withdrawn_at: datetime | None = None
    withdrawn_why: str = ""


@dataclass(frozen=True, slots=True)
class AskedFiling:
    """A filing as it is asked for; without `to_day` it lasts as long as its kind usually does."""

    psn_no: str
    kind: FilingKind
    care_admdvs: str
    from_day: date
    to_day: date | None
    filed_by: str
    fixmedins_code: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NamedCare:
    """Care that the caller says has begun."""

    fixmedins_code: str
    mdtrt_id: str


@dataclass(frozen=True, slots=True)
class Stay:
    """Care that has begun, as its place of care tells it; `settled` once a settlement of it stands."""

    care_admdvs: str
    begin_day: date
    settled: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """Which filing counts for care, or none, and why: FILED, NO_FILING, OTHER_PLACE, OTHER_DAYS or WITHDRAWN."""

    filing: Filing | None
    reason: str


def covers(filed_admdvs: str, care_admdvs: str) -> bool:
    """Whether a filing for a division holds for care in another one."""
    if filed_admdvs[2:] == _PROVINCE:
        return filed_admdvs[:2] == care_admdvs[:2]
    return pooling_area(filed_admdvs) == pooling_area(care_admdvs)


def share_ground(one: str, other: str) -> bool:
    """Whether there is a place for which filings of both divisions hold."""
    return covers(one, other) or covers(other, one)


def check_days(asked: AskedFiling, terms: FilingTerms, today: date, stay: Stay | None) -> AskedFiling:
    """The filing with its last day.

    INVALID where it ends before it begins or begins too far ahead; PRECONDITION FILING_TOO_LONG; FILING_TOO_LATE where it
    begins before today: a stay that has begun and is not settled may be filed from its admission on, nothing else.
    """
    of_kind = terms.kinds[asked.kind]
    if asked.from_day > today + timedelta(terms.ahead_days):
        raise invalid("from_day", "filing.ahead", most=str(terms.ahead_days))
    last = asked.to_day
    if last is None and of_kind.usual_days is not None:
        last = asked.from_day + timedelta(of_kind.usual_days - 1)
    if last is not None and last < asked.from_day:
        raise invalid("to_day", "before_from_day", "the last day is before the first")
    if of_kind.longest_days is not None and last is not None and (last - asked.from_day).days >= of_kind.longest_days:
        raise precondition("FILING_TOO_LONG", most=str(of_kind.longest_days))
    earliest = today - timedelta(of_kind.back_days)
    if stay is not None and not stay.settled and covers(asked.care_admdvs, stay.care_admdvs):
        earliest = min(earliest, stay.begin_day)
    if asked.from_day < earliest:
        raise precondition("FILING_TOO_LATE", from_day=asked.from_day.isoformat(), earliest=earliest.isoformat())
    return replace(asked, to_day=last)


def made(asked: AskedFiling, standing: Iterable[Filing], filing_no: str, now: datetime) -> Filing:
    """The filing; CONFLICT FILING_OVERLAPS names the one of the same kind that holds on one of its days in one of its places."""
    for other in standing:
        if other.kind is not asked.kind or other.withdrawn_at is not None:
            continue
        if share_ground(other.care_admdvs, asked.care_admdvs) and days_meet(
            other.from_day, other.to_day, asked.from_day, asked.to_day
        ):
            raise conflict("FILING_OVERLAPS", **_named(other))
    return Filing(
        filing_no,
        asked.psn_no,
        asked.kind,
        asked.care_admdvs,
        asked.from_day,
        asked.to_day,
        asked.filed_by,
        now,
        asked.fixmedins_code,
        asked.detail,
    )


def counting(filings: Sequence[Filing], care_admdvs: str, day: date, terms: FilingTerms) -> Counted:
    """The filing that counts for care at a place on a day: by kind, then the one that began last."""
    there = [each for each in filings if covers(each.care_admdvs, care_admdvs)]
    then = [each for each in there if holds_on(day, each.from_day, each.to_day)]
    standing = [each for each in then if each.withdrawn_at is None]
    if standing:
        best = min(standing, key=lambda each: (terms.precedence.index(each.kind), -each.from_day.toordinal()))
        return Counted(best, "FILED")
    if then:
        return Counted(None, "WITHDRAWN")
    if there:
        return Counted(None, "OTHER_DAYS")
    return Counted(None, "OTHER_PLACE" if filings else "NO_FILING")


def withdrawn(filing: Filing | None, filing_no: str, why: str, now: datetime) -> Filing:
    """The filing withdrawn: it counts for nothing from now on. What was settled with it stays.

    NOT_FOUND FILING_NOT_FOUND for one that is not, or not of this caller; PRECONDITION FILING_WITHDRAWN.
    """
    if filing is None:
        raise not_found("FILING_NOT_FOUND", filing_no=filing_no)
    if filing.withdrawn_at is not None:
        raise precondition("FILING_WITHDRAWN", filing_no=filing_no)
    return replace(filing, withdrawn_at=now, withdrawn_why=why)


def not_elsewhere(path: str) -> Fault:
    """INVALID: the place of care is the person's own pooling area, for which nothing is filed."""
    return invalid(path, "filing.local", "the place of care is in the person's own pooling area")


def _named(filing: Filing) -> dict[str, str]:
    return {"filing_no": filing.filing_no, "days": days_text(filing.from_day, filing.to_day)}
