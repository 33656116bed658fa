"""One search of ImagingStudy as FHIR R4 asks it, read as a question of the index. Pure.

A condition is never left out of account: a parameter that is not understood is refused, whatever the client prefers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from services.imaging.domain.dicom_forms import uid_holds
from services.imaging.domain.fhir import forms
from services.imaging.domain.qido import asked, attributes
from services.imaging.domain.qido.asked import Condition, Question
from services.imaging.domain.qido.attributes import Level, Record
from services.imaging.domain.qido.values import LONGEST, Range
from services.kernel.errors import Fault, FaultKind, Violation

MOST_REPEATS: Final = 8
"""So often a parameter may stand that may be repeated (our decision): each is judged for each study."""
INCLUDED: Final = frozenset(("ImagingStudy:patient", "ImagingStudy:subject", "ImagingStudy:endpoint"))

_MOMENT: Final = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d{1,9})?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_PREFIXED: Final = re.compile(r"(?P<prefix>[a-z]{2})?(?P<moment>\d.*)", re.ASCII | re.DOTALL)
_BEIJING: Final = timezone(timedelta(hours=8))
_PATIENT: Final = re.compile(r"(?:Patient/)?(?P<id>[A-Za-z0-9.-]{1,64})")
_STATUSES: Final = frozenset(("registered", "available", "cancelled", "entered-in-error", "unknown"))
_FIRST_DAY, _LAST_DAY = "00000000", "99999999"
_FORMATS: Final = frozenset(("json", "application/json", "application/fhir+json"))

Interval = tuple[datetime, datetime]
"""From a moment to just before another."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search: its question, whether persons are told beside the studies, whether only their number, and whether indented."""

    question: Question
    with_patients: bool = False
    counts_only: bool = False
    pretty: bool = False


@dataclass(slots=True)
class _Reading:
    """A search while it is read: pairs of QIDO-RS that say the same, and conditions that QIDO-RS cannot say."""

    pairs: list[tuple[str, str]] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    given: Counter[str] = field(default_factory=Counter)
    broken: list[Violation] = field(default_factory=list)
    patient_ids: frozenset[str] | None = None
    accession: str | None = None
    days: Range | None = None
    with_patients: bool = False
    counts_only: bool = False
    pretty: bool = False

    def mark(self, name: str, rule: str) -> None:
        self.broken.append(Violation(name, rule))

    def narrow(self, first: str, last: str) -> None:
        """Days outside of which no study answers."""
        before = self.days or (first, last)
        self.days = (max(before[0], first), min(before[1], last))


def read(pairs: Iterable[tuple[str, str]]) -> Search:
    """The search that parameters, decoded, put; Fault INVALID_REQUEST with each that is not understood."""
    reading = _Reading()
    for name, value in pairs:
        _parameter(reading, name, value)
    if reading.broken:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=reading.broken)
    question = asked.read(Level.STUDY, reading.pairs)
    question = replace(
        question,
        conditions=(*question.conditions, *reading.conditions),
        patient_ids=reading.patient_ids,
        accession=reading.accession,
        dates=reading.days,
        indexed=question.indexed and not reading.conditions,
        # FHIR tells what QIDO-RS tells only where it is asked for: the description and the body part.
        everything=True,
    )
    return Search(question, reading.with_patients, reading.counts_only or not question.limit, reading.pretty)


def _parameter(reading: _Reading, name: str, value: str) -> None:
    reads = _PARAMETERS.get(name)
    if reads is None:
        # A name may hold what somebody typed into the wrong place: only what looks like a name is shown again.
        shown = name if re.fullmatch(r"[A-Za-z_:.-]{1,40}", name) else "query"
        reading.mark(shown, "fhir.parameter")
    elif len(value) > LONGEST:
        reading.mark(name, "dicom.long")
    elif name in reading.given and name not in _REPEATED:
        reading.mark(name, "dicom.twice")
    elif reading.given[name] == MOST_REPEATS:
        reading.mark(name, "fhir.repeated")
    else:
        reading.given[name] += 1
        reads(reading, name, value.strip())


