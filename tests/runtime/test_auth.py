"""The caller token: believed only with the key of its edge, by the member that it is for, and only for its time."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from services import mesh
from services.kernel.errors import Fault, FaultKind
from services.runtime import auth
from services.runtime.auth import TokenSigner
from services.runtime.call import Caller, Role
from services.runtime.keys import Keys
from tests.tokens import Tokens

KEY = "a key of this test, 32 bytes long"
OTHER_KEY = "the key of another mesh, 32 bytes"
SHOP = Caller(Role.INSTITUTION, "H99010000001", sandbox=True)
SETTLEMENT = Caller(Role.SERVICE, "settlement")


class Ticking:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def signer(name: str, clock: Ticking | None = None, key: str = KEY) -> TokenSigner:
    return Tokens(key, clock or Ticking()).signer(name)


def refused(member: TokenSigner, token: str, kind: FaultKind = FaultKind.UNAUTHENTICATED) -> str:
    with pytest.raises(Fault) as caught:
        member.verify(token)
    assert caught.value.kind is kind
    return caught.value.reason


def forged(token: str, **changes: Any) -> str:
    """The token with other claims and its old signature, as who has no key writes it."""
    head, body, seal = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "==")) | changes
    return ".".join((head, base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("="), seal))


def signed_on(caller: str, callee: str, **changes: Any) -> str:
    """A token with a good signature of an edge and other claims, as who took the caller's keys makes it."""
    made = signer(caller)
    claims = {"iss": "yibao", "aud": callee, "azp": caller, "sub": "x", "role": "operator", "exp": 2e9} | changes
    edge = made._outgoing[callee]
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, edge.key, algorithm="HS256", headers=edge.head)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SERVICE])
def test_a_token_says_who_calls_whatever_the_role(role: Role) -> None:
    caller = Caller(role, "somebody", sandbox=role is Role.PERSON)
    found = signer("identity").verify(signer("gateway").sign(caller, "identity"))
    assert (found, found.via) == (caller, "gateway")


@pytest.mark.parametrize(("caller", "callee"), sorted(mesh.edges()))
def test_a_member_calls_in_its_own_name_on_every_edge(caller: str, callee: str) -> None:
    me = Caller(Role.SERVICE, caller)
    assert signer(callee).verify(signer(caller).sign(me, callee)) == me


def test_a_token_dies_after_its_time_even_where_it_was_verified_before() -> None:
    clock = Ticking()
    member, token = signer("identity", clock), signer("gateway", clock).sign(SHOP, "identity", ttl_s=60)
    clock.move(59)
    assert member.verify(token) == SHOP
    clock.move(1)
    assert refused(member, token) == "CALLER_TOKEN_EXPIRED"
    assert refused(signer("identity", clock), token) == "CALLER_TOKEN_EXPIRED"


@pytest.mark.parametrize(
    ("caller", "callee", "holds_s"),
    [("routing", "settlement", 960), ("gateway", "routing", 960), ("gateway", "settlement", 60)],
)
def test_between_a_cell_and_a_national_member_clocks_may_be_a_quarter_of_an_hour_apart(
    caller: str, callee: str, holds_s: int
) -> None:
    here, there, me = Ticking(), Ticking(), Caller(Role.SERVICE, caller)
    token, member = signer(caller, here).sign(me, callee, ttl_s=60), signer(callee, there)
    for seconds in (-600, 600 + holds_s - 1):
        there.move(seconds)
        assert member.verify(token) == me
    there.move(1)
    assert refused(member, token) == "CALLER_TOKEN_EXPIRED"
    assert refused(signer(callee, there), token) == "CALLER_TOKEN_EXPIRED"


def test_a_token_is_used_again_for_half_its_time_and_then_made_anew() -> None:
    clock = Ticking()
    gateway = signer("gateway", clock)
    first = gateway.sign(SHOP, "identity")
    clock.move(29)
    assert gateway.sign(SHOP, "identity") == first
    clock.move(2)
    second = gateway.sign(SHOP, "identity")
    assert second != first
    clock.move(40)
    assert signer("identity", clock).verify(second) == SHOP


def test_a_clock_that_goes_back_makes_no_long_lived_token() -> None:
    clock = Ticking()
    gateway = signer("gateway", clock)
    first = gateway.sign(SHOP, "identity")
    clock.move(-3600)
    assert gateway.sign(SHOP, "identity") != first


def test_a_token_opens_the_member_that_it_is_for_and_no_other() -> None:
    token = signer("gateway").sign(SHOP, "settlement")
    assert signer("settlement").verify(token) == SHOP
    for other in ("identity", "catalogue"):
        with pytest.raises(Fault) as caught:
            signer(other).verify(token)
        assert (caught.value.reason, caught.value.metadata) == (
            "CALLER_TOKEN_WRONG_AUDIENCE",
            {"audience": "settlement", "member": other},
        )
        assert refused(signer(other), forged(token, aud=other)) == "CALLER_TOKEN_INVALID"


def test_only_the_edges_of_the_table_are_admitted() -> None:
    token = signer("gateway").sign(SHOP, "settlement")
    no_edge = forged(token, aud="identity", azp="catalogue")
    assert refused(signer("identity"), no_edge, FaultKind.DENIED) == "CALLER_NOT_ADMITTED"
    assert refused(signer("identity"), forged(token, aud="identity", azp="nobody")) == "CALLER_UNKNOWN"
    with pytest.raises(ValueError, match="does not allow catalogue to call identity"):
        signer("catalogue").sign(Caller(Role.SERVICE, "catalogue"), "identity")


