"""The national face over real HTTP: what working clients send is understood, what they are answered is safe to read."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from services.kernel.errors import Fault, FaultKind, Violation, conflict
from tests.gateway.conftest import HOSPITAL, Scene, envelope, hospital
from yibao.identity.v1 import partner_pb2, sign_in_pb2
from yibao.settlement.v1 import fee_pb2, reversal_pb2, settlement_pb2, settlement_query_pb2

BILL = {
    "psn_no": "99000000000000000001",
    "mdtrt_cert_type": "02",
    "mdtrt_cert_no": "990000199001010011",
    "med_type": "11",
    "medfee_sumamt": 10.0,
    "psn_setlway": "01",
    "mdtrt_id": "990000001",
    "chrg_bchno": "B0001",
    "acct_used_flag": "1",
    "insutype": "310",
    "fulamt_ownpay_amt": 0,
    "overlmt_selfpay": 0,
    "preselfpay_amt": 0,
    "inscp_scp_amt": 10.0,
}


def settled(request: settlement_pb2.SettleRequest) -> settlement_pb2.SettleResponse:
    """A settlement that repeats what was asked."""
    response = settlement_pb2.SettleResponse()
    response.setlinfo.mdtrt_id = request.data.mdtrt_id
    response.setlinfo.setl_id = "990000002"
    response.setlinfo.medfee_sumamt_fen = request.data.medfee_sumamt_fen
    response.setlinfo.medins_setl_id = request.desk.msgid
    response.setlinfo.setl_time.FromJsonString("2025-01-15T02:30:01Z")
    response.setlinfo.brdy.year, response.setlinfo.brdy.month, response.setlinfo.brdy.day = 1990, 1, 1
    response.setldetail.add(fund_pay_type="310100", fund_payamt_fen=500)
    return response


@pytest.fixture
def desk(scene: Scene) -> Scene:
    """A mesh that settles everything."""
    scene.mesh.answers["Settle"] = settled
    return scene


class TestAnswer:
    async def test_a_settlement_is_answered_with_every_field_of_the_envelope(self, desk: Scene) -> None:
        answer = await desk.send(envelope("2207", {"data": BILL}))
        assert answer["infcode"] == 0
        assert re.fullmatch(r"990100[0-9]{24}", answer["inf_refmsgid"])
        assert re.fullmatch(r"[0-9]{17}", answer["refmsg_time"])
        assert re.fullmatch(r"[0-9]{17}", answer["respond_time"])
        assert answer["err_msg"] is None
        assert answer["warn_msg"] is None
        assert answer["output"]["setlinfo"]["setl_time"] == "2025-01-15 10:30:01"

    async def test_sums_are_numbers_with_two_decimals_ids_text_and_lists_arrays(self, desk: Scene) -> None:
        text = (await desk.client.post("/", json=envelope("2207", {"data": BILL}))).text
        assert '"medfee_sumamt":10.00' in text
        assert '"psn_cash_pay":0.00' in text
        assert '"setl_id":"990000002"' in text
        assert '"brdy":"1990-01-01"' in text
        assert '"psn_name":null' in text

    @pytest.mark.parametrize("infno", ["2207", "2207A"])
    async def test_the_request_key_is_the_transaction_under_its_first_number_and_the_message_id(
        self, desk: Scene, infno: str
    ) -> None:
        await desk.send(envelope(infno, {"mdtrtinfo": BILL}, msgid="M1"))
        asked = desk.mesh.calls("Settle")[0]
        assert asked.request.request_id == "2207:M1"
        assert asked.request.desk.msgid == "M1"
        assert asked.caller.subject == HOSPITAL
        assert asked.request.data.medfee_sumamt_fen == 1000

    async def test_a_repeat_is_rendered_to_the_same_bytes(self, desk: Scene) -> None:
        body = envelope("2207", {"data": BILL})
        first, second = [(await desk.client.post("/", json=body)).text.partition('"output":')[2] for _ in range(2)]
        assert first == second

    async def test_a_dialect_may_write_the_code_as_text(self, desk: Scene) -> None:
        desk.partners[HOSPITAL] = hospital(dialect=partner_pb2.Dialect(infcode_as_text=True))
        assert (await desk.send(envelope("2207", {"data": BILL})))["infcode"] == "0"

    async def test_a_dialect_may_answer_5204_with_the_bare_array(self, scene: Scene) -> None:
        scene.partners[HOSPITAL] = hospital(dialect=partner_pb2.Dialect(bare_array_5204=True))
        response = fee_pb2.ListFeesResponse()
        response.data.add(feedetl_sn="1")
        scene.mesh.answers["ListFees"] = response
        query = {"data": {"psn_no": "1", "mdtrt_id": "2"}}
        assert (await scene.send(envelope("5204", query)))["output"][0]["feedetl_sn"] == "1"

    async def test_sign_out_gives_its_time_bare_and_in_its_node(self, scene: Scene) -> None:
        response = sign_in_pb2.SignOutResponse()
        response.sign_time.FromJsonString("2025-01-15T00:00:00Z")
        scene.mesh.answers["SignOut"] = response
        answer = await scene.send(envelope("9002", {"signOut": {"sign_no": "S1", "opter_no": "1"}}))
        assert answer["output"] == {
            "sign_time": "2025-01-15 08:00:00",
            "signoutoutb": {"sign_time": "2025-01-15 08:00:00"},
        }

    async def test_a_query_merges_what_two_messages_say_of_one_node(self, scene: Scene) -> None:
        response = settlement_query_pb2.GetSettlementResponse()
        response.setlinfo.setl_id = "S1"
        response.record.fixmedins_name = "测试医院"
        scene.mesh.answers["GetSettlement"] = response
        answer = await scene.send(envelope("5203", {"data": {"psn_no": "1", "mdtrt_id": "2"}}))
        node = answer["output"]["setlinfo"]
        assert (node["setl_id"], node["fixmedins_name"], node["refd_setl_flag"]) == ("S1", "测试医院", "0")

    async def test_a_void_reversal_is_a_failure_though_the_member_accepted_it(self, scene: Scene) -> None:
        scene.mesh.answers["ReverseMessage"] = reversal_pb2.ReverseMessageResponse(
            outcome=reversal_pb2.MESSAGE_OUTCOME_NOT_ARRIVED
        )
        answer = await scene.send(envelope("2601", {"data": {"psn_no": "1", "omsgid": "M", "oinfno": "2207"}}))
        assert (answer["infcode"], answer["warn_msg"], answer["output"]) == (-1, None, None)
        assert answer["err_msg"].startswith("[MESSAGE_NOT_ARRIVED] 原报文未到达")
        assert "5203" in answer["err_msg"]

    async def test_what_has_happened_since_stands_before_the_sign_in_in_warn_msg(self, scene: Scene) -> None:
        scene.mesh.answers["CheckSignNo"] = sign_in_pb2.CheckSignNoResponse(open=False)
        response = settlement_pb2.SettleResponse()
        response.setlinfo.setl_id = "S1"
        told = []
        for response.reversed_by in ("", "S2"):
            scene.mesh.answers["Settle"] = response
            told.append(await scene.send(envelope("2207", {"data": BILL}, sign_no="4711")))
        assert told[0]["output"] == told[1]["output"]
        assert told[0]["warn_msg"].startswith("[SIGN_NO_UNKNOWN]")
        assert (
            told[1]["warn_msg"]
            == f"[SETTLEMENT_REVERSED] 该结算已被撤销，撤销记录的结算编号为S2；{told[0]['warn_msg']}"
        )


class TestLeniency:
    @pytest.mark.parametrize(
        "change",
        [
            {"input": json.dumps({"data": BILL})},
            {"input": {"data": [BILL]}},
            {"input": {"data": BILL | {"medfee_sumamt": "10.00", "invono": "null", "unknown": {"x": 1}}}},
            {"input": {"DATA": BILL | {"card_sn": None, "cardSn": ""}}},
            {"input": {"mdtrtinfo": BILL}, "serv_code": "x"},
        ],
    )
    async def test_every_form_of_input_that_clients_use_is_the_same_bill(
        self, desk: Scene, change: dict[str, Any]
    ) -> None:
        await desk.send(envelope("2207", {"data": BILL}))
        await desk.send(envelope("2207", None) | change)
        first, second = desk.mesh.calls("Settle")
        assert first.request == second.request

    async def test_input_may_be_called_with_a_capital_letter(self, desk: Scene) -> None:
        body = envelope("2207", None)
        del body["input"]
        await desk.send(body | {"Input": {"data": BILL}})
        assert desk.mesh.calls("Settle")[0].request.data.psn_no == BILL["psn_no"]

    @pytest.mark.parametrize(
        "content_type",
        ["application/json", "application/json;charset=GBK", "text/plain", "text/plain; charset=utf-8", ""],
    )
    async def test_the_body_is_utf8_whatever_the_header_says(self, desk: Scene, content_type: str) -> None:
        body = json.dumps(envelope("2207", {"data": BILL}), ensure_ascii=False).encode()
        headers = {"content-type": content_type} if content_type else {}
        answer = await desk.client.post("/CSB/hsa-fsi-2207", content=b"\xef\xbb\xbf" + body, headers=headers)
        assert answer.json()["infcode"] == 0
        assert desk.mesh.calls("Settle")[0].request.desk.opter_name == "测试操作员"

    async def test_the_body_wins_over_the_path(self, desk: Scene) -> None:
        await desk.send(envelope("2207", {"data": BILL}), path="/fsi/api/callService/2206")
        assert len(desk.mesh.calls("Settle")) == 1

    async def test_the_path_helps_where_the_body_names_no_number(self, desk: Scene) -> None:
        body = envelope("2207", {"data": BILL})
        del body["infno"]
        await desk.send(body, path="/isp-api/powercsb/2207")
        assert desk.mesh.calls("Settle")[0].request.request_id.startswith("2207:")


class TestRefusal:
    async def test_a_refusal_of_a_member_is_a_failure_with_reason_text_and_http_200(self, desk: Scene) -> None:
        desk.mesh.answers["Settle"] = conflict("REQUEST_ID_REUSED")
        answer = await desk.send(envelope("2207", {"data": BILL}))
        assert answer["infcode"] == -1
        assert answer["err_msg"].startswith("[REQUEST_ID_REUSED] ")
        assert answer["output"] is None

    async def test_every_broken_field_is_named_as_the_client_knows_it(self, desk: Scene) -> None:
        broken = BILL | {"medfee_sumamt": "10.001", "med_type": "7x", "acct_used_flag": "x"}
        answer = await desk.send(envelope("2207", {"data": broken}))
        for path in ("data.medfee_sumamt 最多2位小数", "data.med_type", "data.acct_used_flag"):
            assert path in answer["err_msg"]
        assert len(answer["err_msg"]) <= 200
        assert not desk.mesh.calls("Settle")

    async def test_paths_of_the_contract_are_told_in_national_names(self, desk: Scene) -> None:
        violations = [
            Violation("data.medfee_sumamt_fen", "int64.gte", values={"limit": "0.00", "unit": "yuan"}),
            Violation("request_id", "string.max_len", values={"limit": "64"}),
            Violation("desk.opter", "string.max_len", values={"limit": "30"}),
        ]
        desk.mesh.answers["Settle"] = Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=violations)
        said = (await desk.send(envelope("2207", {"data": BILL})))["err_msg"]
        assert "data.medfee_sumamt 不能小于0.00元；msgid 最多64个字符；opter 最多30个字符" in said

    async def test_rows_must_agree_on_whose_bill_it_is(self, scene: Scene) -> None:
        rows = [
            {"feedetl_sn": "1", "mdtrt_id": "A", "psn_no": "1"},
            {"feedetl_sn": "2", "mdtrt_id": "B", "psn_no": "1"},
        ]
        answer = await scene.send(envelope("2204", {"feedetail": rows}))
        assert "feedetail[1].mdtrt_id 各处取值不一致" in answer["err_msg"]

    @pytest.mark.parametrize(
        ("infno", "reason"), [("3101", "INFNO_NOT_SERVED"), ("0000", "INFNO_UNKNOWN"), ("1162", "INFNO_NOT_SERVED")]
    )
    async def test_a_number_that_is_not_served_gets_a_typed_answer(self, scene: Scene, infno: str, reason: str) -> None:
        answer = await scene.send(envelope(infno, {"data": {}}))
        assert answer["err_msg"].startswith(f"[{reason}] ")

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b'"x"', b"\xb2\xe2\xca\xd4", b'{"infno":"2207","input":[1]}', b"[" * 9000]
    )
    async def test_a_body_that_is_no_envelope_is_a_typed_failure(self, scene: Scene, body: bytes) -> None:
        answer = await scene.client.post("/", content=body)
        assert answer.status_code == 200
        assert answer.json()["infcode"] == -1
        assert answer.json()["err_msg"].startswith("[ENVELOPE_INVALID] ")

    async def test_what_routing_needs_is_asked_for(self, scene: Scene) -> None:
        answer = await scene.send(envelope("2207", {"data": BILL}, msgid="", fixmedins_code="null"))
        assert "fixmedins_code 必填；msgid 必填" in answer["err_msg"]

    @pytest.mark.parametrize("msgid", ["     ", "\u3000", "\t\n"])
    async def test_a_message_number_of_blanks_is_none(self, scene: Scene, msgid: str) -> None:
        answer = await scene.send(envelope("2207", {"data": BILL}, msgid=msgid))
        assert (answer["infcode"], "msgid 必填" in answer["err_msg"], scene.mesh.asked) == (-1, True, [])

    async def test_an_institution_nobody_knows_is_refused(self, scene: Scene) -> None:
        answer = await scene.send(envelope("2207", {"data": BILL}, fixmedins_code="H99010000009"))
        assert answer["err_msg"].startswith("[PARTNER_NOT_FOUND] ")

    async def test_an_outcome_that_is_not_known_is_no_business_answer(self, desk: Scene) -> None:
        desk.mesh.answers["Settle"] = Fault(FaultKind.UNAVAILABLE, "STORE_UNAVAILABLE", retry_after_s=1)
        answer = await desk.client.post("/", json=envelope("2207", {"data": BILL}))
        assert answer.status_code == 503
        assert "请稍后以相同msgid重发" in answer.json()["err_msg"]

    async def test_a_bug_of_a_member_tells_its_error_id(self, scene: Scene) -> None:
        scene.mesh.answers["GetSettlement"] = RuntimeError("boom")
        answer = await scene.client.post("/", json=envelope("5203", {"data": {"psn_no": "1", "mdtrt_id": "2"}}))
        assert answer.status_code == 500
        assert answer.json()["err_msg"].startswith("[INTERNAL_ERROR] ")
        assert "boom" not in answer.text


class TestSignIn:
    async def test_an_unknown_sign_no_is_warned_about(self, desk: Scene) -> None:
        desk.mesh.answers["CheckSignNo"] = sign_in_pb2.CheckSignNoResponse(open=False)
        answer = await desk.send(envelope("2207", {"data": BILL}, sign_no="S9"))
        assert answer["infcode"] == 0
        assert answer["warn_msg"].startswith("[SIGN_NO_UNKNOWN]")

    async def test_a_strict_dialect_refuses_it(self, desk: Scene) -> None:
        desk.partners[HOSPITAL] = hospital(dialect=partner_pb2.Dialect(strict_sign_no=True))
        desk.mesh.answers["CheckSignNo"] = sign_in_pb2.CheckSignNoResponse(open=False)
        answer = await desk.send(envelope("2207", {"data": BILL}, sign_no="S9"))
        assert answer["err_msg"].startswith("[SIGN_NO_UNKNOWN]")
        assert not desk.mesh.calls("Settle")

    async def test_an_open_one_is_asked_about_once(self, desk: Scene) -> None:
        desk.mesh.answers["CheckSignNo"] = sign_in_pb2.CheckSignNoResponse(open=True)
        for number in range(3):
            answer = await desk.send(
                envelope("2207", {"data": BILL}, sign_no="S1", msgid=f"{HOSPITAL}20250115103000{number:04d}")
            )
            assert answer["warn_msg"] is None
        assert len(desk.mesh.calls("CheckSignNo")) == 1

    async def test_none_is_needed(self, desk: Scene) -> None:
        await desk.send(envelope("2207", {"data": BILL}, sign_no="null"))
        assert not desk.mesh.calls("CheckSignNo")


class TestBusinessDate:
    async def test_a_sandbox_partner_chooses_its_day(self, desk: Scene) -> None:
        headers = {"X-Yibao-Business-Date": "2025-03-01"}
        await desk.send(envelope("2207", {"data": BILL}), headers=headers)
        assert desk.mesh.calls("Settle")[0].business_date == "2025-03-01"

    async def test_outside_the_sandbox_the_header_is_refused(self, desk: Scene) -> None:
        desk.partners[HOSPITAL] = hospital(
            sandbox=False, auth_style=partner_pb2.AUTH_STYLE_API_KEY, secret="an-invented-key"
        )
        headers = {"X-Yibao-Business-Date": "2025-03-01", "apikey": "an-invented-key"}
        answer = await desk.send(envelope("2207", {"data": BILL}), headers=headers)
        assert answer["err_msg"].startswith("[SANDBOX_ONLY]")

    @pytest.mark.parametrize("day", ["01.03.2025", "0001-01-01", "1989-12-31", "2100-01-01", "9999-12-31"])
    async def test_a_day_that_is_none_is_told(self, desk: Scene, day: str) -> None:
        answer = await desk.send(envelope("2207", {"data": BILL}), headers={"X-Yibao-Business-Date": day})
        assert answer["err_msg"].startswith("[INVALID_REQUEST]")
        assert "X-Yibao-Business-Date" in answer["err_msg"]
        assert not desk.mesh.calls("Settle")


class TestGathering:
    async def test_what_arrives_while_a_batch_is_under_way_travels_together(self, desk: Scene) -> None:
        gate = asyncio.Event()

        async def slow(request: settlement_pb2.SettleRequest) -> settlement_pb2.SettleResponse:
            await gate.wait()
            return settled(request)

        desk.mesh.answers["Settle"] = slow
        sending = [
            asyncio.create_task(desk.send(envelope("2207", {"data": BILL}, msgid=f"M{number}"))) for number in range(40)
        ]
        await asyncio.sleep(0.4)
        gate.set()
        answers = await asyncio.gather(*sending)
        assert [each["output"]["setlinfo"]["medins_setl_id"] for each in answers] == [f"M{n}" for n in range(40)]
        assert sum(desk.mesh.batches) == 40
        assert max(desk.mesh.batches) > 10

    async def test_a_denied_item_does_not_fail_its_neighbours(self, desk: Scene) -> None:
        def moody(request: settlement_pb2.SettleRequest) -> Any:
            return conflict("BATCH_SETTLED") if request.desk.msgid == "M3" else settled(request)

        desk.mesh.answers["Settle"] = moody
        answers = await asyncio.gather(
            *(desk.send(envelope("2207", {"data": BILL}, msgid=f"M{number}")) for number in range(8))
        )
        assert [answer["infcode"] for answer in answers] == [0, 0, 0, -1, 0, 0, 0, 0]


class TestTrace:
    async def test_one_trace_leads_from_the_hospital_to_the_item(self, desk: Scene) -> None:
        trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
        headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
        await desk.send(envelope("2207", {"data": BILL}), headers=headers)
        assert trace_id in desk.mesh.calls("Settle")[0].traceparent
        desk.telemetry.flush()
        (span,) = desk.spans.named("POST /*")
        assert span.attributes is not None
        assert span.attributes["yibao.infno"] == "2207"
        assert span.attributes["yibao.msgid"] == envelope("2207", {})["msgid"]
        assert span.attributes["yibao.fixmedins_code"] == HOSPITAL
        assert span.context is not None
        assert f"{span.context.trace_id:032x}" == trace_id

    async def test_a_failing_request_tells_code_and_reason(self, desk: Scene) -> None:
        desk.mesh.answers["Settle"] = conflict("REQUEST_ID_REUSED")
        await desk.send(envelope("2207", {"data": BILL}))
        desk.telemetry.flush()
        (span,) = desk.spans.named("POST /*")
        assert span.attributes is not None
        assert span.attributes["yibao.reason"] == "REQUEST_ID_REUSED"

    async def test_no_span_holds_anything_personal(self, desk: Scene) -> None:
        await desk.send(envelope("2207", {"data": BILL}))
        await desk.send(envelope("2207", {"data": BILL | {"med_type": "x"}}))
        desk.telemetry.flush()
        written = " ".join(
            f"{span.name} {dict(span.attributes or {})} {span.status.description}" for span in desk.spans.all
        )
        for personal in (BILL["psn_no"], BILL["mdtrt_cert_no"], "测试操作员"):
            assert str(personal) not in written
