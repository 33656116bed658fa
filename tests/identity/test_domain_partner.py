"""Partner profiles and the keys of callers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from services.identity.domain.partner import (
    ApiKey,
    AuthStyle,
    Dialect,
    KeyHolder,
    Partner,
    PartnerLimit,
    check_key_free,
    check_key_request,
    check_partner,
)
from services.kernel.errors import Fault
from tests.identity.people import NOON

HOSPITAL = Partner(
    "H99010000001", "测试医院", "institution", AuthStyle.CSB, "ak", "0123456789abcdef" * 2, False, Dialect()
)


def _refusal(partner: Partner, sandbox: bool = False) -> str:
    try:
        check_partner(partner, sandbox)
    except Fault as fault:
        return ",".join(violation.path for violation in fault.violations) or fault.reason
    return ""


@pytest.mark.parametrize(
    ("partner", "refusal"),
    [
        (HOSPITAL, ""),
        (replace(HOSPITAL, auth_style=AuthStyle.TIF), ""),
        (replace(HOSPITAL, auth_style=AuthStyle.SIGNED), ""),
        (replace(HOSPITAL, auth_style=AuthStyle.SIGNED, access_key=""), "partner.access_key"),
        (replace(HOSPITAL, auth_style=AuthStyle.API_KEY, access_key=""), ""),
        (replace(HOSPITAL, role="channel"), ""),
        (replace(HOSPITAL, role="operator"), "partner.role"),
        (replace(HOSPITAL, access_key="", secret=""), "partner.access_key,partner.secret"),
        (replace(HOSPITAL, auth_style=AuthStyle.API_KEY), "partner.access_key"),
        (replace(HOSPITAL, auth_style=AuthStyle.NONE), "partner.access_key,partner.secret"),
        (replace(HOSPITAL, auth_style=AuthStyle.NONE, access_key="", secret=""), "AUTH_STYLE_NOT_ALLOWED"),
        (replace(HOSPITAL, sandbox=True), "SANDBOX_ONLY"),
        (replace(HOSPITAL, notify_url="https://hospital.example/told"), ""),
        (replace(HOSPITAL, notify_url="http://hospital.example/told"), "partner.notify_url"),
    ],
)
def test_a_profile_holds_together_or_is_refused_outside_a_sandbox(partner: Partner, refusal: str) -> None:
    assert _refusal(partner) == refusal


def _limit(first: int, last: int | None) -> PartnerLimit:
    return PartnerLimit(date(2026, 1, first), None if last is None else date(2026, 1, last), 60, 0)


@pytest.mark.parametrize(
    ("limits", "refusal"),
    [
        ((_limit(1, 9), _limit(10, None)), ""),
        ((_limit(10, 10),), ""),
        ((_limit(10, 9),), "partner.limits[0].to_day"),
        ((_limit(1, 10), _limit(10, None)), "partner.limits[1].from_day"),
        ((_limit(10, None), _limit(1, None)), "partner.limits[1].from_day"),
    ],
)
def test_the_limits_of_a_partner_do_not_meet(limits: tuple[PartnerLimit, ...], refusal: str) -> None:
    assert _refusal(replace(HOSPITAL, limits=limits)) == refusal


def test_in_a_sandbox_a_partner_may_come_without_authentication() -> None:
    open_door = replace(HOSPITAL, auth_style=AuthStyle.NONE, access_key="", secret="", sandbox=True)
    assert _refusal(open_door, sandbox=True) == ""


@pytest.mark.parametrize("role", ["service", "public", "unspecified"])
def test_a_member_of_the_mesh_and_the_public_hold_no_keys(role: str) -> None:
    with pytest.raises(Fault) as refused:
        check_key_request(role, chosen=False, sandbox=True)
    assert refused.value.violations[0].path == "role"


def test_keys_are_chosen_in_a_sandbox_only() -> None:
    check_key_request("person", chosen=True, sandbox=True)
    check_key_request("person", chosen=False, sandbox=False)
    with pytest.raises(Fault, match="SANDBOX_ONLY"):
        check_key_request("person", chosen=True, sandbox=False)


def test_a_key_stands_for_one_caller() -> None:
    holder = KeyHolder("person", "1")
    check_key_free(None, holder)
    check_key_free(ApiKey("digest", holder, NOON), holder)
    with pytest.raises(Fault, match="API_KEY_TAKEN"):
        check_key_free(ApiKey("digest", KeyHolder("operator", "1"), NOON), holder)


@pytest.mark.parametrize("style", [AuthStyle.CSB, AuthStyle.TIF, AuthStyle.API_KEY, AuthStyle.SIGNED])
@pytest.mark.parametrize(
    "secret", ["123456", "0123456789abcdef" * 2 + "-", "0123456789abcdef0123456789abcde", "ab" * 32]
)
def test_a_weak_secret_exists_in_a_sandbox_only(style: AuthStyle, secret: str) -> None:
    access_key = "" if style is AuthStyle.API_KEY else "ak"
    weak = replace(HOSPITAL, auth_style=style, access_key=access_key, secret=secret)
    strong = len(secret) >= 32 and len(set(secret)) >= 8
    assert _refusal(weak) == ("" if strong else "SECRET_TOO_WEAK")
    assert _refusal(weak, sandbox=True) == ""
