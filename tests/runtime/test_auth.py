"""The caller token: believed only with the mesh's signature and only for its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from services.kernel.errors import Fault, FaultKind
from services.runtime import auth
from services.runtime.auth import TokenSigner
from services.runtime.call import Caller, Role

KEY = b"a key of this test, 32 bytes long"
SHOP = Caller(Role.INSTITUTION, "H99010000001", sandbox=True)


class Ticking:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def refused(signer: TokenSigner, token: str) -> str:
    with pytest.raises(Fault) as caught:
        signer.verify(token)
    assert caught.value.kind is FaultKind.UNAUTHENTICATED
    return caught.value.reason


@pytest.mark.parametrize("role", list(Role))
def test_a_token_says_who_calls_whatever_the_role(role: Role) -> None:
    caller = Caller(role, "somebody", sandbox=role is Role.PERSON)
    assert TokenSigner(KEY, Ticking()).verify(TokenSigner(KEY, Ticking()).sign(caller)) == caller


def test_a_token_dies_after_its_time_even_where_it_was_verified_before() -> None:
    clock = Ticking()
    signer = TokenSigner(KEY, clock)
    token = signer.sign(SHOP, ttl_s=60)
    clock.move(59)
    assert signer.verify(token) == SHOP
    clock.move(1)
    assert refused(signer, token) == "CALLER_TOKEN_EXPIRED"
    assert refused(TokenSigner(KEY, clock), token) == "CALLER_TOKEN_EXPIRED"


def test_a_token_is_used_again_for_half_its_time_and_then_made_anew() -> None:
    clock = Ticking()
    signer = TokenSigner(KEY, clock)
    first = signer.sign(SHOP)
    clock.move(29)
    assert signer.sign(SHOP) == first
    clock.move(2)
    second = signer.sign(SHOP)
    assert second != first
    clock.move(40)
    assert signer.verify(second) == SHOP


def test_a_clock_that_goes_back_makes_no_long_lived_token() -> None:
    clock = Ticking()
    signer = TokenSigner(KEY, clock)
    first = signer.sign(SHOP)
    clock.move(-3600)
    assert signer.sign(SHOP) != first


@pytest.mark.parametrize("token", ["", "a.b.c", "no token at all"])
def test_what_is_no_token_is_invalid(token: str) -> None:
    assert refused(TokenSigner(KEY, Ticking()), token) == "CALLER_TOKEN_INVALID"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "another", "sub": "x", "role": "operator", "exp": 2e9},
        {"iss": "yibao", "sub": "x", "role": "king", "exp": 2e9},
        {"iss": "yibao", "sub": "x", "role": "operator"},
        {"iss": "yibao", "role": "operator", "exp": 2e9},
    ],
)
def test_a_signed_token_with_other_claims_is_invalid(claims: dict[str, object]) -> None:
    token = jwt.encode(claims, KEY, algorithm="HS256")
    assert refused(TokenSigner(KEY, Ticking()), token) == "CALLER_TOKEN_INVALID"


def test_a_token_that_signs_itself_is_invalid() -> None:
    claims = {"iss": "yibao", "sub": "x", "role": "operator", "exp": 2e9}
    assert refused(TokenSigner(KEY, Ticking()), jwt.encode(claims, "", algorithm="none")) == "CALLER_TOKEN_INVALID"


def test_a_changed_token_is_invalid() -> None:
    signer = TokenSigner(KEY, Ticking())
    head, body, seal = signer.sign(SHOP).split(".")
    other = signer.sign(Caller(Role.OPERATOR, "OP1")).split(".")[1]
    assert refused(signer, ".".join((head, other, seal))) == "CALLER_TOKEN_INVALID"
    assert body != other


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32 bytes"):
        TokenSigner(b"short", Ticking())


def test_the_tables_of_known_tokens_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "_CACHE_SIZE", 3)
    signer = TokenSigner(KEY, Ticking())
    tokens = [signer.sign(Caller(Role.PERSON, str(number))) for number in range(10)]
    assert [signer.verify(token).subject for token in tokens] == [str(number) for number in range(10)]
    assert len(signer._signed) == len(signer._verified) == 3
