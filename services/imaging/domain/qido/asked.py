"""One question of QIDO-RS (PS3.18, 8.3.4 and 10.6.1): its conditions, what it wants told, and which part of the answer.

A condition is never left out of account: what is not understood is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from services.imaging.domain.qido import attributes, values
from services.imaging.domain.qido.attributes import Attribute, Level, Record
from services.imaging.domain.qido.values import Range, WrongValue
from services.imaging.domain.qido.wildcards import is_wild
from services.kernel.errors import Fault, FaultKind, Violation

DEFAULT_LIMIT: Final = 100
MOST_LIMIT: Final = 200
MOST_OFFSET: Final = 10**9
"""Our decisions (I§6.4): so many records are told where no number is asked, and at most."""

Condition = Callable[[Record], bool]

_ALL: Final = "all"
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_LISTED: Final = re.compile(r"[,\\]")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `dates`, `modalities`, `accession`, `study_uids` and `patient_ids` are conditions that a store finds by;
    None where they are not asked. All but `patient_ids`, as a person may have several, stand in `conditions` as well. `include`
    are tags to be told beside the usual, `cut` says that fewer are told than asked for, `keywords` names what is asked for.
    """

    conditions: tuple[Condition, ...] = ()
    include: frozenset[str] = frozenset()
    everything: bool = False
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    cut: bool = False
    dates: Range | None = None
    modalities: frozenset[str] | None = None
    accession: str | None = None
    study_uids: frozenset[str] | None = None
    patient_ids: frozenset[str] | None = None
    indexed: bool = True
    keywords: tuple[str, ...] = ()

    def answered_by(self, record: Record) -> bool:
        """Whether a record answers every condition."""
        return all(holds(record) for holds in self.conditions)

    def tells(self, attribute: Attribute) -> bool:
        """Whether an attribute is told."""
        return attribute.default or self.everything or attribute.tag in self.include


@dataclass(slots=True)
class _Reading:
    """A question while it is read."""

    level: Level
    readings: Callable[[str], str]
    keys: dict[str, str] = field(default_factory=dict)
    include: set[str] = field(default_factory=set)
    everything: bool = False
    fuzzy: bool = False
    limit: int | None = None
    offset: int = 0
    given: set[str] = field(default_factory=set)
    broken: list[Violation] = field(default_factory=list)

    def mark(self, name: str, rule: str) -> None:
        self.broken.append(Violation(name, rule))


def read(level: Level, pairs: Iterable[tuple[str, str]], readings: Callable[[str], str] = str) -> Question:
    """The question that parameters, decoded, put at a level; Fault INVALID_REQUEST with each that is not understood."""
    reading = _Reading(level, readings)
    for name, value in pairs:
        _parameter(reading, name, value)
    question = _question(reading)
    if reading.broken:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=reading.broken)
    return question


