"""The RPCs of visits and stays: 1101, 2001, 2201, 2202, 2203, 2401, 2402, 2404, 2405, 5201, 5202."""

from __future__ import annotations

from typing import Any

from services.kernel.clock import beijing_day
from services.runtime.call import current_call
from services.runtime.idempotency import stamp_of
from services.runtime.wire import moment_message, moment_of
from services.settlement.domain.care.bill import STAY, VISIT
from services.settlement.domain.care.encounters import EncounterFilter, EncounterName
from services.settlement.domain.care.insured import CredentialQuery, with_credential
from services.settlement.operations.benefits.fund_checks import BenefitOperations, BenefitQuery
from services.settlement.operations.care.diagnoses import Diagnoses
from services.settlement.operations.care.encounters import EncounterOperations, VisitInformation
from services.settlement.operations.care.stays import StayOperations
from services.settlement.servicer.convert_diagnoses import diagnoses_told, diagnosis_message
from services.settlement.servicer.convert_encounters import (
    Codes,
    diagnosis_names,
    information,
    insured_info,
    kept_stamp_of,
    main_diagnosis,
    revised,
    told_of,
    trtinfo,
)
from services.settlement.servicer.convert_registrations import (
    TOLD_OF_VISIT,
    RegistrationReader,
    discharge_of,
    name_of,
)
from yibao.settlement.v1 import diagnosis_pb2, encounter_pb2, encounter_pb2_grpc, insured_pb2, stay_pb2, visit_pb2


