"""Advice on whether a planned examination is needed, and what a doctor decided on it. Advice never blocks anything. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from typing import Final

from services.imaging.domain.recognition import Judgement, Planned, Prior, Verdict
from services.kernel.clock import BEIJING
from services.kernel.errors import conflict, invalid, not_found

MOST_LISTED: Final = 50
"""Prior examinations of one advice, the best ones first (our decision)."""
MOST_MONTHS: Final = 24
"""Months of one question for statistics (our decision)."""


class AdviceDecision(IntEnum):
    """What a doctor decided on an advice."""

    ACCEPTED = 1
    REPEATED = 2


class RepeatReason(IntEnum):
    """Why an examination is made again, in the six kinds of the administrative measures of 2022."""

    CONDITION_CHANGED = 1
    DISEASE_CHANGES_FAST = 2
    TREATMENT_HANGS_ON_IT = 3
    EMERGENCY = 4
    # Judicial assessment, of disability, or for early retirement.
    ASSESSMENT = 5
    OTHER_NEED = 6


@dataclass(frozen=True, slots=True)
class Evidence:
    """A prior examination with what speaks for and against it. `study_uid` or `report_no` may be empty, not both."""

    study_uid: str
    report_no: str
    prior: Prior
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Choice:
    """What was decided: the study or report that is accepted, or why it is not, and a remark."""

    decision: AdviceDecision
    study_uid: str = ""
    report_no: str = ""
    reason: RepeatReason | None = None
    memo: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class KeptAdvice:
    """An advice as it is kept: no person, what was planned, which prior ones were listed, and what was decided."""

    advice_no: str
    fixmedins_code: str
    made_at: datetime
    dr_codg: str
    planned: Planned
    listed: tuple[tuple[str, str, Verdict], ...]
    """Study UID, report number, verdict."""
    choice: Choice | None = None
    decided_at: datetime | None = None

    @property
    def month(self) -> int:
        """The month in Beijing in which it was given, 202603."""
        day = self.made_at.astimezone(BEIJING)
        return day.year * 100 + day.month

    @property
    def offers(self) -> bool:
        """Whether it lists anything that a doctor could accept."""
        return any(verdict is not Verdict.NOT_RECOGNISABLE for _, _, verdict in self.listed)


class Count(IntEnum):
    """What is counted of an institution's month: tens are reasons."""

    # Advices without anything to accept.
    WITHOUT = 1
    # Those with something.
    OFFERED = 2
    ACCEPTED = 3
    REPEATED_CONDITION_CHANGED = 11
    REPEATED_DISEASE_CHANGES_FAST = 12
    REPEATED_TREATMENT_HANGS_ON_IT = 13
    REPEATED_EMERGENCY = 14
    REPEATED_ASSESSMENT = 15
    REPEATED_OTHER_NEED = 16


_REPEATED: Final = 10


@dataclass(frozen=True, slots=True)
class MonthOf:
    """What came of an institution's advices of a month."""

    fixmedins_code: str
    month: int
    counts: Mapping[Count, int]

    @property
    def repeated(self) -> Mapping[RepeatReason, int]:
        """Examinations that were made again, by reason."""
        return {reason: number for reason in RepeatReason if (number := self.counts.get(Count(_REPEATED + reason), 0))}

    @property
    def unanswered(self) -> int:
        """Advices with something to accept on which nobody decided."""
        answered = self.counts.get(Count.ACCEPTED, 0) + sum(self.repeated.values())
        return self.counts.get(Count.OFFERED, 0) - answered


def ordered(found: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """The best ones first, of those that are as good the youngest."""
    youngest = sorted(found, key=lambda each: (each.prior.day, each.study_uid, each.report_no), reverse=True)
    return tuple(sorted(youngest, key=lambda each: each.judgement.verdict)[:MOST_LISTED])


def counted(advice: KeptAdvice) -> Count:
    """What an advice counts as when it is given."""
    return Count.OFFERED if advice.offers else Count.WITHOUT


def counted_choice(choice: Choice) -> Count:
    """What a decision counts as."""
    return Count.ACCEPTED if choice.reason is None else Count(_REPEATED + choice.reason)


def decided(
    advice: KeptAdvice | None, fixmedins_code: str, advice_no: str, choice: Choice, now: datetime
) -> KeptAdvice:
    """The advice with a decision; the same decision again is the same. NOT_FOUND ADVICE_NOT_FOUND for none, and for another
    institution's; CONFLICT ADVICE_DECIDED; INVALID_REQUEST where what is accepted is not listed."""
    if advice is None or advice.fixmedins_code != fixmedins_code:
        raise not_found("ADVICE_NOT_FOUND", advice_no=advice_no)
    if advice.choice is not None:
        if advice.choice != choice:
            raise conflict("ADVICE_DECIDED", advice_no=advice_no)
        return advice
    named = {(uid, report) for uid, report, _ in advice.listed}
    if choice.decision is AdviceDecision.ACCEPTED and not any(_meant(choice, *each) for each in named):
        by_report = choice.report_no and (not choice.study_uid or choice.study_uid in {uid for uid, _ in named})
        field_name = "report_no" if by_report else "study_uid"
        raise invalid(f"accepted.{field_name}", "advice.listed", "not of the advice")
    return replace(advice, choice=choice, decided_at=now)


def _meant(choice: Choice, study_uid: str, report_no: str) -> bool:
    told = (
        not choice.study_uid or choice.study_uid == study_uid,
        not choice.report_no or choice.report_no == report_no,
    )
    return all(told) and bool(choice.study_uid or choice.report_no)
