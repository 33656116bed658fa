"""The credential decoder over real HTTP: its own form of request and answer, and the same code in the envelope (6101)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.kernel.errors import precondition
from tests.gateway.conftest import HOSPITAL, Scene, envelope
from yibao.identity.v1 import credential_pb2

SCAN = {"orgId": HOSPITAL, "businessType": "01301", "operatorId": "1", "ecQrCode": "Q" * 28}


def decoded(scene: Scene) -> None:
    """The code is good."""
    response = credential_pb2.DecodeCodeResponse()
    response.out_data.ec_token = "T1"
    response.out_data.user_name = "测试人员"
    scene.mesh.answers["DecodeCode"] = response


@pytest.mark.parametrize(
    "body",
    [
        {"orgId": HOSPITAL, "transType": "ec.query", "data": SCAN, "extra": {}},
        {"orgId": HOSPITAL, "transType": "ec.query", "data": json.dumps(SCAN)},
        {"orgId": HOSPITAL, "transType": "ec.query", "data": [SCAN]},
        {"data": SCAN},
        {"data": json.dumps(SCAN)},
    ],
)
async def test_the_local_form_is_served_with_its_own_answer(scene: Scene, body: dict[str, Any]) -> None:
    decoded(scene)
    answer = await scene.send(body, path="/localcfc/api/hsecfc/localQrCodeQuery")
    assert (answer["code"], answer["orgId"], answer["data"]["ecToken"]) == (0, HOSPITAL, "T1")
    asked = scene.mesh.calls("DecodeCode")[0].request.in_data
    assert (asked.org_id, asked.ec_qr_code) == (SCAN["orgId"], SCAN["ecQrCode"])


async def test_each_call_without_a_message_number_is_one_of_its_own(scene: Scene) -> None:
    decoded(scene)
    for _ in range(2):
        await scene.send({"transType": "ec.query", "orgId": HOSPITAL, "data": {"ecQrCode": "Q"}})
    first, second = scene.mesh.calls("DecodeCode")
    assert first.request.request_id != second.request.request_id
    assert first.request.in_data.org_id == HOSPITAL


async def test_its_refusal_has_its_own_form(scene: Scene) -> None:
    scene.mesh.answers["DecodeCode"] = precondition("CODE_USED")
    answer = await scene.send({"orgId": HOSPITAL, "transType": "ec.query", "data": SCAN})
    assert (answer["code"], answer["success"]) == (500159, False)
    assert answer["message"].startswith("[CODE_USED]")


@pytest.mark.parametrize("data", ["{", "[]", "7", '"text"', [SCAN, SCAN], "[" * 9000])
async def test_what_is_no_object_is_refused_in_its_form_by_its_path(scene: Scene, data: Any) -> None:
    answer = await scene.send({"orgId": HOSPITAL, "transType": "ec.query", "data": data})
    assert (answer["code"], answer["success"]) == (500159, False)
    assert "：data " in answer["message"]
    assert not scene.mesh.calls("DecodeCode")


async def test_a_call_that_names_no_institution_is_asked_for_it(scene: Scene) -> None:
    answer = await scene.send({"transType": "ec.query", "data": {"ecQrCode": "Q"}})
    assert (answer["code"], answer["success"]) == (500159, False)
    assert "：orgId " in answer["message"]
    assert not scene.mesh.calls("DecodeCode")


async def test_another_kind_of_call_is_refused_in_its_form(scene: Scene) -> None:
    answer = await scene.send({"orgId": HOSPITAL, "transType": "cn.nhsa.ec.auth", "data": SCAN})
    assert (answer["code"], answer["success"]) == (500159, False)


async def test_6101_takes_the_same_code_in_the_envelope(scene: Scene) -> None:
    decoded(scene)
    answer = await scene.send(envelope("6101", {"InData": SCAN}))
    assert answer["output"]["OutData"]["ecToken"] == "T1"
