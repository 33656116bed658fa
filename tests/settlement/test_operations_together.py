"""Writes to visits and fees that are decided in one transaction: each as if it had come alone, and one after the other where
they are about one person or under one request id."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from services.kernel.errors import Fault
from services.kernel.requests import Moved
from services.runtime.committer import Committer
from services.settlement.domain.care.diagnoses import DiagnosesTold, ToldDiagnosis
from services.settlement.domain.care.pricing import SentLine
from services.settlement.operations.care.encounters import VisitInformation
from services.settlement.operations.care.lapsing import Lapsed
from services.settlement.operations.care.writes import CareOutcome, CareWrite, Together
from services.settlement.store.care_batches import CareBatch, CareBatches
from tests.round_trips import sent_to_postgresql
from tests.settlement.counter import ANOTHER, BEGIN, SOMEBODY, Counter, counter_on, line
from tests.settlement.test_operations_fees import batches
from tests.settlement.world import insured, sqlite_url

Act = Callable[[Counter], Awaitable[Any]]
NOBODY_ELSE = "990000000000019999"
DIAGNOSIS = ToldDiagnosis("1", "1", "1", "A00", "名", "", "内科", "D1", "医", None, "1")


@pytest.fixture(params=["sqlite", "postgresql"])
async def counter(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Counter]:
    sqlite = request.param == "sqlite"
    async with counter_on(sqlite_url(tmp_path) if sqlite else str(request.getfixturevalue("postgres_database"))) as one:
        yield one


@dataclass
class Noted:
    """A store that counts its transactions; `first` is done at the end of each, before it is committed."""

    store: CareBatches
    first: list[Callable[[], Awaitable[object]]] = field(default_factory=list)
    begun: int = 0

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[CareBatch]:
        """One transaction."""
        self.begun += 1
        async with self.store.writing() as work:
            yield work
            if self.first:
                await self.first.pop(0)()


@dataclass
class Gathered:
    """Commits nothing before it is told, and then all that has come in one go."""

    together: Together
    items: list[CareWrite] = field(default_factory=list)
    answers: list[asyncio.Future[CareOutcome | Fault]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def submit(self, item: CareWrite) -> CareOutcome:
        """The outcome of a write, as the committer gives it."""
        self.items.append(item)
        answer: asyncio.Future[CareOutcome | Fault] = asyncio.get_running_loop().create_future()
        self.answers.append(answer)
        self.came.set()
        found = await answer
        if isinstance(found, Fault | Lapsed):
            raise found
        return found

    async def commit(self) -> None:
        """All that has come."""
        items, answers, self.items, self.answers = self.items, self.answers, [], []
        for waiting, outcome in zip(answers, await self.together.commit(items), strict=True):
            waiting.set_result(outcome)


def noted(counter: Counter) -> Noted:
    return Noted(CareBatches(counter.database))


async def at_once(counter: Counter, *acts: Act, store: Noted | None = None) -> list[Any]:
    """What each comes to, all decided in one batch, in this order: its answer, or the reason of its refusal."""
    together = Together(store or noted(counter), counter.writes.new_id, counter.writes.since)
    gathered = Gathered(together)
    writes = replace(counter.writes, submit=gathered.submit)
    seen = copy(counter)
    seen.encounters, seen.fees = replace(counter.encounters, writes=writes), replace(counter.fees, writes=writes)
    waiting = [await _begun(gathered, asyncio.ensure_future(act(seen))) for act in acts]
    while not all(each.done() for each in waiting):
        await gathered.commit()
        await asyncio.wait(waiting, timeout=0.02)
    found = await asyncio.gather(*waiting, return_exceptions=True)
    return [each.reason if isinstance(each, Fault) else each for each in found]


async def _begun(gathered: Gathered, act: asyncio.Future[Any]) -> asyncio.Future[Any]:
    """The act once it waits for the commit, or has come to its end before."""
    gathered.came.clear()
    came = asyncio.ensure_future(gathered.came.wait())
    await asyncio.wait((act, came), return_when=asyncio.FIRST_COMPLETED)
    came.cancel()
    return act


def persons(counter: Counter, count: int) -> list[str]:
    made = [f"99000000000001{number:04d}" for number in range(count)]
    counter.identity.people |= {psn_no: insured(psn_no) for psn_no in made}
    return made


def registers(psn_no: str, request_id: str, number: str = "N1", **more: Any) -> Act:
    return lambda counter: counter.register(request_id, psn_no=psn_no, number=number, **more)


def describes(request_id: str, mdtrt_id: str, told: str = "", psn_no: str = SOMEBODY) -> Act:
    information = VisitInformation(
        "14", BEGIN, told, told, "", diagnoses=DiagnosesTold((DIAGNOSIS._replace(diag_code=told),))
    )

    def act(counter: Counter) -> Awaitable[bytes]:
        name, stamp = counter.name(mdtrt_id, psn_no=psn_no), counter.stamp(request_id)
        return counter.encounters.describe_visit(stamp, name, information, counter.clock(), bytes, told.encode())

    return act


def uploads(request_id: str, mdtrt_id: str, *lines: SentLine, content: str = "") -> Act:
    return lambda counter: counter.upload(request_id, mdtrt_id, *lines, content=content)


async def test_what_comes_together_is_kept_in_one_transaction_and_a_refusal_harms_nobody(counter: Counter) -> None:
    store, who = noted(counter), persons(counter, 4)
    visits = await at_once(counter, *(registers(each, f"2201:{each}") for each in who), store=store)
    mine = await counter.register("2201:mine")
    told = await at_once(
        counter,
        describes("2203:1", visits[0], "A00", who[0]),
        describes("2203:2", "M404", "A01", who[1]),
        registers(NOBODY_ELSE, "2201:other"),
        uploads("2204:1", mine, line("1"), line("2", batch="7")),
        describes("2203:4", visits[3], "A03", who[3]),
        store=store,
    )
    assert store.begun == 2
    assert len(set(visits)) == 4
    assert [*told[:3], told[4]] == [b"A00", "ENCOUNTER_NOT_FOUND", "PERSON_NOT_FOUND", b"A03"]
    assert [(await counter.encounter(each)).dise_codg for each in visits] == ["A00", "", "", "A03"]
    assert [await diagnosed(counter, each) for each in visits] == [["A00"], [], [], ["A03"]]
    assert len(told[3]) == 2
    assert {each.chrg_bchno for each in await batches(counter, mine)} == {"", "7"}
    # Each of them is kept for its repeat, and what was refused is not.
    assert await describes("2203:4", visits[3], "A03", who[3])(counter) == b"A03"
    assert await describes("2203:2", visits[1], "A01", who[1])(counter) == b"A01"


async def test_one_person_twice_is_decided_one_after_the_other(counter: Counter) -> None:
    first, second, other = await at_once(
        counter, registers(SOMEBODY, "2201:1"), registers(SOMEBODY, "2201:2"), registers(SOMEBODY, "2201:3", "N2")
    )
    assert first == second != other
    assert (await at_once(counter, registers(SOMEBODY, "2201:4", insutype="390"), registers(ANOTHER, "2201:5")))[0]
    store = noted(counter)
    outcomes = await at_once(
        counter,
        uploads("2204:1", first, line("1"), content="one"),
        uploads("2204:2", first, line("1"), line("2", amount_fen=2000, cnt="2"), content="two"),
        uploads("2204:3", first, line("1", amount_fen=3000, cnt="3"), content="three"),
        describes("2203:1", first, "A00"),
        describes("2203:2", first, "A01"),
        store=store,
    )
    assert outcomes[0] == outcomes[1][:1]
    assert outcomes[2:] == ["FEE_LINE_EXISTS", b"A00", b"A01"]
    assert [each.totals.medfee_fen for each in await batches(counter, first)] == [1000, 2000]
    assert (await counter.encounter(first)).dise_codg == "A01"
    assert await diagnosed(counter, first) == ["A01"]
    assert store.begun == 1


async def test_one_request_twice_is_a_repeat_and_with_other_content_refused(counter: Counter) -> None:
    first, repeat, other, elsewhere = await at_once(
        counter,
        registers(SOMEBODY, "2201:1"),
        registers(SOMEBODY, "2201:1"),
        registers(SOMEBODY, "2201:1", content="another"),
        registers(ANOTHER, "2201:1", content="of another"),
    )
    assert first == repeat
    assert (other, elsewhere) == ("REQUEST_ID_REUSED", "REQUEST_ID_REUSED")
    told = await at_once(counter, *[uploads("2204:1", first, line("1"))] * 3)
    assert told[0] == told[1] == told[2]
    assert len(await batches(counter, first)) == 1
    assert await counter.upload("2204:1", first, line("1")) == told[0]


async def test_lines_that_stand_or_are_returned_are_met_as_they_stand(counter: Counter) -> None:
    mine, anothers = await counter.register("2201:1"), await counter.register("2201:2", psn_no=ANOTHER)
    await counter.upload("2204:1", mine, line("1", amount_fen=3000, cnt="3"))
    found = await at_once(
        counter,
        uploads("2204:2", mine, line("2", amount_fen=-1000, cnt="-1", origin="1")),
        describes("2203:1", anothers, "A00", ANOTHER),
        uploads("2204:3", mine, line("3", amount_fen=-3000, cnt="-3", origin="1")),
    )
    assert found[1:] == [b"A00", "RETURN_EXCEEDS_LINE"]
    assert sum(each.totals.medfee_fen for each in await batches(counter, mine)) == 2000


async def test_where_another_was_first_all_of_them_are_decided_again(counter: Counter) -> None:
    store, who = noted(counter), persons(counter, 3)

    async def loses() -> None:
        raise Moved

    store.first = [loses]
    visits = await at_once(counter, *(registers(each, f"2201:{each}") for each in who), store=store)
    assert store.begun == 2
    assert [(await counter.encounter(each)).psn_no for each in visits] == who


async def test_a_bug_in_one_of_them_harms_no_other(counter: Counter) -> None:
    visits = [await counter.register(f"2201:{each}", psn_no=each) for each in persons(counter, 3)]
    who = [(await counter.encounter(each)).psn_no for each in visits]
    together = Together(noted(counter), counter.writes.new_id, counter.writes.since)
    committer: Committer[CareWrite, CareOutcome] = Committer("care", together.commit)
    seen = copy(counter)
    seen.encounters = replace(counter.encounters, writes=replace(counter.writes, submit=committer.submit))

    def breaks(details: bytes) -> bytes:
        raise ZeroDivisionError

    async def broken(counter: Counter) -> bytes:
        name, told = counter.name(visits[1], psn_no=who[1]), VisitInformation("14", BEGIN, "", "", "")
        return await counter.encounters.describe_visit(
            counter.stamp("2203:b"), name, told, counter.clock(), breaks, b""
        )

    acts = [describes("2203:a", visits[0], "A00", who[0]), broken, describes("2203:c", visits[2], "A02", who[2])]
    found = await asyncio.gather(*(act(seen) for act in acts), return_exceptions=True)
    assert [found[0], type(found[1]), found[2]] == [b"A00", ZeroDivisionError, b"A02"]
    assert [(await counter.encounter(each)).dise_codg for each in visits] == ["A00", "", "A02"]
    await committer.stop()


async def test_members_that_write_batches_of_the_same_persons_end_and_agree(
    postgres_database: str,
) -> None:
    async with counter_on(postgres_database) as one, counter_on(postgres_database, chance=12) as other:
        who = persons(one, 12)
        persons(other, 12)
        forth, back = [[registers(each, f"2201:{each}") for each in part] for part in (who, who[::-1])]
        found, again = await asyncio.gather(at_once(one, *forth), at_once(other, *back))
        assert found == again[::-1]


async def diagnosed(counter: Counter, mdtrt_id: str) -> list[str]:
    async with counter.books.reading() as snapshot:
        return [each.told.diag_code for each in await snapshot.diagnoses(mdtrt_id)]


async def test_visits_that_are_registered_together_are_four_round_trips_and_a_look_of_each(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with counter_on(postgres_database) as counter:
        acts = [registers(psn_no, f"2201:{psn_no}") for psn_no in persons(counter, 3)]
        await at_once(counter, registers(SOMEBODY, "2201:1"))
        sent = sent_to_postgresql(monkeypatch)
        assert len(set(await at_once(counter, *acts))) == 3
    *looks, locked, read, written, committed = sent
    assert [look.startswith("SELECT") for look in looks] == [True] * 3
    assert locked.startswith("BEGIN;SELECT pg_advisory_xact_lock")
    assert read.startswith("SELECT ARRAY(")
    assert written.startswith("WITH w0 AS (INSERT INTO encounter ")
    assert committed == "COMMIT"
