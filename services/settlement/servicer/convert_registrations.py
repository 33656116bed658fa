"""Requests that register care (2201, 2401) or end it (2402), read the same whether they come here or by routing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from services.kernel.clock import beijing_day
from services.kernel.requests import RequestStamp
from services.runtime.call import CallContext
from services.runtime.wire import moment_of
from services.settlement.domain.care.bill import STAY, VISIT
from services.settlement.domain.care.encounters import Encounter, EncounterName
from services.settlement.domain.care.insured import CredentialQuery, asked_by, with_credential
from services.settlement.operations.care.encounters import Describe, Registration
from services.settlement.operations.care.stays import DischargeInformation, Revise
from services.settlement.servicer.convert_diagnoses import diagnoses_told
from services.settlement.servicer.convert_encounters import Codes, described, main_diagnosis, revised, told_of
from yibao.settlement.v1 import common_pb2, stay_pb2, visit_pb2

_TOLD_OF_BIRTH = ("matn_type", "birctrl_type", "birctrl_matn_date", "geso_val")
_TOLD_OF_STAY = (
    *("oprn_oprt_code", "oprn_oprt_name", "fpsc_no", "latechb_flag", "fetts", "fetus_cnt", "pret_flag"),
    *_TOLD_OF_BIRTH,
)
TOLD_OF_VISIT = ("main_cond_dscr", *_TOLD_OF_BIRTH)
_TOLD_AT_ADMISSION = (
    *("coner_name", "tel", "medrcdno", "atddr_no", "chfpdr_name", "adm_dept_codg", "adm_dept_name"),
    *("adm_bed", "dscg_maindiag_code", "dscg_maindiag_name", "main_cond_dscr"),
    *_TOLD_OF_STAY,
)
_TOLD_AT_DISCHARGE = (
    *("dscg_dept_codg", "dscg_dept_name", "dscg_bed", "dscg_way", "cop_flag", "die_date"),
    *_TOLD_OF_STAY,
)


class SentRegistration(NamedTuple):
    """A registration with what `EncounterOperations.register` is told of it, in its order."""

    registration: Registration
    now: datetime
    describe: Describe
    render: Callable[[Encounter], bytes]


class SentDischarge(NamedTuple):
    """A discharge with what `StayOperations.discharge` is told of it, in its order."""

    name: EncounterName
    told: DischargeInformation
    now: datetime
    revise: Revise


class RegistrationReader:
    """Reads registrations. Raises INVALID for one that says nobody's credential where it must."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes

    def visit(self, request: visit_pb2.RegisterVisitRequest, call: CallContext) -> SentRegistration:
        """2201."""
        data, desk = request.data, request.desk
        registration = Registration(
            kind=VISIT,
            credential=with_credential(self._credential(desk, data, "data")),
            insutype=data.insutype,
            begin_at=moment_of(data.begntime),
            ipt_otp_no=data.ipt_otp_no,
            mdtrtarea_admvs=desk.mdtrtarea_admvs,
            exp_content=data.exp_content,
            business_date=call.business_date,
        )
        told = {
            "mdtrt_cert_type": self._codes.shown_cert(data.mdtrt_cert_type),
            "atddr_no": data.atddr_no,
            "chfpdr_name": data.dr_name,
            "adm_dept_codg": data.dept_code,
            "adm_dept_name": data.dept_name,
        }
        return SentRegistration(registration, call.now, described(desk, call.now, told), _visit_answer)

    def admission(self, request: stay_pb2.AdmitRequest, call: CallContext) -> SentRegistration:
        """2401."""
        data, desk = request.mdtrtinfo, request.desk
        registration = Registration(
            kind=STAY,
            credential=asked_by(self._credential(desk, data, "mdtrtinfo")),
            insutype=data.insutype,
            begin_at=moment_of(data.begntime),
            ipt_otp_no=data.ipt_no,
            mdtrtarea_admvs=data.mdtrtarea_admvs or desk.mdtrtarea_admvs,
            med_type=self._codes.med_type(data.med_type),
            local_med_type=data.local_med_type,
            dise_codg=data.dise_codg,
            dise_name=data.dise_name,
            exp_content=data.exp_content,
            business_date=call.business_date,
            diagnoses=diagnoses_told(desk, request.diseinfo),
        )
        told = told_of(data, _TOLD_AT_ADMISSION)
        told["mdtrt_cert_type"] = self._codes.shown_cert(data.mdtrt_cert_type)
        return SentRegistration(registration, call.now, described(desk, call.now, told), _stay_answer)

    def _credential(
        self, desk: common_pb2.Desk, data: visit_pb2.VisitRegistration | stay_pb2.Admission, node: str
    ) -> CredentialQuery:
        return CredentialQuery(
            fixmedins_code=desk.fixmedins_code,
            day=beijing_day(moment_of(data.begntime)),
            mdtrt_cert_type=self._codes.cert_type(data.mdtrt_cert_type),
            mdtrt_cert_no=data.mdtrt_cert_no,
            card_sn=data.card_sn,
            psn_no=data.psn_no,
            psn_cert_type=data.psn_cert_type,
            certno=data.certno,
            insutype=data.insutype,
            node=node,
        )


def discharge_of(request: stay_pb2.DischargeRequest, call: CallContext) -> SentDischarge:
    """2402."""
    data = request.dscginfo
    discharge = DischargeInformation(
        end_at=moment_of(data.endtime),
        dise_codg=data.dise_codg,
        dise_name=data.dise_name,
        exp_content=data.exp_content,
        business_date=call.business_date,
        diagnoses=diagnoses_told(request.desk, request.diseinfo),
    )
    told = {**told_of(data, _TOLD_AT_DISCHARGE), **main_diagnosis(request.diseinfo)}
    return SentDischarge(name_of(STAY, request.desk, data), discharge, call.now, revised(request.desk, call.now, told))


def by_institution(stamp: RequestStamp, desk: common_pb2.Desk, service: str, method: str) -> RequestStamp:
    """The stamp of an institution's request that came by routing, as if it had come from the institution: so its repeat is
    answered whichever way it comes."""
    return replace(stamp, scope=desk.fixmedins_code, rpc=f"/yibao.settlement.v1.{service}/{method}")


def name_of(kind: str, desk: common_pb2.Desk, data: Any) -> EncounterName:
    """The encounter that a request names."""
    return EncounterName(kind, data.mdtrt_id, desk.fixmedins_code, data.psn_no)


def _visit_answer(encounter: Encounter) -> bytes:
    key = visit_pb2.VisitKey(mdtrt_id=encounter.mdtrt_id, psn_no=encounter.psn_no, ipt_otp_no=encounter.ipt_otp_no)
    return visit_pb2.RegisterVisitResponse(data=key).SerializeToString()


def _stay_answer(encounter: Encounter) -> bytes:
    return stay_pb2.AdmitResponse(result=stay_pb2.StayKey(mdtrt_id=encounter.mdtrt_id)).SerializeToString()
