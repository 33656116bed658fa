"""Encounters between messages and domain values, and what 5201 tells of them, written down when it is learnt."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from services.kernel.clock import beijing_day, day_start
from services.kernel.codes import pooling_area
from services.kernel.requests import RequestStamp
from services.runtime.call import CallContext
from services.runtime.contract import national_codes
from services.runtime.idempotency import content_of, stamp_of
from services.runtime.texts.table import text
from services.runtime.wire import day_message, moment_message, optional_day_message
from services.settlement.domain.benefits.fund_checks import FundCheck
from services.settlement.domain.care.bill import STAY
from services.settlement.domain.care.encounters import OPEN, Encounter, days_in_hospital
from services.settlement.domain.care.insured import Enrolment, Insured, insu_stas_on
from services.settlement.operations.benefits.persons import InsuredInfo
from services.settlement.servicer.convert_persons import person_fields
from yibao.common.v1 import codes_pb2
from yibao.settlement.v1 import common_pb2, encounter_pb2, insured_pb2

_FUND_CHECK = "01"
_IN_HOSPITAL, _NOT_IN_HOSPITAL = "1", "0"
_DIAG_INFO_LENGTH = 200


class Codes:
    """National codes of the enumerations and back, looked up once."""

    def __init__(self) -> None:
        enums = codes_pb2.DESCRIPTOR.enum_types_by_name
        self.med_types = national_codes(enums["MedType"])
        self._cert_types = national_codes(enums["MdtrtCertType"])
        self.approvals = national_codes(enums["HospApprFlag"])
        self._med_values: dict[str, Any] = {code: number for number, code in self.med_types.items()}

    def cert_type(self, number: int) -> str:
        """The national mdtrt_cert_type of an enumeration value; empty for none."""
        return self._cert_types.get(number, "")

    def shown_cert(self, number: int) -> int:
        """The enumeration value that is told of a credential: of one of no known kind, that it was a certificate."""
        return number or codes_pb2.MDTRT_CERT_TYPE_ID_CARD

    def med_type(self, number: int) -> str:
        """The national med_type of an enumeration value; empty for none."""
        return self.med_types.get(number, "")

    def med_value(self, code: str) -> Any:
        """The enumeration value of a national med_type; 0 for none."""
        return self._med_values.get(code, 0)


def kept_stamp_of(call: CallContext, request: Any, told: str) -> RequestStamp:
    """The same with the request kept whole, less the credential that its part `told` was shown with."""
    stamp = stamp_of(call, request)
    kept = content_of(request)
    part = getattr(kept, told)
    for secret in ("mdtrt_cert_no", "card_sn"):
        if secret in part.DESCRIPTOR.fields_by_name:
            part.ClearField(secret)
    return replace(stamp, content=kept.SerializeToString(deterministic=True))


def insured_info(info: InsuredInfo, day: date, now: datetime) -> insured_pb2.GetInsuredInfoResponse:
    """The answer of 1101 about a day."""
    return insured_pb2.GetInsuredInfoResponse(
        baseinfo=insured_pb2.Baseinfo(**person_fields(info.insured.person, beijing_day(now))),
        insuinfo=[insuinfo(entry, day, info.balances_fen.get(entry.insutype, 0)) for entry in info.insured.enrolments],
        idetinfo=[
            insured_pb2.Idetinfo(
                psn_idet_type=entry.psn_idet_type,
                psn_type_lv=entry.psn_type_lv,
                memo=entry.memo,
                begntime=moment_message(day_start(entry.from_day)),
                endtime=None if entry.to_day is None else moment_message(day_start(entry.to_day)),
            )
            for entry in info.insured.identities
        ],
    )


def insuinfo(enrolment: Enrolment, day: date, balance_fen: int) -> insured_pb2.Insuinfo:
    """One insurance relation as it is on a day."""
    status, paused = insu_stas_on(enrolment, day)
    return insured_pb2.Insuinfo(
        balc_fen=balance_fen,
        insutype=enrolment.insutype,
        psn_type=enrolment.psn_type,
        psn_insu_stas=status,
        psn_insu_date=day_message(enrolment.insured_since),
        paus_insu_date=optional_day_message(paused),
        cvlserv_flag=enrolment.cvlserv_flag,
        insuplc_admdvs=enrolment.insuplc_admdvs,
        emp_name=enrolment.emp_name,
    )


def trtinfo(psn_no: str, check: FundCheck) -> insured_pb2.Trtinfo:
    """One row of 2001; a refusal reads `[REASON] 中文说明`."""
    refusal = check.refusal
    return insured_pb2.Trtinfo(
        psn_no=psn_no,
        trt_chk_type=_FUND_CHECK,
        fund_pay_type=check.fund_pay_type,
        trt_enjymnt_flag=refusal is None,
        begndate=day_message(check.begin),
        enddate=day_message(check.end),
        trt_chk_rslt="" if refusal is None else f"[{refusal.reason}] {text(refusal, 'zh')}",
    )


def described(
    desk: common_pb2.Desk, now: datetime, told: dict[str, Any]
) -> Callable[[Encounter, Insured, Enrolment], bytes]:
    """Writes down a new encounter: who it is, and what the request told (`told`, by field)."""

    def describe(encounter: Encounter, insured: Insured, enrolment: Enrolment) -> bytes:
        return encounter_pb2.EncounterInformation(
            mdtrt_id=encounter.mdtrt_id,
            insutype=encounter.insutype,
            psn_type=enrolment.psn_type,
            cvlserv_flag=enrolment.cvlserv_flag,
            insu_optins=pooling_area(enrolment.insuplc_admdvs),
            emp_name=enrolment.emp_name,
            ipt_otp_no=encounter.ipt_otp_no,
            **person_fields(insured.person, beijing_day(encounter.begin_at)),
            **_by_desk(desk, now),
            **told,
        ).SerializeToString()

    return describe


def revised(desk: common_pb2.Desk, now: datetime, told: dict[str, Any]) -> Callable[[bytes], bytes]:
    """Writes newly told fields into what is known; an empty one tells nothing."""

    def revise(details: bytes) -> bytes:
        known = encounter_pb2.EncounterInformation.FromString(details)
        known.MergeFrom(encounter_pb2.EncounterInformation(**told, **_by_desk(desk, now)))
        return known.SerializeToString()

    return revise


def told_of(part: Any, names: Iterable[str]) -> dict[str, Any]:
    """Fields of a request that 5201 tells under the same names; a day that was not sent is absent."""
    return {name: getattr(part, name) for name in names if not name.endswith("_date") or part.HasField(name)}


def diagnosis_names(diagnoses: Iterable[common_pb2.Diagnosis]) -> str:
    """The names of a visit's diagnoses in one text, at most as long as the national interface allows."""
    return "；".join(row.diag_name for row in diagnoses if row.diag_name)[:_DIAG_INFO_LENGTH]


