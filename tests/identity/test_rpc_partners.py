"""PartnerService over loopback, with every interceptor, and the start of a member that nobody can call yet."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from google.type.date_pb2 import Date

from services.identity.domain.digests import digest
from services.kernel.errors import Fault
from services.runtime.server import StartError
from tests.identity.member import CLINIC, HOSPITAL, OPERATOR, SETTLEMENT, Running, start
from tests.identity.messages import key_request, on, partner, profile, sign_in, sign_out
from tests.identity.people import NOON, Ticking, person
from yibao.identity.v1 import api_key_pb2, partner_pb2, sign_in_pb2
from yibao.identity.v1.partner_pb2_grpc import PartnerServiceStub
from yibao.options.v1 import options_pb2

MESH_KEY = "the key of a mesh that is no sandbox"


def _settings(folder: Path, **more: str) -> dict[str, str]:
    return {"YIBAO_DATA_DIR": str(folder), "YIBAO_MESH_KEY": MESH_KEY, **more}


async def test_a_profile_is_answered_without_its_secret_but_to_the_gateway(running: Running) -> None:
    stub = running.stub(PartnerServiceStub)
    bare = partner(secret="")
    bare.dialect.SetInParent()
    answer = await running.call(stub.RegisterPartner, profile(), OPERATOR)
    assert answer.partner == bare
    assert await running.call(stub.RegisterPartner, profile(), OPERATOR) == answer
    asked = partner_pb2.GetPartnerRequest(partner_code="H99010000001")
    assert (await running.call(stub.GetPartner, asked, OPERATOR)).partner == bare
    for request in (
        partner_pb2.ResolvePartnerRequest(partner_code="H99010000001"),
        partner_pb2.ResolvePartnerRequest(access_key="test-ak"),
    ):
        resolved = await running.call(stub.ResolvePartner, request, SETTLEMENT)
        assert (resolved.partner.secret, resolved.subject) == ("test-sk", "H99010000001")
        assert resolved.role == options_pb2.ROLE_INSTITUTION
    assert await running.reason(stub.ResolvePartner, request, OPERATOR) == "ROLE_NOT_ALLOWED"


async def test_limits_are_told_to_the_gateway_as_they_were_registered(running: Running) -> None:
    stub = running.stub(PartnerServiceStub)
    limits = [
        partner_pb2.PartnerLimit(from_day=on(date(2026, 1, 1)), to_day=on(date(2026, 6, 30)), calls_per_minute=600),
        partner_pb2.PartnerLimit(from_day=on(date(2026, 7, 1)), work_under_way=32),
    ]
    await running.call(stub.RegisterPartner, profile(limits=limits), OPERATOR)
    asked = partner_pb2.ResolvePartnerRequest(partner_code="H99010000001")
    assert list((await running.call(stub.ResolvePartner, asked, SETTLEMENT)).partner.limits) == limits
    nowhere = [partner_pb2.PartnerLimit(from_day=Date(year=2026, month=2, day=30))]
    for place, wrong in (("from_day", nowhere), ("calls_per_minute", [limits[0], _negative()])):
        with pytest.raises(Fault) as refused:
            await running.call(stub.RegisterPartner, profile("p2", limits=wrong), OPERATOR)
        assert [each.path for each in refused.value.violations] == [f"partner.limits[{len(wrong) - 1}].{place}"]


def _negative() -> partner_pb2.PartnerLimit:
    return partner_pb2.PartnerLimit(from_day=on(date(2027, 1, 1)), calls_per_minute=-1)


async def test_every_refusal_of_profiles(running: Running) -> None:
    stub = running.stub(PartnerServiceStub)
    await running.call(stub.RegisterPartner, profile(), OPERATOR)
    for reason, request in (
        ("REQUEST_ID_REUSED", profile(partner_name="新名")),
        ("ACCESS_KEY_TAKEN", profile("p2", partner_code="H99010000002")),
        ("INVALID_REQUEST", profile("p2", role=options_pb2.ROLE_OPERATOR)),
    ):
        assert await running.reason(stub.RegisterPartner, request, OPERATOR) == reason
    for method, asked in (
        (stub.GetPartner, partner_pb2.GetPartnerRequest(partner_code="x")),
        (stub.ResolvePartner, partner_pb2.ResolvePartnerRequest(partner_code="x")),
        (stub.ResolvePartner, partner_pb2.ResolvePartnerRequest(access_key="x")),
    ):
        assert await running.reason(method, asked, SETTLEMENT) == "PARTNER_NOT_FOUND"
    nothing = partner_pb2.ResolvePartnerRequest()
    assert await running.reason(stub.ResolvePartner, nothing, SETTLEMENT) == "INVALID_REQUEST"
    by_key = partner_pb2.ResolvePartnerRequest(api_key_digest="x")
    assert await running.reason(stub.ResolvePartner, by_key, SETTLEMENT) == "API_KEY_UNKNOWN"


async def test_a_key_is_shown_once_for_its_request_and_resolves_to_its_caller(running: Running) -> None:
    stub = running.stub(PartnerServiceStub)
    key = (await running.call(stub.IssueApiKey, key_request(), OPERATOR)).api_key
    assert (await running.call(stub.IssueApiKey, key_request(), OPERATOR)).api_key == key
    asked = partner_pb2.ResolvePartnerRequest(api_key_digest=digest(key))
    resolved = await running.call(stub.ResolvePartner, asked, SETTLEMENT)
    assert (resolved.role, resolved.subject) == (options_pb2.ROLE_PERSON, person(1).psn_no)
    assert not resolved.HasField("partner")
    running.clock.tick(minutes=10)
    assert await running.reason(stub.IssueApiKey, key_request(), OPERATOR) == "ANSWER_NOT_REPEATABLE"


async def test_every_refusal_of_keys(running: Running) -> None:
    stub = running.stub(PartnerServiceStub)
    chosen = key_request(api_key="chosen-key")
    assert (await running.call(stub.IssueApiKey, chosen, OPERATOR)).api_key == "chosen-key"
    for reason, request, caller in (
        ("API_KEY_TAKEN", key_request(request_id="k2", subject="x", api_key="chosen-key"), OPERATOR),
        ("REQUEST_ID_REUSED", key_request(subject="x"), OPERATOR),
        ("INVALID_REQUEST", key_request(options_pb2.ROLE_SERVICE, "k2"), OPERATOR),
        ("ROLE_NOT_ALLOWED", key_request(request_id="k2"), HOSPITAL),
    ):
        assert await running.reason(stub.IssueApiKey, request, caller) == reason


async def test_keys_are_listed_page_by_page_and_revoked_and_never_shown(running: Running) -> None:
    stub = running.stub(PartnerServiceStub)
    issued = [
        await running.call(
            stub.IssueApiKey, key_request(request_id=f"k{n}", subject=f"P{n}", label=f"用途{n}"), OPERATOR
        )
        for n in range(3)
    ]
    used = partner_pb2.ResolvePartnerRequest(api_key_digest=digest(issued[0].api_key))
    await running.call(stub.ResolvePartner, used, SETTLEMENT)
    page = await running.call(stub.ListApiKeys, api_key_pb2.ListApiKeysRequest(page_size=2), OPERATOR)
    no_token = api_key_pb2.ListApiKeysRequest(page_token=issued[0].key_id)
    assert await running.reason(stub.ListApiKeys, no_token, OPERATOR) == "INVALID_REQUEST"
    rest = api_key_pb2.ListApiKeysRequest(page_size=2, page_token=page.next_page_token)
    found = [*page.api_keys, *(await running.call(stub.ListApiKeys, rest, OPERATOR)).api_keys]
    assert [(each.key_id, each.subject, each.label) for each in found] == [
        (each.key_id, f"P{n}", f"用途{n}") for n, each in enumerate(issued)
    ]
    assert [each.HasField("last_used_at") for each in found] == [True, False, False]
    assert not any(each.api_key in str(found) for each in issued)
    revoke = api_key_pb2.RevokeApiKeyRequest(request_id="v1", key_id=issued[0].key_id)
    gone = await running.call(stub.RevokeApiKey, revoke, OPERATOR)
    assert gone.api_key.revoked_at.ToDatetime(NOON.tzinfo) == NOON
    assert await running.call(stub.RevokeApiKey, revoke, OPERATOR) == gone
    assert await running.reason(stub.ResolvePartner, used, SETTLEMENT) == "API_KEY_UNKNOWN"
    left = await running.call(stub.ListApiKeys, api_key_pb2.ListApiKeysRequest(role=options_pb2.ROLE_PERSON), OPERATOR)
    assert [each.subject for each in left.api_keys] == ["P1", "P2"]
    unknown = api_key_pb2.RevokeApiKeyRequest(request_id="v2", key_id="x")
    assert await running.reason(stub.RevokeApiKey, unknown, OPERATOR) == "API_KEY_NOT_FOUND"
    assert await running.reason(stub.RevokeApiKey, revoke, HOSPITAL) == "ROLE_NOT_ALLOWED"
    assert await running.reason(stub.ListApiKeys, api_key_pb2.ListApiKeysRequest(), HOSPITAL) == "ROLE_NOT_ALLOWED"


async def test_the_secret_of_an_apikey_partner_is_told_to_the_gateway_as_a_digest(running: Running) -> None:
    stub = running.stub(PartnerServiceStub)
    header = profile(auth_style=partner_pb2.AUTH_STYLE_API_KEY, access_key="")
    await running.call(stub.RegisterPartner, header, OPERATOR)
    asked = partner_pb2.ResolvePartnerRequest(partner_code="H99010000001")
    told = await running.call(stub.ResolvePartner, asked, SETTLEMENT)
    assert (told.partner.secret, told.secret_digest) == ("", digest("test-sk"))


async def test_an_operator_signs_in_and_out_at_the_own_institution(running: Running) -> None:
    stub = running.stub(PartnerServiceStub)
    signed = await running.call(stub.SignIn, sign_in(), HOSPITAL)
    running.clock.tick(hours=1)
    assert await running.call(stub.SignIn, sign_in(), HOSPITAL) == signed
    sign_no = signed.signinoutb.sign_no
    assert signed.signinoutb.sign_time.ToDatetime(NOON.tzinfo) == NOON
    asked = sign_in_pb2.CheckSignNoRequest(fixmedins_code=HOSPITAL.subject, sign_no=sign_no)
    assert (await running.call(stub.CheckSignNo, asked, SETTLEMENT)).open
    assert await running.reason(stub.SignIn, sign_in("9001:m2", CLINIC.subject), HOSPITAL) == "CALLER_NOT_BOUND"
    foreign = sign_out(sign_no, code=CLINIC.subject)
    assert await running.reason(stub.SignOut, foreign, CLINIC) == "SIGN_NO_UNKNOWN"
    left = await running.call(stub.SignOut, sign_out(sign_no), HOSPITAL)
    assert left.sign_time.ToDatetime(NOON.tzinfo) == running.clock()
    assert await running.call(stub.SignOut, sign_out(sign_no), HOSPITAL) == left
    assert not (await running.call(stub.CheckSignNo, asked, SETTLEMENT)).open
    running.clock.tick(hours=1)
    assert await running.call(stub.SignOut, sign_out(sign_no, "9002:m2"), HOSPITAL) == left
    late = await running.call(stub.SignIn, sign_in(), HOSPITAL)
    assert (late.signinoutb, signed.signed_out, late.signed_out) == (signed.signinoutb, False, True)
    assert await running.reason(stub.SignOut, sign_out("x"), HOSPITAL) == "REQUEST_ID_REUSED"


async def test_outside_a_sandbox_nobody_comes_without_authentication_or_with_a_chosen_key(
    tmp_path: Path, clock: Ticking
) -> None:
    running = await start(_settings(tmp_path), clock)
    try:
        stub = running.stub(PartnerServiceStub)
        door = profile(auth_style=partner_pb2.AUTH_STYLE_NONE, access_key="", secret="")
        assert await running.reason(stub.RegisterPartner, door, OPERATOR) == "AUTH_STYLE_NOT_ALLOWED"
        assert await running.reason(stub.RegisterPartner, profile(sandbox=True), OPERATOR) == "SANDBOX_ONLY"
        assert await running.reason(stub.IssueApiKey, key_request(api_key="chosen-key"), OPERATOR) == "SANDBOX_ONLY"
        assert await running.reason(stub.RegisterPartner, profile(), OPERATOR) == "SECRET_TOO_WEAK"
    finally:
        await running.stop()


async def test_the_first_operator_comes_from_a_setting_and_survives_a_restart(tmp_path: Path, clock: Ticking) -> None:
    key = "k" * 32
    asked = partner_pb2.ResolvePartnerRequest(api_key_digest=digest(key))
    for settings, reason in (
        (_settings(tmp_path, YIBAO_BOOTSTRAP_OPERATOR_KEY=key), ""),
        (_settings(tmp_path, YIBAO_BOOTSTRAP_OPERATOR_KEY=key), ""),
        (_settings(tmp_path, YIBAO_BOOTSTRAP_OPERATOR_KEY="another" * 5), "API_KEY_UNKNOWN"),
    ):
        running = await start(settings, clock)
        try:
            stub = running.stub(PartnerServiceStub)
            assert await running.reason(stub.ResolvePartner, asked, SETTLEMENT) == reason
        finally:
            await running.stop()


async def test_a_short_bootstrap_key_or_one_of_somebody_else_stops_the_start(tmp_path: Path, clock: Ticking) -> None:
    with pytest.raises(StartError, match="at least 32"):
        await start(_settings(tmp_path, YIBAO_BOOTSTRAP_OPERATOR_KEY="short"), clock)
    running = await start(_settings(tmp_path), clock)
    stub = running.stub(PartnerServiceStub)
    key = (await running.call(stub.IssueApiKey, key_request(), OPERATOR)).api_key
    await running.stop()
    with pytest.raises(StartError, match="somebody else"):
        await start(_settings(tmp_path, YIBAO_BOOTSTRAP_OPERATOR_KEY=key), clock)
