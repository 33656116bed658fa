"""5202 by both faces: what a hospital told of a visit and a stay comes back as rows."""

from __future__ import annotations

import httpx

from tests.mesh.hospital import rest
from tests.mesh.world import Sandbox
from tools.sandbox_keys import key_of


async def test_5202_tells_the_diagnoses_of_a_visit_by_both_faces(town: Sandbox) -> None:
    hospital = town.hospital
    (who,) = await town.newcomers.many(1)
    mdtrt_id = await hospital.register(who)
    named = {"mdtrt_id": mdtrt_id, "psn_no": who.psn_no}
    (told,) = (await hospital.done("5202", {"data": named}, home=who.home)).output["diseinfo"]
    sent = hospital.diagnosis(who)
    same = ("psn_no", "diag_type", "maindiag_flag", "diag_srt_no", "diag_code", "diag_name", "diag_dept", "diag_time")
    assert {name: told[name] for name in same} == {name: sent[name] for name in same}
    assert (told["mdtrt_id"], told["inout_diag_type"], told["opter_name"]) == (mdtrt_id, "1", "测试操作员")
    own = {"fixmedinsCode": hospital.code}
    asked = {"desk": own, "data": {"mdtrtId": mdtrt_id, "psnNo": who.psn_no}}
    (row,) = (await rest(hospital, "/v1/diagnoses:list", asked, key_of("institution", hospital.code)))["diseinfo"]
    assert (row["diagInfoId"], row["diagCode"]) == (told["diag_info_id"], told["diag_code"])
    refused = await hospital.http.post(
        "/v1/diagnoses:list",
        json={**asked, "data": {"mdtrtId": "0000", "psnNo": who.psn_no}},
        headers={"Authorization": f"Bearer {key_of('institution', hospital.code)}"},
    )
    assert refused.status_code == httpx.codes.NOT_FOUND
    answer = await hospital.send("5202", {"data": named | {"mdtrt_id": "0000"}}, home=who.home)
    assert answer.message.startswith("[ENCOUNTER_NOT_FOUND]")


async def test_5202_tells_admission_and_discharge_apart(town: Sandbox) -> None:
    hospital = town.hospital
    (who,) = await town.newcomers.many(1)
    mdtrt_id = await hospital.admit(who)
    await hospital.discharge(who, mdtrt_id)
    named = {"mdtrt_id": mdtrt_id, "psn_no": who.psn_no, "ipt_otp_no": "IP1"}
    told = (await hospital.done("5202", {"data": named}, home=who.home)).output["diseinfo"]
    assert [row["inout_diag_type"] for row in told] == ["1", "2"]
