"""Partners, keys and sign-ins on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest

from services.identity.domain.digests import SEED_BYTES, derived, digest
from services.identity.domain.partner import ApiKey, AuthStyle, Dialect, KeyHolder, KeyList, Partner, SignIn
from services.identity.operations.partners import PartnerOperations, Use
from services.identity.store.unit import IdentityStore
from services.kernel.errors import Fault, FaultKind
from services.kernel.requests import RequestStamp
from services.runtime.committer import Committer
from tests.identity.people import NOON, Dice, Ticking

SECRET = "a secret of 32 characters or more"
HOSPITAL = Partner("H1", "测试医院", "institution", AuthStyle.CSB, "ak", SECRET, False, Dialect())
PERSON = KeyHolder("person", "99000000000000000001")


def _key(request_id: str, content: str = "c") -> RequestStamp:
    return RequestStamp("operator:1", request_id, "/s/Write", content)


def _number(sign_in: SignIn) -> bytes:
    return sign_in.sign_no.encode()


def _ended(at: datetime) -> bytes:
    return at.isoformat().encode()


async def _reason(awaitable: Awaitable[object]) -> str:
    try:
        await awaitable
    except Fault as fault:
        return fault.reason
    return ""


@pytest.fixture
def sandbox(store: IdentityStore, dice: Dice) -> PartnerOperations:
    """A sandbox."""
    ids = count(1)
    return PartnerOperations(store, lambda prefix: f"{prefix}{next(ids)}", dice, lambda: [b"k" * 32], sandbox=True)


@pytest.fixture
def production(store: IdentityStore, dice: Dice) -> PartnerOperations:
    """The same store, no sandbox."""
    ids = count(1)
    return PartnerOperations(store, lambda prefix: f"{prefix}{next(ids)}", dice, lambda: [b"k" * 32], sandbox=False)


def answer(response: bytes) -> Callable[[bool], bytes]:
    """An encoder that answers these bytes."""
    return lambda unchanged: response


def told(unchanged: bool) -> bytes:
    """An encoder that answers what it was told."""
    return b"unchanged" if unchanged else b"saved"


async def test_the_same_profile_again_is_unchanged_and_a_former_one_comes_back(production: PartnerOperations) -> None:
    renamed = replace(HOSPITAL, partner_name="renamed")
    said = [
        await production.register(_key(f"r{place}"), each, NOON, told)
        for place, each in enumerate([HOSPITAL, HOSPITAL, renamed, HOSPITAL])
    ]
    assert said == [b"saved", b"unchanged", b"saved", b"saved"]
    assert await production.find(HOSPITAL.partner_code) == HOSPITAL


async def test_a_partner_is_resolved_by_code_and_by_access_key_with_its_secret(production: PartnerOperations) -> None:
    await production.register(_key("r1"), HOSPITAL, NOON, answer(b"answer"))
    for found in (await production.resolve(partner_code="H1"), await production.resolve(access_key="ak")):
        assert (found.partner, found.holder) == (HOSPITAL, KeyHolder("institution", "H1"))
    assert await _reason(production.resolve(partner_code="H2")) == "PARTNER_NOT_FOUND"
    assert await _reason(production.resolve(access_key="H1")) == "PARTNER_NOT_FOUND"
    assert await _reason(production.find("H2")) == "PARTNER_NOT_FOUND"


async def test_a_later_profile_replaces_the_earlier_one(production: PartnerOperations) -> None:
    await production.register(_key("r1"), HOSPITAL, NOON, answer(b"1"))
    renamed = replace(HOSPITAL, partner_name="新名", access_key="ak2")
    await production.register(_key("r2"), renamed, NOON, answer(b"2"))
    assert await production.find("H1") == renamed
    assert await production.register(_key("r1"), HOSPITAL, NOON, answer(b"3")) == b"1"
    assert await production.find("H1") == renamed
    assert await _reason(production.resolve(access_key="ak")) == "PARTNER_NOT_FOUND"


async def test_an_access_key_or_apikey_belongs_to_one_partner(production: PartnerOperations) -> None:
    header = replace(HOSPITAL, partner_code="H3", auth_style=AuthStyle.API_KEY, access_key="", secret=SECRET)
    await production.register(_key("r1"), HOSPITAL, NOON, answer(b""))
    await production.register(_key("r2"), header, NOON, answer(b""))
    other = replace(HOSPITAL, partner_code="H2")
    assert await _reason(production.register(_key("r3"), other, NOON, answer(b""))) == "ACCESS_KEY_TAKEN"
    assert await _reason(production.register(_key("r4"), replace(header, partner_code="H4"), NOON, answer(b""))) == (
        "ACCESS_KEY_TAKEN"
    )
    found = await production.resolve(key_digest=digest(SECRET).upper())
    assert (found.partner, found.holder) == (header.kept(), KeyHolder("institution", "H3"))


async def test_without_authentication_only_in_a_sandbox(
    production: PartnerOperations, sandbox: PartnerOperations
) -> None:
    door = replace(HOSPITAL, auth_style=AuthStyle.NONE, access_key="", secret="")
    assert await _reason(production.register(_key("r1"), door, NOON, answer(b""))) == "AUTH_STYLE_NOT_ALLOWED"
    assert await _reason(sandbox.register(_key("r1"), door, NOON, answer(b""))) == ""


async def test_an_issued_key_names_its_holder_and_a_repeat_shows_it_for_ten_minutes(
    production: PartnerOperations, clock: Ticking
) -> None:
    key = (await production.issue_key(_key("r1"), PERSON, "", clock())).key
    found = await production.resolve(key_digest=digest(key))
    assert (found.holder, found.partner) == (PERSON, None)
    clock.tick(minutes=10, microseconds=-1)
    assert (await production.issue_key(_key("r1"), PERSON, "", clock())).key == key
    assert (await production.issue_key(_key("r2"), PERSON, "", clock())).key != key
    clock.tick(microseconds=1)
    assert await _reason(production.issue_key(_key("r1"), PERSON, "", clock())) == "ANSWER_NOT_REPEATABLE"
    assert (await production.resolve(key_digest=digest(key))).holder == PERSON


async def test_a_key_follows_from_its_draw_as_in_every_release(production: PartnerOperations) -> None:
    """Or a repeat behind a release would show another key than was issued before it."""
    key = (await production.issue_key(_key("r1"), PERSON, "", NOON)).key
    assert key == derived(b"k" * 32, "api_key", Dice()(SEED_BYTES))


async def test_the_key_of_a_partner_brings_its_profile(production: PartnerOperations) -> None:
    await production.register(_key("r1"), HOSPITAL, NOON, answer(b""))
    key = (await production.issue_key(_key("r2"), KeyHolder("institution", "H1"), "", NOON)).key
    assert (await production.resolve(key_digest=digest(key))).partner == HOSPITAL
    other_role = (await production.issue_key(_key("r3"), KeyHolder("operator", "H1"), "", NOON)).key
    assert (await production.resolve(key_digest=digest(other_role))).partner is None
    assert await _reason(production.resolve(key_digest=digest("never issued"))) == "API_KEY_UNKNOWN"


async def test_a_chosen_key_exists_in_a_sandbox_and_for_one_caller(
    production: PartnerOperations, sandbox: PartnerOperations, clock: Ticking
) -> None:
    assert await _reason(production.issue_key(_key("r1"), PERSON, "chosen", NOON)) == "SANDBOX_ONLY"
    assert (await sandbox.issue_key(_key("r1"), PERSON, "chosen", NOON)).key == "chosen"
    clock.tick(days=1)
    assert (await sandbox.issue_key(_key("r1"), PERSON, "chosen", clock())).key == "chosen"
    assert (await sandbox.issue_key(_key("r2"), PERSON, "chosen", clock())).key == "chosen"
    other = KeyHolder("operator", "1")
    assert await _reason(sandbox.issue_key(_key("r3"), other, "chosen", NOON)) == "API_KEY_TAKEN"


async def test_the_bootstrap_key_is_the_one_of_the_setting_and_of_no_earlier_one(production: PartnerOperations) -> None:
    first, second = (KeyHolder("operator", "bootstrap"), "second")
    for key in ("first", "first", second):
        await production.bootstrap(key, NOON)
    assert (await production.resolve(key_digest=digest(second))).holder == first
    assert await _reason(production.resolve(key_digest=digest("first"))) == "API_KEY_UNKNOWN"
    await production.bootstrap("", NOON)
    assert await _reason(production.resolve(key_digest=digest(second))) == "API_KEY_UNKNOWN"


async def test_a_revoked_key_that_becomes_the_bootstrap_key_holds_again(sandbox: PartnerOperations) -> None:
    holder = KeyHolder("operator", "bootstrap")
    made = await sandbox.issue_key(_key("r1"), holder, "chosen", NOON)
    await sandbox.revoke_key(_key("r2"), made.key_id, NOON, _revocation)
    await sandbox.bootstrap("chosen", NOON)
    assert (await sandbox.resolve(key_digest=digest("chosen"))).holder == holder


async def test_a_bootstrap_key_never_takes_the_key_of_somebody_else(production: PartnerOperations) -> None:
    key = (await production.issue_key(_key("r1"), PERSON, "", NOON)).key
    assert await _reason(production.bootstrap(key, NOON)) == "API_KEY_TAKEN"


async def test_a_sign_no_is_open_at_its_institution_until_sign_out(production: PartnerOperations) -> None:
    desk = ("op1", "00-00", "127.0.0.1")
    number = (await production.sign_in(_key("9001:m1"), "H1", desk, NOON, _number)).decode()
    assert (await production.sign_in(_key("9001:m1"), "H1", desk, NOON, _number)).decode() == number
    assert (await production.sign_in(_key("9001:m2"), "H1", desk, NOON, _number)).decode() != number
    later = NOON + timedelta(hours=1)
    assert await production.sign_no_open("H1", number)
    assert not await production.sign_no_open("H2", number)
    assert not await production.sign_no_open("H1", "unknown")
    assert await _reason(production.sign_out(_key("9002:m0"), "H2", number, NOON, _ended)) == "SIGN_NO_UNKNOWN"
    assert await production.sign_out(_key("9002:m1"), "H1", number, NOON, _ended) == _ended(NOON)
    assert await production.sign_out(_key("9002:m1"), "H1", number, later, _ended) == _ended(NOON)
    assert not await production.sign_no_open("H1", number)
    assert await production.sign_out(_key("9002:m2"), "H1", number, later, _ended) == _ended(NOON)
    assert await _reason(production.sign_out(_key("9002:m3"), "H1", "never", NOON, _ended)) == "SIGN_NO_UNKNOWN"


ALL = KeyList("", "", with_revoked=True, after="", size=10)


async def test_a_revoked_key_stands_for_nobody_and_stays_in_the_list(
    production: PartnerOperations, clock: Ticking
) -> None:
    made = await production.issue_key(_key("r1"), PERSON, "", clock(), "the app")
    key, key_id = made.key, made.key_id
    made = await production.issue_key(_key("r2"), PERSON, "", clock())
    other = made.key
    clock.tick(hours=1)
    first = await production.revoke_key(_key("r3"), key_id, clock(), _revocation)
    clock.tick(hours=1)
    # Again, by the same message and by another: it was revoked when it was revoked.
    for request_id in ("r3", "r4"):
        assert await production.revoke_key(_key(request_id), key_id, clock(), _revocation) == first
    assert await _reason(production.resolve(key_digest=digest(key))) == "API_KEY_UNKNOWN"
    assert (await production.resolve(key_digest=digest(other))).holder == PERSON
    told = {each.key_id: (each.label, each.revoked_at) for each in await production.list_keys(ALL)}
    assert told[key_id] == ("the app", NOON + timedelta(hours=1))
    assert [each.key_id for each in await production.list_keys(replace(ALL, with_revoked=False))] != list(told)
    assert await _reason(production.revoke_key(_key("r5"), "x", NOON, _revocation)) == "API_KEY_NOT_FOUND"


def _revocation(key: ApiKey) -> bytes:
    return f"{key.key_id} {key.revoked_at}".encode()


async def test_the_key_of_the_setting_is_not_revoked_but_taken_away_there(production: PartnerOperations) -> None:
    await production.bootstrap("k" * 32, NOON)
    (known,) = await production.list_keys(ALL)
    assert await _reason(production.revoke_key(_key("r1"), known.key_id, NOON, _revocation)) == "API_KEY_OF_SETTING"


async def test_a_chosen_key_that_is_issued_again_holds_again(sandbox: PartnerOperations) -> None:
    made = await sandbox.issue_key(_key("r1"), PERSON, "chosen", NOON)
    key_id = made.key_id
    await sandbox.revoke_key(_key("r2"), key_id, NOON, _revocation)
    assert await _reason(sandbox.resolve(key_digest=digest("chosen"))) == "API_KEY_UNKNOWN"
    again = await sandbox.issue_key(_key("r3"), PERSON, "chosen", NOON)
    assert (again.key, again.key_id, again.unchanged) == ("chosen", key_id, False)
    assert (await sandbox.resolve(key_digest=digest("chosen"))).holder == PERSON


async def test_the_last_use_of_a_key_is_known_to_the_hour(production: PartnerOperations, clock: Ticking) -> None:
    made = await production.issue_key(_key("r1"), PERSON, "", clock())
    key = made.key

    async def used_at(**later: int) -> object:
        clock.tick(**later)
        await production.resolve(key_digest=digest(key), now=clock())
        return (await production.list_keys(ALL))[0].last_used_at

    assert (await production.list_keys(ALL))[0].last_used_at is None
    assert await used_at(minutes=5) == NOON + timedelta(minutes=5)
    assert await used_at(minutes=59) == NOON + timedelta(minutes=5)
    assert await used_at(minutes=1) == NOON + timedelta(minutes=65)


async def test_keys_that_are_first_used_at_one_time_are_noted_by_one_transaction(
    production: PartnerOperations, store: IdentityStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [
        (await production.issue_key(_key(f"r{each}"), KeyHolder("person", f"P{each}"), "", NOON)).key for each in "123"
    ]
    committer: Committer[Use, None] = Committer("key use", production.note_uses)
    write, transactions, waiting, all_wait = store.write, count(), count(1), asyncio.Event()

    async def submit(use: Use) -> None:
        if next(waiting) == len(keys):
            all_wait.set()
        await committer.submit(use)

    @asynccontextmanager
    async def counted() -> AsyncIterator[object]:
        """The first begins once all wait, however slowly they came."""
        next(transactions)
        await all_wait.wait()
        async with write() as work:
            yield work

    production.submit = submit
    monkeypatch.setattr(store, "write", counted)
    at = NOON + timedelta(minutes=5)
    await asyncio.gather(*(production.resolve(key_digest=digest(key), now=at) for key in keys))
    await committer.stop()
    assert [each.last_used_at for each in await production.list_keys(ALL) if each.holder.role == "person"] == [at] * 3
    assert next(transactions) < 3


async def test_a_store_that_takes_no_writes_keeps_no_key_out(
    production: PartnerOperations, store: IdentityStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await production.issue_key(_key("r1"), PERSON, "", NOON)
    key = made.key

    def closed() -> object:
        raise Fault(FaultKind.UNAVAILABLE, "STORE_UNAVAILABLE")

    monkeypatch.setattr(store, "write", closed)
    assert (await production.resolve(key_digest=digest(key), now=NOON)).holder == PERSON


async def test_of_an_apikey_only_its_digest_is_kept(production: PartnerOperations, store: IdentityStore) -> None:
    header = replace(HOSPITAL, auth_style=AuthStyle.API_KEY, access_key="")
    await production.register(_key("r1"), header, NOON, answer(b"answer"))
    found = (await production.resolve(partner_code="H1")).partner
    assert found is not None
    assert (found.secret, found.secret_digest) == ("", digest(SECRET))
    await production.register(_key("r2"), HOSPITAL, NOON, answer(b"answer"))
    again = (await production.resolve(partner_code="H1")).partner
    assert again == HOSPITAL