def _id(reading: _Reading, name: str, value: str) -> None:
    if uid_holds(value):
        reading.pairs.append(("StudyInstanceUID", value))
    else:
        reading.mark(name, "dicom.uid")


def _identifier(reading: _Reading, name: str, value: str) -> None:
    """UIDs with their system, or one accession number without one: an issuer's is not known by a system of FHIR."""
    tokens = [each.rpartition("|") for each in value.split(",")]
    if all(system == forms.DICOM_UID or (not bar and code.startswith(forms.OID)) for system, bar, code in tokens):
        uids = [code.removeprefix(forms.OID) for _, _, code in tokens]
        if all(uid_holds(each) for each in uids):
            reading.pairs.append(("StudyInstanceUID", ",".join(uids)))
        else:
            reading.mark(name, "dicom.uid")
    elif len(tokens) == 1 and not tokens[0][0] and tokens[0][2]:
        reading.accession = tokens[0][2]
        reading.conditions.append(_equals(attributes.ACCESSION, tokens[0][2]))
    else:
        reading.mark(name, "fhir.identifier")


def _patient(reading: _Reading, name: str, value: str) -> None:
    found = [_PATIENT.fullmatch(each) for each in value.split(",")]
    if None in found:
        reading.mark(name, "fhir.patient")
        return
    ids = frozenset(each["id"] for each in found if each is not None)
    reading.conditions.append(lambda record: not ids.isdisjoint(record.get(attributes.PATIENT_ID, ())))
    reading.patient_ids = ids if reading.patient_ids is None else ids & reading.patient_ids


def _patient_identifier(reading: _Reading, name: str, value: str) -> None:
    system, _, code = value.rpartition("|")
    if system not in ("", forms.PSEUDONYMS):
        reading.mark(name, "fhir.patient")
    else:
        _patient(reading, name, code)


def _modality(reading: _Reading, name: str, value: str) -> None:
    tokens = [each.rpartition("|") for each in value.split(",")]
    if any(system not in ("", forms.DICOM_CODES) or not code for system, _, code in tokens):
        reading.mark(name, "fhir.modality")
        return
    wanted = {code for _, _, code in tokens}
    reading.conditions.append(lambda record: not wanted.isdisjoint(record.get(attributes.MODALITIES, ())))


def _status(reading: _Reading, name: str, value: str) -> None:
    wanted = value.split(",")
    if not _STATUSES.issuperset(wanted):
        reading.mark(name, "fhir.status")
    elif "available" not in wanted:
        reading.conditions.append(lambda _: False)


def _started(reading: _Reading, name: str, value: str) -> None:
    found = _PREFIXED.fullmatch(value)
    interval = _interval(found["moment"]) if found is not None else None
    compares = _COMPARED.get(found["prefix"] or "eq") if found is not None else None
    if found is None or interval is None or compares is None:
        reading.mark(name, "fhir.date")
        return
    reading.conditions.append(lambda record: compares(_of_record(record), interval))
    prefix = found["prefix"] or "eq"
    # A day more on either side, for a study's own zone may be any.
    reading.narrow(
        _day(interval[0], -2) if prefix in ("eq", "gt", "ge", "sa") else _FIRST_DAY,
        _day(interval[1], 2) if prefix in ("eq", "lt", "le", "eb") else _LAST_DAY,
    )


def _day(moment: datetime, days: int) -> str:
    """The day so many days behind a moment's, or the first or the last one of the calendar."""
    try:
        return (moment + timedelta(days=days)).date().isoformat().replace("-", "")
    except OverflowError:
        return _FIRST_DAY if days < 0 else _LAST_DAY


