"""The life of an electronic credential on a real store, with a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest

from services.cells import SANDBOX
from services.identity.domain.credential import Credential
from services.identity.domain.verification import CertType, Query, Verified
from services.identity.operations.credentials import Activation, CredentialOperations, Decoded
from services.identity.store.unit import IdentityStore
from services.kernel.errors import Fault
from services.kernel.requests import RequestStamp
from tests.identity.people import NOON, TODAY, Dice, Ticking, person, record

HERE = "H99010000001"


@dataclass(frozen=True, slots=True)
class Desk:
    """What a test does with a credential."""

    operations: CredentialOperations
    store: IdentityStore
    clock: Ticking

    async def activate(self, number: int = 1, channel: str = "APP", request_id: str = "a1", **changed: Any) -> bytes:
        """Activates a person's credential."""
        asked = replace(Activation(channel, person(number).psn_name, "01", person(number).certno), **changed)
        key = RequestStamp(channel, request_id, "/s/ActivateCredential", repr(asked))
        return await self.operations.activate(key, asked, self.clock(), _encode_credential)

    async def show(self, number: int = 1, channel: str | None = "APP") -> str:
        """Shows a code."""
        return (await self.operations.show_code(person(number).psn_no, channel, self.clock()))[0]

    async def decode(self, code: str, request_id: str = "6101:m1", org_id: str = HERE) -> tuple[bytes, str]:
        """Decodes at an institution."""
        key = RequestStamp(org_id, request_id, "/s/DecodeCode", code)
        return await self.operations.decode(key, org_id, code, self.clock(), _encode_decoded)

    async def verify(self, **asked: Any) -> str:
        """Whose the credential is, or the reason why not."""
        nobody = Query(CertType.EC, "", "", "", "", "", HERE, "", TODAY, self.clock())
        (answer,) = await self.operations.verify([replace(nobody, **asked)])
        return answer.reason if isinstance(answer, Fault) else answer.person.psn_no


def _encode_credential(credential: Credential) -> bytes:
    return f"{credential.credential_id} {credential.psn_no} {credential.channel_code}".encode()


def _encode_decoded(decoded: Decoded) -> bytes:
    return f"{decoded.person.psn_name} {decoded.insuplc_admdvs} {decoded.auth_no} {decoded.credential_id}".encode()


async def _made(store: IdentityStore, clock: Ticking, dice: Dice, key: bytes = b"k" * 32, cell: str = SANDBOX) -> Desk:
    ids = count(1)
    async with store.write() as work:
        if not await work.persons.find([person(1).psn_no]):
            await work.persons.add([record(1), record(2)])
    operations = CredentialOperations(store, lambda prefix: f"{prefix}{next(ids)}", dice, lambda: [key], cell)
    return Desk(operations, store, clock)


@pytest.fixture
async def desk(store: IdentityStore, clock: Ticking, dice: Dice) -> Desk:
    """Two persons, no credential."""
    return await _made(store, clock, dice)


@pytest.fixture
async def any_desk(any_store: IdentityStore, clock: Ticking, dice: Dice) -> Desk:
    """The same, on each database."""
    return await _made(any_store, clock, dice)


async def _reason(awaitable: Awaitable[object]) -> str:
    try:
        await awaitable
    except Fault as fault:
        return fault.reason
    return ""


async def test_a_code_becomes_a_token_that_names_the_person_for_thirty_minutes(any_desk: Desk) -> None:
    assert await any_desk.activate() == f"1 {person(1).psn_no} APP".encode()
    answer, token = await any_desk.decode(await any_desk.show())
    assert answer == "测试1 990100 2 1".encode()
    any_desk.clock.tick(minutes=30, microseconds=-1)
    assert await any_desk.verify(cert_no=token) == person(1).psn_no
    any_desk.clock.tick(microseconds=1)
    assert await any_desk.verify(cert_no=token) == "EC_TOKEN_EXPIRED"


async def test_a_token_is_bound_to_the_institution_that_scanned(desk: Desk) -> None:
    await desk.activate()
    _, token = await desk.decode(await desk.show())
    assert await desk.verify(cert_no=token, fixmedins_code="H99010000002") == "EC_TOKEN_WRONG_INSTITUTION"
    assert await desk.verify(cert_no=token, psn_no=person(2).psn_no) == "EC_TOKEN_WRONG_PERSON"


async def test_at_sixty_seconds_a_code_has_expired(desk: Desk) -> None:
    await desk.activate()
    code = await desk.show()
    desk.clock.tick(seconds=60)
    assert await _reason(desk.decode(code)) == "CODE_EXPIRED"
    code = await desk.show()
    desk.clock.tick(seconds=60, microseconds=-1)
    assert await _reason(desk.decode(code)) == ""


async def test_a_code_works_once_and_an_earlier_one_stops_when_a_new_one_is_shown(desk: Desk) -> None:
    await desk.activate()
    first, second = await desk.show(), await desk.show()
    assert first != second
    assert await _reason(desk.decode(first)) == "CODE_EXPIRED"
    assert await _reason(desk.decode(second)) == ""
    assert await _reason(desk.decode(second, "6101:m2")) == "CODE_USED"
    assert await _reason(desk.decode("0" * 28, "6101:m3")) == "CODE_UNKNOWN"
    await desk.show()
    assert await _reason(desk.decode(second, "6101:m2")) == "CODE_USED"


