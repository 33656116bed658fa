"""Mutual recognition through the whole mesh: 4501, 5461, 5401 and 5402 by the envelope, advice and decision by REST."""

from __future__ import annotations

import asyncio
from typing import Any

from services import mesh as table
from services.kernel.clock import BEIJING
from services.runtime.call import Caller, Role
from tests.imaging.entries import NODE, uid, upsert
from tests.mesh import journeys
from tests.mesh.hospital import Hospital, rest
from tests.mesh.world import Sandbox
from tools.played.messages import Patient
from tools.sandbox_keys import key_of
from yibao.imaging.v1 import entry_pb2, node_pb2, upload_pb2


async def listed(hospital: Hospital, psn_no: str) -> list[dict[str, Any]]:
    """What 5401 lists of a person."""
    answer = await hospital.done("5401", {"bilgiteminfo": {"psn_no": psn_no, "exam_item_code": journeys.CHEST_CT}})
    rows: list[dict[str, Any]] = answer.output["bilgiteminfo"]
    return rows


async def advised(hospital: Hospital, who: Patient) -> dict[str, Any]:
    """Advice for a chest CT."""
    plan = {"psnNo": who.psn_no, "itemCode": journeys.CHEST_CT, "bodyPart": "胸部", "drCodg": "D1"}
    asked = {"fixmedinsCode": hospital.code, **plan}
    told: dict[str, Any] = await rest(
        hospital, "/v1/imaging/recognitions:advise", asked, key_of("institution", hospital.code)
    )
    return told


async def test_a_report_is_found_once_the_person_agrees_and_not_before(town: Sandbox) -> None:
    who, hospital = await town.newcomers.one(), town.hospital
    assert await listed(hospital, who.psn_no) == await listed(hospital, "99000000000099999999") == []
    told = await journeys.recognition(hospital, who, await journeys.ec_code(hospital, who))
    assert told["4501"].output == {}
    grant = told["5461"].output["result"]
    assert grant["grant_no"].startswith("GS")
    assert grant["begntime"][:10] < grant["endtime"][:10]
    (row,) = told["5401"].output["bilgiteminfo"]
    assert (row["psn_no"], row["fixmedins_code"], row["exam_ccls"]) == (who.psn_no, hospital.code, None)
    assert "RECOGNITION_UNSURE" in told["5401"].body["warn_msg"]
    (report,) = told["5402"].output["checkreportdetails"]
    assert (report["rpotc_no"], report["exam_ccls"]) == (row["rpotc_no"], "右肺上叶磨玻璃结节")
    assert report["bilgDrName"] == "测试医师"
    assert told["5402"].output["inspectionreportinformation"] == told["5402"].output["inspectiondetails"] == []


async def test_an_advice_is_answered_recorded_and_counted(town: Sandbox) -> None:
    who, hospital, key = await town.newcomers.one(), town.hospital, key_of("institution", town.hospital.code)
    assert (await advised(hospital, who)).get("priors", []) == []
    await journeys.recognition(hospital, who, await journeys.ec_code(hospital, who))
    advice = await advised(hospital, who)
    (prior,) = advice["priors"]
    assert prior["verdict"] == "VERDICT_UNKNOWN"
    assert {"GROUND_ITEM_EQUAL", "GROUND_PART_EQUAL", "GROUND_IMAGE_OFFLINE"} <= set(prior["grounds"])
    named = {"fixmedinsCode": hospital.code, "adviceNo": advice["adviceNo"]}
    accepted = {**named, "requestId": f"accept-{advice['adviceNo']}", "accepted": {"reportNo": prior["reportNo"]}}
    await rest(hospital, "/v1/imaging/recognitions:decide", accepted, key)
    month = hospital.moment()[:7]
    asked = {"fixmedinsCode": hospital.code, "firstMonth": month}
    counted = await rest(hospital, "/v1/imaging/recognitions:count", asked, key)
    (told,) = counted["months"]
    assert told["month"] == month
    assert int(told["accepted"]) >= 1


async def test_a_marked_scan_of_another_hospital_whose_picture_a_node_serves_is_recognisable(town: Sandbox) -> None:
    who, hospital, day = await town.newcomers.one(), town.hospital, f"{town.clock().astimezone(BEIJING):%Y%m%d}"
    caller = Caller(Role.NODE, NODE.node_no, sandbox=True)
    node = node_pb2.Node(node_no=NODE.node_no, admdvs=NODE.admdvs, uscc=NODE.uscc, retrieve_roots=NODE.retrieve_roots)
    await town.mesh.call(
        "yibao.imaging.v1.NodeService.RegisterNode", node_pb2.RegisterNodeRequest(request_id="SD01", node=node)
    )
    made: dict[str, Any] = {
        "psn_no": who.psn_no,
        "fixmedins_code": "H99020000001",
        "study_date": day,
        "study_time": "",
        "recognition": entry_pb2.RECOGNITION_RANGE_NATION,
        "item_code": journeys.CHEST_CT,
    }
    request = upload_pb2.UploadEntriesRequest(node_no=NODE.node_no, entries=[upsert(1, 77, **made)])
    told = await town.mesh.call("yibao.imaging.v1.UploadService.UploadEntries", request, caller=caller)
    assert [each.rule for each in told.outcomes] == [""]
    heartbeat = node_pb2.HeartbeatRequest(node_no=NODE.node_no, retrieving=True)
    await town.mesh.call("yibao.imaging.v1.NodeService.Heartbeat", heartbeat, caller=caller)
    assert (await advised(hospital, who)).get("priors", []) == []
    shown = journeys.with_token(await journeys.ec_code(hospital, who))
    await hospital.done("5461", {"data": {"psn_no": who.psn_no, **shown}})
    while not (priors := (await advised(hospital, who)).get("priors", [])):  # noqa: ASYNC110  # nodes are known a second late
        await asyncio.sleep(0.1)
    (prior,) = priors
    assert (prior["studyUid"], prior["verdict"]) == (uid(77), "VERDICT_RECOGNISABLE")
    assert {"GROUND_RANGE_COVERS", "GROUND_IMAGE_READY"} <= set(prior["grounds"])
    (row,) = await listed(hospital, who.psn_no)
    assert (row["fixmedins_code"], row["rpotc_no"]) == ("H99020000001", None)


def test_billing_never_waits_for_recognition() -> None:
    """No member that bills calls imaging, and none whom it calls does."""
    reached, edge = set(table.settling()), set(table.settling())
    while edge:
        edge = {callee for name in edge for callee in table.callees_of(name)} - reached
        reached |= edge
    assert table.SETTLES in reached
    assert "imaging" not in reached
