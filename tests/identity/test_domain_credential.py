"""Codes, tokens and the times for which they live."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.credential import (
    CodeState,
    Credential,
    EcToken,
    ShownCode,
    check_activation,
    check_decoding,
    check_showing,
    token_fault,
)
from services.identity.domain.digests import code_from, derived
from services.kernel.errors import Fault
from tests.identity.people import NOON

CODE = ShownCode("digest", "1", CodeState.SHOWN, NOON + timedelta(seconds=60))
TOKEN = EcToken("digest", "1", "H1", "code", NOON, NOON + timedelta(minutes=30))
MICROSECOND = timedelta(microseconds=1)


def _decoding(code: ShownCode | None, after: timedelta) -> str:
    try:
        check_decoding(code, NOON + after)
    except Fault as fault:
        return fault.reason
    return ""


@given(st.binary(min_size=28, max_size=28))
def test_a_code_has_28_characters_that_nobody_mistakes_for_each_other(random: bytes) -> None:
    code = code_from(random)
    assert len(code) == 28
    assert not set(code) & set("ILOU")
    assert code.isalnum()
    assert code.upper() == code


def test_every_character_of_a_code_is_equally_likely() -> None:
    drawn = "".join(code_from(bytes(range(start, start + 28))) for start in range(0, 224, 28))
    drawn += code_from(bytes([*range(224, 252)])) + code_from(bytes([*range(252, 256), *range(24)]))[:4]
    assert {drawn.count(character) for character in set(drawn)} == {8}
    assert len(set(drawn)) == 32


def test_a_code_lives_until_just_before_sixty_seconds() -> None:
    assert _decoding(CODE, timedelta(0)) == ""
    assert _decoding(CODE, timedelta(seconds=60) - MICROSECOND) == ""
    assert _decoding(CODE, timedelta(seconds=60)) == "CODE_EXPIRED"


def test_a_code_works_once_and_a_replaced_one_not_at_all() -> None:
    used = ShownCode("digest", "1", CodeState.USED, CODE.expires_at)
    replaced = ShownCode("digest", "1", CodeState.REPLACED, CODE.expires_at)
    assert _decoding(used, timedelta(0)) == "CODE_USED"
    assert _decoding(used, timedelta(days=1)) == "CODE_USED"
    assert _decoding(replaced, timedelta(0)) == "CODE_EXPIRED"
    assert _decoding(None, timedelta(0)) == "CODE_UNKNOWN"


def test_a_token_lives_until_just_before_thirty_minutes() -> None:
    assert token_fault(TOKEN, "H1", TOKEN.expires_at - MICROSECOND) is None
    expired = token_fault(TOKEN, "H1", TOKEN.expires_at)
    assert expired is not None
    assert expired.reason == "EC_TOKEN_EXPIRED"


def test_another_institution_does_not_learn_that_a_token_has_expired() -> None:
    for moment in (NOON, TOKEN.expires_at):
        fault = token_fault(TOKEN, "H2", moment)
        assert fault is not None
        assert fault.reason == "EC_TOKEN_WRONG_INSTITUTION"


def test_a_channel_shows_only_what_it_activated_and_a_person_shows_everything_of_his_own() -> None:
    credential = Credential("c", "1", "APP", NOON)
    assert check_showing(credential, "APP") == credential
    assert check_showing(credential, None) == credential
    with pytest.raises(Fault, match="CREDENTIAL_OTHER_CHANNEL"):
        check_showing(credential, "BANK")
    with pytest.raises(Fault, match="CREDENTIAL_NOT_ACTIVE"):
        check_showing(None, "APP")


def test_another_channel_cannot_activate_what_is_active() -> None:
    credential = Credential("c", "1", "APP", NOON)
    check_activation(None, "BANK")
    check_activation(credential, "APP")
    with pytest.raises(Fault, match="CREDENTIAL_ACTIVE"):
        check_activation(credential, "BANK")


def test_what_is_derived_follows_from_key_purpose_and_seed_alone() -> None:
    token = derived(b"key", "ecToken", b"seed")
    assert token == derived(b"key", "ecToken", b"seed")
    others = {
        derived(b"KEY", "ecToken", b"seed"),
        derived(b"key", "api_key", b"seed"),
        derived(b"key", "ecToken", b"s"),
    }
    assert len(others | {token}) == 4
    assert len(token) == 40