def main_diagnosis(diagnoses: Iterable[common_pb2.Diagnosis]) -> dict[str, str]:
    """Code and name of the main diagnosis, by their fields in 5201; nothing where no row is marked."""
    for row in diagnoses:
        if row.maindiag_flag == "1":
            return {"dscg_maindiag_code": row.diag_code, "dscg_maindiag_name": row.diag_name}
    return {}


def information(codes: Codes, encounter: Encounter, now: datetime) -> encounter_pb2.EncounterInformation:
    """What 5201 tells of an encounter; one that lasts ends with the answer, and never before it began by a clock ahead."""
    told = encounter_pb2.EncounterInformation.FromString(encounter.details)
    end = encounter.end_at or max(now, encounter.begin_at)
    told.begntime.CopyFrom(moment_message(encounter.begin_at))
    told.endtime.CopyFrom(moment_message(end))
    told.med_type = codes.med_value(encounter.told_med_type)
    told.local_med_type = encounter.local_med_type
    told.dise_codg, told.dise_name = encounter.dise_codg, encounter.dise_name
    if encounter.kind == STAY:
        told.inhosp_stas = _IN_HOSPITAL if encounter.state == OPEN else _NOT_IN_HOSPITAL
        told.ipt_days = days_in_hospital(encounter.begin_at, end)
        told.ars_year_ipt_flag = beijing_day(encounter.begin_at).year != beijing_day(end).year
    else:
        told.inhosp_stas = _NOT_IN_HOSPITAL
    return told


def _by_desk(desk: common_pb2.Desk, now: datetime) -> dict[str, Any]:
    return {"opter_id": desk.opter, "opter_name": desk.opter_name, "opt_time": moment_message(now)}
