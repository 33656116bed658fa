"""The RPCs of encounters on a running member: every method, who may call it, and every reason it documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from services.kernel.errors import Fault, FaultKind
from services.settlement.domain.care.encounters import EncounterFilter
from services.settlement.domain.care.insured import Identity
from tests.settlement.counter import ANOTHER, BEGIN, SOMEBODY
from tests.settlement.counter_member import ANY_PERSON, ELSEWHERE, HERE, OPERATOR, Reached, desk, member_in
from tests.settlement.test_operations_encounters import settle, spend
from tests.settlement.world import HOSPITAL, OTHER_HOSPITAL, insured
from yibao.common.v1 import codes_pb2
from yibao.settlement.v1 import common_pb2, encounter_pb2, fee_pb2, insured_pb2, stay_pb2, visit_pb2

ID_CARD = codes_pb2.MDTRT_CERT_TYPE_ID_CARD
EC = codes_pb2.MDTRT_CERT_TYPE_EC


@pytest.fixture
async def member(tmp_path: Path) -> AsyncIterator[Reached]:
    """The running member."""
    async with member_in(tmp_path) as reached:
        yield reached


def at(moment: datetime = BEGIN) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def registration(request_id: str = "2201:1", **changes: Any) -> visit_pb2.RegisterVisitRequest:
    data: dict[str, Any] = {
        "psn_no": SOMEBODY,
        "insutype": "310",
        "begntime": at(),
        "mdtrt_cert_type": ID_CARD,
        "mdtrt_cert_no": "990000180001010017",
        "ipt_otp_no": "N1",
        "dr_name": "医生",
        "dept_name": "内科",
    }
    data.update(changes)
    return visit_pb2.RegisterVisitRequest(request_id=request_id, desk=desk(), data=visit_pb2.VisitRegistration(**data))


def admission(request_id: str = "2401:1", **changes: Any) -> stay_pb2.AdmitRequest:
    data: dict[str, Any] = {
        "psn_no": SOMEBODY,
        "insutype": "310",
        "begntime": at(),
        "mdtrt_cert_type": ID_CARD,
        "mdtrt_cert_no": "990000180001010017",
        "med_type": codes_pb2.MED_TYPE_INPATIENT,
        "ipt_no": "Z1",
        "adm_bed": "12",
    }
    data.update(changes)
    return stay_pb2.AdmitRequest(request_id=request_id, desk=desk(), mdtrtinfo=stay_pb2.Admission(**data))


def stay_reference(mdtrt_id: str, psn_no: str = SOMEBODY) -> stay_pb2.StayReference:
    return stay_pb2.StayReference(mdtrt_id=mdtrt_id, psn_no=psn_no)


def insured_query(**changes: Any) -> insured_pb2.GetInsuredInfoRequest:
    data: dict[str, Any] = {"mdtrt_cert_type": EC, "mdtrt_cert_no": f"token:{SOMEBODY}:1", **changes}
    return insured_pb2.GetInsuredInfoRequest(desk=desk(), data=insured_pb2.InsuredQuery(**data))


async def visit(member: Reached) -> str:
    answer = await member.call(member.encounters.RegisterVisit, registration())
    return str(answer.data.mdtrt_id)


async def stay(member: Reached) -> str:
    answer = await member.call(member.encounters.Admit, admission())
    return str(answer.result.mdtrt_id)


async def fee(member: Reached, mdtrt_id: str, *, inpatient: bool = False) -> None:
    line = common_pb2.FeeLine(
        feedetl_sn="1", fee_ocur_time=at(), med_list_codg="A1", det_item_fee_sumamt_fen=1000, cnt="1", pric="10"
    )
    kind = fee_pb2.UploadStayFeesRequest if inpatient else fee_pb2.UploadFeesRequest
    method = member.fees.UploadStayFees if inpatient else member.fees.UploadFees
    request = kind(request_id="fee:1", desk=desk(), mdtrt_id=mdtrt_id, psn_no=SOMEBODY, feedetail=[line])
    await member.call(method, request)


async def test_1101_tells_the_person_with_enrolments_identities_and_balances(member: Reached) -> None:
    person = insured(SOMEBODY)
    held = Identity("2303", "dibao", date(2020, 1, 1), None, "低保")
    member.counter.identity.people[SOMEBODY] = replace(person, identities=(held,))
    answer = await member.call(member.encounters.GetInsuredInfo, insured_query())
    assert (answer.baseinfo.psn_no, answer.baseinfo.age) == (SOMEBODY, 45)
    (entry,) = answer.insuinfo
    assert (entry.insutype, entry.balc_fen, entry.insuplc_admdvs, entry.psn_insu_stas) == ("310", 0, "990100", "1")
    assert not entry.HasField("paus_insu_date")
    assert answer.idetinfo[0].begntime.ToDatetime(tzinfo=UTC) == datetime(2019, 12, 31, 16, tzinfo=UTC)
    assert (await member.call(member.encounters.GetInsuredInfo, insured_query(), OPERATOR)) == answer


async def test_1101_tells_since_when_an_enrolment_is_suspended(member: Reached) -> None:
    person = insured(SOMEBODY)
    suspended = replace(person.enrolments[0], psn_insu_stas="2", from_day=date(2025, 1, 1))
    member.counter.identity.people[SOMEBODY] = replace(person, enrolments=(suspended,))
    answer = await member.call(member.encounters.GetInsuredInfo, insured_query())
    assert answer.insuinfo[0].paus_insu_date.year == 2025


async def test_1101_refuses_a_spent_token_and_passes_on_what_identity_refuses(member: Reached) -> None:
    await spend(member.counter, f"digest of token:{SOMEBODY}:1")
    assert await member.reason(member.encounters.GetInsuredInfo, insured_query()) == "EC_TOKEN_SPENT"
    unknown = insured_query(mdtrt_cert_no="token:nobody:1")
    assert await member.reason(member.encounters.GetInsuredInfo, unknown) == "PERSON_NOT_FOUND"


async def test_1101_compares_a_name_that_was_sent(member: Reached) -> None:
    for name in ("", "测试人", " 测试人 ", "测试人\u3000"):
        assert (await member.call(member.encounters.GetInsuredInfo, insured_query(psn_name=name))).baseinfo.psn_no
    assert await member.reason(member.encounters.GetInsuredInfo, insured_query(psn_name="别人")) == "NAME_MISMATCH"


async def test_2001_tells_each_fund_and_why_one_does_not_pay(member: Reached) -> None:
    data = insured_pb2.BenefitQuery(
        psn_no=SOMEBODY,
        insutype="310",
        fixmedins_code=OTHER_HOSPITAL,
        med_type=codes_pb2.MED_TYPE_INPATIENT,
        begntime=at(),
    )
    request = insured_pb2.CheckBenefitRequest(desk=desk(), data=data)
    answer = await member.call(member.encounters.CheckBenefit, request)
    assert {row.fund_pay_type: row.trt_enjymnt_flag for row in answer.trtinfo}["310100"]
    data.insutype = "390"
    request = insured_pb2.CheckBenefitRequest(desk=desk(), data=data)
    (row,) = (await member.call(member.encounters.CheckBenefit, request)).trtinfo
    assert not row.trt_enjymnt_flag
    assert row.trt_chk_rslt.startswith("[NOT_ENROLLED] 该人员在2025-03-10未参加险种390")
    data.psn_no = "nobody"
    request = insured_pb2.CheckBenefitRequest(desk=desk(), data=data)
    assert await member.reason(member.encounters.CheckBenefit, request) == "PERSON_NOT_FOUND"
    data.psn_no, data.fixmedins_code = SOMEBODY, "H99010000009"
    request = insured_pb2.CheckBenefitRequest(desk=desk(), data=data)
    assert await member.reason(member.encounters.CheckBenefit, request) == "INSTITUTION_UNKNOWN"


async def test_2201_registers_once_and_repeats_the_answer(member: Reached) -> None:
    first = await member.call(member.encounters.RegisterVisit, registration())
    assert (first.data.psn_no, first.data.ipt_otp_no) == (SOMEBODY, "N1")
    again = registration()
    again.desk.sign_no = "S9"
    assert await member.call(member.encounters.RegisterVisit, again) == first
    assert await member.call(member.encounters.RegisterVisit, registration("2201:2")) == first
    other = registration(dr_name="别人")
    assert await member.reason(member.encounters.RegisterVisit, other) == "REQUEST_ID_REUSED"


async def test_2201_refuses_with_every_documented_reason(member: Reached) -> None:
    ask = member.encounters.RegisterVisit
    spent = f"token:{SOMEBODY}:1"
    await spend(member.counter, f"digest of {spent}")
    shown = registration(mdtrt_cert_type=EC, mdtrt_cert_no=spent)
    assert await member.reason(ask, shown) == "EC_TOKEN_SPENT"
    assert await member.reason(ask, registration(psn_no="nobody")) == "PERSON_NOT_FOUND"
    assert await member.reason(ask, registration(insutype="390")) == "NOT_ENROLLED"
    member.counter.catalogue.institutions.pop(HOSPITAL)
    assert await member.reason(ask, registration()) == "INSTITUTION_UNKNOWN"
    fault = await member.fault(ask, registration(ipt_otp_no=""))
    assert (fault.reason, fault.violations[0].path) == ("INVALID_REQUEST", "data.ipt_otp_no")


async def test_no_refusal_tells_anything_personal(member: Reached) -> None:
    fault = await member.fault(member.encounters.RegisterVisit, registration(insutype="390"))
    told = f"{fault.metadata}{[violation.description for violation in fault.violations]}"
    assert SOMEBODY not in told
    assert "990000180001010017" not in told


async def test_an_institution_speaks_for_itself_only(member: Reached) -> None:
    assert await member.reason(member.encounters.RegisterVisit, registration(), ELSEWHERE) == "CALLER_NOT_BOUND"
    assert await member.reason(member.encounters.RegisterVisit, registration(), OPERATOR) == "ROLE_NOT_ALLOWED"
    assert await member.reason(member.encounters.GetInsuredInfo, insured_query(), ANY_PERSON) == "ROLE_NOT_ALLOWED"


async def test_a_member_that_is_away_is_named(member: Reached) -> None:
    member.counter.identity.down = Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": "identity"})
    fault = await member.fault(member.encounters.RegisterVisit, registration())
    assert (fault.reason, fault.metadata) == ("PEER_UNAVAILABLE", {"member": "identity"})


async def test_2202_cancels_a_visit_without_fees_or_bills(member: Reached) -> None:
    mdtrt_id = await visit(member)
    await fee(member, mdtrt_id)

    def cancellation(request_id: str, psn_no: str = SOMEBODY) -> visit_pb2.CancelVisitRequest:
        data = visit_pb2.VisitCancellation(mdtrt_id=mdtrt_id, psn_no=psn_no)
        return visit_pb2.CancelVisitRequest(request_id=request_id, desk=desk(), data=data)

    ask = member.encounters.CancelVisit
    assert await member.reason(ask, cancellation("2202:1")) == "FEES_PRESENT"
    assert await member.reason(ask, cancellation("2202:1", ANOTHER)) == "ENCOUNTER_NOT_FOUND"
    await settle(member.counter, mdtrt_id)
    assert await member.reason(ask, cancellation("2202:1")) == "FEES_SETTLED"
    async with member.counter.database.write() as connection:
        await connection.exec_driver_sql("UPDATE fee_batch SET state = 'cancelled', setl_id = NULL")
    assert await member.call(ask, cancellation("2202:1")) == visit_pb2.CancelVisitResponse()
    assert await member.call(ask, cancellation("2202:1")) == visit_pb2.CancelVisitResponse()
    assert await member.call(ask, cancellation("2202:2")) == visit_pb2.CancelVisitResponse()
    assert await member.reason(ask, cancellation("2202:1", ANOTHER)) == "REQUEST_ID_REUSED"


def upload(mdtrt_id: str, request_id: str = "2203:1", **changes: Any) -> visit_pb2.UploadVisitRequest:
    data: dict[str, Any] = {
        "mdtrt_id": mdtrt_id,
        "psn_no": SOMEBODY,
        "med_type": codes_pb2.MED_TYPE_OUTPATIENT_CHRONIC,
        "begntime": at(),
        "main_cond_dscr": "头晕",
        "dise_codg": "M03900",
        "dise_name": "高血压",
        **changes,
    }
    diagnosis = common_pb2.Diagnosis(diag_code="I10.x00", diag_name="高血压", maindiag_flag="1")
    return visit_pb2.UploadVisitRequest(
        request_id=request_id,
        desk=desk(),
        mdtrtinfo=visit_pb2.VisitInformation(**data),
        diseinfo=[diagnosis],
    )


async def test_2203_describes_an_open_visit_and_5201_tells_it(member: Reached) -> None:
    mdtrt_id = await visit(member)
    await member.call(member.encounters.UploadVisit, upload(mdtrt_id))
    (told,) = (await member.call(member.encounters.ListEncounters, listing())).mdtrtinfo
    assert (told.mdtrt_id, told.med_type, told.dise_codg) == (mdtrt_id, codes_pb2.MED_TYPE_OUTPATIENT_CHRONIC, "M03900")
    assert (told.chfpdr_name, told.adm_dept_name, told.main_cond_dscr) == ("医生", "内科", "头晕")
    assert (told.dscg_maindiag_code, told.psn_name, told.age, told.inhosp_stas) == ("I10.x00", "测试人", 45, "0")
    assert (told.insu_optins, told.opter_id, told.otp_diag_info) == ("990100", "op1", "高血压")
    assert told.HasField("endtime")
    assert not told.HasField("birctrl_matn_date")
    day = Date(year=2026, month=3, day=9)
    again = upload(mdtrt_id, "2203:2", matn_type="1", birctrl_type="2", geso_val="20", birctrl_matn_date=day)
    await member.call(member.encounters.UploadVisit, again)
    (told,) = (await member.call(member.encounters.ListEncounters, listing())).mdtrtinfo
    assert (told.matn_type, told.birctrl_type, told.geso_val, told.birctrl_matn_date) == ("1", "2", "20", day)
    assert told.main_cond_dscr == "头晕"


async def test_2203_refuses_with_every_documented_reason(member: Reached) -> None:
    mdtrt_id = await visit(member)
    ask = member.encounters.UploadVisit
    assert await member.reason(ask, upload("M404")) == "ENCOUNTER_NOT_FOUND"
    await member.call(ask, upload(mdtrt_id))
    assert await member.reason(ask, upload(mdtrt_id, dise_name="别的")) == "REQUEST_ID_REUSED"
    inpatient = upload(mdtrt_id, "2203:3", med_type=codes_pb2.MED_TYPE_INPATIENT)
    assert await member.reason(ask, inpatient) == "MED_TYPE_MISMATCH"
    data = visit_pb2.VisitCancellation(mdtrt_id=mdtrt_id, psn_no=SOMEBODY)
    request = visit_pb2.CancelVisitRequest(request_id="2202:1", desk=desk(), data=data)
    await member.call(member.encounters.CancelVisit, request)
    assert await member.reason(ask, upload(mdtrt_id, "2203:2")) == "ENCOUNTER_STATE"


async def test_2401_admits_once_at_a_time(member: Reached) -> None:
    first = await member.call(member.encounters.Admit, admission())
    assert await member.call(member.encounters.Admit, admission()) == first
    fault = await member.fault(member.encounters.Admit, admission("2401:2"))
    assert (fault.reason, fault.metadata["mdtrt_id"]) == ("STAY_OPEN", first.result.mdtrt_id)
    assert await member.reason(member.encounters.Admit, admission(adm_bed="13")) == "REQUEST_ID_REUSED"


async def test_a_message_taken_back_before_it_came_is_refused(member: Reached) -> None:
    stamp = member.counter.stamp
    await member.counter.stays.reverse_admission(
        stamp("2601:1"), [stamp("2401:1")], SOMEBODY, member.counter.clock(), lambda void: b""
    )
    assert await member.reason(member.encounters.Admit, admission()) == "MESSAGE_VOIDED"


def discharge(mdtrt_id: str, request_id: str = "2402:1", **changes: Any) -> stay_pb2.DischargeRequest:
    data: dict[str, Any] = {
        "mdtrt_id": mdtrt_id,
        "psn_no": SOMEBODY,
        "insutype": "310",
        "endtime": at(BEGIN + timedelta(days=5)),
        "dscg_way": "1",
        **changes,
    }
    return stay_pb2.DischargeRequest(request_id=request_id, desk=desk(), dscginfo=stay_pb2.DischargeInformation(**data))


async def test_2402_and_2405_discharge_and_put_back(member: Reached) -> None:
    mdtrt_id = await stay(member)
    assert await member.reason(member.encounters.Discharge, discharge("M404")) == "ENCOUNTER_NOT_FOUND"
    await member.call(member.encounters.Discharge, discharge(mdtrt_id))
    (told,) = (await member.call(member.encounters.ListEncounters, listing())).mdtrtinfo
    assert (told.inhosp_stas, told.ipt_days, told.dscg_way, told.adm_bed) == ("0", 5, "1", "12")
    assert await member.reason(member.encounters.Discharge, discharge(mdtrt_id, "2402:2")) == "ENCOUNTER_STATE"
    assert await member.reason(member.encounters.Discharge, discharge(mdtrt_id, dscg_way="2")) == "REQUEST_ID_REUSED"

    def undo(request_id: str, number: str = mdtrt_id) -> stay_pb2.UndoDischargeRequest:
        return stay_pb2.UndoDischargeRequest(request_id=request_id, desk=desk(), data=stay_reference(number))

    ask = member.encounters.UndoDischarge
    assert await member.reason(ask, undo("2405:1", "M404")) == "ENCOUNTER_NOT_FOUND"
    await member.call(ask, undo("2405:1"))
    assert await member.reason(ask, undo("2405:1", "M404")) == "REQUEST_ID_REUSED"
    await member.call(ask, undo("2405:2"))
    (told,) = (await member.call(member.encounters.ListEncounters, listing())).mdtrtinfo
    assert told.inhosp_stas == "1"


async def test_2404_undoes_an_admission_without_fees(member: Reached) -> None:
    mdtrt_id = await stay(member)

    def undo(request_id: str, number: str = mdtrt_id) -> stay_pb2.CancelAdmissionRequest:
        return stay_pb2.CancelAdmissionRequest(request_id=request_id, desk=desk(), data=stay_reference(number))

    ask = member.encounters.CancelAdmission
    assert await member.reason(ask, undo("2404:1", "M404")) == "ENCOUNTER_NOT_FOUND"
    await fee(member, mdtrt_id, inpatient=True)
    assert await member.reason(ask, undo("2404:1")) == "FEES_PRESENT"
    rows = [fee_pb2.StayFeeReference(feedetl_sn="0000")]
    cancel = fee_pb2.CancelStayFeesRequest(
        request_id="2302:1", desk=desk(), mdtrt_id=mdtrt_id, psn_no=SOMEBODY, data=rows
    )
    await member.call(member.fees.CancelStayFees, cancel)
    await member.call(ask, undo("2404:1"))
    assert await member.reason(ask, undo("2404:1", "M404")) == "REQUEST_ID_REUSED"
    await member.call(ask, undo("2404:2"))


def listing(**changes: Any) -> encounter_pb2.ListEncountersRequest:
    data: dict[str, Any] = {
        "psn_no": SOMEBODY,
        "begntime": at(BEGIN - timedelta(days=1)),
        "endtime": at(BEGIN + timedelta(days=1)),
        **changes,
    }
    return encounter_pb2.ListEncountersRequest(desk=desk(), data=encounter_pb2.EncounterQuery(**data))


async def test_5201_tells_encounters_of_the_range_and_kind_only(member: Reached) -> None:
    mdtrt_id = await stay(member)
    ask = member.encounters.ListEncounters
    request = listing(med_type=codes_pb2.MED_TYPE_INPATIENT)
    (told,) = (await member.call(ask, request, HERE, BEGIN.date())).mdtrtinfo
    assert (told.mdtrt_id, told.inhosp_stas, told.ipt_days) == (mdtrt_id, "1", 1)
    assert not (await member.call(ask, listing(med_type=codes_pb2.MED_TYPE_PHARMACY))).mdtrtinfo
    assert not (await member.call(ask, listing(begntime=at(BEGIN + timedelta(hours=1))))).mdtrtinfo
    assert not (await member.call(ask, listing(psn_no=ANOTHER), HERE)).mdtrtinfo


async def test_the_business_date_of_the_call_is_its_now(member: Reached) -> None:
    begun = BEGIN.replace(year=2024, month=2, day=29)
    request = registration(begntime=at(begun))
    await member.call(member.encounters.RegisterVisit, request, HERE, date(2024, 2, 29))
    stored = await member.counter.encounters.listed(EncounterFilter(HOSPITAL, SOMEBODY, begun, begun))
    assert stored[0].created_at.date() == date(2024, 2, 29)


async def test_all_that_a_visit_told_is_kept_but_the_credential_it_was_shown_with(member: Reached) -> None:
    answer = await member.call(member.encounters.RegisterVisit, registration(card_sn="CODE-OF-A-CARD"))
    diagnoses = [common_pb2.Diagnosis(diag_type="1", diag_srt_no=str(n), diag_code=f"E11.90{n}") for n in (1, 2, 3)]
    visit = visit_pb2.VisitInformation(
        mdtrt_id=answer.data.mdtrt_id, psn_no=SOMEBODY, med_type=codes_pb2.MED_TYPE_OUTPATIENT, begntime=at()
    )
    request = visit_pb2.UploadVisitRequest(request_id="2203:1", desk=desk(), mdtrtinfo=visit, diseinfo=diagnoses)
    await member.call(member.encounters.UploadVisit, request)
    async with member.counter.encounters.writes.store.reading() as snapshot:
        told = await snapshot.entry(HOSPITAL, "2203:1")
        shown = await snapshot.entry(HOSPITAL, "2201:1")
    assert told is not None
    assert shown is not None
    kept = visit_pb2.UploadVisitRequest.FromString(told.stamp.content)
    assert [each.diag_code for each in kept.diseinfo] == ["E11.901", "E11.902", "E11.903"]
    assert visit_pb2.RegisterVisitRequest.FromString(shown.stamp.content).data.psn_no == SOMEBODY
    assert [secret for secret in (b"990000180001010017", b"CODE-OF-A-CARD") if secret in shown.stamp.content] == []
