"""A vendor asks for the list: everything that is lenient or wrong in a message, and nothing is done about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.gateway.conftest import HOSPITAL, Scene, envelope
from tests.gateway.test_lenience import LINE, VISIT, without
from yibao.options.v1 import options_pb2

PATH = "/v1/envelopes:check"
Told = list[tuple[str, str, str]]


async def findings(scene: Scene, body: Any, **options: Any) -> list[dict[str, str]]:
    """The findings of one message, given as an object or as bytes."""
    given = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = await scene.client.post(PATH, **given, **options)
    assert answer.status_code == 200, answer.text
    return list(answer.json().get("findings", []))


async def told(scene: Scene, body: Any) -> Told:
    """Level, path and rule of each."""
    return [(each["level"], each["path"], each["rule"]) for each in await findings(scene, body)]


async def test_a_message_without_a_fault_has_none_and_nothing_is_called(scene: Scene) -> None:
    assert await findings(scene, envelope("2204", {"feedetail": [LINE]})) == []
    assert scene.mesh.asked == []


async def test_all_of_it_is_told_in_every_row_what_is_wrong_first(scene: Scene) -> None:
    rows = [{**without(LINE, "bilg_dr_name", "pric"), "cnt": "many"}, without(LINE, "bilg_dr_name", "mdtrt_id")]
    body = envelope("2204", {"feedetail": rows}, infver="", sign_no="", fixmedins_code="H9901000000100")
    assert await told(scene, body) == [
        ("WRONG", "feedetail[0].cnt", "national.number"),
        ("WRONG", "fixmedins_code", "string.max_len"),
        ("WRONG", "feedetail[0].pric", "string.pattern"),
        ("LENIENT", "feedetail[0].bilg_dr_name", "lenient.required"),
        ("LENIENT", "feedetail[1].bilg_dr_name", "lenient.required"),
        ("LENIENT", "feedetail[1].mdtrt_id", "lenient.required"),
        ("LENIENT", "infver", "lenient.required"),
        ("LENIENT", "msgid", "lenient.msgid_foreign"),
        ("LENIENT", "sign_no", "lenient.sign_in"),
    ]
    assert scene.mesh.asked == []


async def test_more_than_twenty_are_told(scene: Scene) -> None:
    rows = [{**LINE, "feedetl_sn": str(number), "cnt": "many"} for number in range(60)]
    assert len(await told(scene, envelope("2204", {"feedetail": rows}))) == 60


async def test_a_finding_says_what_it_is_and_what_to_do_in_both_languages(scene: Scene) -> None:
    (found,) = await findings(scene, envelope("2201", {"data": {**VISIT, "dept_nmae": "x"}}))
    assert found == {
        "path": "data.dept_nmae",
        "level": "LENIENT",
        "rule": "lenient.unknown_similar",
        "chinese": "不是规范中的字段，未读取，是否应为dept_name",
        "english": "is no field of the national text and was not read; did you mean dept_name?",
        "stepChinese": "请核对字段名，不需要时删去",
        "stepEnglish": "Check its name, or leave it out",
    }


async def test_a_blank_that_is_needed_is_told_as_blank_in_both_languages(scene: Scene) -> None:
    told_of = {each["path"]: each for each in await findings(scene, envelope("2207", {"data": {"psn_no": "1"}}))}
    assert (told_of["data.insutype"]["chinese"], told_of["data.insutype"]["english"]) == ("必填", "is required")
    assert "取值不符合要求" not in {each["chinese"] for each in told_of.values()}


@pytest.mark.parametrize(
    ("body", "path", "rule"),
    [
        (b'{"infno": "1101", }', "body", "body."),
        (b"", "body", "body."),
        (b'["1101"]', "body", "body."),
        (b'{"input": {"data": 1}}', "infno", "national.required"),
        (b'{"infno": "0000", "input": {}}', "infno", "INFNO_UNKNOWN"),
        (b'{"infno": "3101", "input": {}}', "infno", "INFNO_NOT_SERVED"),
        (b'{"infno": "1101", "input": "{"}', "input", "body."),
    ],
)
async def test_what_is_no_message_is_told_as_its_refusal_would(scene: Scene, body: bytes, path: str, rule: str) -> None:
    (found,) = await findings(scene, body)
    assert (found["level"], found["path"]) == ("WRONG", path)
    assert found["rule"].startswith(rule)
    assert found["chinese"]
    assert found["english"]
    assert "{" not in found["chinese"] + found["english"]


async def test_what_writes_needs_a_number_and_an_institution(scene: Scene) -> None:
    wrong = await told(scene, envelope("2201", {"data": VISIT}, msgid="", fixmedins_code=""))
    assert [path for level, path, _ in wrong if level == "WRONG"] == ["fixmedins_code", "msgid"]


class TestWhoMayAsk:
    BODY: Mapping[str, Any] = envelope("2201", {"data": VISIT})

    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"YIBAO_SANDBOX": "off"}

    @pytest.mark.parametrize(
        ("role", "status"),
        [
            (None, 401),
            (options_pb2.ROLE_PERSON, 403),
            (options_pb2.ROLE_CHANNEL, 403),
            (options_pb2.ROLE_INSTITUTION, 200),
            (options_pb2.ROLE_OPERATOR, 200),
        ],
    )
    async def test_outside_a_sandbox_an_institution_or_an_operator_with_a_key(
        self, scene: Scene, role: int | None, status: int
    ) -> None:
        scene.keys["key-1"] = (role or 0, HOSPITAL)
        headers = {"Authorization": "Bearer key-1"} if role else {}
        answer = await scene.client.post(PATH, json=self.BODY, headers=headers)
        assert answer.status_code == status, answer.text


async def test_it_stands_in_the_openapi_document_with_its_answer(scene: Scene) -> None:
    operation = (await scene.client.get("/openapi.json")).json()["paths"][PATH]["post"]
    assert operation["operationId"] == "EnvelopeService_CheckEnvelope"
    assert operation["x-roles"] == ["institution", "operator"]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {"type": "object"}
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith(
        "CheckEnvelopeResponse"
    )
    assert all(each.get("name") != "message" for each in operation["parameters"])
