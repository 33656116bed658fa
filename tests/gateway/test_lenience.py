"""What a bureau may refuse is told in `warn_msg`, or refused where the profile is strict; a message without a fault is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from gateway.national import lenience
from services.runtime.texts.lenient import LENIENT_RULES
from tests.gateway.conftest import HOSPITAL, Scene, envelope, hospital
from tests.gateway.test_national import BILL, settled
from yibao.gateway.v1 import envelope_pb2
from yibao.identity.v1 import partner_pb2, sign_in_pb2
from yibao.settlement.v1 import settlement_query_pb2

VISIT: Final[Mapping[str, str]] = {
    "psn_no": "99000000000000000001",
    "insutype": "310",
    "begntime": "2025-01-15 10:30:00",
    "mdtrt_cert_type": "02",
    "mdtrt_cert_no": "990000199001010011",
    "ipt_otp_no": "OP1",
    "dept_code": "A01",
    "dept_name": "内科",
    "caty": "A03",
}
LINE: Final[Mapping[str, Any]] = {
    "feedetl_sn": "1",
    "mdtrt_id": "990000001",
    "psn_no": "99000000000000000001",
    "chrg_bchno": "B1",
    "rx_circ_flag": "0",
    "fee_ocur_time": "2025-01-15 10:30:00",
    "med_list_codg": "X1",
    "medins_list_codg": "Y1",
    "det_item_fee_sumamt": 10.00,
    "cnt": 1,
    "pric": 10.00,
    "bilg_dept_codg": "A01",
    "bilg_dept_name": "内科",
    "bilg_dr_codg": "D1",
    "bilg_dr_name": "测试医师",
    "hosp_appr_flag": "1",
}


def without(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A row that leaves some fields out."""
    return {name: value for name, value in row.items() if name not in names}


async def warned(scene: Scene, body: Mapping[str, Any]) -> str:
    """The warning of one message."""
    return str((await scene.send(body))["warn_msg"] or "")


