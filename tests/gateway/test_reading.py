"""Bodies as clients of the field send them: what is read, and what is told of a body that is no JSON object."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import reading
from gateway.charset import declares_gbk, text_of, to_gbk
from gateway.reading import Unreadable
from services.runtime.texts.bodies import BODY_RULES
from services.runtime.texts.gateway import rule_text
from tests.gateway.conftest import HOSPITAL, Scene, envelope, hospital
from tests.gateway.messages import TEXT
from tests.gateway.test_national import BILL, settled
from yibao.identity.v1 import partner_pb2
from yibao.options.v1 import options_pb2
from yibao.settlement.v1 import settlement_pb2, visit_pb2

DECODER = msgspec.json.Decoder(float_hook=str)

# A broken body, the rule it breaks, and where: as the lenient and the strict way agree.
BROKEN: tuple[tuple[bytes, str, str], ...] = (
    (b"", "body.empty", ""),
    (b" \r\n ", "body.empty", ""),
    (gzip.compress(b"{}", mtime=0), "body.compressed", ""),
    ('{"a":1}'.encode("utf-16"), "body.utf16", ""),
    ('{"a":1}'.encode("utf-16-le"), "body.utf16", ""),
    ('{"a":1}'.encode("utf-32-be"), "body.utf16", ""),
    (b"<!DOCTYPE html><html></html>", "body.html", ""),
    (b'<?xml version="1.0"?><a/>', "body.xml", ""),
    (b"<soap:Envelope/>", "body.xml", ""),
    (b"infno=1101&msgid=1", "body.form", ""),
    (b"%7B%22infno%22%3A1%7D", "body.form", ""),
    (b'--x\r\nContent-Disposition: form-data; name="jsonStr"', "body.multipart", ""),
    (b"[1]", "body.array", ""),
    (b'"{}"', "body.quoted", ""),
    (b"12", "body.no_object", ""),
    (b"[" * 20_000, "body.too_deep", ""),
    (b'{"a":' * 1_000, "body.too_deep", ""),
    (b'{"a":["' + b"[" * 20_000 + b'",]}', "body.trailing_comma", "1:20010"),
    (b'{"a":"\\ud83d"}', "body.surrogate", ""),
    (b'{"a":' + b"1" * 5000 + b"}", "body.number", ""),
    (b'{"a":1,}', "body.trailing_comma", "1:8"),
    (b'{"a":[1,\n ]}', "body.trailing_comma", "2:2"),
    (b"{'a':1}", "body.single_quotes", "1:2"),
    (b"{\"a\":'x'}", "body.single_quotes", "1:6"),
    ("{“a”:1}".encode(), "body.full_width", "1:2"),
    ('{"测试"：1}'.encode(), "body.full_width", "1:6"),
    (b'// bill\n{"a":1}', "body.comment", "1:1"),
    (b"{a:1}", "body.key", "1:2"),
    (b'{"a" 1}', "body.colon", "1:6"),
    (b'{"a":1 "b":2}', "body.comma", "1:8"),
    (b'{"a":"x"y"}', "body.comma", "1:9"),
    (b'{"a":tru}', "body.value", "1:6"),
    (b"{x", "body.key", "1:2"),
    (b'{"a":NaN}', "body.no_number", "1:6"),
    (b'{"a":\n-Infinity}', "body.no_number", "2:1"),
    (b'{"a":"D:\\x"}', "body.escape", "1:9"),
    (b'{"a":1}\n\n;', "body.extra", "3:1"),
    (b'{"a":1', "body.truncated", "1:7"),
    (b'{"a":1, ,"b":2}', "body.comma_twice", "1:9"),
    (b'{"a":[1,,2]}', "body.comma_twice", "1:9"),
    (b'{,"a":1}', "body.comma_twice", "1:2"),
    (b'{"a":\n}', "body.no_value", "2:1"),
    (b'{"a":,"b":1}', "body.no_value", "1:6"),
    (b'{"a":[1,2}', "body.bracket", "1:10"),
    (b'{"a":1}}', "body.bracket", "1:8"),
    (b'{"a":1}\n{"a":2}', "body.second", "2:1"),
    (b'{"a:1}', "body.unclosed", "1:2"),
    ('{"a":"测试“}'.encode(), "body.unclosed", "1:6"),
    (b'{"a":0310}', "body.number_form", "1:7"),
    (b'{"a":2026-01-05}', "body.number_form", "1:10"),
    (b'{"a":+1}', "body.number_form", "1:6"),
    (b'{"a":1,234.00}', "body.number_form", "1:8"),
    ('{"a":12.5元}'.encode(), "body.number_form", "1:10"),
    (b'{"a":nan}', "body.no_number", "1:6"),
    (b'{"a":None}', "body.value", "1:6"),
    (b'{"a":1, # b\n"b":2}', "body.comment", "1:9"),
    ('{"a":\u00a01}'.encode(), "body.blank", "1:6"),
    ('{\u3000"a":1}'.encode(), "body.blank", "1:2"),
    (b'{\\"a\\":1}', "body.escaped", "1:2"),
    (b'{"a":\\"x\\"}', "body.escaped", "1:6"),
    (b"hello", "body.no_json", "1:1"),
    (b" callback({})", "body.no_json", "1:2"),
    (b"infno: 1101", "body.no_json", "1:1"),
    (b"9f86d081884c7d659a2feaa0c55ad015", "body.encoded", ""),
    (b"eyJpbmZubyI6IjExMDEiLCJpbnB1dCI6e319", "body.encoded", ""),
    (b"\x78\xda\xab\x56", "body.compressed", ""),
    (b'"abc"', "body.no_object", ""),
    (b'{"a":"xy', "body.truncated", "1:9"),
    ('{"a":"测试医院","b":"\ufffd"}'.encode().replace("\ufffd".encode(), b"\xe6\xb5"), "body.encoding", "1:18"),
    (b'{"a":"\xff\xff"}', "body.encoding", "1:7"),
)


def place(error: Unreadable) -> str:
    """Line and column as the refusal names them."""
    return ":".join(error.values[name] for name in ("line", "column") if name in error.values)


class TestBroken:
    @pytest.mark.parametrize(
        ("body", "rule", "where"), BROKEN, ids=[f"{rule} {n}" for n, (_, rule, _) in enumerate(BROKEN)]
    )
    def test_a_body_that_is_no_object_is_told_with_its_place_and_what_it_looks_like(
        self, body: bytes, rule: str, where: str
    ) -> None:
        for read in (reading.leniently, reading.strictly):
            with pytest.raises(Unreadable) as caught:
                read(DECODER, body)
            assert (caught.value.rule, place(caught.value)) == (rule, where)

    @pytest.fixture
    def deep_stack(self) -> Iterator[None]:
        """A stack on which the parser goes deeper than any message does."""
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(10_000)
        yield
        sys.setrecursionlimit(before)

    @pytest.mark.parametrize("body", [b'{"a":' * 1_000, b"[" * 1_000 + b",", b'{"a":[' * 500 + b"]" * 10 + b",}"])
    @pytest.mark.usefixtures("deep_stack")
    def test_a_broken_body_that_is_too_deep_is_told_so_whatever_the_stack_allows(self, body: bytes) -> None:
        for read in (reading.leniently, reading.strictly):
            with pytest.raises(Unreadable) as caught:
                read(DECODER, body)
            assert caught.value.rule == "body.too_deep"

    @pytest.mark.usefixtures("deep_stack")
    def test_a_body_as_deep_as_a_message_may_be_is_told_the_place_where_it_breaks(self) -> None:
        with pytest.raises(Unreadable) as caught:
            reading.strictly(DECODER, b'{"a":' * 900 + b",")
        assert caught.value.rule != "body.too_deep"

    @pytest.mark.usefixtures("deep_stack")
    def test_a_long_body_that_is_flat_is_told_the_place_where_it_breaks(self) -> None:
        body = b"[" + b'{"a":1},' * 2_000 + b"{'a':1}]"
        with pytest.raises(Unreadable) as caught:
            reading.leniently(DECODER, body)
        assert (caught.value.rule, place(caught.value)) == ("body.single_quotes", "1:16003")

    @pytest.mark.parametrize("name", ["gzip", "deflate", "br"])
    def test_a_declared_compression_is_named(self, name: str) -> None:
        with pytest.raises(Unreadable) as caught:
            reading.leniently(DECODER, b"\x0b\x02\x80", encoding=name)
        assert (caught.value.rule, caught.value.values) == ("body.compressed", {"name": name})
        assert reading.leniently(DECODER, b'{"a":1}', encoding=name) == {"a": 1}

    @pytest.mark.parametrize("rule", BODY_RULES)
    def test_every_reason_is_a_sentence_in_both_languages(self, rule: str) -> None:
        values = {"line": "3", "column": "17", "name": "gzip"}
        chinese, english = rule_text(rule, values, "zh"), rule_text(rule, values, "en")
        assert "{" not in chinese + english
        assert chinese != english
        assert ("第3行第17列" in chinese) == ("line 3, column 17" in english)


def test_a_number_beyond_any_type_is_told_as_one() -> None:
    with pytest.raises(Unreadable) as caught:
        reading.strictly(msgspec.json.Decoder(), b'{"a":1e999}')
    assert caught.value.rule == "body.number"


def test_long_texts_that_are_nearly_encoded_are_looked_at_once() -> None:
    # With backtracking this would take minutes.
    with pytest.raises(Unreadable) as caught:
        reading.leniently(DECODER, b"A\n" * 500_000 + b"{")
    assert caught.value.rule == "body.no_json"


class TestLenient:
    @pytest.mark.parametrize(
        ("body", "value"),
        [
            (b'{"a":"x\ty"}', "x\ty"),
            (b'{"a":"x\r\ny"}', "x\r\ny"),
            (b'{"a":"x"}\x00', "x"),
            (b'{"a":"x"}\r\n\x00\x00', "x"),
            (b'\xef\xbb\xbf{"a":"\t"}', "\t"),
            (b'{"a":"\t","b":"\\ud83d\\ude00"}', "\t"),
            (b'{"a":0.30000000000000004,"b":"\n"}', "0.30000000000000004"),
        ],
    )
    def test_control_characters_in_texts_and_closing_nuls_are_read(self, body: bytes, value: str) -> None:
        assert reading.leniently(DECODER, body)["a"] == value

    @pytest.mark.parametrize(
        ("body", "rule", "where"),
        [(b'{"a":"x\ny"}', "body.control", "1:8"), (b'{"a":1}\x00', "body.extra", "1:8")],
    )
    def test_the_strict_way_names_them(self, body: bytes, rule: str, where: str) -> None:
        with pytest.raises(Unreadable) as caught:
            reading.strictly(DECODER, body)
        assert (caught.value.rule, place(caught.value)) == (rule, where)

    def test_hidden_characters_at_the_ends_of_texts_are_taken_off_and_a_nul_inside_is_told_by_its_path(self) -> None:
        found = {"a": "\ufeff x\u200b", "rows": [{"b": "y\x00\x00"}, {"b": "1"}]}
        told: list[str] = []
        reading.clean(found, told.append)
        assert (found, told) == ({"a": "x", "rows": [{"b": "y"}, {"b": "1"}]}, [])
        reading.clean({"rows": [{"b": "p\x00q"}]}, told.append)
        assert told == ["rows[0].b"]


class TestCharset:
    @settings(max_examples=60)
    @given(st.dictionaries(TEXT, TEXT, max_size=3), st.booleans())
    def test_whatever_gb18030_holds_is_read_where_it_is_declared(self, value: dict[str, str], escaped: bool) -> None:
        text = json.dumps({"name": "测试𠮷𬌗", **value}, ensure_ascii=escaped)
        assert reading.leniently(DECODER, text.encode("gb18030"), declared_gbk=True) == json.loads(text)

    @settings(max_examples=60)
    @given(st.dictionaries(TEXT, TEXT, max_size=3))
    def test_an_answer_in_gbk_holds_every_character(self, value: dict[str, str]) -> None:
        assert json.loads(to_gbk(json.dumps(value, ensure_ascii=False)).decode("gbk")) == value

    @pytest.mark.parametrize("name", ["测试", "张三丰", "买买提·吐尔逊", "联通", "𠮷野", "丂丅"])
    def test_what_is_not_utf8_is_gbk_and_what_is_utf8_is_read_so_whatever_was_declared(self, name: str) -> None:
        for declared in (False, True):
            assert text_of(f'"{name}"'.encode("gb18030"), declared) == f'"{name}"'
            assert text_of(f'"{name}"'.encode(), declared) == f'"{name}"'

    def test_where_both_are_possible_the_declaration_decides(self) -> None:
        body = "路".encode("gbk")
        assert (text_of(body, declared_gbk=True), text_of(body, declared_gbk=False)) == ("路", "·")

    @pytest.mark.parametrize("shift", range(4))
    def test_a_long_body_is_read_in_parts_as_it_would_be_at_once(self, shift: int) -> None:
        text = "x" * shift + "医保𠀀é" * 20_000
        assert text_of(text.encode("gb18030"), declared_gbk=False) == text
        assert text_of(text.encode("gb18030") + b"\xff", declared_gbk=False) is None
        assert text_of(text.encode("gb18030")[:-1], declared_gbk=False) is None
        # Damaged UTF-8 is no GBK, wherever the damage is.
        assert text_of(text.encode()[:-1], declared_gbk=False) is None
        assert text_of(b"\xff" + text.encode(), declared_gbk=False) is None

    @pytest.mark.parametrize("parts", [1, 2])
    def test_a_body_that_ends_within_a_character_is_no_gbk_whatever_its_length(self, parts: int) -> None:
        # So long that its end is that of a part in which long bodies are read.
        whole = "中".encode("gb18030") * (32_768 * parts)
        assert text_of(whole, declared_gbk=True) == "中" * (32_768 * parts)
        broken = b"x" + whole[:-1]
        assert len(broken) % 65_536 == 0
        assert text_of(broken, declared_gbk=True) is None

    def test_the_kin_of_gbk_are_known_by_name(self) -> None:
        for name in ("GBK", "gb2312", '"GB18030"', "x-gbk", "cp936"):
            assert declares_gbk(f"application/json; charset={name}")
        assert not declares_gbk("application/json;charset=UTF-8")
        assert not declares_gbk("application/json")


def sent(**changes: Any) -> dict[str, Any]:
    """A settlement with Chinese in it."""
    return envelope("2207", {"data": BILL}, **changes)


class TestNationalFace:
    @pytest.fixture
    def desk(self, scene: Scene) -> Scene:
        """A mesh that settles everything."""
        scene.mesh.answers["Settle"] = settled
        return scene

    async def test_a_body_in_gbk_is_the_same_bill(self, desk: Scene) -> None:
        body = json.dumps(sent(opter_name="测试𠮷"), ensure_ascii=False)
        for kind in ("application/json;charset=GBK", "application/json", "text/plain;charset=utf-8", ""):
            for content in (body.encode("gb18030"), body.encode()):
                answer = await desk.client.post("/", content=content, headers={"content-type": kind})
                assert answer.json()["infcode"] == 0
                assert answer.headers["content-type"] == "application/json;charset=UTF-8"
        first, *others = [each.request for each in desk.mesh.calls("Settle")]
        assert others == [first] * 7
        assert first.desk.opter_name == "测试𠮷"

    @pytest.mark.parametrize("head", ["", "Content-Type: application/json; charset=GBK\r\n"])
    async def test_a_part_of_a_form_has_a_charset_of_its_own(self, desk: Scene, head: str) -> None:
        part = b"--b\r\n" + head.encode() + b'Content-Disposition: form-data; name="jsonStr"\r\n\r\n'
        body = part + json.dumps(sent(opter_name="路"), ensure_ascii=False).encode("gbk") + b"\r\n--b--\r\n"
        kind = f"multipart/form-data; boundary=b{'' if head else '; charset=GBK'}"
        await desk.client.post("/", content=body, headers={"content-type": kind})
        assert desk.mesh.calls("Settle")[0].request.desk.opter_name == "路"

    async def test_control_characters_and_hidden_ones_change_nothing_of_a_bill(self, desk: Scene) -> None:
        body = json.dumps(sent(opter_name="X|Y"), ensure_ascii=False)
        changed = body.replace("X|Y", "X\tY").replace('"310"', '"310\\u0000"').replace('"B0001"', '"\ufeffB0001\u200b"')
        answer = await desk.client.post("/", content=changed.encode() + b"\x00")
        assert answer.json()["infcode"] == 0
        request = desk.mesh.calls("Settle")[0].request
        assert (request.desk.opter_name, request.data.insutype, request.data.chrg_bchno) == ("X\tY", "310", "B0001")

    async def test_a_nul_inside_a_text_is_refused_by_its_field(self, desk: Scene) -> None:
        answer = await desk.send({**sent(), "input": {"data": BILL | {"chrg_bchno": "B\x001"}}})
        assert answer["err_msg"].startswith(
            "[ENVELOPE_INVALID] 请求报文不是有效的接口报文：data.chrg_bchno 文本中间有空字符"
        )

    async def test_a_broken_body_is_told_in_chinese(self, scene: Scene) -> None:
        for body, said in (
            (b'{"infno":"2207",\n}', "第2行第1列：最后一项之后多了逗号。请更正后重发"),
            (b'{"infno":"2207","input":"{\\"data\\":{},}"}', "input 第1行第12列：最后一项之后多了逗号。"),
            (b'{"infno":"2207","input":[1]}', "input 应为JSON对象，收到的是列表。"),
            (b"<xml/>", "报文似为XML，应为JSON对象。"),
            (b"{}", "infno 报文与路径中都没有交易编号。"),
        ):
            answer = await scene.client.post("/", content=body)
            assert answer.json()["err_msg"].startswith(f"[ENVELOPE_INVALID] 请求报文不是有效的接口报文：{said}")

    async def test_a_number_of_blanks_is_none(self, desk: Scene) -> None:
        for blanks in ("     ", "\u3000", "\u00a0\t", "\u200b\x00"):
            answer = await desk.send(envelope("2207", {"data": BILL}, msgid=blanks, fixmedins_code=blanks))
            assert "fixmedins_code 必填；msgid 必填" in answer["err_msg"]

    async def test_blanks_around_the_envelope_s_codes_change_nothing(self, desk: Scene) -> None:
        plain = envelope("2207", {"data": BILL})
        wide = plain | {name: f"\u3000{plain[name]} \t" for name in ("infno", "msgid", "fixmedins_code", "opter")}
        for body in (plain, wide):
            assert (await desk.send(body | {"sign_no": "  "}))["infcode"] == 0
        first, second = desk.mesh.calls("Settle")
        assert first.request == second.request
        assert not desk.mesh.calls("CheckSignNo")

    async def test_what_has_no_output_is_an_empty_object_or_null_by_dialect(self, desk: Scene) -> None:
        desk.mesh.answers["CancelVisit"] = visit_pb2.CancelVisitResponse()
        body = envelope("2202", {"data": {"psn_no": "1", "mdtrt_id": "2", "ipt_otp_no": "3"}})
        assert (await desk.send(body))["output"] == {}
        desk.partners["H99010000002"] = hospital(dialect=partner_pb2.Dialect(null_output=True))
        assert (await desk.send(body | {"fixmedins_code": "H99010000002"}))["output"] is None

    async def test_a_dialect_may_answer_in_gbk_and_what_gbk_lacks_is_escaped(self, desk: Scene) -> None:
        desk.partners[HOSPITAL] = hospital(dialect=partner_pb2.Dialect(answers_in_gbk=True))

        def named(request: settlement_pb2.SettleRequest) -> settlement_pb2.SettleResponse:
            response = settled(request)
            response.setlinfo.psn_name = "测试𬌗"
            return response

        desk.mesh.answers["Settle"] = named
        answer = await desk.client.post("/", json=envelope("2207", {"data": BILL}))
        assert answer.headers["content-type"] == "application/json;charset=GBK"
        assert json.loads(answer.content.decode("gbk"))["output"]["setlinfo"]["psn_name"] == "测试𬌗"
        refused = await desk.client.post("/", json=envelope("2207", {"data": BILL | {"med_type": "x"}}))
        assert "请更正后重发" in refused.content.decode("gbk")


class TestRestFace:
    @pytest.fixture
    def caller(self, scene: Scene) -> Scene:
        """A client with the key of the hospital."""
        scene.keys["k1"] = (options_pb2.ROLE_INSTITUTION, HOSPITAL)
        scene.client.headers["authorization"] = "Bearer k1"
        return scene

    async def test_a_broken_body_is_told_in_both_languages(self, caller: Scene) -> None:
        for body, rule, english, chinese in (
            (
                b'{"a":1,}',
                "body.trailing_comma",
                "line 1, column 8: there is a comma",
                "第1行第8列：最后一项之后多了逗号",
            ),
            ('{"psn_name":"测"}'.encode("gbk"), "body.gbk", "this looks like GBK", "第1行第14列起似为GBK编码"),
            (b'{"a":"x\ty"}', "body.control", "line 1, column 8", "文本中有未转义的控制字符"),
            (gzip.compress(b"{}", mtime=0), "body.compressed", "compressed (gzip)", "报文经过压缩（gzip）"),
            (b"a=1", "body.form", "looks like a form", "似为表单"),
            (b'{"desk":{"opter":"x\\u0000y"}}', "body.nul", "holds a NUL", "文本中间有空字符"),
        ):
            answer = await caller.client.post("/v1/settlements:get", content=body)
            assert answer.status_code == 400
            details = answer.json()["error"]["details"]
            (violation,) = next(each["fieldViolations"] for each in details if "fieldViolations" in each)
            assert violation["reason"] == rule
            assert english in violation["description"]
            assert chinese in violation["localizedMessage"]["message"]
