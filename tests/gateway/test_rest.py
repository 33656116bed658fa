"""The REST face over real HTTP: routes, keys, roles, fields by path, and problems that say what to do."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from gateway.rest import Routes
from services.kernel.errors import Fault, FaultKind, Violation, denied
from services.runtime.call import Role
from services.runtime.contract import Contract
from tests.gateway.conftest import HOSPITAL, Scene
from yibao.catalogue.v1 import catalogue_pb2
from yibao.identity.v1 import person_pb2
from yibao.options.v1 import options_pb2
from yibao.settlement.v1 import settlement_pb2

KEYS = {
    "operator-key": (options_pb2.ROLE_OPERATOR, "OP990100"),
    "person-key": (options_pb2.ROLE_PERSON, "99010000000001"),
    "hospital-key": (options_pb2.ROLE_INSTITUTION, HOSPITAL),
    "member-key": (options_pb2.ROLE_SERVICE, "settlement"),
}


def bearer(key: str) -> dict[str, str]:
    """The header of a key."""
    return {"authorization": f"Bearer {key}"}


@pytest.fixture
def rest(scene: Scene) -> Scene:
    """A scene with a key of each role."""
    scene.keys.update(KEYS)
    return scene


def details(body: Any) -> dict[str, Any]:
    """The details of a problem by type; localized messages by locale."""
    return {
        (each["locale"] if each["@type"].endswith("LocalizedMessage") else each["@type"].rpartition(".")[2]): each
        for each in body["error"]["details"]
    }


class TestCalls:
    async def test_a_key_calls_in_its_own_name(self, rest: Scene) -> None:
        answer = person_pb2.GetPersonResponse()
        answer.record.person.psn_no = "99010000000001"
        rest.mesh.answers["GetPerson"] = answer
        found = await rest.client.post(
            "/v1/persons:get", json={"psnNo": "99010000000001"}, headers=bearer("person-key")
        )
        assert found.status_code == 200
        assert found.json()["record"]["person"]["psnNo"] == "99010000000001"
        (asked,) = rest.mesh.calls("GetPerson")
        assert (asked.caller.role, asked.caller.subject) == (Role.PERSON, "99010000000001")

    async def test_both_spellings_of_a_field_are_read_and_int64_is_text(self, rest: Scene) -> None:
        def settled(request: settlement_pb2.SettleRequest) -> settlement_pb2.SettleResponse:
            response = settlement_pb2.SettleResponse()
            response.setlinfo.medfee_sumamt_fen = request.data.medfee_sumamt_fen
            return response

        rest.mesh.answers["Settle"] = settled
        body = {
            "request_id": "R1",
            "desk": {"fixmedinsCode": HOSPITAL},
            "data": {"medfeeSumamtFen": "1000", "med_type": "MED_TYPE_OUTPATIENT"},
        }
        found = await rest.client.post("/v1/settlements", json=body, headers=bearer("hospital-key"))
        assert found.json()["setlinfo"]["medfeeSumamtFen"] == "1000"
        assert found.json()["setlinfo"]["psnCashPayFen"] == "0"
        assert rest.mesh.batches == [1]

    async def test_what_is_public_needs_no_key(self, rest: Scene) -> None:
        rest.mesh.answers["GetHead"] = catalogue_pb2.GetHeadResponse(head="abc")
        assert (await rest.client.get("/v1/catalogue/head")).json() == {"head": "abc"}
        assert rest.mesh.calls("GetHead")[0].caller.role is Role.PUBLIC

    async def test_path_and_query_fill_the_request(self, rest: Scene) -> None:
        await rest.client.get("/v1/items/X%2FA-1?day=2025-01-31&admdvs=990100&hospLv=1%201")
        request = rest.mesh.calls("GetItem")[0].request
        assert (request.med_list_codg, request.admdvs, request.hosp_lv) == ("X/A-1", "990100", "1 1")
        assert (request.day.year, request.day.month, request.day.day) == (2025, 1, 31)

    @pytest.mark.parametrize(
        ("before", "after"), [("", " "), (" ", "\r\n"), ("\u3000", "\u00a0"), ("\t", "\u200b"), ("\ufeff", "\x00")]
    )
    async def test_blanks_at_the_ends_are_no_part_of_any_value(self, rest: Scene, before: str, after: str) -> None:
        def padded(value: str) -> str:
            return f"{before}{value}{after}"

        line = {"medListCodg": "X 1", "medinsListCodg": "Y1", "cnt": "1.5", "detItemFeeSumamtFen": "-100"}
        row = {name: padded(value) for name, value in line.items()} | {
            "feeOcurTime": padded("2026-01-05T09:05:03+08:00")
        }
        body = {"requestId": padded("R1"), "mdtrtId": padded("M1"), "psnNo": padded("1"), "feedetail": [row]}
        assert (await rest.client.post("/v1/visits/fees:upload", json=body, headers=bearer("hospital-key"))).is_success
        asked = rest.mesh.calls("UploadFees")[0].request
        assert (asked.request_id, asked.mdtrt_id, asked.psn_no) == ("R1", "M1", "1")
        (read,) = asked.feedetail
        assert (read.med_list_codg, read.medins_list_codg, read.cnt, read.det_item_fee_sumamt_fen) == (
            "X 1",
            "Y1",
            "1.5",
            -100,
        )
        assert read.fee_ocur_time.ToJsonString() == "2026-01-05T01:05:03Z"
        where = {"day": padded("2025-01-31"), "admdvs": padded("990100")}
        await rest.client.get(f"/v1/items/{quote(padded('A1'), safe='')}", params=where)
        item = rest.mesh.calls("GetItem")[0].request
        assert (item.med_list_codg, item.admdvs, item.day.day) == ("A1", "990100", 31)
        settled = {"data": {"medType": padded("MED_TYPE_OUTPATIENT")}}
        found = await rest.client.post("/v1/settlements", json=settled, headers=bearer("hospital-key"))
        assert "json.enum" not in found.text

    @pytest.mark.parametrize("code", ["1", " 1", "11", "01", "1.0", "-1"])
    async def test_a_code_of_the_dictionary_is_not_read_as_the_number_of_another(self, rest: Scene, code: str) -> None:
        """The number 1 says that the account is not used, the code "1" that it is."""
        bill = {"data": {"acctUsedFlag": code}}
        found = await rest.client.post("/v1/settlements", json=bill, headers=bearer("hospital-key"))
        told = [each for detail in found.json()["error"]["details"] for each in detail.get("fieldViolations", ())]
        assert [each["reason"] for each in told if each["field"].endswith("acctUsedFlag")] == ["json.enum"]
        (named,) = [each["description"] for each in told if each["field"].endswith("acctUsedFlag")]
        assert "UNSPECIFIED" not in named
        assert rest.mesh.calls("Settle") == []

    async def test_what_is_blanks_alone_is_absent(self, rest: Scene) -> None:
        await rest.client.post("/v1/persons:get", json={"psnNo": " \u3000"}, headers=bearer("operator-key"))
        assert rest.mesh.calls("GetPerson")[0].request.psn_no == ""

    async def test_a_nested_field_has_a_dotted_parameter(self, rest: Scene) -> None:
        await rest.client.get("/v1/institutions?medinsinfo.fixmedins_name=测试", headers=bearer("operator-key"))
        assert rest.mesh.calls("SearchInstitutions")[0].request.medinsinfo.fixmedins_name == "测试"

    async def test_a_sandbox_key_chooses_its_day(self, rest: Scene) -> None:
        headers = bearer("operator-key") | {"X-Yibao-Business-Date": "2024-02-29"}
        await rest.client.post("/v1/persons:get", json={"psnNo": "1"}, headers=headers)
        assert rest.mesh.calls("GetPerson")[0].business_date == "2024-02-29"

    @pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2024-02-30"])
    async def test_a_day_on_which_nothing_can_be_decided_is_refused_by_its_header(self, rest: Scene, day: str) -> None:
        headers = bearer("operator-key") | {"X-Yibao-Business-Date": day}
        found = await rest.client.post("/v1/persons:get", json={"psnNo": "1"}, headers=headers)
        assert found.status_code == 400
        (broken,) = details(found.json())["BadRequest"]["fieldViolations"]
        assert broken["field"] == "X-Yibao-Business-Date"
        assert not rest.mesh.calls("GetPerson")

    async def test_a_blank_day_is_no_day(self, rest: Scene) -> None:
        headers = bearer("operator-key") | {"X-Yibao-Business-Date": ""}
        found = await rest.client.post("/v1/persons:get", json={"psnNo": "1"}, headers=headers)
        assert found.status_code == 200
        assert not rest.mesh.calls("GetPerson")[0].business_date

    async def test_a_key_is_asked_about_once(self, rest: Scene) -> None:
        for _ in range(5):
            await rest.client.post("/v1/persons:get", json={"psnNo": "1"}, headers=bearer("operator-key"))
        assert len([each for each in rest.mesh.calls("ResolvePartner") if each.request.api_key_digest]) == 1


class TestProblems:
    async def test_a_refusal_is_told_with_reason_and_texts_in_both_languages(self, rest: Scene) -> None:
        rest.mesh.answers["GetPerson"] = denied("SANDBOX_ONLY", what="x")
        found = await rest.client.post("/v1/persons:get", json={"psnNo": "1"}, headers=bearer("operator-key"))
        assert found.status_code == 403
        error = found.json()["error"]
        assert (error["code"], error["status"]) == (403, "PERMISSION_DENIED")
        told = details(found.json())
        assert told["ErrorInfo"] == {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "SANDBOX_ONLY",
            "domain": "yibao",
            "metadata": {"what": "x"},
        }
        assert "沙箱" in told["zh-CN"]["message"]
        assert "sandbox" in told["en-US"]["message"]

    async def test_broken_fields_are_all_named_by_path(self, rest: Scene) -> None:
        body = {"requestId": 7, "desk": {"nobody": 1}, "data": {"medfeeSumamtFen": "1.5", "medType": "NO"}}
        found = await rest.client.post("/v1/settlements", json=body, headers=bearer("hospital-key"))
        assert found.status_code == 400
        fields = [each["field"] for each in details(found.json())["BadRequest"]["fieldViolations"]]
        assert fields == ["requestId", "desk.nobody", "data.medfeeSumamtFen", "data.medType"]

    @pytest.mark.parametrize(
        ("body", "named"),
        [
            ({"requestId": "1", "data": {"psnNo": "1"}}, "data.mdtrtId"),
            ({"request_id": "1", "data": {"psn_no": "1"}}, "data.mdtrt_id"),
            ({"requestId": "1", "data": {"mdtrt_id": "1"}}, "data.mdtrt_id"),
            ({}, "data.mdtrtId"),
            ({"data": {}}, "data.mdtrtId"),
            ({"desk": {"opter_name": "x"}}, "data.mdtrt_id"),
        ],
    )
    async def test_fields_are_named_as_the_client_writes_them(
        self, rest: Scene, body: dict[str, Any], named: str
    ) -> None:
        broken = [Violation("data.mdtrt_id", "string.min_len")]
        rest.mesh.answers["Settle"] = Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=broken)
        found = await rest.client.post("/v1/settlements", json=body, headers=bearer("hospital-key"))
        (violation,) = details(found.json())["BadRequest"]["fieldViolations"]
        assert violation["field"] == named

    async def test_violations_of_a_member_come_through(self, rest: Scene) -> None:
        broken = [Violation("psn_no", "string.min_len", "must be at least 4 characters", {"limit": "4"})]
        rest.mesh.answers["GetPerson"] = Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=broken)
        found = await rest.client.post("/v1/persons:get", json={}, headers=bearer("operator-key"))
        (violation,) = details(found.json())["BadRequest"]["fieldViolations"]
        assert (violation["field"], violation["reason"]) == ("psnNo", "string.min_len")
        assert violation["localizedMessage"]["message"] == "至少4个字符"

    @pytest.mark.parametrize(("body", "named"), [({"psnNo": "1"}, "psnNo"), ({"psn_no": "1"}, "psn_no"), ({}, "psnNo")])
    async def test_a_field_that_a_refusal_names_in_its_text_is_spelt_as_it_came(
        self, rest: Scene, body: dict[str, Any], named: str
    ) -> None:
        rest.mesh.answers["ListOwnSettlements"] = denied("CALLER_NOT_BOUND", field="psn_no")
        found = await rest.client.post("/v1/own/settlements:list", json=body, headers=bearer("person-key"))
        told = details(found.json())
        assert told["ErrorInfo"]["metadata"]["field"] == named
        assert found.json()["error"]["message"] == f"The field {named} does not name the caller"
        assert told["zh-CN"]["message"].startswith(f"字段{named}与调用方身份不一致")

    async def test_waiting_is_told_where_it_helps(self, rest: Scene) -> None:
        rest.mesh.answers["RegisterPersons"] = Fault(
            FaultKind.EXHAUSTED, "QUEUE_FULL", {"queue": "x"}, retry_after_s=1.5
        )
        found = await rest.client.post("/v1/persons:register", json={}, headers=bearer("operator-key"))
        assert found.status_code == 429
        assert found.headers["retry-after"] == "2"
        assert details(found.json())["RetryInfo"]["retryDelay"] == "1.500s"

    async def test_a_bug_of_a_member_is_500_with_an_error_id(self, rest: Scene) -> None:
        rest.mesh.answers["GetPerson"] = RuntimeError("boom")
        found = await rest.client.post("/v1/persons:get", json={"psnNo": "1"}, headers=bearer("operator-key"))
        assert found.status_code == 500
        assert "boom" not in found.text

    @pytest.mark.parametrize(
        ("headers", "reason"),
        [
            ({}, "AUTHENTICATION_MISSING"),
            ({"authorization": "Basic x"}, "AUTHENTICATION_MISSING"),
            (bearer("nobody"), "API_KEY_UNKNOWN"),
            (bearer("member-key"), "API_KEY_UNKNOWN"),
            (bearer("x" * 5000), "API_KEY_UNKNOWN"),
        ],
    )
    async def test_who_does_not_prove_itself_is_sent_away(
        self, rest: Scene, headers: dict[str, str], reason: str
    ) -> None:
        found = await rest.client.post("/v1/persons:get", json={"psnNo": "1"}, headers=headers)
        assert found.status_code == 401
        told = details(found.json())["ErrorInfo"]
        assert told["reason"] == reason
        assert told["metadata"].get("headers", "") == ("Authorization: Bearer" if "MISSING" in reason else "")
        assert found.headers["www-authenticate"] == "Bearer"
        assert not rest.mesh.calls("GetPerson")

    @pytest.mark.parametrize(
        ("verb", "path"),
        [
            ("GET", "/v1/nothing"),
            ("GET", "/v1/persons:get"),
            ("DELETE", "/v1/catalogue/head"),
            ("POST", "/v1/credentials:verify"),
            ("GET", "/x"),
            ("PUT", "/"),
            # Whoever stores at the index would read the national envelope's 200 as "stored".
            ("POST", "/dicom-web/studies"),
            ("PUT", "/dicom-web/studies/1.2"),
        ],
    )
    async def test_a_route_that_is_none_is_told(self, rest: Scene, verb: str, path: str) -> None:
        found = await rest.client.request(verb, path)
        assert found.status_code == 404
        assert details(found.json())["ErrorInfo"]["reason"] == "ROUTE_NOT_FOUND"

    @pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'"x"'])
    async def test_a_body_that_is_no_object_is_told(self, rest: Scene, body: bytes) -> None:
        found = await rest.client.post("/v1/persons:get", content=body, headers=bearer("operator-key"))
        assert found.status_code == 400

    def test_members_only_methods_have_no_route(self) -> None:
        methods = [route.method for route in _routes()]
        assert methods
        assert all(method.roles != {Role.SERVICE} for method in methods)


class TestNothingPersonal:
    def test_no_field_of_a_get_route_can_hold_anything_personal(self) -> None:
        """URLs end up in logs of proxies: a GET request has only fields marked PUBLIC."""
        for route in _routes():
            if route.http.verb == "GET":
                descriptor: Any = route.method.request_class.DESCRIPTOR
                assert list(_personal(descriptor)) == [], route.http.path

    async def test_query_and_path_are_in_no_log_line(self, rest: Scene, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level("DEBUG"):
            await rest.client.get("/v1/items/SECRETCODE?day=2025-01-31&admdvs=SECRETREGION")
            await rest.client.get("/v1/unknown/SECRETPATH?x=SECRETQUERY")
            await asyncio.sleep(0)
        written = " ".join(
            f"{record.getMessage()} {record.__dict__}" for record in caplog.records if record.name.startswith("yibao")
        )
        assert "/v1/items/{med_list_codg}" in written
        assert "SECRET" not in written


def _routes() -> Any:
    return Routes(Contract.of_mesh()).all


def _personal(message: Any) -> Any:
    for field in message.fields:
        kind = field.GetOptions().Extensions[options_pb2.data_class]
        if field.message_type is not None and field.message_type.full_name != "google.type.Date":
            yield from _personal(field.message_type)
        elif field.message_type is None and field.type == field.TYPE_STRING and kind != options_pb2.DATA_CLASS_PUBLIC:
            yield field.full_name
