"""Entries for the national index out of what a node, or any archive, says of a study. Pure: the node and `feed_of` share it.

What the index would refuse is not sent: texts are cut to their lengths, times that are none are left out, and a study that cannot
be told has a reason instead of an entry.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.imaging.domain.dicom_forms import (
    FIRST_DAY,
    INSTITUTION,
    LATERALITIES,
    MODALITIES,
    MOST_SERIES,
    NAME_GROUPS,
    NAME_LENGTH,
    NO_TEXT,
    SEXES,
    TIME,
    ZONE,
    day_holds,
)
from services.imaging.servicer.entries import entry_hash
from tools.pacs_node.facts import SeriesFacts, StudyFacts
from yibao.imaging.v1 import entry_pb2

NO_PERSON: Final = "NO_PERSON"
NO_INSTITUTION: Final = "NO_INSTITUTION"
NO_DAY: Final = "NO_DAY"
TOO_MANY_SERIES: Final = "TOO_MANY_SERIES"
_PSN_NO: Final = re.compile(r"\d{20,26}", re.ASCII)
_OTHER: Final = "OT"
"""The modality that any other than the defined ones counts as (our decision)."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a node names persons and institutions to the index (our decision, for the platform's own rule is not public).

    A PatientID is the insured person's number where it has 20 to 26 digits, and its issuer is not said or one of `issuers`;
    failing that, one of the other ids with such an issuer. The institution is the code in the study, else what `names` says of
    the institution's name, else `fixmedins_code`. A code of an item whose system is one of `issuers` is one of the insurance
    catalogue. `recognition` is the range within which the node's institutions are recognised: nothing in DICOM bears the mark HR.
    """

    fixmedins_code: str = ""
    recognition: entry_pb2.RecognitionRange.ValueType = entry_pb2.RECOGNITION_RANGE_UNSPECIFIED
    issuers: frozenset[str] = frozenset(("NHSA", "医保"))
    names: Mapping[str, str] = field(default_factory=dict, hash=False)

    def psn_no(self, study: StudyFacts) -> str:
        """The person's number; empty where none is said."""
        if _PSN_NO.fullmatch(study.patient_id) and study.issuer in ("", *self.issuers):
            return study.patient_id
        others = (each.number for each in study.other_ids if each.issuer in self.issuers)
        return next((each for each in others if _PSN_NO.fullmatch(each)), "")

    def institution(self, study: StudyFacts) -> str:
        """The institution's code of 12 characters; empty where none is known."""
        if INSTITUTION.fullmatch(study.institution_code):
            return study.institution_code
        return self.names.get(study.institution_name, self.fixmedins_code)


@dataclass(frozen=True, slots=True)
class ToldSeries:
    """A series as it is told: its instances by their number, and their UIDs, where they are known."""

    uid: str
    facts: SeriesFacts
    instance_count: int
    sop_uids: Sequence[str] = ()


def upsert(
    uid: str, study: StudyFacts, series: Sequence[ToldSeries], size_bytes: int, rules: Rules
) -> entry_pb2.Entry | str:
    """The entry of a study, still without sequence, version, time and hash; or why it cannot be told."""
    psn_no, institution = rules.psn_no(study), rules.institution(study)
    if not psn_no:
        return NO_PERSON
    if not institution:
        return NO_INSTITUTION
    if not _pictured(study.study_date):
        return NO_DAY
    if not 0 < len(series) <= MOST_SERIES:
        return TOO_MANY_SERIES
    told = [_series(each) for each in sorted(series, key=_by_number)]
    zone, birth = _matched(ZONE, study.timezone), study.birth_date[:4]
    return entry_pb2.Entry(
        operation=entry_pb2.OPERATION_UPSERT,
        study_instance_uid=uid,
        psn_no=psn_no,
        study=entry_pb2.Study(
            fixmedins_code=institution,
            study_date=study.study_date,
            study_time=_matched(TIME, study.study_time),
            timezone=zone,
            accession_no=_cut(study.accession_no, 16),
            accession_issuer=_cut(study.accession_issuer, 64),
            study_id=_cut(study.study_id, 16),
            modalities=sorted({each.modality for each in told}),
            description=_cut(study.description, 64),
            body_part=next((each.body_part for each in told if each.body_part), ""),
            item_code=_cut(study.item_code, 64),
            item_system="" if study.item_system in rules.issuers else _cut(study.item_system, 64),
            patient_name=name(study.patient_name),
            patient_sex=study.sex if study.sex in SEXES else "",
            birth_year=int(birth) if _pictured(study.birth_date) else 0,
            referring_physician=_cut(study.referring, 194),
            size_bytes=size_bytes,
            availability=entry_pb2.AVAILABILITY_ONLINE,
            recognition=rules.recognition,
        ),
        series=told,
    )


