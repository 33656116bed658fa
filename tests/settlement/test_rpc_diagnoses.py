"""5202: diagnoses as rows, told as they stand, on a running member."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.settlement.domain.care.diagnoses import Diagnosis, ToldDiagnosis
from tests.settlement.counter import BEGIN, SOMEBODY
from tests.settlement.counter_member import Reached, desk, member_in
from tests.settlement.test_rpc_encounters import admission, at, discharge, stay_reference, upload, visit
from yibao.settlement.v1 import common_pb2, diagnosis_pb2, stay_pb2


@pytest.fixture
async def member(tmp_path: Path) -> AsyncIterator[Reached]:
    async with member_in(tmp_path) as reached:
        yield reached


def row(code: str, **more: Any) -> common_pb2.Diagnosis:
    return common_pb2.Diagnosis(diag_code=code, diag_name=f"病{code}", diag_type="1", **more)


async def listed(member: Reached, mdtrt_id: str) -> Sequence[diagnosis_pb2.DiagnosisRecord]:
    query = diagnosis_pb2.DiagnosisQuery(mdtrt_id=mdtrt_id, psn_no=SOMEBODY)
    request = diagnosis_pb2.ListDiagnosesRequest(desk=desk(), data=query)
    return list((await member.call(member.encounters.ListDiagnoses, request)).diseinfo)


async def described(member: Reached, mdtrt_id: str, request_id: str, *rows: common_pb2.Diagnosis) -> None:
    request = upload(mdtrt_id, request_id)
    del request.diseinfo[:]
    request.diseinfo.extend(rows)
    await member.call(member.encounters.UploadVisit, request)


async def test_5202_tells_every_diagnosis_with_all_that_was_told_of_it(member: Reached) -> None:
    mdtrt_id = await visit(member)
    assert await listed(member, mdtrt_id) == []
    full = {"diag_dept": "内科", "dise_dor_no": "D1", "dise_dor_name": "医师", "adm_cond": "轻", "diag_time": at(BEGIN)}
    await described(
        member,
        mdtrt_id,
        "2203:1",
        row("J06.900", maindiag_flag="1", diag_srt_no="3", vali_flag="1", **full),
        row("I10.x00", diag_srt_no="甲"),
    )
    first, second = await listed(member, mdtrt_id)
    assert {name: getattr(first, name) for name in full} == full
    assert (first.mdtrt_id, first.psn_no, first.inout_diag_type) == (mdtrt_id, SOMEBODY, "1")
    assert (first.diag_type, first.maindiag_flag, first.diag_srt_no) == ("1", "1", "3")
    assert (first.diag_code, first.diag_name) == ("J06.900", "病J06.900")
    assert (first.opter_id, first.opter_name, first.HasField("opt_time")) == ("op1", "收费员", True)
    # An order that is no number is the row's place; a row that is not marked is no main diagnosis.
    assert (second.diag_srt_no, second.maindiag_flag, second.HasField("diag_time")) == ("2", "0", False)
    assert first.diag_info_id != second.diag_info_id


async def test_a_later_2203_replaces_what_an_earlier_one_told_and_one_without_diagnoses_does_not(
    member: Reached,
) -> None:
    mdtrt_id = await visit(member)
    await described(member, mdtrt_id, "2203:1", row("J06.900"), row("I10.x00"))
    await described(member, mdtrt_id, "2203:2", row("J18.900"), row("K29.500", vali_flag="0"))
    assert [each.diag_code for each in await listed(member, mdtrt_id)] == ["J18.900"]
    await described(member, mdtrt_id, "2203:3")
    assert [each.diag_code for each in await listed(member, mdtrt_id)] == ["J18.900"]
    # The same message again leaves what stands.
    await described(member, mdtrt_id, "2203:1", row("J06.900"), row("I10.x00"))
    assert [each.diag_code for each in await listed(member, mdtrt_id)] == ["J18.900"]


async def test_those_of_a_discharge_stand_behind_those_of_the_admission_until_it_is_undone(member: Reached) -> None:
    request = admission()
    request.diseinfo.append(row("J18.900"))
    mdtrt_id = (await member.call(member.encounters.Admit, request)).result.mdtrt_id

    async def leave(number: int, *rows: common_pb2.Diagnosis) -> None:
        leaving = discharge(mdtrt_id, f"2402:{number}")
        leaving.diseinfo.extend(rows)
        await member.call(member.encounters.Discharge, leaving)

    async def stands() -> list[tuple[str, str]]:
        return [(each.inout_diag_type, each.diag_code) for each in await listed(member, mdtrt_id)]

    await leave(1, row("J15.900", maindiag_flag="1"))
    assert await stands() == [("1", "J18.900"), ("2", "J15.900")]
    undo = stay_pb2.UndoDischargeRequest(request_id="2405:1", desk=desk(), data=stay_reference(mdtrt_id))
    await member.call(member.encounters.UndoDischarge, undo)
    assert await stands() == [("1", "J18.900")]
    await leave(2, row("J16.800"))
    assert await stands() == [("1", "J18.900"), ("2", "J16.800")]


async def test_an_encounter_of_somebody_else_or_elsewhere_is_not_found(member: Reached) -> None:
    mdtrt_id = await visit(member)
    ask = member.encounters.ListDiagnoses
    for number, psn_no in (("M404", SOMEBODY), (mdtrt_id, "P404")):
        query = diagnosis_pb2.DiagnosisQuery(mdtrt_id=number, psn_no=psn_no)
        request = diagnosis_pb2.ListDiagnosesRequest(desk=desk(), data=query)
        assert await member.reason(ask, request) == "ENCOUNTER_NOT_FOUND"
    blank = diagnosis_pb2.ListDiagnosesRequest(desk=desk(), data=diagnosis_pb2.DiagnosisQuery(mdtrt_id=mdtrt_id))
    fault = await member.fault(ask, blank)
    assert [each.path for each in fault.violations] == ["data.psn_no"]


@pytest.mark.parametrize(
    ("sent", "shown"), [("1", "1"), ("10", "10"), ("", "7"), ("一", "7"), ("-1", "7"), ("1.5", "7"), ("²", "7")]
)
def test_an_order_that_is_no_number_is_the_place_of_the_row(sent: str, shown: str) -> None:
    told = ToldDiagnosis("1", "", sent, "J06.900", "", "", "", "", "", None, "")
    assert Diagnosis("D1", "M1", "visit", 7, told, BEGIN, "", "").diag_srt_no == shown
