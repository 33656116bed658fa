"""A partner's app at the mobile envelope: its keys are keys, it is nobody else's, and its secrets reach the gateway alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.identity.domain.mobile import MobileApp, broken_keys
from services.identity.domain.partner import AuthStyle, Dialect, Partner, check_partner
from services.kernel.errors import Fault
from tests.identity.member import OPERATOR, SETTLEMENT, Running
from tests.identity.messages import partner, profile
from tests.runtime.national.keys import OTHER, STANDARD, STANDARD_PUBLIC, other, sm2, standard
from yibao.identity.v1 import partner_pb2
from yibao.identity.v1.partner_pb2_grpc import PartnerServiceStub

ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
PRIME = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
APP_ID = "5A4E1F00000000000000000000000001"


def app(**changed: Any) -> partner_pb2.MobileApp:
    values = {
        "app_id": APP_ID,
        "app_secret": "a-secret-of-the-tests",
        "public_key": STANDARD_PUBLIC,
        "own_private_key": OTHER,
        **changed,
    }
    return partner_pb2.MobileApp(**values)


def domain(**changed: Any) -> MobileApp:
    return MobileApp(**{"app_id": APP_ID, "app_secret": "s", "public_key": STANDARD_PUBLIC, "own_private_key": OTHER,
                        "secret_appended": False, **changed})  # fmt: skip


class TestKeys:
    @pytest.mark.parametrize("public_key", [STANDARD_PUBLIC, f"04{STANDARD_PUBLIC}", STANDARD_PUBLIC.lower()])
    def test_a_point_of_the_curve_is_one(self, public_key: str) -> None:
        assert broken_keys(domain(public_key=public_key)) == []

    def test_what_openssl_makes_is_taken(self) -> None:
        for key in (standard(), other()):
            assert broken_keys(domain(public_key=key.public.point.hex(), own_private_key=key.scalar.hex())) == []

    @pytest.mark.parametrize(
        "public_key", ["0" * 128, STANDARD_PUBLIC[:-1] + "4", f"{PRIME:064X}{'0' * 64}", STANDARD_PUBLIC[64:] * 2]
    )
    def test_what_is_beside_the_curve_is_none_here_and_for_openssl(self, public_key: str) -> None:
        assert [each.path for each in broken_keys(domain(public_key=public_key))] == ["partner.mobile.public_key"]
        with pytest.raises(ValueError, match="no public key"):
            sm2().public_key(public_key)

    @pytest.mark.parametrize(("number", "fits"), [(0, False), (1, True), (ORDER - 2, True), (ORDER - 1, False)])
    def test_a_private_key_goes_from_1_to_n_less_2(self, number: int, fits: bool) -> None:
        assert (broken_keys(domain(own_private_key=f"{number:064x}")) == []) is fits

    def test_a_weak_app_secret_exists_only_in_a_sandbox(self) -> None:
        hospital = Partner(
            "H1", "测试医院", "institution", AuthStyle.API_KEY, "", "k" * 20 + "abcdefghijkl", False, Dialect()
        )
        weak = replace(hospital, mobile=domain())
        check_partner(weak, sandbox=True)
        with pytest.raises(Fault) as refused:
            check_partner(weak, sandbox=False)
        assert refused.value.reason == "SECRET_TOO_WEAK"


class TestRpc:
    async def test_its_secrets_are_told_to_the_gateway_that_asks_for_the_app_and_to_nobody_else(
        self, running: Running
    ) -> None:
        stub = running.stub(PartnerServiceStub)
        bare = app(app_secret="", own_private_key="")
        answer = await running.call(stub.RegisterPartner, profile(mobile=app()), OPERATOR)
        assert answer.partner.mobile == bare
        asked = partner_pb2.GetPartnerRequest(partner_code="H99010000001")
        assert (await running.call(stub.GetPartner, asked, OPERATOR)).partner.mobile == bare
        by_code = partner_pb2.ResolvePartnerRequest(partner_code="H99010000001")
        assert (await running.call(stub.ResolvePartner, by_code, SETTLEMENT)).partner.mobile == bare
        by_app = partner_pb2.ResolvePartnerRequest(app_id=APP_ID)
        found = await running.call(stub.ResolvePartner, by_app, SETTLEMENT)
        assert (found.partner.mobile, found.subject) == (app(), "H99010000001")

    async def test_it_is_replaced_and_taken_away_with_the_profile(self, running: Running) -> None:
        stub = running.stub(PartnerServiceStub)
        asked = partner_pb2.ResolvePartnerRequest(app_id=APP_ID)
        assert await running.reason(stub.ResolvePartner, asked, SETTLEMENT) == "APP_UNKNOWN"
        await running.call(stub.RegisterPartner, profile(mobile=app()), OPERATOR)
        again = await running.call(stub.RegisterPartner, profile("p2", mobile=app()), OPERATOR)
        assert again.unchanged
        await running.call(stub.RegisterPartner, profile("p3", mobile=app(secret_appended=True)), OPERATOR)
        assert (await running.call(stub.ResolvePartner, asked, SETTLEMENT)).partner.mobile.secret_appended
        await running.call(stub.RegisterPartner, profile("p4"), OPERATOR)
        assert await running.reason(stub.ResolvePartner, asked, SETTLEMENT) == "APP_UNKNOWN"

    async def test_every_refusal(self, running: Running) -> None:
        stub = running.stub(PartnerServiceStub)
        await running.call(stub.RegisterPartner, profile(mobile=app()), OPERATOR)
        second = profile("p2", partner_code="H99010000002", access_key="ak-2", mobile=app())
        assert await running.reason(stub.RegisterPartner, second, OPERATOR) == "APP_ID_TAKEN"
        for wrong in (
            app(app_id="too-short"),
            app(app_secret=""),
            app(public_key=""),
            app(public_key=STANDARD),
            app(public_key="0" * 128),
            app(own_private_key="0" * 64),
            app(own_private_key="not hex"),
        ):
            assert (
                await running.reason(stub.RegisterPartner, profile("p3", mobile=wrong), OPERATOR) == "INVALID_REQUEST"
            )
        assert partner().mobile == partner_pb2.MobileApp()


class TestWhereItIsTold:
    async def test_the_address_is_kept_and_told(self, running: Running) -> None:
        stub = running.stub(PartnerServiceStub)
        asked = profile(notify_url="http://127.0.0.1:8000/hi/6302?x=1", notify_plain=True, knows_refunding=True)
        answer = await running.call(stub.RegisterPartner, asked, OPERATOR)
        found = await running.call(
            stub.GetPartner, partner_pb2.GetPartnerRequest(partner_code=asked.partner.partner_code), SETTLEMENT
        )
        for each in (answer.partner, found.partner):
            assert (each.notify_url, each.notify_plain) == ("http://127.0.0.1:8000/hi/6302?x=1", True)
            assert each.knows_refunding

    @pytest.mark.parametrize("url", ["ftp://a.example", "http://user@a.example/", "https://", "https://a.example/ä"])
    async def test_what_is_no_address_is_refused(self, running: Running, url: str) -> None:
        with pytest.raises(Fault) as refused:
            await running.call(running.stub(PartnerServiceStub).RegisterPartner, profile(notify_url=url), OPERATOR)
        assert [each.path for each in refused.value.violations] == ["partner.notify_url"]

    def test_outside_a_sandbox_it_is_https(self) -> None:
        hospital = Partner(
            *("H1", "测试医院", "institution", AuthStyle.API_KEY, "", "k" * 20 + "abcdefghijkl", False, Dialect()),
            notify_url="http://hospital.example/6302",
        )
        check_partner(hospital, sandbox=True)
        check_partner(replace(hospital, notify_url="https://hospital.example/6302"), sandbox=False)
        with pytest.raises(Fault) as refused:
            check_partner(hospital, sandbox=False)
        assert [each.path for each in refused.value.violations] == ["partner.notify_url"]
