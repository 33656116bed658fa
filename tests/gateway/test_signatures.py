"""How institutions prove who they are: the styles as clients sign, their windows and the words of their refusals."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.national.signatures import authenticate, bus_signature, tif_signature
from gateway.partners import Profile
from services.kernel.errors import Fault
from services.runtime.call import Caller, Role
from tests.gateway.conftest import HOSPITAL, Scene, envelope, hospital
from yibao.identity.v1 import partner_pb2

NOW = datetime(2026, 11, 21, 12, 46, 54, tzinfo=UTC)
QUERY = {"data": {"psn_no": "1", "mdtrt_id": "2"}}


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
        authenticate(profile(style), headers, NOW, sandbox=True)
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
        authenticate(profile(self.CSB), headers, datetime.fromtimestamp(1795294014, UTC), sandbox=False)

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
            ({"_api_signature": ""}, "缺少服务网关的请求头!"),
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
            ({"x-tif-nonce": ""}, "鉴权参数不完整"),
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


class TestOtherStyles:
    def test_a_key_alone_is_compared(self) -> None:
        style = partner_pb2.AUTH_STYLE_API_KEY
        assert refused(style, {"apikey": "test-sk"}) == ""
        assert refused(style, {"apikey": "x"}) == "AUTHENTICATION_FAILED"
        assert refused(style, {}) == "AUTHENTICATION_MISSING"

    @pytest.mark.parametrize(("of_mesh", "of_partner"), [(False, True), (True, False), (False, False)])
    def test_no_proof_at_all_exists_only_in_a_sandbox(self, of_mesh: bool, of_partner: bool) -> None:
        with pytest.raises(Fault) as caught:
            authenticate(profile(partner_pb2.AUTH_STYLE_NONE, sandbox=of_partner), {}, NOW, sandbox=of_mesh)
        assert caught.value.reason == "AUTH_STYLE_NOT_ALLOWED"

    def test_a_profile_without_a_style_lets_nobody_in(self) -> None:
        assert refused(partner_pb2.AUTH_STYLE_UNSPECIFIED, {}) == "AUTH_STYLE_NOT_ALLOWED"

    def test_an_empty_secret_proves_nothing(self) -> None:
        empty: Any = profile(partner_pb2.AUTH_STYLE_API_KEY)
        object.__setattr__(empty, "secret", "")
        with pytest.raises(Fault):
            authenticate(empty, {"apikey": ""}, NOW, sandbox=True)
