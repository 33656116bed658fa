"""How institutions prove who they are: the styles as clients sign, their windows and the words of their refusals."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.national.signatures import authenticate, body_signature, bus_signature, signed_text, tif_signature
from gateway.nonces import Nonces
from gateway.partners import Profile
from services.kernel.errors import Fault
from services.runtime.call import Caller, Role
from tests.gateway.conftest import HOSPITAL, Scene, envelope, hospital
from tools.signing import signed_headers
from tools.tidy import ROOT
from yibao.identity.v1 import partner_pb2

NOW = datetime(2026, 11, 21, 12, 46, 54, tzinfo=UTC)
QUERY = {"data": {"psn_no": "1", "mdtrt_id": "2"}}
BODY = json.dumps(envelope("5203", QUERY)).encode()


def profile(style: int, *, sandbox: bool = True) -> Profile:
    """An institution with access key `test-ak` and secret `test-sk`."""
    caller = Caller(Role.INSTITUTION, HOSPITAL, sandbox)
    return Profile(HOSPITAL, caller, style, "test-ak", "test-sk", sandbox, partner_pb2.Dialect())


def bus_headers(moment: datetime = NOW, digits: int = 13, secret: str = "test-sk", **changes: str) -> dict[str, str]:
    """The five headers of the service bus."""
    stamp = str(int(moment.timestamp() * 1000))[:digits]
    headers = {
        "_api_name": "api_1101",
        "_api_version": "1.0",
        "_api_timestamp": stamp,
        "_api_access_key": "test-ak",
    } | changes
    return headers | {"_api_signature": bus_signature(headers, secret)}


def tif_headers(moment: datetime = NOW, secret: str = "test-sk", **changes: str) -> dict[str, str]:
    """The four headers of TIF."""
    stamp = str(int(moment.timestamp()))
    headers = {"x-tif-paasid": "test-ak", "x-tif-timestamp": stamp, "x-tif-nonce": "n-1"}
    return headers | {"x-tif-signature": tif_signature(stamp, "n-1", secret)} | changes


def refused(style: int, headers: dict[str, str]) -> str:
    """The reason of a refusal, "" where it is accepted."""
    try:
        authenticate(profile(style), headers, NOW, sandbox=True, nonces=Nonces(1800))
    except Fault as fault:
        return fault.reason
    return ""


class TestServiceBus:
    CSB = partner_pb2.AUTH_STYLE_CSB

    def test_a_recorded_signature_of_a_real_client_is_accepted(self) -> None:
        headers = {
            "_api_name": "api_1101",
            "_api_version": "1.0",
            "_api_timestamp": "1795294014306",
            "_api_access_key": "test-ak",
            "_api_signature": "K+tdwzBSSoEhOdw2IwOlGmhK9t4=",
        }
        authenticate(
            profile(self.CSB), headers, datetime.fromtimestamp(1795294014, UTC), sandbox=False, nonces=Nonces(1800)
        )

    @pytest.mark.parametrize("digits", [10, 13])
    def test_the_time_stamp_has_ten_or_thirteen_digits(self, digits: int) -> None:
        assert refused(self.CSB, bus_headers(digits=digits)) == ""

    @pytest.mark.parametrize(
        ("minutes", "reason"),
        [(29, ""), (-29, ""), (31, "TIMESTAMP_OUT_OF_WINDOW"), (-31, "TIMESTAMP_OUT_OF_WINDOW")],
    )
    def test_the_window_is_thirty_minutes(self, minutes: int, reason: str) -> None:
        assert refused(self.CSB, bus_headers(NOW + timedelta(minutes=minutes))) == reason

    def test_each_header_is_needed(self) -> None:
        for name in bus_headers():
            headers = {key: value for key, value in bus_headers().items() if key != name}
            assert refused(self.CSB, headers) == "AUTHENTICATION_MISSING"

    def test_another_secret_is_another_signature(self) -> None:
        assert refused(self.CSB, bus_headers(secret="other")) == "AUTHENTICATION_FAILED"

    def test_another_partners_good_key_proves_nothing_here(self) -> None:
        assert refused(self.CSB, bus_headers(_api_access_key="other-ak")) == "PARTNER_NOT_FOUND"

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"_api_signature": ""}, "缺少服务网关的请求头!（_api_signature）"),
            ({"_api_timestamp": "1"}, "签名时间戳超时!"),
            ({"_api_access_key": "other"}, "非法用户!"),
            ({"_api_signature": "AAAA"}, "签名不一致!"),
        ],
    )
    async def test_refusals_have_the_form_and_the_words_of_the_bus(
        self, scene: Scene, change: dict[str, str], message: str
    ) -> None:
        scene.clock.moment = NOW
        scene.partners[HOSPITAL] = hospital(auth_style=self.CSB, access_key="test-ak", secret="test-sk")
        answer = await scene.send(envelope("5203", QUERY), headers=bus_headers() | change)
        assert answer == {"code": 401, "message": message}

    async def test_the_same_bytes_may_come_again(self, scene: Scene) -> None:
        scene.clock.moment = NOW
        scene.partners[HOSPITAL] = hospital(auth_style=self.CSB, access_key="test-ak", secret="test-sk")
        headers = bus_headers()
        for _ in range(4):
            assert (await scene.send(envelope("5203", QUERY), headers=headers))["infcode"] == 0

    async def test_an_unknown_institution_is_an_unknown_user(self, scene: Scene) -> None:
        answer = await scene.send(envelope("5203", QUERY, fixmedins_code="H99010000009"), headers=bus_headers())
        assert answer == {"code": 401, "message": "非法用户!"}


class TestTif:
    TIF = partner_pb2.AUTH_STYLE_TIF

    def test_hex_may_be_in_capitals(self) -> None:
        headers = tif_headers()
        assert refused(self.TIF, headers) == ""
        assert refused(self.TIF, headers | {"x-tif-signature": headers["x-tif-signature"].upper()}) == ""

    def test_the_digest_is_over_time_secret_nonce_time(self) -> None:
        assert tif_signature("1", "n", "s") == hashlib.sha256(b"1sn1").hexdigest()

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"x-tif-nonce": ""}, "鉴权参数不完整，请求头缺少或格式不正确：x-tif-nonce"),
            ({"x-tif-signature": "00"}, "鉴权失败"),
            ({"x-tif-timestamp": "1"}, "时间戳超出"),
        ],
    )
    async def test_refusals_are_failures_of_the_envelope(self, scene: Scene, change: dict[str, str], said: str) -> None:
        scene.clock.moment = NOW
        scene.partners[HOSPITAL] = hospital(auth_style=self.TIF, access_key="test-ak", secret="test-sk")
        answer = await scene.send(envelope("5203", QUERY), headers=tif_headers() | change)
        assert answer["infcode"] == -1
        assert said in answer["err_msg"]

    async def test_a_nonce_counts_for_one_body_and_the_same_bytes_may_come_again(self, scene: Scene) -> None:
        scene.clock.moment = NOW
        scene.partners[HOSPITAL] = hospital(auth_style=self.TIF, access_key="test-ak", secret="test-sk")
        headers = tif_headers()
        for _ in range(2):
            assert (await scene.send(envelope("5203", QUERY), headers=headers))["infcode"] == 0
        other = envelope("5203", {"data": {"psn_no": "2", "mdtrt_id": "2"}})
        answer = await scene.send(other, headers=headers)
        assert answer["err_msg"].startswith("[NONCE_USED] ")
        later = tif_headers(NOW + timedelta(seconds=1))
        assert (await scene.send(other, headers=later))["infcode"] == 0
        assert len(scene.mesh.calls("GetSettlement")) == 3


class TestSigned:
    """Headers and body: what a client signs by the recipe, and everything that somebody on the way may change."""

    SIGNED = partner_pb2.AUTH_STYLE_SIGNED
    MILLISECONDS = int(NOW.timestamp() * 1000)

    @pytest.fixture
    def at_noon(self, scene: Scene) -> Scene:
        scene.clock.moment = NOW
        scene.partners[HOSPITAL] = hospital(auth_style=self.SIGNED, access_key="test-ak", secret="test-sk")
        return scene

    def signed(self, body: bytes, infno: str = "5203", **more: Any) -> dict[str, str]:
        return signed_headers("test-ak", "test-sk", infno, body, **({"timestamp_ms": self.MILLISECONDS} | more))

    async def post(self, scene: Scene, body: bytes, headers: dict[str, str]) -> str:
        """The reason of the refusal, "" for an answer."""
        answer = await scene.client.post("/fsi/api/any", content=body, headers=headers)
        assert answer.status_code == 200
        said: str | None = answer.json()["err_msg"]
        return "" if said is None else said[1 : said.index("]")]

    @pytest.mark.parametrize("name", ["5203", "api_5203", "hsa-fsi-5203", "HSA-FSI-5203"])
    async def test_what_the_recipe_signs_is_accepted(self, at_noon: Scene, name: str) -> None:
        for content_type in ("application/json", "application/json; charset=utf-8"):
            assert await self.post(at_noon, BODY, self.signed(BODY, name, content_type=content_type)) == ""

    async def test_a_proxy_that_drops_underscores_is_no_hindrance(self, at_noon: Scene) -> None:
        headers = {
            f"x-api-{name.removeprefix('_api_').replace('_', '-')}" if name.startswith("_api_") else name: value
            for name, value in self.signed(BODY).items()
        }
        assert not any(name.startswith("_") for name in headers)
        assert await self.post(at_noon, BODY, headers) == ""

    async def test_another_body_under_the_same_headers_is_found_out(self, at_noon: Scene) -> None:
        assert await self.post(at_noon, BODY.replace(b'"1"', b'"3"'), self.signed(BODY)) == "AUTHENTICATION_FAILED"
        assert await self.post(at_noon, BODY + b" ", self.signed(BODY)) == "AUTHENTICATION_FAILED"
        assert at_noon.mesh.calls("GetSettlement") == []

    @pytest.mark.parametrize(
        ("header", "value", "reason"),
        [
            ("_api_name", "2207", "AUTHENTICATION_FAILED"),
            ("_api_nonce", "another", "AUTHENTICATION_FAILED"),
            ("_api_version", "2.0", "AUTHENTICATION_FAILED"),
            ("_api_timestamp", str(MILLISECONDS + 1), "AUTHENTICATION_FAILED"),
            ("_api_timestamp", str(MILLISECONDS - 31 * 60_000), "TIMESTAMP_OUT_OF_WINDOW"),
            ("_api_access_key", "other-ak", "PARTNER_NOT_FOUND"),
            ("_api_signature", "AAAA", "AUTHENTICATION_FAILED"),
            ("Content-Type", "application/json; charset=gbk", "AUTHENTICATION_FAILED"),
        ],
    )
    async def test_every_signed_header_counts(self, at_noon: Scene, header: str, value: str, reason: str) -> None:
        assert await self.post(at_noon, BODY, self.signed(BODY) | {header: value}) == reason

    async def test_each_header_is_needed(self, at_noon: Scene) -> None:
        for name in self.signed(BODY):
            if name.startswith("_api_"):
                headers = {key: value for key, value in self.signed(BODY).items() if key != name}
                assert await self.post(at_noon, BODY, headers) == "AUTHENTICATION_MISSING"

    async def test_a_request_that_was_overheard_cannot_be_sent_again(self, at_noon: Scene) -> None:
        headers = self.signed(BODY)
        assert await self.post(at_noon, BODY, headers) == ""
        assert await self.post(at_noon, BODY, headers) == "NONCE_USED"
        assert await self.post(at_noon, BODY, self.signed(BODY, nonce=headers["_api_nonce"])) == "NONCE_USED"
        assert await self.post(at_noon, BODY, self.signed(BODY)) == ""

    async def test_who_sends_the_same_signature_again_is_told_to_keep_the_message_number(self, at_noon: Scene) -> None:
        headers = self.signed(BODY)
        assert await self.post(at_noon, BODY, headers) == ""
        answer = await at_noon.client.post("/fsi/api/any", content=BODY, headers=headers)
        assert answer.json()["err_msg"].endswith("请以相同msgid重发")

    async def test_a_signature_for_one_transaction_does_not_open_another(self, at_noon: Scene) -> None:
        assert await self.post(at_noon, BODY, self.signed(BODY, "1101")) == "SIGNED_NAME_MISMATCH"
        # The refusal used no nonce up: the same may be signed for what it is.
        assert await self.post(at_noon, BODY, self.signed(BODY, "1101", nonce="n")) == "SIGNED_NAME_MISMATCH"
        assert await self.post(at_noon, BODY, self.signed(BODY, nonce="n")) == ""

    def test_no_value_can_be_read_as_two(self) -> None:
        for nonce in ("a&_api_timestamp=1", "a=b", "x" * 129, "空"):
            values = {"access_key": "test-ak", "name": "5203", "nonce": nonce, "version": "1.0"}
            values["timestamp"] = str(self.MILLISECONDS)
            headers = {f"_api_{name}": value for name, value in values.items()}
            headers["_api_signature"] = body_signature(values, b"", "", "test-sk")
            assert refused(self.SIGNED, headers) == "AUTHENTICATION_MISSING"

    def test_the_worked_example_of_the_document_is_right(self) -> None:
        document = (ROOT / "docs" / "signing.md").read_text(encoding="utf-8")
        body = b'{"infno":"1101"}'
        headers = signed_headers(
            "test-ak", "0123456789abcdef" * 2, "1101", body, timestamp_ms=1795294014306, nonce="n-1"
        )
        assert f"_api_signature: {headers['_api_signature']}\n" in document
        values = {name: headers[f"_api_{name}"] for name in ("access_key", "name", "nonce", "timestamp", "version")}
        assert f"\n{signed_text(values, body, 'application/json')}\n" in document


class TestNonces:
    def admitted(self, nonces: Nonces, partner: str, nonce: str, sent: int, now: float) -> str:
        try:
            nonces.admit(partner, nonce, sent, now)
        except Fault as fault:
            return fault.reason
        return ""

    def test_a_nonce_is_remembered_as_long_as_its_time_stamp_holds(self) -> None:
        nonces = Nonces(60)
        assert self.admitted(nonces, "H1", "a", 1000, 1000) == ""
        assert self.admitted(nonces, "H2", "a", 1000, 1000) == ""
        assert self.admitted(nonces, "H1", "a", 1030, 1060) == "NONCE_USED"
        assert self.admitted(nonces, "H1", "b", 1061, 1061) == ""
        assert self.admitted(nonces, "H1", "a", 1061, 1061) == ""

    def test_the_memory_is_bounded_and_what_is_forgotten_is_refused(self) -> None:
        nonces = Nonces(1000, size=100)
        assert self.admitted(nonces, "H2", "quiet", 1000, 1000) == ""
        for number in range(500):
            assert self.admitted(nonces, "H1", f"n{number}", 1000 + number, 1000 + number) == ""
            assert nonces._count <= 100
        assert nonces._count == sum(map(len, nonces._seen.values()))
        for number in range(500):
            again = self.admitted(nonces, "H1", f"n{number}", 1000 + number, 1500)
            assert again in ("NONCE_USED", "TIMESTAMP_OUT_OF_WINDOW")
        # One that sends much takes nothing from one that sends little.
        assert self.admitted(nonces, "H2", "quiet", 1000, 1500) == "NONCE_USED"
        assert self.admitted(nonces, "H2", "other", 1000, 1500) == ""

    def test_a_few_requests_from_a_clock_that_is_ahead_shut_out_nobody(self) -> None:
        nonces = Nonces(1800, size=20)
        for number in range(100):
            sent = 1000 + number + (1700 if number in (0, 50) else 0)
            assert self.admitted(nonces, "H1", f"n{number}", sent, 1000 + number) == ""

    def test_of_a_partner_that_sent_too_much_nothing_is_left_when_its_window_has_passed(self) -> None:
        nonces = Nonces(60, size=10)
        for number in range(20):
            assert self.admitted(nonces, "H1", f"n{number}", 1000 + number, 1000 + number) == ""
        assert self.admitted(nonces, "H1", "n0", 1000, 1020) == "TIMESTAMP_OUT_OF_WINDOW"
        assert self.admitted(nonces, "H2", "a", 1200, 1200) == ""
        assert (set(nonces._seen), nonces._floors) == ({"H2"}, {})


class TestOtherStyles:
    def test_a_key_alone_is_compared(self) -> None:
        style = partner_pb2.AUTH_STYLE_API_KEY
        assert refused(style, {"apikey": "test-sk"}) == ""
        assert refused(style, {"apikey": "x"}) == "AUTHENTICATION_FAILED"
        assert refused(style, {}) == "AUTHENTICATION_MISSING"

    @pytest.mark.parametrize(("of_mesh", "of_partner"), [(False, True), (True, False), (False, False)])
    def test_no_proof_at_all_exists_only_in_a_sandbox(self, of_mesh: bool, of_partner: bool) -> None:
        with pytest.raises(Fault) as caught:
            authenticate(
                profile(partner_pb2.AUTH_STYLE_NONE, sandbox=of_partner), {}, NOW, sandbox=of_mesh, nonces=Nonces(1800)
            )
        assert caught.value.reason == "AUTH_STYLE_NOT_ALLOWED"

    def test_a_profile_without_a_style_lets_nobody_in(self) -> None:
        assert refused(partner_pb2.AUTH_STYLE_UNSPECIFIED, {}) == "AUTH_STYLE_NOT_ALLOWED"

    def test_of_a_key_its_digest_is_enough(self) -> None:
        kept = replace(
            profile(partner_pb2.AUTH_STYLE_API_KEY), secret="", secret_digest=hashlib.sha256(b"key").hexdigest()
        )
        authenticate(kept, {"apikey": "key"}, NOW, sandbox=False, nonces=Nonces(1800))
        for wrong in ("other", kept.secret_digest):
            with pytest.raises(Fault):
                authenticate(kept, {"apikey": wrong}, NOW, sandbox=False, nonces=Nonces(1800))

    def test_an_empty_secret_proves_nothing(self) -> None:
        empty: Any = profile(partner_pb2.AUTH_STYLE_API_KEY)
        object.__setattr__(empty, "secret", "")
        with pytest.raises(Fault):
            authenticate(empty, {"apikey": ""}, NOW, sandbox=True, nonces=Nonces(1800))
