"""Entries as messages and as values, and the hash of what an entry says."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, cast

from services.imaging.domain.checking import ToldEntry
from services.imaging.domain.entries import EntryOutcome, EntryResult, Refused
from services.imaging.domain.studies import Availability, Recognition, Series, Study
from services.runtime.texts.gateway import rule_text
from yibao.imaging.v1 import entry_pb2

HASH_BYTES: Final = 16
_NOT_HASHED: Final = ("source_seq", "psn_no", "index_code", "source_time", "entry_hash", "unread")
_MICRO: Final = 1_000_000
_MOST_SEQ: Final = 2**63 - 1


def entry_hash(entry: entry_pb2.Entry) -> bytes:
    """The first 16 bytes of the SHA-256 of an entry's content, as the contract tells it."""
    content = entry_pb2.Entry()
    content.CopyFrom(entry)
    for name in _NOT_HASHED:
        content.ClearField(name)
    return sha256(content.SerializeToString(deterministic=True)).digest()[:HASH_BYTES]


def told_entry(entry: entry_pb2.Entry) -> ToldEntry:
    """An entry as it was sent."""
    moment = entry.source_time
    return ToldEntry(
        entry.source_seq,
        entry.operation,
        entry.study_instance_uid,
        entry.version,
        entry.psn_no,
        entry.index_code,
        _study(entry.study, moment.seconds * _MICRO + moment.nanos // 1000) if entry.HasField("study") else None,
        tuple(_series(each) for each in entry.series),
        entry.reason,
        entry_hash(entry),
        entry.entry_hash,
        entry.ByteSize(),
        _unread(entry.unread) if entry.HasField("unread") else None,
    )


def number(entries: Sequence[entry_pb2.Entry]) -> None:
    """Gives those whose number could not be read the one of their place: entries are numbered without gaps."""
    lost = [place for place, each in enumerate(entries) if each.HasField("unread") and not each.source_seq]
    known = next((each.source_seq - place for place, each in enumerate(entries) if each.source_seq), 0) if lost else 0
    for place in lost:
        # One that no field holds belongs to no node: the neighbour that led to it is refused for its jump.
        entries[place].source_seq = min(max(0, known + place), _MOST_SEQ)


def _unread(told: entry_pb2.Unread) -> Refused:
    return Refused(told.field, told.rule, dict(told.values))


def _study(told: entry_pb2.Study, source_micros: int) -> Study:
    return Study(
        fixmedins_code=told.fixmedins_code,
        study_date=told.study_date,
        study_time=told.study_time,
        timezone=told.timezone,
        accession_no=told.accession_no,
        accession_issuer=told.accession_issuer,
        study_id=told.study_id,
        modalities=tuple(told.modalities),
        description=told.description,
        body_part=told.body_part,
        item_code=told.item_code,
        item_system=told.item_system,
        patient_name=told.patient_name,
        patient_sex=told.patient_sex,
        birth_year=told.birth_year,
        referring_physician=told.referring_physician,
        size_bytes=told.size_bytes,
        # Any number may have been sent; whether it is one of these is checked with all else.
        availability=cast("Availability", told.availability),
        recognition=cast("Recognition", told.recognition),
        report_no=told.report_no,
        report_hash=told.report_hash,
        source_micros=source_micros,
    )


def _series(told: entry_pb2.Series) -> Series:
    return Series(
        series_instance_uid=told.series_instance_uid,
        modality=told.modality,
        instance_count=told.instance_count,
        series_no=told.series_no,
        description=told.description,
        body_part=told.body_part,
        laterality=told.laterality,
        series_date=told.series_date,
        series_time=told.series_time,
        step_date=told.step_date,
        step_time=told.step_time,
        step_id=told.step_id,
        procedure_id=told.procedure_id,
        sop_hash=told.sop_hash,
    )


def outcome_message(outcome: EntryOutcome, entry: entry_pb2.Entry) -> entry_pb2.EntryOutcome:
    """An outcome; the hash is told where the entry did not say it."""
    message = entry_pb2.EntryOutcome(
        source_seq=outcome.source_seq,
        result=cast("entry_pb2.EntryResult.ValueType", int(outcome.result)),
    )
    refused = outcome.refused
    if refused is not None:
        message.field, message.rule = refused.field, refused.rule
        message.text_zh = rule_text(refused.rule, refused.values, "zh")
        message.text_en = rule_text(refused.rule, refused.values, "en")
    if not entry.entry_hash and outcome.result not in (EntryResult.STALE, EntryResult.REJECTED):
        message.entry_hash = outcome.entry_hash.hex()
    return message
