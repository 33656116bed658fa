"""Which version of a policy a bill meets, and which benefit year: dates in, names out. Never by the date of today."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from services.kernel.errors import precondition


@dataclass(frozen=True, slots=True)
class SettleDates:
    """The business date of the settlement and, where known, the first and last day of the encounter."""

    settle: date
    begin: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A published version: from when to when (None: open), and which of the dates decides about it."""

    id: str
    version: str
    effective_from: date
    effective_to: date | None
    version_on: str
    content_hash: str = ""


class BenefitYear(NamedTuple):
    """A benefit year: `label` is the calendar year in which it begins, `first` and `last` are its days."""

    label: str
    first: date
    last: date


def benefit_year(start: str, day: date) -> BenefitYear:
    """The benefit year that a day belongs to; `start` is `MM-DD`, `01-01` mostly, `07-01` in Shanghai."""
    month, first_day = (int(part) for part in start.split("-"))
    year = day.year if (day.month, day.day) >= (month, first_day) else day.year - 1
    last = date(year + 1, month, first_day) - timedelta(days=1)
    return BenefitYear(str(year), date(year, month, first_day), last)


def policy_date(version_on: str, dates: SettleDates, where: str) -> date:
    """The date that decides: about the version, and about facts such as age. FACT_MISSING where it is not known."""
    found = {"settle_date": dates.settle, "begin_date": dates.begin, "end_date": dates.end}[version_on]
    if found is None:
        raise precondition("FACT_MISSING", facts=version_on, where=where)
    return found


def choose_versions(
    policy_ids: Sequence[str], available: Iterable[PolicyVersion], dates: SettleDates
) -> tuple[PolicyVersion, ...]:
    """The version of each policy of a stack, in the stack's order.

    A version fits when the date it names lies in its range. Of several the one that begins last wins: a published file
    never changes, so its successor and not its own end date supersedes it (our decision). Raises POLICY_NOT_EFFECTIVE
    naming the policy, FACT_MISSING when a version needs a date that is not known.
    """
    versions = tuple(available)
    chosen = []
    for policy_id in policy_ids:
        fitting = [version for version in versions if version.id == policy_id and _fits(version, dates)]
        if not fitting:
            raise precondition("POLICY_NOT_EFFECTIVE", policy=policy_id, settle_date=dates.settle.isoformat())
        chosen.append(max(fitting, key=lambda version: (version.effective_from, version.version)))
    return tuple(chosen)


def _fits(version: PolicyVersion, dates: SettleDates) -> bool:
    day = policy_date(version.version_on, dates, f"{version.id}@{version.version}")
    return version.effective_from <= day and (version.effective_to is None or day <= version.effective_to)