def withdrawal(uid: str, reason: entry_pb2.WithdrawReason.ValueType) -> entry_pb2.Entry:
    """The entry that takes a study out, still without sequence, version, time and hash."""
    return entry_pb2.Entry(operation=entry_pb2.OPERATION_WITHDRAW, study_instance_uid=uid, reason=reason)


def finish(entry: entry_pb2.Entry, source_seq: int, version: int, seconds: float) -> entry_pb2.Entry:
    """The same with its place, version, time (seconds of the epoch) and hash."""
    done = entry_pb2.Entry()
    done.CopyFrom(entry)
    done.source_seq, done.version = source_seq, version
    done.source_time.FromMilliseconds(int(seconds * 1000))
    done.entry_hash = entry_hash(done).hex()
    return done


def fingerprint(entry: entry_pb2.Entry) -> str:
    """Equal for entries that say the same, whatever their place, version and time; the person counts."""
    content = entry_pb2.Entry()
    content.CopyFrom(entry)
    for name_ in ("source_seq", "version", "source_time", "entry_hash"):
        content.ClearField(name_)
    return hashlib.sha256(content.SerializeToString(deterministic=True)).hexdigest()


def sop_hash(uids: Iterable[str]) -> str:
    """SHA-256, in hex, of the sorted UIDs, each followed by a line feed; empty where none is known."""
    known = sorted(uids)
    return hashlib.sha256("".join(f"{uid}\n" for uid in known).encode()).hexdigest() if known else ""


def _by_number(series: ToldSeries) -> tuple[int, str]:
    return series.facts.number, series.uid


def _series(series: ToldSeries) -> entry_pb2.Series:
    facts = series.facts
    return entry_pb2.Series(
        series_instance_uid=series.uid,
        series_no=facts.number,
        modality=facts.modality if facts.modality in MODALITIES else _OTHER,
        description=_cut(facts.description, 64),
        body_part=_cut(facts.body_part, 16),
        laterality=facts.laterality if facts.laterality in LATERALITIES else "",
        series_date=facts.series_date if _pictured(facts.series_date) else "",
        series_time=_matched(TIME, facts.series_time),
        instance_count=series.instance_count,
        step_date=facts.step_date if _pictured(facts.step_date) else "",
        step_time=_matched(TIME, facts.step_time),
        step_id=_cut(facts.step_id, 16),
        procedure_id=_cut(facts.procedure_id, 16),
        sop_hash=sop_hash(series.sop_uids),
    )


def _pictured(day: str) -> bool:
    """Whether a text is a day since X-rays are known."""
    return day >= FIRST_DAY and day_holds(day)


def name(text: str) -> str:
    """A name in up to three groups of 64 characters."""
    groups = [_cut(each, NAME_LENGTH) for each in text.split("=")[:NAME_GROUPS]]
    return "=".join(groups).rstrip("=")


def _matched(form: re.Pattern[str], text: str) -> str:
    return text if form.fullmatch(text) else ""


def _cut(text: str, length: int) -> str:
    """Without what no text may hold (PS3.5, 6.2), and not longer."""
    return NO_TEXT.sub(" ", text).strip()[:length].strip()