async def test_a_repeated_decoding_gives_the_same_token_also_after_it_died(any_desk: Desk) -> None:
    await any_desk.activate()
    code = await any_desk.show()
    first = await any_desk.decode(code)
    any_desk.clock.tick(hours=2)
    assert await any_desk.decode(code) == first
    assert await _reason(any_desk.decode("0" * 28)) == "REQUEST_ID_REUSED"
    assert await any_desk.verify(cert_no=first[1]) == "EC_TOKEN_EXPIRED"


async def test_a_token_that_ran_out_a_day_ago_is_forgotten_when_the_next_is_given(any_desk: Desk) -> None:
    await any_desk.activate()
    _, first = await any_desk.decode(await any_desk.show())
    any_desk.clock.tick(days=1, minutes=30)
    await any_desk.decode(await any_desk.show(), "6101:m2")
    assert await any_desk.verify(cert_no=first) == "EC_TOKEN_EXPIRED"
    any_desk.clock.tick(microseconds=1)
    await any_desk.decode(await any_desk.show(), "6101:m3")
    assert await any_desk.verify(cert_no=first) == "EC_TOKEN_UNKNOWN"


async def test_of_institutions_that_scan_one_code_at_the_same_moment_one_gets_a_token(any_desk: Desk) -> None:
    await any_desk.activate()
    code = await any_desk.show()
    reasons = await asyncio.gather(*(_reason(any_desk.decode(code, org_id=f"H{n}")) for n in range(4)))
    assert sorted(reasons) == ["", "CODE_USED", "CODE_USED", "CODE_USED"]


async def test_a_decoding_repeated_while_the_first_runs_gives_one_token(any_desk: Desk) -> None:
    await any_desk.activate()
    code = await any_desk.show()
    assert len(set(await asyncio.gather(*(any_desk.decode(code) for _ in range(4))))) == 1


async def test_neither_code_nor_token_is_written_down(desk: Desk, dice: Dice) -> None:
    await desk.activate()
    code = await desk.show()
    _, token = await desk.decode(code)
    other_key = await _made(desk.store, desk.clock, dice, key=b"another key of the mesh, 32 byte")
    assert await _reason(other_key.decode(code)) == "ANSWER_NOT_REPEATABLE"
    assert await other_key.verify(cert_no=token) == person(1).psn_no


async def test_codes_of_a_person_shown_at_the_same_moment_leave_one_that_works(any_desk: Desk) -> None:
    await any_desk.activate()
    codes = await asyncio.gather(*(any_desk.show() for _ in range(4)))
    reasons = await asyncio.gather(*(_reason(any_desk.decode(c, f"6101:{n}")) for n, c in enumerate(codes)))
    assert sorted(reasons) == ["", "CODE_EXPIRED", "CODE_EXPIRED", "CODE_EXPIRED"]


async def test_a_channel_activates_a_person_by_certificate_and_name(desk: Desk) -> None:
    assert await _reason(desk.activate(certno="nobody")) == "PERSON_NOT_FOUND"
    assert await _reason(desk.activate(psn_name="别人")) == "NAME_MISMATCH"
    first = await desk.activate()
    assert await desk.activate() == first
    assert await desk.activate(request_id="a2") == first
    assert await _reason(desk.activate(channel="BANK")) == "CREDENTIAL_ACTIVE"


async def test_channels_that_activate_at_the_same_moment_leave_one_credential(any_desk: Desk) -> None:
    reasons = await asyncio.gather(*(_reason(any_desk.activate(channel=f"C{n}")) for n in range(4)))
    assert sorted(reasons) == ["", "CREDENTIAL_ACTIVE", "CREDENTIAL_ACTIVE", "CREDENTIAL_ACTIVE"]


async def test_a_code_is_shown_by_the_person_or_by_the_channel_that_activated(desk: Desk) -> None:
    assert await _reason(desk.show()) == "CREDENTIAL_NOT_ACTIVE"
    await desk.activate()
    assert len(await desk.show(channel=None)) == 28
    assert await _reason(desk.show(channel="BANK")) == "CREDENTIAL_OTHER_CHANNEL"


async def test_a_batch_answers_each_query_for_itself(desk: Desk) -> None:
    await desk.activate()
    _, token = await desk.decode(await desk.show())
    by_token = Query(CertType.EC, token, "", "", "", "", HERE, "", TODAY, NOON)
    by_card = replace(by_token, cert_type=CertType.ID_CARD, cert_no=person(2).certno)
    unknown = replace(by_card, cert_no="nobody")
    answers = await desk.operations.verify([by_token, unknown, by_card, by_token])
    assert [answer.person if isinstance(answer, Verified) else answer.reason for answer in answers] == [
        person(1),
        "PERSON_NOT_FOUND",
        person(2),
        person(1),
    ]
