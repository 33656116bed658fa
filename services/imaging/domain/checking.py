"""What an entry must be: forms and limits of DICOM PS3.5 and PS3.6, of the index code, and of what a node may speak for (I§6.3).

The first thing that is wrong is told, by its field and rule; values never are. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import IntEnum
from typing import Final

from services.imaging.domain.dicom_forms import (
    FIRST_DAY,
    INSTITUTION,
    LATERALITIES,
    MODALITIES,
    MOST_INSTANCES,
    MOST_SERIES,
    NO_TEXT,
    SEXES,
    ZONE,
    day_holds,
    name_holds,
    time_holds,
    uid_holds,
)
from services.imaging.domain.entries import IndexEntry, Operation, Poison, Refused
from services.imaging.domain.index_code import IndexCode, as_person, index_code
from services.imaging.domain.nodes import Node
from services.imaging.domain.studies import Availability, Recognition, Series, Study, WithdrawReason

MOST_BYTES: Final = 32_768
"""An entry takes so many bytes at most (our decision; I§6.3 says 8 KB, which large studies of many series need more than)."""
MOST_MODALITIES: Final = 50
"""Of one study (our decision)."""
_AHEAD: Final = timedelta(days=1)
_HASH_DIGITS: Final = 32
_MOST_VERSION: Final = 2**31 - 1
_MOST_BIRTH_YEARS: Final = 150

_FIRST_MOMENT: Final = -62_135_596_800_000_000
_LAST_MOMENT: Final = 253_402_300_799_999_999
"""From the year 1 to 9999, as a Timestamp may be, in microseconds."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PSN_NO: Final = re.compile(r"[0-9A-Za-z]{1,26}", re.ASCII)

_KNOWN: Final[Mapping[type[IntEnum], frozenset[int]]] = {
    each: frozenset(each) for each in (Operation, WithdrawReason, Availability, Recognition)
}
_LIMITS: Final = (
    ("accession_no", 16),
    ("accession_issuer", 64),
    ("study_id", 16),
    ("description", 64),
    ("body_part", 16),
    ("item_code", 64),
    ("item_system", 64),
    ("referring_physician", 194),
    ("report_no", 64),
)
_SERIES_LIMITS: Final = (("description", 64), ("body_part", 16), ("step_id", 16), ("procedure_id", 16))


@dataclass(frozen=True, slots=True)
class ToldEntry:
    """An entry as it was sent: numbers of enumerations may be any, texts too. `content_hash` is made of its content, `told_hash`
    what the node says it is; `unread` is what of it could not be read before it came here."""

    source_seq: int
    operation: int
    uid: str
    version: int
    psn_no: str
    index_code: str
    study: Study | None
    series: tuple[Series, ...]
    reason: int
    content_hash: bytes
    told_hash: str
    size: int
    unread: Refused | None = None


def checked(told: ToldEntry, node: Node, today: date) -> IndexEntry | Poison:
    """The entry, or what is wrong with it first."""
    code = index_code(told.index_code) if told.index_code else None
    refused = next(_wrong(told, code, node, today), None)
    if refused is not None:
        return Poison(told.source_seq, refused)
    return IndexEntry(
        told.source_seq,
        Operation(told.operation),
        told.uid,
        told.version,
        told.content_hash,
        told.psn_no or (code.psn_no if code is not None else ""),
        _kept(told, code),
        told.series,
        WithdrawReason(told.reason) if told.reason else None,
    )


def _kept(told: ToldEntry, code: IndexCode | None) -> Study | None:
    """The attributes with what is counted, and parts 2 to 4 of the index code: zeros stand for nothing."""
    if told.study is None:
        return None
    counted = replace(
        told.study,
        series_count=len(told.series),
        instance_count=sum(each.instance_count for each in told.series),
    )
    if code is None:
        return counted
    return replace(
        counted,
        index_minute=code.minute,
        index_technique=code.technique if code.technique.strip("0") else "",
        index_device=code.device if code.device.strip("0") else "",
    )


def _wrong(told: ToldEntry, code: IndexCode | None, node: Node, today: date) -> Iterator[Refused]:
    if told.unread is not None:
        yield told.unread
    if told.size > MOST_BYTES:
        yield Refused("", "entry.size", {"most": str(MOST_BYTES)})
    if told.operation not in _KNOWN[Operation]:
        yield Refused("operation", "entry.operation")
    if not uid_holds(told.uid):
        yield Refused("study_instance_uid", "entry.uid")
    if not 1 <= told.version <= _MOST_VERSION:
        yield Refused("version", "entry.version")
    if told.told_hash and told.told_hash.lower() != told.content_hash.hex():
        yield Refused("entry_hash", "entry.hash")
    yield from _wrong_person(told, code, node)
    if told.operation == Operation.UPSERT:
        if told.study is None:
            yield Refused("study", "entry.needed")
        else:
            yield from _wrong_study(told.study, node, today)
            yield from _wrong_series(told)
    elif told.study is not None or told.series:
        yield Refused("study" if told.study is not None else "series", "entry.not_of_operation")
    if told.operation == Operation.WITHDRAW:
        if told.reason not in _KNOWN[WithdrawReason]:
            yield Refused("reason", "entry.reason")
    elif told.reason:
        yield Refused("reason", "entry.not_of_operation")


