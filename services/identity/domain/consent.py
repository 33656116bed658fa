"""Who may read what is kept of a person's examinations: grants, what the person hides, and the decision. Pure.

Nobody reads without a grant (issue 11 §3). Moments are microseconds since 1970; a grant holds until just before its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from services.kernel.errors import Fault, conflict, denied, invalid, not_found, precondition

_HOUR: Final = 3_600_000_000
_DAY: Final = 24 * _HOUR
PRESENCE: Final = 24 * _HOUR
"""How long a scanned code lets an institution read (our decision)."""
EMERGENCY: Final = 2 * _HOUR
"""How long an emergency lasts (our decision)."""
REVIEW_WITHIN: Final = 72 * _HOUR
"""Within what time an emergency is reviewed (our decision)."""
OFFICIAL: Final = 12 * _HOUR
"""How long the person's own sight, and supervision of a case, last: as long as a session of a reader (our decision)."""
FEED_KEPT: Final = _DAY
"""How long the feed of ends keeps an entry; tickets live for minutes."""
MOST_OPEN: Final = 200
"""Most grants of a person that a person or operator made and that are open, and most entries that are hidden (our decision)."""

_PROVINCE: Final = re.compile(r"[1-9][0-9]0000")
_MODALITY: Final = re.compile(r"[A-Z0-9]{2,16}")


class Purpose(StrEnum):
    """What for somebody reads."""

    TREATMENT = "treatment"
    SELF = "self"
    SUPERVISION = "supervision"


