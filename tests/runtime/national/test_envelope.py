"""The mobile envelope: against another library's vectors and an implementation written apart, and every way to be refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.kernel.clock import BEIJING
from services.kernel.errors import Fault
from services.runtime.national.envelope import (
    App,
    OpenedMessage,
    build_answer,
    build_request,
    open_answer,
    open_request,
    read_outer,
    write_unsigned,
)
from services.runtime.national.signed_text import Rows, SecretForm, signed_text
from services.runtime.texts.gateway import next_step
from tests.runtime.national.keys import STANDARD, STANDARD_PUBLIC, other, second_library, standard

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("envelopes.json").read_text(encoding="utf-8"))
APP_ID, SECRET = VECTORS["app_id"], VECTORS["secret"]
NOW = datetime.fromtimestamp(1_796_000_000, UTC)
FEES = {"orgCodg": "H37010000001", "userName": "测试甲", "feedetailList": [{"pric": "1.10", "cnt": "2"}]}


@cache
def theirs(form: SecretForm = SecretForm.KEY) -> App:
    """The app as its owner has it."""
    return App(APP_ID, SECRET, standard(), other().public, form)


@cache
def ours(form: SecretForm = SecretForm.KEY) -> App:
    """The app as the bureau has it."""
    return App(APP_ID, SECRET, other(), standard().public, form)


def opened(body: bytes, app: App | None = None, now: datetime = NOW) -> OpenedMessage:
    return open_request(app or ours(), read_outer(body), now)


def refused(act: Callable[[], object]) -> tuple[str, str, str]:
    """Reason, field and rule of the refusal."""
    with pytest.raises(Fault) as caught:
        act()
    broken = caught.value.violations
    assert next_step(caught.value, "zh")
    return caught.value.reason, broken[0].path if broken else "", broken[0].rule if broken else ""


def changed(**members: Any) -> bytes:
    """A good request with other members; one of None is taken out."""
    body = json.loads(build_request(theirs(), FEES, NOW)) | members
    return json.dumps({name: value for name, value in body.items() if value is not None}).encode()


class TestAnotherLibrarysRequests:
    @pytest.mark.parametrize("vector", VECTORS["requests"], ids=lambda vector: vector["name"])
    def test_they_open_with_chinese_as_it_is_or_escaped(self, vector: dict[str, Any]) -> None:
        found = opened(json.dumps(vector["body"]).encode())
        assert found.data["userName"] == "测试甲"
        assert found.data["medfeeSumamt"] == b"12.5"
        assert found.sent == NOW

    @pytest.mark.parametrize("vector", VECTORS["requests"], ids=lambda vector: vector["name"])
    def test_the_text_that_is_signed_is_the_same_letter_for_letter(self, vector: dict[str, Any]) -> None:
        rows = Rows.LIKE_ALL if vector["name"] == "all" else Rows.AS_SENT
        data = opened(json.dumps(vector["body"]).encode()).data
        assert signed_text(vector["body"], data, SECRET, SecretForm.KEY, rows).decode() == vector["text"]

    @pytest.mark.parametrize(
        ("rows", "row"),
        [(Rows.LIKE_ALL, '{"no":"false","sum":"1.50"}'), (Rows.AS_SENT, '{"no":false,"sum":1.50}')],
        ids=["like all", "as sent"],
    )
    def test_yes_and_no_are_signed_as_words_and_neither_no_nor_nought_is_left_out(self, rows: Rows, row: str) -> None:
        data = {"yes": True, "no": False, "zero": 0, "rows": [{"no": False, "sum": b"1.50"}]}
        text = signed_text({"success": False, "code": 0}, data, SECRET, SecretForm.KEY, rows).decode()
        told = f'{{"no":"false","rows":[{row}],"yes":"true","zero":"0"}}'
        assert text == f"code=0&data={told}&success=false&key={SECRET}"

    def test_the_cipher_text_is_the_same_bit_for_bit(self) -> None:
        body = VECTORS["requests"][0]["body"]
        assert ours().encrypt(ours().decrypt(body["encData"])) == body["encData"]


class TestAnImplementationWrittenApart:
    """SM4-ECB block by block and SM2 by GmSSL; the text to sign put together by hand."""

    @pytest.fixture
    def second(self) -> ModuleType:
        return second_library()

    def ecb(self, second: ModuleType, key: bytes, plain: bytes) -> str:
        padded = plain + bytes([16 - len(plain) % 16]) * (16 - len(plain) % 16)
        blocks = (padded[at : at + 16] for at in range(0, len(padded), 16))
        return "".join(second.sm4_ctr_encrypt(key, block, bytes(16)).hex().upper() for block in blocks)

    def test_what_it_sends_is_opened_and_what_is_answered_it_verifies(self, second: ModuleType) -> None:
        key = self.ecb(second, APP_ID[:16].encode(), SECRET.encode())[:16].encode()
        plain = '{"idNo":"370100190001010018","sum":"1.00"}'
        text = f"appCode={APP_ID}&data={plain}&encType=SM4&signType=SM2&timestamp=1796000000&version=2.0.1&key={SECRET}"
        private, point = bytes.fromhex(STANDARD), bytes.fromhex(STANDARD_PUBLIC)
        der = second.sm2_sign(private, point, text.encode())
        body = {"appCode": APP_ID, "version": "2.0.1", "timestamp": "1796000000", "encType": "SM4", "signType": "SM2"}
        body |= {"encData": self.ecb(second, key, plain.encode()), "signData": base64.b64encode(raw(der)).decode()}
        found = opened(json.dumps(body).encode())
        assert found.data == {"idNo": "370100190001010018", "sum": "1.00"}

        answer = json.loads(build_answer(ours(), found.outer, {"payOrdId": "ORD1"}, NOW))
        assert answer["encData"] == self.ecb(second, key, b'{"payOrdId":"ORD1"}')
        assert answer["timestamp"] == "1796000000"
        said = (
            f'appCode={APP_ID}&code=0&data={{"payOrdId":"ORD1"}}&encType=SM4&message=成功&signType=SM2'
            f"&success=true&timestamp=1796000000&version=2.0.1&key={SECRET}"
        )
        signature = der_of(base64.b64decode(answer["signData"]))
        assert second.sm2_verify(other().public.point[1:], said.encode(), signature)


def raw(der: bytes) -> bytes:
    """r‖s of a DER signature, read by hand."""
    size = der[3]
    r, s = der[4 : 4 + size], der[6 + size :]
    return r.lstrip(b"\0").rjust(32, b"\0") + s.lstrip(b"\0").rjust(32, b"\0")


def der_of(signature: bytes) -> bytes:
    """The other way round."""
    halves = (signature[:32].lstrip(b"\0"), signature[32:].lstrip(b"\0"))
    numbers = b"".join(bytes((2, len(one := (b"\0" if n[0] & 0x80 else b"") + n))) + one for n in halves)
    return bytes((0x30, len(numbers))) + numbers


class TestBothSides:
    @pytest.mark.parametrize("form", SecretForm)
    @pytest.mark.parametrize("version", ["1.0.0", "2.0.1"])
    @pytest.mark.parametrize("id_name", ["appId", "appCode"])
    @pytest.mark.parametrize("escaped", [False, True])
    def test_a_request_and_its_answer(self, form: SecretForm, version: str, id_name: Any, escaped: bool) -> None:
        body = build_request(theirs(form), FEES, NOW, version=version, id_name=id_name, escaped=escaped)
        found = opened(body, ours(form))
        assert found.data == FEES
        assert found.outer.id_name == id_name
        answer = build_answer(ours(form), found.outer, {"payOrdId": "ORD370100"}, NOW)
        assert json.loads(answer)[id_name] == APP_ID
        told = open_answer(theirs(form), answer, NOW)
        assert (told.code, told.success, told.message, told.data) == ("0", True, "成功", {"payOrdId": "ORD370100"})

    def test_a_refusal_is_signed_as_well_and_holds_no_data(self) -> None:
        found = opened(build_request(theirs(), FEES, NOW))
        answer = build_answer(ours(), found.outer, {}, NOW, code=-1, message="[ORDER_NOT_FOUND] 未找到")
        assert "encData" not in json.loads(answer)
        told = open_answer(theirs(), answer, NOW)
        assert (told.code, told.success, told.data) == ("-1", False, {})

    def test_a_refusal_to_somebody_unknown_is_not_signed(self) -> None:
        told = json.loads(write_unsigned(-1, "未登记", NOW))
        assert (told["code"], told["success"], "signData" in told) == (-1, False, False)

    def test_the_two_ways_of_the_secret_do_not_verify_each_other(self) -> None:
        body = build_request(theirs(SecretForm.APPENDED), FEES, NOW)
        assert refused(lambda: opened(body)) == ("AUTHENTICATION_FAILED", "signData", "mobile.signature")

    json_values = st.recursive(
        st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=10,
    )

    @given(
        data=st.dictionaries(st.text(min_size=1, max_size=6), json_values, min_size=1, max_size=5),
        escaped=st.booleans(),
    )
    @settings(max_examples=25)
    def test_whatever_is_sent_is_read(self, data: dict[str, Any], escaped: bool) -> None:
        assert opened(build_request(theirs(), data, NOW, escaped=escaped)).data == data

    @given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
    @settings(max_examples=40)
    def test_whatever_is_changed_on_the_way_is_refused(self, place: int, bit: int) -> None:
        body = bytearray(build_request(theirs(), FEES, NOW))
        body[place % len(body)] ^= 1 << bit
        try:
            found = opened(bytes(body))
        except Fault:
            return
        # A letter of hex in the other case, or of a name that is not signed, changes nothing.
        assert found.data == FEES
        assert found.sent == NOW


class TestTheForm:
    @pytest.mark.parametrize("name", ["timestamp", "signData", "encData"])
    def test_a_member_that_is_needed(self, name: str) -> None:
        assert refused(lambda: opened(changed(**{name: None}))) == ("ENVELOPE_INVALID", name, "national.required")
        assert refused(lambda: opened(changed(**{name: ""}))) == ("ENVELOPE_INVALID", name, "national.required")

    @pytest.mark.parametrize(
        ("members", "field", "rule"),
        [
            ({"appId": None}, "appId", "national.required"),
            ({"appId": 12}, "appId", "mobile.app_id"),
            ({"appId": "x" * 65}, "appId", "mobile.app_id"),
            ({"appCode": APP_ID}, "appId", "mobile.one_app"),
            ({"appId": APP_ID[:-1] + "2"}, "appId", "mobile.other_app"),
            ({"version": "3.0.0"}, "version", "mobile.version"),
            ({"encType": "AES"}, "encType", "mobile.kind"),
            ({"signType": None}, "signType", "mobile.kind"),
            ({"data": {"a": "1"}}, "data", "mobile.plain"),
            ({"timestamp": "yesterday"}, "timestamp", "mobile.timestamp"),
            ({"timestamp": "20261399000000"}, "timestamp", "mobile.timestamp"),
            ({"timestamp": "9999999999999"}, "timestamp", "mobile.window"),
            ({"timestamp": "１７９６００００００"}, "timestamp", "mobile.timestamp"),
            ({"signData": "AAAA"}, "signData", "mobile.sign_data"),
            ({"signData": "not base64!"}, "signData", "mobile.sign_data"),
            ({"encData": "00" * 16}, "encData", "mobile.cipher"),
            ({"encData": "xyz"}, "encData", "mobile.cipher"),
            ({"encData": {"a": 1}}, "encData", "mobile.cipher"),
            ({f"m{place}": "1" for place in range(40)}, "", "mobile.members"),
        ],
    )
    def test_a_member_of_another_form(self, members: dict[str, Any], field: str, rule: str) -> None:
        assert refused(lambda: opened(changed(**members)))[1:] == (field, rule)

    @pytest.mark.parametrize(
        ("plain", "field", "rule"),
        [
            (b'{"a":"1","a":"2"}', "encData.a", "body.twice"),
            (b'{"a":[{"b":1,"b":1}]}', "encData.b", "body.twice"),
            (b"[1]", "encData", "body.no_object"),
            (b'"text"', "encData", "body.no_object"),
            (b"{", "encData", "mobile.no_json"),
            (b'{"a":NaN}', "encData", "mobile.no_json"),
            (b"\xff\xfe", "encData", "mobile.no_json"),
            (b'{"a":"\\ud800"}', "encData", "body.surrogate"),
            (b'{"a":' + b"[" * 40_000 + b"]" * 40_000 + b"}", "encData", "body.too_deep"),
            ('{"a":1}'.encode("utf-16"), "encData", "mobile.no_json"),
        ],
        ids=range(10),
    )
    def test_data_of_another_form(self, plain: bytes, field: str, rule: str) -> None:
        assert refused(lambda: opened(changed(encData=theirs().encrypt(plain))))[1:] == (field, rule)

    def test_a_name_twice_in_the_envelope_itself(self) -> None:
        body = changed().replace(b'"version"', b'"timestamp": "1", "version"', 1)
        assert refused(lambda: opened(body)) == ("ENVELOPE_INVALID", "timestamp", "body.twice")

    @pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"\xff", b'"{}"'])
    def test_what_is_no_envelope(self, body: bytes) -> None:
        assert refused(lambda: read_outer(body))[0] == "ENVELOPE_INVALID"

    def test_what_is_too_large_is_not_read(self) -> None:
        assert refused(lambda: read_outer(b"{" * 101, most_bytes=100))[0] == "BODY_TOO_LARGE"
        assert refused(lambda: read_outer(b'{"a":[' + b"0," * 200_000 + b"0]}"))[2] == "message.max_values"

    @pytest.mark.parametrize(("app_id", "secret"), [("short", SECRET), ("编" * 20, SECRET), (APP_ID, "")])
    def test_an_app_that_could_not_encrypt_is_none(self, app_id: str, secret: str) -> None:
        with pytest.raises(ValueError, match="16 ASCII"):
            App(app_id, secret, standard(), other().public)


class TestTime:
    @pytest.mark.parametrize("form", ["1796000000", "1796000000000", f"{NOW.astimezone(BEIJING):%Y%m%d%H%M%S}"])
    def test_it_is_read_in_every_form_and_answered_in_the_same(self, form: str) -> None:
        members = {"appId": APP_ID, "version": "1.0.0", "timestamp": form, "encType": "SM4", "signType": "SM2"}
        body = members | {
            "signData": theirs().sign(members, FEES),
            "encData": theirs().encrypt(json.dumps(FEES).encode()),
        }
        found = opened(json.dumps(body).encode())
        assert found.sent == NOW
        assert json.loads(build_answer(ours(), found.outer, {}, NOW))["timestamp"] == form

    @pytest.mark.parametrize("minutes", [-6, 6])
    def test_a_request_or_answer_of_another_time_is_refused(self, minutes: int) -> None:
        late = NOW + timedelta(minutes=minutes)
        body = build_request(theirs(), FEES, NOW)
        stale = ("TIMESTAMP_OUT_OF_WINDOW", "timestamp", "mobile.window")
        assert refused(lambda: opened(body, now=late)) == stale
        answer = build_answer(ours(), opened(body).outer, {}, NOW)
        assert refused(lambda: open_answer(theirs(), answer, late)) == stale

    @pytest.mark.parametrize("minutes", [-4, 4])
    def test_a_clock_a_little_off_is_taken(self, minutes: int) -> None:
        assert opened(build_request(theirs(), FEES, NOW), now=NOW + timedelta(minutes=minutes)).data == FEES


class TestSignatures:
    def test_somebody_elses_signature_is_refused(self) -> None:
        stranger = App(APP_ID, SECRET, other(), other().public)
        body = build_request(stranger, FEES, NOW)
        assert refused(lambda: opened(body)) == ("AUTHENTICATION_FAILED", "signData", "mobile.signature")

    def test_an_answer_that_the_bureau_did_not_sign_is_refused(self) -> None:
        asked = opened(build_request(theirs(), FEES, NOW)).outer
        forged = build_answer(theirs(), asked, {"ordStas": "6"}, NOW)
        assert refused(lambda: open_answer(theirs(), forged, NOW))[0] == "AUTHENTICATION_FAILED"

    @pytest.mark.parametrize("name", ["version", "timestamp"])
    def test_a_member_is_part_of_what_is_signed(self, name: str) -> None:
        body = changed(**{name: {"version": "2.0.1", "timestamp": "1796000001"}[name]})
        assert refused(lambda: opened(body))[0] == "AUTHENTICATION_FAILED"

    def test_a_member_that_nobody_knows_is_signed_too_and_extra_is_not(self) -> None:
        assert refused(lambda: opened(changed(more="1")))[0] == "AUTHENTICATION_FAILED"
        assert opened(changed(extra={"any": "thing"}, more="")).data == FEES

    def test_the_signature_by_which_a_repeat_is_known_comes_with_it(self) -> None:
        first, second = build_request(theirs(), FEES, NOW), build_request(theirs(), FEES, NOW)
        assert opened(first).signature == opened(first).signature
        assert opened(first).signature != opened(second).signature