def _wrong_person(told: ToldEntry, code: IndexCode | None, node: Node) -> Iterator[Refused]:
    if told.operation == Operation.WITHDRAW:
        if told.psn_no or told.index_code:
            yield Refused("psn_no" if told.psn_no else "index_code", "entry.not_of_operation")
        return
    if not (told.psn_no or told.index_code):
        yield Refused("psn_no", "entry.person")
    if told.psn_no and _PSN_NO.fullmatch(told.psn_no) is None:
        yield Refused("psn_no", "entry.psn_no")
    if told.index_code:
        if code is None or not code.psn_no:
            yield Refused("index_code", "entry.index_code")
        elif told.psn_no and as_person(told.psn_no) != code.person:
            yield Refused("index_code", "entry.person_differs")
        elif code.unit != node.uscc:
            yield Refused("index_code", "entry.other_unit")


def _wrong_study(study: Study, node: Node, today: date) -> Iterator[Refused]:
    if INSTITUTION.fullmatch(study.fixmedins_code) is None:
        yield Refused("study.fixmedins_code", "entry.fixmedins_code")
    elif not node.speaks_for(study.fixmedins_code):
        yield Refused("study.fixmedins_code", "entry.not_spoken_for")
    if not (study.study_date >= FIRST_DAY and day_holds(study.study_date)):
        yield Refused("study.study_date", "entry.day")
    elif study.study_date > f"{today + _AHEAD:%Y%m%d}":
        yield Refused("study.study_date", "entry.day_to_come")
    if study.study_time and not time_holds(study.study_time):
        yield Refused("study.study_time", "entry.time")
    if study.timezone and ZONE.fullmatch(study.timezone) is None:
        yield Refused("study.timezone", "entry.zone")
    if not 0 < len(study.modalities) <= MOST_MODALITIES or not MODALITIES.issuperset(study.modalities):
        yield Refused("study.modalities", "entry.modality")
    for name, most in _LIMITS:
        yield from _wrong_text(f"study.{name}", getattr(study, name), most)
    if not name_holds(study.patient_name):
        yield Refused("study.patient_name", "entry.name")
    if study.patient_sex not in SEXES:
        yield Refused("study.patient_sex", "entry.choice", {"allowed": "M, F, O"})
    if study.birth_year and not today.year - _MOST_BIRTH_YEARS <= study.birth_year <= today.year:
        yield Refused("study.birth_year", "entry.birth_year")
    if not _FIRST_MOMENT <= study.source_micros <= _LAST_MOMENT:
        yield Refused("source_time", "entry.moment")
    if study.size_bytes < 0:
        yield Refused("study.size_bytes", "entry.count")
    if study.availability not in _KNOWN[Availability]:
        yield Refused("study.availability", "entry.known")
    if study.recognition not in _KNOWN[Recognition]:
        yield Refused("study.recognition", "entry.known")
    if study.report_hash and _SHA256.fullmatch(study.report_hash) is None:
        yield Refused("study.report_hash", "entry.sha256")


def _wrong_series(told: ToldEntry) -> Iterator[Refused]:
    if not told.series or len(told.series) > MOST_SERIES:
        yield Refused("series", "entry.series", {"most": str(MOST_SERIES)})
    modalities = set(told.study.modalities) if told.study is not None else set()
    seen: set[str] = set()
    for place, series in enumerate(told.series):
        path = f"series[{place}]."
        if not uid_holds(series.series_instance_uid):
            yield Refused(f"{path}series_instance_uid", "entry.uid")
        if series.series_instance_uid in seen:
            yield Refused(f"{path}series_instance_uid", "entry.twice")
        seen.add(series.series_instance_uid)
        if series.modality not in modalities:
            yield Refused(f"{path}modality", "entry.modality_of_study")
        if series.instance_count < 1:
            yield Refused(f"{path}instance_count", "entry.count")
        if series.instance_count > MOST_INSTANCES:
            yield Refused(f"{path}instance_count", "entry.instances", {"most": str(MOST_INSTANCES)})
        for name, most in _SERIES_LIMITS:
            yield from _wrong_text(f"{path}{name}", getattr(series, name), most)
        if series.laterality not in LATERALITIES:
            yield Refused(f"{path}laterality", "entry.choice", {"allowed": "L, R, B, U"})
        yield from _wrong_moments(path, series)
        if series.sop_hash and _SHA256.fullmatch(series.sop_hash) is None:
            yield Refused(f"{path}sop_hash", "entry.sha256")


def _wrong_moments(path: str, series: Series) -> Iterator[Refused]:
    for name in ("series_date", "step_date"):
        day = getattr(series, name)
        if day and not day_holds(day):
            yield Refused(f"{path}{name}", "entry.day")
    for name in ("series_time", "step_time"):
        moment = getattr(series, name)
        if moment and not time_holds(moment):
            yield Refused(f"{path}{name}", "entry.time")


def _wrong_text(path: str, text: str, most: int) -> Iterator[Refused]:
    if len(text) > most or (text and NO_TEXT.search(text) is not None):
        yield Refused(path, "entry.text", {"most": str(most)})
