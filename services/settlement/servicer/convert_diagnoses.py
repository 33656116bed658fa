"""Diagnoses between messages and domain values."""

from __future__ import annotations

from collections.abc import Iterable

from services.runtime.wire import moment_message, moment_of
from services.settlement.domain.care.diagnoses import DiagnosesTold, Diagnosis, ToldDiagnosis
from services.settlement.domain.care.encounters import EncounterName
from yibao.settlement.v1 import common_pb2, diagnosis_pb2


def diagnoses_told(desk: common_pb2.Desk, rows: Iterable[common_pb2.Diagnosis]) -> DiagnosesTold:
    """The diagnoses of a message, and who sent it."""
    return DiagnosesTold(tuple(_told(row) for row in rows), desk.opter, desk.opter_name)


def diagnosis_message(name: EncounterName, entry: Diagnosis) -> diagnosis_pb2.DiagnosisRecord:
    """One row of 5202."""
    told = entry.told
    return diagnosis_pb2.DiagnosisRecord(
        diag_info_id=entry.diag_info_id,
        mdtrt_id=entry.mdtrt_id,
        psn_no=name.psn_no,
        inout_diag_type=entry.inout_diag_type,
        diag_type=told.diag_type,
        maindiag_flag=entry.maindiag_flag,
        diag_srt_no=entry.diag_srt_no,
        diag_code=told.diag_code,
        diag_name=told.diag_name,
        adm_cond=told.adm_cond,
        diag_dept=told.diag_dept,
        dise_dor_no=told.dise_dor_no,
        dise_dor_name=told.dise_dor_name,
        diag_time=None if told.diag_time is None else moment_message(told.diag_time),
        opter_id=entry.opter,
        opter_name=entry.opter_name,
        opt_time=moment_message(entry.told_at),
    )


def _told(row: common_pb2.Diagnosis) -> ToldDiagnosis:
    return ToldDiagnosis(
        diag_type=row.diag_type,
        maindiag_flag=row.maindiag_flag,
        diag_srt_no=row.diag_srt_no,
        diag_code=row.diag_code,
        diag_name=row.diag_name,
        adm_cond=row.adm_cond,
        diag_dept=row.diag_dept,
        dise_dor_no=row.dise_dor_no,
        dise_dor_name=row.dise_dor_name,
        diag_time=moment_of(row.diag_time) if row.HasField("diag_time") else None,
        vali_flag=row.vali_flag,
    )