def _count(reading: _Reading, name: str, value: str) -> None:
    if _NUMBER.fullmatch(value) is None:
        reading.mark(name, "dicom.count")
    else:
        reading.pairs.append(("limit" if name == "_count" else "offset", value))


def _summary(reading: _Reading, name: str, value: str) -> None:
    if value == "count":
        reading.counts_only = True
    elif value != "false":
        reading.mark(name, "fhir.value")


def _include(reading: _Reading, name: str, value: str) -> None:
    if value not in INCLUDED:
        reading.mark(name, "fhir.value")
    elif value != "ImagingStudy:endpoint":  # Each study contains it.
        reading.with_patients = True


def _one_of(*values: str) -> Callable[[_Reading, str, str], None]:
    def check(reading: _Reading, name: str, value: str) -> None:
        if value not in values:
            reading.mark(name, "fhir.value")

    return check


def _pretty(reading: _Reading, name: str, value: str) -> None:
    if value not in ("true", "false"):
        reading.mark(name, "dicom.true_false")
    reading.pretty = value == "true"


def _interval(text: str) -> Interval | None:
    """What a date or a moment means, as exact as it is told; without a zone in that of Beijing (our decision)."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    zone = found["zone"]
    year, month, day = int(found["year"]), int(found["month"] or 1), int(found["day"] or 1)
    hour, minute, second = int(found["hour"] or 0), int(found["minute"] or 0), int(found["second"] or 0)
    try:
        first = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=_zone(zone) if zone else _BEIJING)
        return first.astimezone(UTC), _end(found, first).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _end(found: re.Match[str], first: datetime) -> datetime:
    if found["month"] is None:
        return first.replace(year=first.year + 1)
    if found["day"] is None:
        return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    if found["hour"] is None:
        return first + timedelta(days=1)
    return first + (timedelta(minutes=1) if found["second"] is None else timedelta(seconds=1))


def _zone(text: str) -> timezone:
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)


def _of_record(record: Record) -> Interval:
    date, time = (next(iter(record.get(tag, ())), "") for tag in (attributes.STUDY_DATE, attributes.STUDY_TIME))
    zone = next(iter(record.get("00080201", ())), "")
    found = _interval(forms.moment(date, time, zone))
    return found if found is not None else (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def _within(one: Interval, other: Interval) -> bool:
    return other[0] <= one[0] and one[1] <= other[1]


_COMPARED: Final[dict[str, Callable[[Interval, Interval], bool]]] = {
    # R4, 3.1.1.5.6: of a study's interval and of the one that is asked.
    "eq": _within,
    "ne": lambda study, told: not _within(study, told),
    "gt": lambda study, told: study[1] > told[1],
    "lt": lambda study, told: study[0] < told[0],
    "ge": lambda study, told: study[1] > told[1] or _within(study, told),
    "le": lambda study, told: study[0] < told[0] or _within(study, told),
    "sa": lambda study, told: study[0] >= told[1],
    "eb": lambda study, told: study[1] <= told[0],
}


def _equals(tag: str, value: str) -> Condition:
    return lambda record: value in record.get(tag, ())


_PARAMETERS: Final[dict[str, Callable[[_Reading, str, str], None]]] = {
    "_id": _id,
    "identifier": _identifier,
    "patient": _patient,
    "subject": _patient,
    "patient.identifier": _patient_identifier,
    "modality": _modality,
    "status": _status,
    "started": _started,
    "_count": _count,
    "_offset": _count,
    "_summary": _summary,
    "_total": _one_of("none", "estimate", "accurate"),
    "_sort": _one_of("-started"),
    "_include": _include,
    "_format": _one_of(*sorted(_FORMATS)),
    "_pretty": _pretty,
}
_REPEATED: Final = frozenset(("started", "_include", "modality"))
PARAMETERS: Final = tuple(sorted(name for name in _PARAMETERS if not name.startswith("_") or name == "_id"))
"""Those that a statement of what is served names."""
