"""The change feed of persons: complete, in order, without holes, and read again where a cell's store went back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from services.identity.operations.changes import ChangeOperations
from services.identity.operations.persons import PersonOperations
from services.identity.servicer.convert import write_enrolment
from services.identity.store.unit import IdentityStore
from services.kernel.clock import system_clock
from services.kernel.requests import RequestStamp
from services.runtime.db import Database
from tests.identity.member import OPERATOR, ROUTING, SETTLEMENT, Running
from tests.identity.messages import on, registration
from tests.identity.people import NOON, enrolment, person, record
from tests.identity.test_migrations import made_before
from yibao.identity.v1 import change_pb2, person_pb2
from yibao.identity.v1.change_pb2_grpc import ChangeServiceStub
from yibao.identity.v1.person_pb2_grpc import PersonServiceStub

READER = "routing"


def stamp(request_id: str) -> RequestStamp:
    return RequestStamp("op", request_id, "rpc", request_id)


async def numbers(store: IdentityStore, after: int = 0, limit: int = 500) -> list[tuple[int, str]]:
    found = await ChangeOperations(store).after(READER, after, limit)
    return [(each.seq, each.record.person.psn_no) for each in found.changed]


async def test_a_change_moves_a_person_to_the_end_and_nobody_stands_twice(any_store: IdentityStore) -> None:
    persons = PersonOperations(any_store)
    await persons.register(stamp("r1"), [record(1), record(2), record(3)], NOON, lambda _: b"")
    moved = enrolment(from_day=date(2026, 4, 1), insuplc_admdvs="990200")
    await persons.revise(stamp("v1"), person(1).psn_no, moved, NOON, lambda _: b"")
    assert await numbers(any_store) == [(2, person(2).psn_no), (3, person(3).psn_no), (4, person(1).psn_no)]
    # What stood already with the same content has not changed.
    await persons.register(stamp("r2"), [record(2), record(4)], NOON, lambda _: b"")
    assert await numbers(any_store, after=3) == [(4, person(1).psn_no), (5, person(4).psn_no)]


async def test_a_change_and_its_place_in_the_feed_stand_together_or_not_at_all(store: IdentityStore) -> None:
    persons = PersonOperations(store)

    def broken(_: object) -> bytes:
        raise RuntimeError("after the rows were written")

    with pytest.raises(RuntimeError):
        await persons.register(stamp("r1"), [record(1)], NOON, broken)
    assert await numbers(store) == []


async def test_writers_at_once_leave_no_place_behind_that_a_reader_has_passed(any_store: IdentityStore) -> None:
    persons = PersonOperations(any_store)
    seen: dict[str, int] = {}

    async def read() -> None:
        after = 0
        while len(seen) < 60:
            for seq, psn_no in await numbers(any_store, after, 7):
                seen[psn_no], after = seq, seq
            await asyncio.sleep(0)

    async def write(group: int) -> None:
        for each in range(6):
            first = group * 12 + 2 * each
            await persons.register(stamp(f"{first}"), [record(first), record(first + 1)], NOON, lambda _: b"")

    await asyncio.wait_for(asyncio.gather(read(), *(write(group) for group in range(5))), 20)
    assert sorted(seen.values()) == list(range(1, 61))


async def test_a_reader_has_what_it_said_last_and_never_more_than_there_is(store: IdentityStore) -> None:
    changes = ChangeOperations(store)
    await PersonOperations(store).register(stamp("r1"), [record(1), record(2)], NOON, lambda _: b"")
    assert (await changes.after(READER, 0, 1)).acked_seq == 0
    assert [await changes.ack(READER, upto) for upto in (1, 9, 0, 2)] == [1, 2, 0, 2]
    assert await changes.ack("other", 1) == 1
    page = await changes.after(READER, 2, 5)
    assert (page.changed, page.next_seq, page.last_seq, page.acked_seq) == ((), 2, 2, 2)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_whoever_stands_in_a_store_of_before_is_in_the_feed(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    sqlite = f"sqlite+aiosqlite:///{tmp_path}/identity.sqlite"
    url = sqlite if kind == "sqlite" else request.getfixturevalue("postgres_database")
    await made_before(url)
    database = Database(url.replace("+aiosqlite", ""), system_clock)
    store = IdentityStore(database)
    await store.start()
    assert await numbers(store) == [(place, f"p{place}") for place in range(1, 9)]
    await PersonOperations(store).register(stamp("r1"), [record(1)], NOON, lambda _: b"")
    assert await numbers(store, after=8) == [(9, person(1).psn_no)]
    await database.close()


async def test_the_feed_tells_number_certificate_and_places_and_nothing_else(running: Running) -> None:
    people, changes = running.stub(PersonServiceStub), running.stub(ChangeServiceStub)
    suspended = enrolment(insutype="390", psn_insu_stas="2", to_day=date(2027, 1, 1))
    await running.call(people.RegisterPersons, registration(record(1, enrolment(), suspended)), OPERATOR)
    asked = change_pb2.ListChangesRequest(reader=READER, limit=10)
    answer = await running.call(changes.ListChanges, asked, ROUTING)
    places = [
        change_pb2.InsuredPlace(insutype="310", insuplc_admdvs="990100", from_day=on(date(2020, 1, 1)), in_force=True),
        change_pb2.InsuredPlace(
            insutype="390", insuplc_admdvs="990100", from_day=on(date(2020, 1, 1)), to_day=on(date(2027, 1, 1))
        ),
    ]
    known = person(1)
    told = change_pb2.ChangedPerson(seq=1, psn_no=known.psn_no, psn_cert_type="01", certno=known.certno, places=places)
    assert answer == change_pb2.ListChangesResponse(persons=[told], next=1, last_seq=1)
    revised = replace(enrolment(), from_day=date(2026, 4, 1), insuplc_admdvs="990200")
    revision = person_pb2.ReviseEnrolmentRequest(
        request_id="v1", psn_no=known.psn_no, enrolment=write_enrolment(revised)
    )
    await running.call(people.ReviseEnrolment, revision, OPERATOR)
    asked.after = 1
    (moved,) = (await running.call(changes.ListChanges, asked, ROUTING)).persons
    assert (moved.seq, [each.insuplc_admdvs for each in moved.places]) == (2, ["990100", "990200", "990100"])
    assert (await running.call(changes.Ack, change_pb2.AckRequest(reader=READER, upto=2), ROUTING)).acked_seq == 2


async def test_a_reader_reads_in_its_own_name_only(running: Running) -> None:
    changes = running.stub(ChangeServiceStub)
    foreign = change_pb2.ListChangesRequest(reader="settlement", limit=1)
    assert await running.reason(changes.ListChanges, foreign, ROUTING) == "CALLER_NOT_BOUND"
    assert await running.reason(changes.Ack, change_pb2.AckRequest(reader="settlement"), ROUTING) == "CALLER_NOT_BOUND"
    assert await running.reason(changes.ListChanges, foreign, SETTLEMENT) == "CALLER_NOT_ALLOWED"
    assert await running.reason(changes.ListChanges, foreign, OPERATOR) == "ROLE_NOT_ALLOWED"
    too_many = change_pb2.ListChangesRequest(reader=READER, limit=501)
    assert await running.reason(changes.ListChanges, too_many, ROUTING) == "INVALID_REQUEST"
