"""Registration, revision and look-up on a real store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from services.identity.domain.person import PersonRecord
from services.identity.domain.registration import Registration
from services.identity.operations.persons import PersonOperations
from services.identity.store.unit import IdentityStore
from services.kernel.errors import Fault
from services.kernel.requests import RequestStamp
from tests.identity.people import NOON, enrolment, link, person, record


def _key(request_id: str, content: str = "c") -> RequestStamp:
    return RequestStamp("operator:1", request_id, "/s/RegisterPersons", content)


def _counts(registration: Registration) -> bytes:
    return bytes([len(registration.new), registration.unchanged_count])


def _statuses(revised: PersonRecord) -> bytes:
    return ",".join(each.status for each in revised.enrolments).encode()


async def test_the_same_request_twice_gives_the_first_answer_again(store: IdentityStore) -> None:
    operations = PersonOperations(store)
    first = await operations.register(_key("r1"), [record(1)], NOON, _counts)
    again = await operations.register(_key("r1"), [record(1)], NOON, _counts)
    fresh = await operations.register(_key("r2"), [record(1)], NOON, _counts)
    assert (first, again, fresh) == (b"\x01\x00", b"\x01\x00", b"\x00\x01")


async def test_a_request_id_stands_for_one_content_and_one_rpc(store: IdentityStore) -> None:
    operations = PersonOperations(store)
    await operations.register(_key("r1"), [record(1)], NOON, _counts)
    for key in (_key("r1", "other"), replace(_key("r1"), rpc="/s/ReviseEnrolment")):
        with pytest.raises(Fault, match="REQUEST_ID_REUSED"):
            await operations.register(key, [record(2)], NOON, _counts)
    assert await operations.find_many([person(2).psn_no]) == [None]


async def test_a_refusal_stores_nothing_so_that_the_same_request_is_decided_again(any_store: IdentityStore) -> None:
    operations = PersonOperations(any_store)
    child = replace(record(1), family_links=(link(2),))
    with pytest.raises(Fault, match="FAMILY_OWNER_UNKNOWN"):
        await operations.register(_key("r1"), [record(3), child], NOON, _counts)
    assert await operations.find_many([person(3).psn_no, person(1).psn_no]) == [None, None]
    await operations.register(_key("r0"), [record(2)], NOON, _counts)
    assert await operations.register(_key("r1"), [record(3), child], NOON, _counts) == b"\x02\x00"


async def test_of_registrations_at_the_same_moment_one_registers_and_the_others_find_it(
    any_store: IdentityStore,
) -> None:
    operations = PersonOperations(any_store)
    records = [record(number) for number in range(20)]
    answers = await asyncio.gather(
        *(operations.register(_key(f"r{place}"), records, NOON, _counts) for place in range(4))
    )
    assert sorted(answers) == [b"\x00\x14", b"\x00\x14", b"\x00\x14", b"\x14\x00"]


async def test_of_registrations_at_the_same_moment_with_other_content_one_is_refused(any_store: IdentityStore) -> None:
    operations = PersonOperations(any_store)
    answers = await asyncio.gather(
        operations.register(_key("r1"), [record(1)], NOON, _counts),
        operations.register(_key("r2"), [record(1, gend="2")], NOON, _counts),
        return_exceptions=True,
    )
    faults = [answer.reason for answer in answers if isinstance(answer, Fault)]
    assert faults == ["PERSON_EXISTS"]
    assert b"\x01\x00" in answers


async def test_a_registration_repeated_while_the_first_runs_gives_one_answer(any_store: IdentityStore) -> None:
    operations = PersonOperations(any_store)
    answers = await asyncio.gather(*(operations.register(_key("r"), [record(1)], NOON, _counts) for _ in range(5)))
    assert answers == [b"\x01\x00"] * 5


async def test_a_revised_person_is_known_with_both_enrolments_and_entitled_by_day(store: IdentityStore) -> None:
    operations = PersonOperations(store)
    await operations.register(_key("r1"), [record(1)], NOON, _counts)
    number, suspended = person(1).psn_no, enrolment(from_day=date(2026, 4, 1), psn_insu_stas="2", status="retired")
    assert await operations.revise(_key("r2"), number, suspended, NOON, _statuses) == b"active,retired"
    assert await operations.revise(_key("r2"), number, suspended, NOON, _statuses) == b"active,retired"
    assert (await operations.entitlement(number, "310", date(2026, 3, 31))).entitled
    assert (await operations.entitlement(number, "310", date(2026, 4, 1))).reason == "ENROLMENT_SUSPENDED"
    with pytest.raises(Fault, match="PERSON_EXISTS"):
        await operations.register(_key("r3"), [record(1)], NOON, _counts)


async def test_of_revisions_at_the_same_moment_on_the_same_day_one_is_refused(any_store: IdentityStore) -> None:
    operations = PersonOperations(any_store)
    await operations.register(_key("r1"), [record(1)], NOON, _counts)
    successor = enrolment(from_day=date(2026, 4, 1))
    answers = await asyncio.gather(
        *(operations.revise(_key(f"v{n}"), person(1).psn_no, successor, NOON, _statuses) for n in range(3)),
        return_exceptions=True,
    )
    reasons = [answer.reason for answer in answers if isinstance(answer, Fault)]
    assert reasons == ["ENROLMENT_OVERLAPS"] * 2
    assert len((await operations.find(person(1).psn_no)).enrolments) == 2


async def test_an_unknown_person_is_not_found_and_leaves_a_hole_in_a_list(store: IdentityStore) -> None:
    operations = PersonOperations(store)
    await operations.register(_key("r1"), [record(1)], NOON, _counts)
    found = await operations.find_many(["x", person(1).psn_no, person(1).psn_no])
    assert found == [None, record(1), record(1)]
    for refused in (
        operations.find("x"),
        operations.entitlement("x", "310", date(2026, 1, 1)),
        operations.revise(_key("r2"), "x", enrolment(), NOON, _statuses),
    ):
        with pytest.raises(Fault, match="PERSON_NOT_FOUND"):
            await refused