class TestWarning:
    @pytest.mark.parametrize(
        ("infno", "nodes"),
        [
            ("2201", {"data": VISIT}),
            ("2204", {"feedetail": [LINE, {**LINE, "feedetl_sn": "2"}]}),
            ("2206", {"data": BILL}),
            ("2207", {"data": BILL}),
            # Of the text, or of a province's edition: not read here, and no mistake.
            ("2201", {"data": {**VISIT, "psn_type": "11", "expContent": "{}"}}),
            # Typed clients write every field of their class.
            ("2201", {"data": {**VISIT, "agnter_name": None, "hcard_basinfo": ""}}),
        ],
    )
    async def test_a_message_without_a_fault_has_none(self, scene: Scene, infno: str, nodes: Any) -> None:
        assert await warned(scene, envelope(infno, nodes)) == ""

    @pytest.mark.parametrize("blank", ["", None, "null", {}])
    async def test_a_blank_required_field_is_named(self, scene: Scene, blank: Any) -> None:
        said = await warned(scene, envelope("2201", {"data": {**VISIT, "caty": blank}}))
        assert said == "[LENIENT] 共1处与规范不符：data.caty 规范要求必填，未填"

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"msgid": "1" * 30}, "msgid 不以本机构编号开头"),
            ({"msgid": "H99010000002202501151030000001"}, "msgid 不以本机构编号开头"),
            ({"msgid": f"{HOSPITAL}202513151030000001"}, "msgid 应为12位机构编号加14位时间加4位流水号"),
            ({"msgid": f"{HOSPITAL}20250115103000001"}, "msgid 应为12位机构编号加14位时间加4位流水号"),
            ({"inf_time": ""}, "inf_time 规范要求必填，未填"),
            ({"inf_time": "2025-01-15T10:30:00"}, "inf_time 应为yyyy-MM-dd HH:mm:ss格式的时间"),
            ({"inf_time": "2025-02-30 10:30:00"}, "inf_time 应为yyyy-MM-dd HH:mm:ss格式的时间"),
            ({"infver": "latest"}, "infver 应为接口版本号，如V1.0"),
            ({"infver": {"major": 1}}, "infver 应为接口版本号，如V1.0"),
            ({"mdtrtarea_admvs": "北京"}, "mdtrtarea_admvs 应为6位区划代码"),
            ({"insuplc_admdvs": "9901"}, "insuplc_admdvs 应为6位区划代码"),
            ({"insuplc_admdvs": ""}, "insuplc_admdvs 有人员编号时规范要求填参保地区划"),
            ({"opter_type": "4"}, "opter_type 应为1、2、3之一"),
            ({"signtype": "S" * 11}, "signtype 超过10个字符"),
            ({"sign_no": "null"}, "sign_no 未填签到编号"),
            ({"oper_name": "x"}, "oper_name 不是规范中的字段，未读取，是否应为opter_name"),
            ({"INFVER": "V1.0"}, "INFVER 规范中写作infver"),
        ],
    )
    async def test_the_envelope_is_looked_at(self, scene: Scene, change: Mapping[str, Any], told: str) -> None:
        change = {"opter_type": "1", **change}
        said = await warned(scene, envelope("2201", {"data": VISIT}, **change))
        assert said == f"[LENIENT] 共1处与规范不符：{told}"

    async def test_an_envelope_without_a_key_is_told_as_one_that_leaves_it_blank(self, scene: Scene) -> None:
        body = envelope("2201", {"data": VISIT})
        del body["recer_sys_code"]
        assert await warned(scene, body) == "[LENIENT] 共1处与规范不符：recer_sys_code 规范要求必填，未填"

    @pytest.mark.parametrize(
        ("key", "told"),
        [
            ("dept_nmae", "不是规范中的字段，未读取，是否应为dept_name"),
            ("deptName", "规范中写作dept_name"),
            ("DEPT_NAME", "规范中写作dept_name"),
            ("weather", "不是规范中的字段，未读取"),
        ],
    )
    async def test_a_name_that_the_text_has_not_is_told_with_the_one_that_was_meant(
        self, scene: Scene, key: str, told: str
    ) -> None:
        said = await warned(scene, envelope("2201", {"data": {**VISIT, key: "内科"}}))
        assert said == f"[LENIENT] 共1处与规范不符：data.{key} {told}"

    async def test_a_node_that_nobody_reads_is_told(self, scene: Scene) -> None:
        said = await warned(scene, envelope("2201", {"data": VISIT, "agnterinfo": {"agnter_name": "x"}}))
        assert said == "[LENIENT] 共1处与规范不符：agnterinfo 不是规范中的字段，未读取"

    async def test_rows_that_lack_the_same_are_told_once_with_the_first(self, scene: Scene) -> None:
        bare = without(LINE, "rx_circ_flag", "bilg_dr_name")
        rows = [LINE, *({**bare, "feedetl_sn": str(number)} for number in range(2, 20))]
        said = await warned(scene, envelope("2204", {"feedetail": rows}))
        assert said.startswith(
            "[LENIENT] 共2处与规范不符：feedetail[1].rx_circ_flag 规范要求必填，未填；feedetail[1].bilg_dr"
        )

    async def test_a_field_that_belongs_into_each_row_is_missed_in_one(self, scene: Scene) -> None:
        rows = [LINE, {**without(LINE, "mdtrt_id"), "feedetl_sn": "2"}]
        said = await warned(scene, envelope("2204", {"feedetail": rows}))
        assert said == "[LENIENT] 共1处与规范不符：feedetail[1].mdtrt_id 规范要求必填，未填"

    async def test_three_are_named_and_all_are_counted_within_200_characters(self, scene: Scene) -> None:
        body = envelope(
            "2201", {"data": without(VISIT, "dept_code", "dept_name", "caty")}, infver="", inf_time="", opter=""
        )
        said = await warned(scene, body)
        assert said.startswith("[LENIENT] 共6处与规范不符：data.dept_code")
        assert said.count("；") == 2
        assert "infver" not in said
        long = {f"{'x' * 60}{number}": 1 for number in range(300)}
        said = await warned(scene, envelope("2201", {"data": {**VISIT, **long}}))
        assert said.startswith("[LENIENT] 共300处与规范不符：")
        assert len(said) <= 200

    async def test_only_names_that_are_shown_are_compared(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        compared: list[str] = []

        def nearest(name: str, known: tuple[str, ...]) -> str:
            compared.append(name)
            return ""

        monkeypatch.setattr(lenience, "nearest", nearest)
        await warned(scene, envelope("2201", {"data": {**VISIT, **{f"dept_nam{number}": 1 for number in range(200)}}}))
        assert len(compared) == 3

    async def test_a_name_is_shown_and_no_value_is(self, scene: Scene) -> None:
        said = await warned(scene, envelope("2201", {"data": {**VISIT, "psn_nmae": "张三"}}, infver="张三"))
        assert "psn_nmae" in said
        assert "张三" not in said

    async def test_a_refusal_carries_it_too_without_what_is_refused(self, scene: Scene) -> None:
        answer = await scene.send(envelope("2201", {"data": {**VISIT, "begntime": "soon", "caty": ""}}))
        assert answer["err_msg"].startswith("[INVALID_REQUEST]")
        assert answer["warn_msg"] == "[LENIENT] 共1处与规范不符：data.caty 规范要求必填，未填"

    async def test_what_happened_since_comes_first_then_the_sign_in_then_what_is_lenient(self, scene: Scene) -> None:
        scene.mesh.answers["CheckSignNo"] = sign_in_pb2.CheckSignNoResponse(open=False)
        response = settlement_query_pb2.GetSettlementResponse(reversed_by="990000003")
        scene.mesh.answers["GetSettlement"] = response
        said = await warned(scene, envelope("5203", {"data": {"psn_no": "1", "mdtrt_id": "2"}}))
        reasons = [part[1:].partition("]")[0] for part in said.split("；") if part.startswith("[")]
        assert reasons == ["SETTLEMENT_REVERSED", "SIGN_NO_UNKNOWN", "LENIENT"]


class TestSwitches:
    BODY: Final = envelope("2207", {"data": BILL}, infver="")

    @pytest.mark.parametrize(("sandbox", "switch", "told"), [(True, None, True), (True, False, False)])
    async def test_a_sandbox_warns_unless_the_profile_says_otherwise(
        self, scene: Scene, sandbox: bool, switch: bool | None, told: bool
    ) -> None:
        scene.mesh.answers["Settle"] = settled
        dialect = partner_pb2.Dialect(lenient_warnings=switch)
        scene.partners[HOSPITAL] = hospital(sandbox=sandbox, dialect=dialect)
        assert bool(await warned(scene, self.BODY)) is told

    @pytest.mark.parametrize("switch", [None, True])
    async def test_a_partner_that_is_no_sandbox_is_warned_where_its_profile_says_so(
        self, scene: Scene, switch: bool | None
    ) -> None:
        scene.mesh.answers["Settle"] = settled
        style = {"auth_style": partner_pb2.AUTH_STYLE_API_KEY, "secret": "k1", "sandbox": False}
        scene.partners[HOSPITAL] = hospital(dialect=partner_pb2.Dialect(lenient_warnings=switch), **style)
        answer = await scene.client.post("/", json=self.BODY, headers={"apikey": "k1"})
        assert bool(answer.json()["warn_msg"]) is bool(switch)

    async def test_a_strict_profile_refuses_with_every_field_and_nothing_is_called(self, scene: Scene) -> None:
        scene.partners[HOSPITAL] = hospital(dialect=partner_pb2.Dialect(strict=True))
        answer = await scene.send(envelope("2201", {"data": without(VISIT, "caty", "dept_code")}, infver=""))
        assert answer["infcode"] == -1
        assert answer["err_msg"].startswith("[NOT_CONFORMING] 报文共3处与接口规范不符：data.dept_code")
        for name in ("data.caty", "infver"):
            assert name in answer["err_msg"]
        assert answer["warn_msg"] is None
        assert not scene.mesh.calls("RegisterVisit")

    async def test_the_next_step_of_a_strict_refusal_fits_all_that_it_lists(self, scene: Scene) -> None:
        scene.partners[HOSPITAL] = hospital(dialect=partner_pb2.Dialect(strict=True))
        alike = await scene.send(envelope("2201", {"data": without(VISIT, "caty", "dept_code")}))
        assert alike["err_msg"].endswith("。请填写该字段")
        mixed = await scene.send(envelope("2201", {"data": {**without(VISIT, "caty"), "dept_nmae": "x"}}))
        assert mixed["err_msg"].endswith("。请按所列各处逐项更正")

    async def test_a_strict_profile_serves_a_message_without_a_fault(self, scene: Scene) -> None:
        scene.partners[HOSPITAL] = hospital(dialect=partner_pb2.Dialect(strict=True))
        answer = await scene.send(envelope("2201", {"data": VISIT}))
        assert (answer["infcode"], answer["warn_msg"]) == (0, None)

    async def test_a_strict_profile_refuses_an_unknown_sign_no(self, scene: Scene) -> None:
        scene.mesh.answers["CheckSignNo"] = sign_in_pb2.CheckSignNoResponse(open=False)
        scene.partners[HOSPITAL] = hospital(dialect=partner_pb2.Dialect(strict=True))
        answer = await scene.send(envelope("2201", {"data": VISIT}))
        assert answer["err_msg"].startswith("[SIGN_NO_UNKNOWN]")


def test_every_form_of_the_envelope_has_its_words() -> None:
    for field in envelope_pb2.Envelope.DESCRIPTOR.fields:
        rules = str(field.GetOptions())
        if "pattern" in rules or 'in: "' in rules or field.name == "inf_time":
            assert f"lenient.form.{field.name}" in LENIENT_RULES
