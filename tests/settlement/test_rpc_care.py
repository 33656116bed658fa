"""Care of somebody whom another cell insures, on a running member whose identity knows nobody: asked of and kept by routing's
calls, and repeated by the institution's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from google.type.date_pb2 import Date

from services.kernel.errors import Fault, FaultKind
from tests.settlement.counter import SOMEBODY
from tests.settlement.counter_member import Reached, desk, member_in
from tests.settlement.test_rpc_encounters import EC, admission, fee, listing, registration, upload
from tests.settlement.world import insured
from yibao.settlement.v1 import (
    care_pb2,
    diagnosis_pb2,
    encounter_pb2,
    fee_pb2,
    insured_pb2,
    stay_pb2,
    visit_pb2,
)

THERE = "990200"
"""The insured cell."""
TOKEN = f"token:{SOMEBODY}:1"


@pytest.fixture
async def member(tmp_path: Path) -> AsyncIterator[Reached]:
    """The running member; its identity knows nobody."""
    async with member_in(tmp_path) as reached:
        reached.counter.identity.people.clear()
        yield reached


def told(cell: str = THERE, digest: str = "") -> care_pb2.InsuredElsewhere:
    """What the insured cell tells of somebody."""
    person = insured_pb2.Baseinfo(
        psn_no=SOMEBODY,
        psn_cert_type="01",
        certno="990000180001010017",
        psn_name="测试人",
        gend="1",
        naty="01",
        brdy=Date(year=1980, month=1, day=1),
    )
    enrolment = insured_pb2.Insuinfo(
        insutype="310",
        psn_type="11",
        psn_insu_stas="1",
        psn_insu_date=Date(year=2015, month=1, day=1),
        insuplc_admdvs="990201",
        emp_name="测试单位",
        cvlserv_flag=True,
    )
    return care_pb2.InsuredElsewhere(cell=cell, person=person, enrolment=enrolment, ec_token_digest=digest)


def visit_of(request: visit_pb2.RegisterVisitRequest, **insured_by: str) -> care_pb2.RegisterCareRequest:
    return care_pb2.RegisterCareRequest(visit=request, insured=told(**insured_by))


def stay_of(request: stay_pb2.AdmitRequest, mdtrt_id: str = "M1") -> care_pb2.RegisterCareRequest:
    return care_pb2.RegisterCareRequest(admission=request, insured=told(), mdtrt_id=mdtrt_id)


async def registered(member: Reached, request_id: str = "2201:1", **changes: Any) -> str:
    answer = await member.routed(member.care.RegisterCare, visit_of(registration(request_id, **changes)))
    return str(answer.visit.data.mdtrt_id)


async def admitted(member: Reached, mdtrt_id: str = "M1", request_id: str = "2401:1", **changes: Any) -> str:
    answer = await member.routed(member.care.RegisterCare, stay_of(admission(request_id, **changes), mdtrt_id))
    return str(answer.admission.result.mdtrt_id)


async def listed(member: Reached) -> list[encounter_pb2.EncounterInformation]:
    return list((await member.call(member.encounters.ListEncounters, listing())).mdtrtinfo)


async def ended(member: Reached, mdtrt_id: str) -> bool:
    answer = await member.routed(member.care.EndAdmission, care_pb2.EndAdmissionRequest(mdtrt_id=mdtrt_id))
    return bool(answer.registered)


async def test_what_the_insured_cell_tells_is_what_the_cell_of_care_keeps(member: Reached, tmp_path: Path) -> None:
    asked = registration(mdtrt_cert_type=EC, mdtrt_cert_no=TOKEN)
    assert (await member.fault(member.encounters.RegisterVisit, asked)).reason == "PERSON_NOT_FOUND"
    (tmp_path / "there").mkdir()
    async with member_in(tmp_path / "there") as there:
        answer = await there.routed(there.care.GetInsured, care_pb2.GetInsuredRequest(visit=asked))
        assert await there.routed(there.care.GetInsured, care_pb2.GetInsuredRequest(admission=admission()))
    assert (answer.insured.cell, answer.insured.ec_token_digest) == ("sandbox", f"digest of {TOKEN}")
    assert (answer.insured.person.psn_no, answer.insured.person.age) == (SOMEBODY, 45)
    assert (answer.insured.enrolment.insutype, answer.insured.enrolment.insuplc_admdvs) == ("310", "990100")
    answer.insured.cell = THERE
    request = care_pb2.RegisterCareRequest(visit=asked, insured=answer.insured)
    mdtrt_id = (await member.routed(member.care.RegisterCare, request)).visit.data.mdtrt_id
    kept = await member.counter.encounter(mdtrt_id)
    assert (kept.insured_cell, kept.psn_no, kept.insuplc_admdvs) == (THERE, SOMEBODY, "990100")
    assert (kept.ec_token_digest, kept.mdtrtarea_admvs) == (f"digest of {TOKEN}", "990100")


async def test_the_insured_cell_refuses_whom_it_would_refuse_at_its_own_counters(member: Reached) -> None:
    async def refusal(**changes: Any) -> Fault:
        request = care_pb2.GetInsuredRequest(visit=registration(**changes))
        return await member.refused(member.care.GetInsured, request)

    assert (await refusal()).reason == "PERSON_NOT_FOUND"
    person = insured(SOMEBODY)
    member.counter.identity.people[SOMEBODY] = person
    assert (await refusal(insutype="390")).reason == "NOT_ENROLLED"
    suspended = replace(person.enrolments[0], psn_insu_stas="2", from_day=date(2025, 1, 1))
    member.counter.identity.people[SOMEBODY] = replace(person, enrolments=(suspended,))
    assert (await refusal()).reason == "ENROLMENT_SUSPENDED"
    assert (await refusal(mdtrt_cert_no="")).kind is FaultKind.INVALID


async def test_a_repeat_of_either_registration_is_answered_by_the_unary_method_alone(member: Reached) -> None:
    mdtrt_id = await registered(member)
    again = await member.call(member.encounters.RegisterVisit, registration())
    assert (again.data.mdtrt_id, again.data.psn_no, again.cancelled) == (mdtrt_id, SOMEBODY, False)
    assert await registered(member) == mdtrt_id
    assert await admitted(member) == "M1"
    assert (await member.call(member.encounters.Admit, admission())).result.mdtrt_id == "M1"
    other = admission(ipt_no="Z9")
    assert await member.reason(member.encounters.Admit, other) == "REQUEST_ID_REUSED"
    assert (await member.refused(member.care.RegisterCare, stay_of(other))).reason == "REQUEST_ID_REUSED"


async def test_5201_tells_the_person_as_it_does_of_a_resident(member: Reached) -> None:
    mdtrt_id = await registered(member)
    (found,) = await listed(member)
    assert (found.mdtrt_id, found.psn_no, found.psn_name, found.certno) == (
        mdtrt_id,
        SOMEBODY,
        "测试人",
        "990000180001010017",
    )
    assert (found.gend, found.age, found.psn_type, found.emp_name, found.cvlserv_flag) == (
        "1",
        45,
        "11",
        "测试单位",
        True,
    )
    assert (found.insu_optins, found.insutype, found.adm_dept_name) == ("990200", "310", "内科")


async def test_an_open_visit_is_answered_again_and_keeps_its_insured_cell(member: Reached) -> None:
    mdtrt_id = await registered(member)
    shown = visit_of(registration("2201:2"), digest="of a second token")
    assert (await member.routed(member.care.RegisterCare, shown)).visit.data.mdtrt_id == mdtrt_id
    kept = await member.counter.encounter(mdtrt_id)
    assert (kept.insured_cell, kept.ec_token_digest) == (THERE, "of a second token")
    moved = visit_of(registration("2201:3"), cell="990300")
    fault = await member.refused(member.care.RegisterCare, moved)
    assert (fault.reason, fault.metadata["mdtrt_id"]) == ("VISIT_OPEN", mdtrt_id)
    member.counter.identity.people[SOMEBODY] = insured(SOMEBODY)
    assert await member.reason(member.encounters.RegisterVisit, registration("2201:4")) == "VISIT_OPEN"
    assert (await member.counter.encounter(mdtrt_id)).insured_cell == THERE


async def test_a_registration_that_this_cell_insures_itself_names_no_other_cell(member: Reached) -> None:
    request = visit_of(registration(), cell="sandbox")
    mdtrt_id = (await member.routed(member.care.RegisterCare, request)).visit.data.mdtrt_id
    assert (await member.counter.encounter(mdtrt_id)).insured_cell == ""


async def test_a_person_of_another_cell_lies_in_one_hospital_too(member: Reached) -> None:
    await admitted(member)
    fault = await member.refused(member.care.RegisterCare, stay_of(admission("2401:2"), "M2"))
    assert (fault.reason, fault.metadata) == ("STAY_OPEN", {"mdtrt_id": "M1"})


async def test_a_stay_needs_the_number_that_is_reserved_and_no_other_has(member: Reached) -> None:
    fault = await member.refused(member.care.RegisterCare, stay_of(admission(), ""))
    assert [each.path for each in fault.violations] == ["mdtrt_id"]
    mdtrt_id = await registered(member)
    fault = await member.refused(member.care.RegisterCare, stay_of(admission(), mdtrt_id))
    assert fault.reason == "REQUEST_ID_REUSED"


@pytest.mark.parametrize(
    ("path", "broken"),
    [
        ("insured.person.psn_no", {"psn_no": ""}),
        ("insured.person.brdy", {"brdy": None}),
        ("insured.enrolment.insutype", {"insutype": "390"}),
    ],
)
async def test_a_person_who_is_not_told_whole_is_refused(member: Reached, path: str, broken: dict[str, Any]) -> None:
    request = visit_of(registration())
    for name, value in broken.items():
        part: Any = request.insured.enrolment if name == "insutype" else request.insured.person
        part.ClearField(name)
        if value:
            setattr(part, name, value)
    assert [each.path for each in (await member.refused(member.care.RegisterCare, request)).violations] == [path]


async def test_an_admission_that_was_ended_before_it_came_is_refused_for_ever(member: Reached) -> None:
    assert not await ended(member, "M1")
    assert not await ended(member, "M1")
    for _ in range(2):
        fault = await member.refused(member.care.RegisterCare, stay_of(admission()))
        assert (fault.kind, fault.reason) == (FaultKind.PRECONDITION, "MESSAGE_VOIDED")
    assert await admitted(member, "M2") == "M2"
    assert await ended(member, "M2")
    assert (await member.counter.encounter("M2")).state == "open"


async def test_what_follows_a_visit_needs_nobody_who_knows_the_person(member: Reached) -> None:
    mdtrt_id = await registered(member)
    await member.call(member.encounters.UploadVisit, upload(mdtrt_id))
    await fee(member, mdtrt_id)
    cancelled = fee_pb2.CancelFeesRequest(
        request_id="2205:1",
        desk=desk(),
        data=fee_pb2.FeeCancellation(mdtrt_id=mdtrt_id, chrg_bchno="0000", psn_no=SOMEBODY),
    )
    request = visit_pb2.CancelVisitRequest(
        request_id="2202:1", desk=desk(), data=visit_pb2.VisitCancellation(mdtrt_id=mdtrt_id, psn_no=SOMEBODY)
    )
    assert await member.reason(member.encounters.CancelVisit, request) == "FEES_PRESENT"
    await member.call(member.fees.CancelFees, cancelled)
    data = diagnosis_pb2.DiagnosisQuery(mdtrt_id=mdtrt_id, psn_no=SOMEBODY)
    diagnoses = diagnosis_pb2.ListDiagnosesRequest(desk=desk(), data=data)
    (diagnosis,) = (await member.call(member.encounters.ListDiagnoses, diagnoses)).diseinfo
    assert diagnosis.diag_code == "I10.x00"
    assert [each.psn_name for each in await listed(member)] == ["测试人"]
    await member.call(member.encounters.CancelVisit, request)
    assert (await member.call(member.encounters.RegisterVisit, registration())).cancelled
    assert await listed(member) == []