class EncounterServicer(encounter_pb2_grpc.EncounterServiceServicer):
    """Answers EncounterService."""

    def __init__(
        self,
        encounters: EncounterOperations,
        stays: StayOperations,
        benefits: BenefitOperations,
        diagnoses: Diagnoses,
    ) -> None:
        self._encounters = encounters
        self._stays = stays
        self._diagnoses = diagnoses
        self._persons = benefits.persons
        self._benefits = benefits
        self._codes = Codes()
        self._requests = RegistrationReader(self._codes)

    async def GetInsuredInfo(  # noqa: N802  # the name is the contract's
        self, request: insured_pb2.GetInsuredInfoRequest, context: Any
    ) -> insured_pb2.GetInsuredInfoResponse:
        """1101."""
        now, data = current_call().now, request.data
        day = beijing_day(moment_of(data.begntime) if data.HasField("begntime") else now)
        query = CredentialQuery(
            fixmedins_code=request.desk.fixmedins_code,
            day=day,
            mdtrt_cert_type=self._codes.cert_type(data.mdtrt_cert_type),
            mdtrt_cert_no=data.mdtrt_cert_no,
            card_sn=data.card_sn,
            psn_cert_type=data.psn_cert_type,
            certno=data.certno,
        )
        return insured_info(await self._persons.info(with_credential(query), data.psn_name), day, now)

    async def CheckBenefit(  # noqa: N802
        self, request: insured_pb2.CheckBenefitRequest, context: Any
    ) -> insured_pb2.CheckBenefitResponse:
        """2001."""
        data = request.data
        checks = await self._benefits.check(
            BenefitQuery(
                psn_no=data.psn_no,
                insutype=data.insutype,
                fixmedins_code=data.fixmedins_code,
                med_type=self._codes.med_type(data.med_type),
                local_med_type=data.local_med_type,
                day=beijing_day(moment_of(data.begntime)),
                dise_codg=data.dise_codg,
                exp_content=data.exp_content,
            )
        )
        return insured_pb2.CheckBenefitResponse(trtinfo=[trtinfo(data.psn_no, check) for check in checks])

    async def RegisterVisit(  # noqa: N802
        self, request: visit_pb2.RegisterVisitRequest, context: Any
    ) -> visit_pb2.RegisterVisitResponse:
        """2201."""
        call = current_call()
        sent = self._requests.visit(request, call)
        answer = await self._encounters.register(kept_stamp_of(call, request, "data"), *sent)
        return visit_pb2.RegisterVisitResponse.FromString(answer)

    async def CancelVisit(  # noqa: N802
        self, request: visit_pb2.CancelVisitRequest, context: Any
    ) -> visit_pb2.CancelVisitResponse:
        """2202."""
        call = current_call()
        name = name_of(VISIT, request.desk, request.data)
        await self._encounters.cancel(stamp_of(call, request), name, call.now, b"")
        return visit_pb2.CancelVisitResponse()

    async def UploadVisit(  # noqa: N802
        self, request: visit_pb2.UploadVisitRequest, context: Any
    ) -> visit_pb2.UploadVisitResponse:
        """2203, 2203A."""
        call, data = current_call(), request.mdtrtinfo
        information = VisitInformation(
            med_type=self._codes.med_type(data.med_type),
            local_med_type=data.local_med_type,
            begin_at=moment_of(data.begntime),
            dise_codg=data.dise_codg,
            dise_name=data.dise_name,
            exp_content=data.exp_content,
            business_date=call.business_date,
            diagnoses=diagnoses_told(request.desk, request.diseinfo),
        )
        told = {
            **told_of(data, TOLD_OF_VISIT),
            **main_diagnosis(request.diseinfo),
            "otp_diag_info": diagnosis_names(request.diseinfo),
        }
        answer = await self._encounters.describe_visit(
            kept_stamp_of(call, request, "mdtrtinfo"),
            name_of(VISIT, request.desk, data),
            information,
            call.now,
            revised(request.desk, call.now, told),
            b"",
        )
        return visit_pb2.UploadVisitResponse.FromString(answer)

    async def Admit(  # noqa: N802
        self, request: stay_pb2.AdmitRequest, context: Any
    ) -> stay_pb2.AdmitResponse:
        """2401."""
        call = current_call()
        sent = self._requests.admission(request, call)
        answer = await self._encounters.register(kept_stamp_of(call, request, "mdtrtinfo"), *sent)
        return stay_pb2.AdmitResponse.FromString(answer)

    async def CancelAdmission(  # noqa: N802
        self, request: stay_pb2.CancelAdmissionRequest, context: Any
    ) -> stay_pb2.CancelAdmissionResponse:
        """2404."""
        call = current_call()
        name = name_of(STAY, request.desk, request.data)
        await self._encounters.cancel(stamp_of(call, request), name, call.now, b"")
        return stay_pb2.CancelAdmissionResponse()

    async def Discharge(  # noqa: N802
        self, request: stay_pb2.DischargeRequest, context: Any
    ) -> stay_pb2.DischargeResponse:
        """2402."""
        call = current_call()
        sent = discharge_of(request, call)
        answer = await self._stays.discharge(kept_stamp_of(call, request, "dscginfo"), *sent, b"")
        return stay_pb2.DischargeResponse.FromString(answer)

    async def UndoDischarge(  # noqa: N802
        self, request: stay_pb2.UndoDischargeRequest, context: Any
    ) -> stay_pb2.UndoDischargeResponse:
        """2405."""
        call = current_call()
        name = name_of(STAY, request.desk, request.data)
        answer = await self._stays.undo_discharge(stamp_of(call, request), name, call.now, b"")
        return stay_pb2.UndoDischargeResponse.FromString(answer)

    async def ListEncounters(  # noqa: N802
        self, request: encounter_pb2.ListEncountersRequest, context: Any
    ) -> encounter_pb2.ListEncountersResponse:
        """5201."""
        now, data = current_call().now, request.data
        wanted = EncounterFilter(
            fixmedins_code=request.desk.fixmedins_code,
            psn_no=data.psn_no,
            begin=moment_of(data.begntime),
            end=moment_of(data.endtime),
            med_type=self._codes.med_type(data.med_type),
            local_med_type=data.local_med_type,
            mdtrt_id=data.mdtrt_id,
        )
        found = await self._encounters.listed(wanted)
        return encounter_pb2.ListEncountersResponse(
            mdtrtinfo=[information(self._codes, encounter, now) for encounter in found]
        )

    async def GetCareState(  # noqa: N802
        self, request: encounter_pb2.GetCareStateRequest, context: Any
    ) -> encounter_pb2.GetCareStateResponse:
        """When care began, whether it is settled, and who insures."""
        name = EncounterName("", request.mdtrt_id, request.fixmedins_code, request.psn_no)
        encounter, settled = await self._encounters.care(name)
        return encounter_pb2.GetCareStateResponse(
            begntime=moment_message(encounter.begin_at),
            settled=settled,
            mdtrtarea_admvs=encounter.mdtrtarea_admvs,
            insured_cell=encounter.insured_cell,
        )

    async def ListDiagnoses(  # noqa: N802
        self, request: diagnosis_pb2.ListDiagnosesRequest, context: Any
    ) -> diagnosis_pb2.ListDiagnosesResponse:
        """5202."""
        data = request.data
        name = EncounterName("", data.mdtrt_id, request.desk.fixmedins_code, data.psn_no)
        found = await self._diagnoses.listed(name)
        return diagnosis_pb2.ListDiagnosesResponse(diseinfo=[diagnosis_message(name, entry) for entry in found])
