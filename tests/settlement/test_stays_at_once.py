"""Stays here and in other cells that come at the same time, at two members on one store of each database: one of them stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from services.kernel.errors import Fault
from services.settlement.domain.care.bill import STAY
from services.settlement.domain.care.encounters import Encounter, Entry
from services.settlement.domain.care.insured import Cover, CredentialQuery, Enrolment, Insured
from services.settlement.domain.care.reservations import HELD, Reservation
from services.settlement.operations.care.encounters import Registration
from services.settlement.operations.care.ports import EncounterStore
from services.settlement.store.fees import EncounterBooks, FeeWriter
from tests.settlement.counter import BEGIN, SOMEBODY, Counter, counter_on
from tests.settlement.world import EMPLOYEE, HOSPITAL, OTHER_HOSPITAL, insured, sqlite_url

TIMES = 3
Counters = tuple[Counter, Counter]

on_sqlite = pytest.mark.parametrize("counters", ["sqlite"], indirect=True)


@pytest.fixture(params=["sqlite", "postgresql"])
async def counters(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Counters]:
    """Two members on one store."""
    sqlite = request.param == "sqlite"
    url = sqlite_url(tmp_path) if sqlite else str(request.getfixturevalue("postgres_database"))
    async with counter_on(url) as one, counter_on(url, chance=12) as other:
        yield one, other


def reservation(mdtrt_id: str, request_id: str, psn_no: str) -> Reservation:
    return Reservation(mdtrt_id, "routing", request_id, psn_no, OTHER_HOSPITAL, "110000", HELD, BEGIN, BEGIN)


async def reserve(counter: Counter, mdtrt_id: str, request_id: str, psn_no: str = SOMEBODY) -> None:
    stamp = counter.stamp(request_id, hospital="service:routing")
    await counter.reservations.reserve(stamp, reservation(mdtrt_id, request_id, psn_no), counter.clock())


async def release(counter: Counter, mdtrt_id: str, request_id: str, undoes: str = "") -> None:
    stamp = counter.stamp(request_id, hospital="service:routing")
    await counter.reservations.release(stamp, "routing", mdtrt_id, undoes, counter.clock())


async def admit_elsewhere(counter: Counter, request_id: str, mdtrt_id: str, person: Insured) -> None:
    """2401 of a person of another cell."""
    psn_no, hospital = person.person.psn_no, HOSPITAL
    registration = Registration(
        kind=STAY,
        credential=CredentialQuery(hospital, BEGIN.date(), psn_no=psn_no, insutype=EMPLOYEE),
        insutype=EMPLOYEE,
        begin_at=BEGIN,
        ipt_otp_no=request_id,
        mdtrtarea_admvs="",
        med_type="21",
    )
    cover = Cover(person, person.enrolments[0], "990200", mdtrt_id)
    await counter.encounters.register(
        counter.stamp(request_id), registration, counter.clock(), _described, _number, cover
    )


async def outcome(awaited: Awaitable[object]) -> str:
    """The reason of the refusal, "" for none."""
    try:
        await awaited
    except Fault as fault:
        return fault.reason
    return ""


async def held(counter: Counter, mdtrt_id: str) -> bool:
    async with counter.books.reading() as snapshot:
        found = await snapshot.reservation(mdtrt_id)
    return found is not None and found.held


def person(counters: Counters, number: int) -> str:
    psn_no = f"99000000000000{number:04d}"
    for counter in counters:
        counter.identity.people[psn_no] = insured(psn_no)
    return psn_no


async def test_of_a_stay_here_and_one_elsewhere_that_come_together_one_stands(counters: Counters) -> None:
    one, other = counters
    for number in range(TIMES):
        psn_no = person(counters, number)
        found = await asyncio.gather(
            outcome(one.register(f"2401:{number}", kind=STAY, psn_no=psn_no)),
            outcome(reserve(other, f"M{number}", f"reserve:{number}", psn_no)),
        )
        assert sorted(found) == ["", "STAY_OPEN"]
        assert await held(one, f"M{number}") is (found[1] == "")


@on_sqlite
async def test_of_two_stays_elsewhere_that_come_together_one_stands(counters: Counters) -> None:
    for number in range(TIMES):
        psn_no = person(counters, number)
        found = await asyncio.gather(
            *(
                outcome(reserve(counter, f"M{number}{place}", f"reserve:{number}{place}", psn_no))
                for place, counter in enumerate(counters)
            )
        )
        assert sorted(found) == ["", "STAY_OPEN"]
        assert [await held(counters[0], f"M{number}{place}") for place in range(2)] == [each == "" for each in found]


async def test_a_reservation_and_what_undoes_it_leave_nobody_held_whoever_comes_first(counters: Counters) -> None:
    one, other = counters
    for number in range(TIMES):
        psn_no = person(counters, number)
        found = await asyncio.gather(
            outcome(reserve(one, f"M{number}", f"reserve:{number}", psn_no)),
            outcome(release(other, f"M{number}", f"release:{number}", f"reserve:{number}")),
        )
        assert found[1] == ""
        assert found[0] in ("", "MESSAGE_VOIDED")
        assert not await held(one, f"M{number}")
        assert await one.register(f"2401:{number}", kind=STAY, psn_no=psn_no)


async def test_of_two_admissions_of_one_person_of_another_cell_one_stands(counters: Counters) -> None:
    for number in range(TIMES):
        who = insured(f"99000000000000{number:04d}")
        found = await asyncio.gather(
            *(
                outcome(admit_elsewhere(counter, f"2401:{number}{place}", f"M{number}{place}", who))
                for place, counter in enumerate(counters)
            )
        )
        assert sorted(found) == ["", "STAY_OPEN"]


@on_sqlite
async def test_an_admission_and_its_end_agree_whoever_comes_first(counters: Counters) -> None:
    one, other = counters
    for number in range(TIMES):
        mdtrt_id, who = f"M{number}", insured(f"99000000000000{number:04d}")
        refusal, registered = await asyncio.gather(
            outcome(admit_elsewhere(one, f"2401:{number}", mdtrt_id, who)),
            other.stays.end_admission(mdtrt_id, other.clock()),
        )
        assert (refusal, registered) in (("", True), ("MESSAGE_VOIDED", False))
        async with one.books.reading() as snapshot:
            assert (await snapshot.encounter(mdtrt_id) is not None) is registered


async def test_the_end_of_an_admission_waits_for_one_that_is_being_registered(counters: Counters) -> None:
    one, other = counters
    store = Held(one.books)
    seen = replace(one)
    seen.encounters = replace(one.encounters, writes=replace(one.writes, store=cast("EncounterStore", store)))
    admission = asyncio.create_task(admit_elsewhere(seen, "2401:1", "M1", insured(SOMEBODY)))
    await store.written.wait()
    end = asyncio.create_task(other.stays.end_admission("M1", other.clock()))
    await asyncio.wait([end], timeout=0.1)
    store.go_on.set()
    await admission
    assert await end


@on_sqlite
async def test_a_late_repeat_of_a_release_ends_no_stay_that_was_reserved_again(counters: Counters) -> None:
    one, other = counters
    await reserve(one, "M1", "reserve:1")
    await release(one, "M1", "release:1")
    await reserve(one, "M1", "reserve:2")
    await release(other, "M1", "release:1")
    assert await held(other, "M1")
    await release(other, "M1", "release:2", "reserve:1")
    assert await held(other, "M1")
    await release(other, "M1", "release:3", "reserve:2")
    assert not await held(one, "M1")


@on_sqlite
async def test_who_undoes_a_second_reservation_of_a_held_stay_ends_it_not(counters: Counters) -> None:
    one, _ = counters
    await reserve(one, "M1", "reserve:1")
    await reserve(one, "M1", "reserve:2")
    await release(one, "M1", "release:1", "reserve:2")
    assert await held(one, "M1")
    assert await outcome(reserve(one, "M2", "reserve:3")) == "STAY_OPEN"


@on_sqlite
async def test_the_number_of_a_stay_stands_for_one_person(counters: Counters) -> None:
    one, _ = counters
    await reserve(one, "M1", "reserve:1")
    assert await outcome(reserve(one, "M1", "reserve:2", "990000000000000002")) == "REQUEST_ID_REUSED"
    await release(one, "M1", "release:1")
    assert await outcome(reserve(one, "M1", "reserve:2", "990000000000000002")) == "REQUEST_ID_REUSED"
    assert await outcome(release(one, "M1", "release:2", "release:2")) == "REQUEST_ID_REUSED"


@on_sqlite
async def test_a_discharge_here_is_not_undone_while_the_person_lies_elsewhere(counters: Counters) -> None:
    one, _ = counters
    mdtrt_id = await one.register("2401:1", kind=STAY)
    stay = await one.encounter(mdtrt_id)
    async with one.books.writing() as writing:
        await writing.change_encounter(replace(stay, state="discharged", end_at=BEGIN))
    await reserve(one, "M1", "reserve:1")
    undo = one.stays.undo_discharge
    name = one.name(mdtrt_id, STAY)
    assert await outcome(undo(one.stamp("2405:1"), name, one.clock(), b"")) == "STAY_OPEN"
    await release(one, "M1", "release:1")
    assert await outcome(undo(one.stamp("2405:1"), name, one.clock(), b"")) == ""
    assert await outcome(reserve(one, "M1", "reserve:2")) == "STAY_OPEN"


class Held:
    """The books of a member whose transactions stop before their last row until they may go on."""

    def __init__(self, books: EncounterBooks) -> None:
        self._books = books
        self.reading, self.looking = books.reading, books.looking
        self.written, self.go_on = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[FeeWriter]:
        async with self._books.writing() as writing:
            add = writing.add_entry

            async def stopped(entry: Entry) -> None:
                self.written.set()
                await self.go_on.wait()
                await add(entry)

            writing.add_entry = stopped  # type: ignore[method-assign]  # one more thing happens
            yield writing


def _described(encounter: Encounter, who: Insured, enrolment: Enrolment) -> bytes:
    return b""


def _number(encounter: Encounter) -> bytes:
    return encounter.mdtrt_id.encode()