def test_a_name_in_a_refusal_is_short_and_plain() -> None:
    token = signer("gateway").sign(SHOP, "settlement")
    for name, shown in (("x" * 200, "x" * 40), ("测试人员", "?"), ("a\nb", "?")):
        with pytest.raises(Fault) as caught:
            signer("identity").verify(forged(token, aud="identity", azp=name))
        assert caught.value.metadata == {"caller": shown}


def test_the_keys_of_one_member_make_no_token_of_another_edge() -> None:
    """All that a thief of settlement's keys holds, tried on every member as every caller."""
    taken = Keys.of_mesh_key(KEY).of("settlement")[0]
    held = [taken.own, *taken.calls.values(), *(taken.of_caller(name) for name in mesh.callers())]
    opened = set()
    for caller, callee in [(a, b) for b in mesh.names() for a in mesh.callers_of(b)]:
        edge = next(each for each in signer(callee)._incoming.values() if each.caller == caller)
        for key in held:
            claims = {"iss": "yibao", "aud": callee, "azp": caller, "sub": caller, "role": "service", "exp": 2e9}
            token = jwt.encode(claims, key, algorithm="HS256", headers=edge.head)
            try:
                opened.add((signer(callee).verify(token).via, callee))
            except Fault as fault:
                assert fault.reason == "CALLER_TOKEN_INVALID"  # noqa: PT017  # refusals are many, and all must be this one
    own = {("settlement", callee) for callee in mesh.callees_of("settlement")}
    # Whoever holds a member's keys is that member: it may tell itself what it likes.
    assert opened == own | {(caller, "settlement") for caller in mesh.callers_of("settlement")}


@pytest.mark.parametrize(
    "claims", [{"role": "operator", "sub": "OP1"}, {"role": "service", "sub": "gateway"}, {"role": "public", "sub": ""}]
)
def test_a_member_that_authenticates_nobody_speaks_for_itself_only(claims: dict[str, str]) -> None:
    token = signed_on("settlement", "identity", **claims)
    assert refused(signer("identity"), token, FaultKind.DENIED) == "CALLER_SPEAKS_FOR_ITSELF"
    with pytest.raises(ValueError, match="settlement may not speak for"):
        signer("settlement").sign(Caller(Role(claims["role"]), claims["sub"]), "identity")


def test_nobody_speaks_in_the_name_of_another_member() -> None:
    for caller in ("gateway", "internal", "cli"):
        token = signed_on(caller, "identity", role="service", sub="settlement")
        assert refused(signer("identity"), token, FaultKind.DENIED) == "CALLER_SPEAKS_FOR_ITSELF"


def test_callers_from_outside_reach_the_members_of_the_table() -> None:
    for outsider in mesh.OUTSIDERS:
        for callee in outsider.calls:
            token = signer(outsider.name).sign(SHOP, callee)
            assert (signer(callee).verify(token), signer(callee).verify(token).via) == (SHOP, outsider.name)


@pytest.mark.parametrize("token", ["", "a.b.c", "no token at all"])
def test_what_is_no_token_is_invalid(token: str) -> None:
    assert refused(signer("identity"), token) == "CALLER_TOKEN_INVALID"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "another"},
        {"role": "king"},
        {"exp": None},
        {"sub": None},
        {"aud": None},
        {"aud": "catalogue"},
        {"azp": None},
        {"azp": "settlement"},
    ],
)
def test_a_signed_token_with_other_claims_is_invalid(changes: dict[str, object]) -> None:
    assert signer("identity").verify(signed_on("gateway", "identity")).subject == "x"
    assert refused(signer("identity"), signed_on("gateway", "identity", **changes)) == "CALLER_TOKEN_INVALID"


def test_a_token_of_the_mesh_key_itself_or_of_another_mesh_is_invalid() -> None:
    claims = {"iss": "yibao", "aud": "identity", "azp": "gateway", "sub": "x", "role": "operator", "exp": 2e9}
    assert refused(signer("identity"), jwt.encode(claims, KEY, algorithm="HS256")) == "CALLER_TOKEN_INVALID"
    foreign = signer("gateway", key=OTHER_KEY).sign(SHOP, "identity")
    assert refused(signer("identity"), foreign) == "CALLER_TOKEN_INVALID"


def test_a_token_that_signs_itself_is_invalid() -> None:
    claims = {"iss": "yibao", "aud": "identity", "azp": "gateway", "sub": "x", "role": "operator", "exp": 2e9}
    assert refused(signer("identity"), jwt.encode(claims, "", algorithm="none")) == "CALLER_TOKEN_INVALID"


def test_a_changed_token_is_invalid() -> None:
    token = signer("gateway").sign(SHOP, "identity")
    assert refused(signer("identity"), forged(token, role="operator", sub="OP1")) == "CALLER_TOKEN_INVALID"


def test_the_tables_of_known_tokens_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "_CACHE_SIZE", 3)
    gateway, identity = signer("gateway"), signer("identity")
    tokens = [gateway.sign(Caller(Role.PERSON, str(number)), "identity") for number in range(10)]
    assert [identity.verify(token).subject for token in tokens] == [str(number) for number in range(10)]
    assert len(gateway._signed) == len(identity._verified) == 3