class Kind(StrEnum):
    """How a grant came to be."""

    GRANTED = "granted"
    PRESENCE = "presence"
    EMERGENCY = "emergency"
    SELF = "self"
    SUPERVISION = "supervision"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: an institution's doctor, the person, or an operator with the number of a case."""

    purpose: Purpose
    fixmedins_code: str = ""
    dr_codg: str = ""
    opter_no: str = ""
    case_no: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a grant is of: these modalities, one study; of everything where both are empty."""

    modalities: tuple[str, ...] = ()
    study_uid: str = ""


EVERYTHING: Final = Scope()


@dataclass(frozen=True, slots=True)
class Review:
    """What the review of an emergency found; `at` is 0 before it."""

    due: int
    justified: bool = False
    at: int = 0
    by: str = ""
    memo: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """One by its row. `reader_code` is an institution, a province or an operator, "" of the person's own sight; `dr_codg` the
    doctor to whom it is bound; `reason` that of an emergency, or the case that is supervised; `revoked_at` is 0 until then.
    """

    grant_no: str
    psn_no: str
    kind: Kind
    purpose: Purpose
    reader_code: str
    from_at: int
    to_at: int
    made_at: int
    made_by: str
    dr_codg: str = ""
    scope: Scope = EVERYTHING
    reason: str = ""
    revoked_at: int = 0
    review: Review | None = None


@dataclass(frozen=True, slots=True)
class Hidden:
    """A study that the person hides, or an institution whose studies are hidden."""

    hidden_no: str
    psn_no: str
    study_uid: str
    fixmedins_code: str
    hidden_at: int


@dataclass(frozen=True, slots=True)
class End:
    """An entry of the feed: a grant that was ended or, where it names a study or an institution, from which that was hidden, or
    where it is `shown` again."""

    seq: int
    grant_no: str
    study_uid: str
    fixmedins_code: str
    ended_at: int
    shown: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """A grant that lets its reader read now, and what is hidden from the reader all the same."""

    grant: Grant
    hidden: tuple[Hidden, ...]


def no_access() -> Fault:
    """DENIED NO_ACCESS: there is no such person, or no grant that lets this reader read now; nobody is told which."""
    return denied("NO_ACCESS")


def check_scope(modalities: Sequence[str], study_uid: str) -> Scope:
    """The scope that was asked for; INVALID for what is no modality."""
    for place, each in enumerate(modalities):
        if not _MODALITY.fullmatch(each):
            raise invalid(f"modalities[{place}]", "consent.modality", "a DICOM modality, CT")
    return Scope(tuple(sorted(set(modalities))), study_uid)


def granted(made: Grant, days: int, open_grants: int) -> Grant:
    """The grant with the end that was asked for: days of 24 hours after its beginning, which is not in the past.

    PRECONDITION CONSENT_FULL where the person has as many open ones as may be.
    """
    if open_grants >= MOST_OPEN:
        raise precondition("CONSENT_FULL", most=str(MOST_OPEN))
    begins = max(made.from_at, made.made_at)
    return replace(made, from_at=begins, to_at=begins + days * _DAY)


def check_hiding(study_uid: str, fixmedins_code: str, standing: Sequence[Hidden]) -> Hidden | None:
    """What hides it already, None where nothing does; INVALID where neither is named, CONSENT_FULL."""
    if not (study_uid or fixmedins_code):
        raise invalid("fixmedins_code", "consent.hidden", "a study or an institution")
    wanted = (study_uid, "" if study_uid else fixmedins_code)
    found = next((each for each in standing if (each.study_uid, each.fixmedins_code) == wanted), None)
    if found is None and len(standing) >= MOST_OPEN:
        raise precondition("CONSENT_FULL", most=str(MOST_OPEN))
    return found


def check_owned(found: Grant | None, psn_no: str) -> Grant:
    """The person's grant; NOT_FOUND GRANT_NOT_FOUND, also where it is another person's."""
    if found is None or found.psn_no != psn_no:
        raise not_found("GRANT_NOT_FOUND")
    return found


def reviewed(found: Grant | None, justified: bool, now: int, by: str, memo: str) -> Grant:
    """The emergency with what its review found; one that was none is ended. GRANT_NOT_FOUND; CONFLICT REVIEW_DONE where another
    review found otherwise. The first review stands."""
    if found is None or found.review is None:
        raise not_found("GRANT_NOT_FOUND")
    if found.review.at:
        if found.review.justified != justified:
            raise conflict("REVIEW_DONE")
        return found
    ended = now if not justified and not found.revoked_at else found.revoked_at
    return replace(found, revoked_at=ended, review=Review(found.review.due, justified, now, by, memo))


def open_at(grant: Grant, now: int) -> bool:
    """Whether it holds at a moment."""
    return not grant.revoked_at and grant.from_at <= now < grant.to_at


def ended(grant: Grant, now: int) -> bool:
    """Whether it will never hold again."""
    return bool(grant.revoked_at) or now >= grant.to_at


def lets(grant: Grant, reader: Reader, now: int) -> bool:
    """Whether it lets the reader read now: purpose, reader and time are each looked at."""
    if not open_at(grant, now) or grant.purpose is not reader.purpose:
        return False
    if grant.dr_codg and grant.dr_codg != reader.dr_codg:
        return False
    if reader.purpose is Purpose.SELF:
        return True
    if reader.purpose is Purpose.SUPERVISION:
        return (grant.reader_code, grant.reason) == (reader.opter_no, reader.case_no)
    return bool(reader.fixmedins_code) and grant.reader_code in (reader.fixmedins_code, province(reader.fixmedins_code))


def province(fixmedins_code: str) -> str:
    """Code of the province of an institution, told by the digits behind the letter of its code (110000); "" where it has none."""
    found = f"{fixmedins_code[1:3]}0000"
    return found if _PROVINCE.fullmatch(found) else ""


def best(grants: Iterable[Grant], reader: Reader, now: int) -> Grant | None:
    """Of the grants that let the reader read the one that tells most: of everything before a part, then which lasts longest."""
    letting = [each for each in grants if lets(each, reader, now)]
    return max(letting, key=lambda each: (each.scope == EVERYTHING, each.to_at, each.grant_no), default=None)


def decide(grant: Grant | None, reader: Reader, now: int, hidden: Sequence[Hidden]) -> Decision | None:
    """The decision, None where the reader does not read. What the person hides wins over all but the person's own sight."""
    if grant is None or not lets(grant, reader, now):
        return None
    return Decision(grant, () if grant.purpose is Purpose.SELF else tuple(hidden))