def _parameter(reading: _Reading, name: str, value: str) -> None:
    plain = name.strip().lower()
    if len(value) > values.LONGEST * (values.MOST_UIDS // 10 if plain == "studyinstanceuid" else 1):
        reading.mark(_shown(name), "dicom.long")
    elif plain == "includefield":
        _include(reading, value)
    elif plain in ("limit", "offset", "fuzzymatching"):
        _once(reading, plain, value.strip())
    else:
        _key(reading, name.strip(), value)


def _include(reading: _Reading, value: str) -> None:
    for name in (each.strip() for each in _LISTED.split(value)):
        if name.lower() == _ALL:
            reading.everything = True
        elif (found := attributes.found(name, reading.level)) is not None:
            reading.include.add(found.tag)
            if found == attributes.RECOGNITION:
                reading.include.add(attributes.CREATOR.tag)
        elif not _is_name(name):
            # What DICOM has and the index does not keep is not told, as PS3.18 wants it; what is no attribute is a mistake.
            reading.mark("includefield", "dicom.attribute")


def _once(reading: _Reading, name: str, value: str) -> None:
    if name in reading.given:
        reading.mark(name, "dicom.twice")
        return
    reading.given.add(name)
    if name == "fuzzymatching":
        if value.lower() not in ("true", "false"):
            reading.mark(name, "dicom.true_false")
        reading.fuzzy = value.lower() == "true"
    elif _NUMBER.fullmatch(value) is None or int(value) > MOST_OFFSET:
        reading.mark(name, "dicom.count")
    elif name == "limit":
        reading.limit = int(value)
    else:
        reading.offset = int(value)


def _key(reading: _Reading, name: str, value: str) -> None:
    found = attributes.found(name, reading.level)
    if found is None or not found.key:
        reading.mark(_shown(name), "dicom.key")
        return
    reading.include.add(found.tag)
    # No value, or only `*`, is universal matching: it asks for the attribute and restricts nothing (PS3.4 C.2.2.2.3).
    if value.strip().strip("*") == "" and found.vr != "UI":
        return
    if not value.strip():
        return
    if found.tag in reading.keys:
        if found.vr != "UI":
            reading.mark(found.keyword, "dicom.twice")
            return
        value = f"{reading.keys[found.tag]},{value}"
    reading.keys[found.tag] = value.strip()


def _question(reading: _Reading) -> Question:
    conditions = _conditions(reading)
    if reading.broken:
        return Question()
    limit = DEFAULT_LIMIT if reading.limit is None else reading.limit
    keys = reading.keys
    plain = {tag: text for tag, text in keys.items() if not is_wild(text)}
    if attributes.PATIENT_ID in plain:
        conditions.pop(attributes.PATIENT_ID)
    return Question(
        conditions=tuple(conditions.values()),
        include=frozenset(reading.include),
        everything=reading.everything,
        limit=min(limit, MOST_LIMIT),
        offset=reading.offset,
        cut=limit > MOST_LIMIT,
        dates=values.dates_of(keys[attributes.STUDY_DATE]) if attributes.STUDY_DATE in keys else None,
        modalities=_listed(plain.get(attributes.MODALITIES)),
        accession=plain.get(attributes.ACCESSION),
        study_uids=values.uids_of(keys[attributes.STUDY_UID]) if attributes.STUDY_UID in keys else None,
        patient_ids=_listed(plain.get(attributes.PATIENT_ID)),
        indexed=not (keys.keys() - _INDEXED),
        keywords=tuple(sorted(each.keyword for tag in keys if (each := attributes.found(tag, reading.level)))),
    )


_INDEXED: Final = frozenset({attributes.STUDY_DATE, attributes.STUDY_UID, attributes.PATIENT_ID})


def _conditions(reading: _Reading) -> dict[str, Condition]:
    conditions: dict[str, Condition] = {}
    for tag, text in reading.keys.items():
        attribute = attributes.found(tag, reading.level)
        assert attribute is not None
        dated = reading.keys.get(attributes.STUDY_DATE, "") if tag == attributes.STUDY_TIME else ""
        try:
            if dated:
                conditions[tag] = _moments(values.dates_of(dated), values.times_of(text, any_order=True))
            else:
                conditions[tag] = _condition(tag, values.matcher(attribute.vr, text, reading.fuzzy, reading.readings))
        except WrongValue as wrong:
            reading.mark(attribute.keyword, wrong.rule)
    return conditions


def _moments(dates: Range, times: Range) -> Condition:
    """A date and a time asked together are one moment (PS3.18, 8.3.4.1), from the first day's first time to the last's last."""
    first, last = dates[0] + times[0], dates[1] + times[1]
    if first > last:
        raise WrongValue("dicom.range")

    def holds(record: Record) -> bool:
        day, time = record.get(attributes.STUDY_DATE, ()), record.get(attributes.STUDY_TIME, ())
        return bool(day and time) and first <= day[0] + values.moment_of(time[0]) <= last

    return holds


def _condition(tag: str, matches: values.Matcher) -> Condition:
    return lambda record: matches(record.get(tag, ()))


def _listed(text: str | None) -> frozenset[str] | None:
    return None if text is None else frozenset(each.strip() for each in _LISTED.split(text))


def _is_name(name: str) -> bool:
    return re.fullmatch(r"[0-9A-Fa-f]{8}(\.[0-9A-Fa-f]{8})*|[A-Za-z][A-Za-z0-9]{2,63}", name) is not None


def _shown(name: str) -> str:
    """A name as it may be told again: what is no name of an attribute may be anything."""
    return name if _is_name(name) else "query"
