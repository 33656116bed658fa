"""Filings as hospitals, operators and persons see them, through the whole mesh."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.kernel.clock import BEIJING
from services.runtime.call import Caller, Role
from tests.mesh import journeys
from tests.mesh.harness import OPERATOR_KEY
from tests.mesh.hospital import rest
from tests.mesh.world import Sandbox
from tools.played.messages import patient_of
from tools.played.people import person, person_record
from yibao.identity.v1 import person_pb2
from yibao.settlement.v1 import encounter_pb2

ROUTING = Caller(Role.SERVICE, "routing", sandbox=True)
ELSEWHERE = "990200"
OPERATOR = {"Authorization": f"Bearer {OPERATOR_KEY}"}


async def test_a_referral_is_made_looked_up_and_withdrawn(town: Sandbox) -> None:
    who = await town.newcomers.one()
    told = await journeys.filings(town.hospital, who)
    (row,) = told["5304"].output["refmedin"]
    assert row["trt_dcla_detl_sn"] == told["2501"].output["result"]["trt_dcla_detl_sn"]
    assert (row["psn_name"], row["certno"], row["reflin_medins_no"]) == (who.name, who.certno, "H11010500901")
    assert (row["out_flag"], row["insu_optins"], row["refl_rea"]) == ("1", "990100", "病情需要")
    assert not told["5304 after"].output["refmedin"]


async def test_a_stay_that_is_not_settled_is_filed_from_its_admission_on(town: Sandbox) -> None:
    hospital, invented = town.hospital, person(7_700)
    record = person_record(invented)
    record.enrolments[0].insuplc_admdvs = ELSEWHERE
    registration = person_pb2.RegisterPersonsRequest(request_id="of-elsewhere", persons=[record])
    await town.mesh.call("yibao.identity.v1.PersonService.RegisterPersons", registration)
    who = patient_of(invented)
    admitted = hospital.clock().astimezone(BEIJING) - timedelta(9)
    nodes = hospital.admission(who)
    nodes["mdtrtinfo"] = {**dict(nodes["mdtrtinfo"]), "begntime": f"{admitted:%Y-%m-%d %H:%M:%S}"}  # type: ignore[call-overload]
    answer = await hospital.done("2401", nodes, home=ELSEWHERE)
    mdtrt_id = answer.output["result"]["mdtrt_id"]
    body = {
        "psnNo": who.psn_no,
        "kind": "FILING_KIND_TEMPORARY",
        "careAdmdvs": "990100",
        "filedFrom": {"year": admitted.year, "month": admitted.month, "day": admitted.day},
    }
    late = await hospital.http.post("/v1/filings", json={"requestId": "late", **body}, headers=OPERATOR)
    assert late.json()["error"]["details"][0]["reason"] == "FILING_TOO_LATE", late.text
    care = {"fixmedinsCode": hospital.code, "mdtrtId": mdtrt_id}
    made = await rest(hospital, "/v1/filings", {"requestId": "back-dated", **body, "care": care})
    assert made["filing"]["filedBy"] == "operator"
    found = await rest(hospital, "/v1/filings:find", {"psnNo": who.psn_no, "careAdmdvs": "990100"})
    assert found["filing"]["filingNo"] == made["filing"]["filingNo"]


async def test_care_says_when_it_began_and_whether_a_settlement_of_it_stands(town: Sandbox) -> None:
    hospital, who = town.hospital, await town.newcomers.one()
    node = await hospital.open_visit(who, journeys.BILL)

    async def state() -> encounter_pb2.GetCareStateResponse:
        asked = encounter_pb2.GetCareStateRequest(
            fixmedins_code=hospital.code, mdtrt_id=node["mdtrt_id"], psn_no=who.psn_no
        )
        return await town.mesh.call(  # type: ignore[no-any-return]  # of that method
            "yibao.settlement.v1.EncounterService.GetCareState", asked, caller=ROUTING
        )

    before = await state()
    assert (before.settled, before.mdtrtarea_admvs) == (False, "990100")
    assert before.begntime.ToDatetime(BEIJING) <= datetime.now(BEIJING)
    settled = await hospital.settle(node)
    assert (await state()).settled
    info = settled.answer.output["setlinfo"]
    await hospital.done("2208", {"data": {name: info[name] for name in ("setl_id", "mdtrt_id", "psn_no")}})
    assert not (await state()).settled
