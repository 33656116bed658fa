"""Studies and series as rows: what is found by in columns of its own, all else packed. New attributes come at the end."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Final

from services.imaging.domain.studies import (
    Availability,
    KeptStudy,
    Recognition,
    Series,
    State,
    Study,
    WithdrawReason,
)
from services.imaging.store.uids import packed_uid, unpacked_uid
from services.kernel.clock import from_micros, to_micros
from services.runtime.packing import packed, trimmed, unpacked

COLUMNS: Final = (
    "study_ref, node_ref, uid, version, state, person_key, started, institution, accession, entry_hash, body, reason,"
    " withdrawn_at"
)
_PACKED: Final = (
    *(
        "study_date",
        "study_time",
        "modalities",
        "series_count",
        "instance_count",
        "patient_name",
        "patient_sex",
        "birth_year",
    ),
    *(
        "description",
        "body_part",
        "study_id",
        "referring_physician",
        "size_bytes",
        "availability",
        "item_code",
        "item_system",
    ),
    *("recognition", "accession_issuer", "source_micros", "timezone", "report_no", "report_hash", "index_minute"),
    *("index_technique", "index_device"),
)
"""Attributes of a study in one column, in their order: those that most studies have first."""
_DAY, _REPORT, _MINUTE = (_PACKED.index(name) for name in ("study_date", "report_hash", "index_minute"))
_attributes: Final = attrgetter(*_PACKED)
_OF_SERIES: Final = 14


def row_of(kept: KeptStudy) -> tuple[Any, ...]:
    """The columns of a study, in the order of COLUMNS."""
    head = (kept.ref, kept.node_ref, packed_uid(kept.uid), kept.version, int(kept.state))
    study = kept.study
    if study is None:
        moment = None if kept.withdrawn_at is None else to_micros(kept.withdrawn_at)
        return (*head, *(None,) * 6, None if kept.reason is None else int(kept.reason), moment)
    found_by = (kept.person_key, study.started, study.fixmedins_code, study.accession_no or None, kept.entry_hash)
    return (*head, *found_by, _body_of(study), None, None)


def study_of(row: Any) -> KeptStudy:
    """The study of a row of COLUMNS."""
    (
        ref,
        node_ref,
        uid,
        version,
        state,
        person_key,
        _,
        institution,
        accession,
        entry_hash,
        body,
        reason,
        withdrawn_at,
    ) = row
    if body is None:
        return KeptStudy(
            *(ref, node_ref, unpacked_uid(uid), version, State(state)),
            reason=None if reason is None else WithdrawReason(reason),
            withdrawn_at=None if withdrawn_at is None else from_micros(withdrawn_at),
        )
    study = _study_of(institution, accession or "", body)
    return KeptStudy(
        *(ref, node_ref, unpacked_uid(uid), version, State(state), bytes(person_key), bytes(entry_hash), study)
    )


def _body_of(study: Study) -> bytes:
    values = list(_attributes(study))
    values[_DAY], values[_REPORT], values[_MINUTE] = (
        int(study.study_date),
        bytes.fromhex(study.report_hash),
        int(study.index_minute or 0),
    )
    return packed(values)


def _study_of(institution: str, accession: str, body: bytes) -> Study:
    # What was empty at the end is as a study has it by itself.
    told = dict(zip(_PACKED, unpacked(body), strict=False))
    told["study_date"] = f"{told['study_date']:08}"
    told["modalities"] = tuple(told["modalities"])
    told["report_hash"] = told.get("report_hash", b"").hex()
    told["index_minute"] = f"{minute:012}" if (minute := told.get("index_minute")) else ""
    told["availability"] = Availability(told.get("availability", 0))
    told["recognition"] = Recognition(told.get("recognition", 0))
    return Study(institution, accession_no=accession, **told)


def body_of_series(series: Sequence[Series]) -> bytes:
    """All series of a study in one column."""
    return packed([_values_of(each) for each in series])


def series_of(body: bytes) -> tuple[Series, ...]:
    """The series of a study."""
    return tuple(_one_of(values) for values in unpacked(body))


def _values_of(series: Series) -> Sequence[Any]:
    values: list[Any] = [
        *(packed_uid(series.series_instance_uid), series.modality, series.instance_count, series.series_no),
        *(series.description, bytes.fromhex(series.sop_hash), series.body_part, series.series_time, series.series_date),
        *(series.laterality, series.step_date, series.step_time, series.step_id, series.procedure_id),
    ]
    return trimmed(values)


def _one_of(values: list[Any]) -> Series:
    values += [""] * (_OF_SERIES - len(values))
    uid, modality, instances, number, description, sop_hash, body_part, time, day, laterality, *ends = values
    return Series(
        *(unpacked_uid(uid), modality, instances, number or 0, description, body_part, laterality, day, time),
        *(*ends[:4], sop_hash.hex() if sop_hash else ""),
    )
