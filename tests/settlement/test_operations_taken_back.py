"""Messages 2401 taken back: whose admission it was, whatever the request says, and what is no admission at all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from services.kernel.errors import Fault, FaultKind
from services.settlement.domain.care.bill import STAY
from services.settlement.operations.care.ports import EncounterStore
from services.settlement.store.fees import EncounterBooks, FeeReader, FeeWriter
from tests.settlement.counter import ANOTHER, SOMEBODY, Counter, counter_on
from tests.settlement.world import sqlite_url


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    """A counter on an empty SQLite store."""
    async with counter_on(sqlite_url(tmp_path)) as made:
        yield made


async def take_back(counter: Counter, request_id: str, original: str, psn_no: str) -> bytes:
    return await counter.stays.reverse_admission(
        counter.stamp(request_id), [counter.stamp(original)], psn_no, counter.clock(), lambda stay: b"%d" % (not stay)
    )


async def refusal(awaited: Awaitable[object]) -> Fault:
    with pytest.raises(Fault) as caught:
        await awaited
    return caught.value


@dataclass
class Watched:
    """The store; it notes whom a transaction locks, and lets something happen after a reading."""

    books: EncounterBooks
    locked: list[str]
    after: dict[int, Callable[[], Awaitable[object]]]
    readings: int = 0

    def reading(self) -> AbstractAsyncContextManager[FeeReader]:
        return self._read(self.books.reading())

    def looking(self) -> AbstractAsyncContextManager[FeeReader]:
        return self._read(self.books.looking())

    @asynccontextmanager
    async def _read(self, opened: AbstractAsyncContextManager[FeeReader]) -> AsyncIterator[FeeReader]:
        self.readings += 1
        number = self.readings
        async with opened as snapshot:
            yield snapshot
        if number in self.after:
            await self.after[number]()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[FeeWriter]:
        async with self.books.writing() as writing:
            lock = writing.lock

            async def noted(psn_no: str) -> None:
                self.locked.append(psn_no)
                await lock(psn_no)

            writing.lock = noted  # type: ignore[method-assign]  # one more thing happens
            yield writing


def watched(counter: Counter, after: dict[int, Callable[[], Awaitable[object]]]) -> tuple[Counter, Watched]:
    """The same counter on a watched store."""
    store = Watched(counter.books, [], after)
    seen: EncounterStore = store
    made = replace(counter)
    made.stays = replace(counter.stays, writes=replace(counter.writes, store=seen))
    return made, store


async def test_the_admission_of_another_person_is_not_taken_back(counter: Counter) -> None:
    mdtrt_id = await counter.register("2401:1", kind=STAY)
    fault = await refusal(take_back(counter, "2601:1", "2401:1", ANOTHER))
    assert (fault.kind, fault.reason) == (FaultKind.PRECONDITION, "NOT_REVERSIBLE")
    assert fault.metadata == {"oinfno": "2401"}
    assert (await counter.encounter(mdtrt_id)).state == "open"


@pytest.mark.parametrize("psn_no", ["", SOMEBODY])
async def test_the_person_who_was_admitted_is_locked_also_where_nobody_is_named(counter: Counter, psn_no: str) -> None:
    mdtrt_id = await counter.register("2401:1", kind=STAY)
    seen, store = watched(counter, {})
    assert await take_back(seen, "2601:1", "2401:1", psn_no) == b"0"
    assert store.locked == [SOMEBODY]
    assert (await counter.encounter(mdtrt_id)).state == "cancelled"
    assert await take_back(seen, "2601:1", "2401:1", psn_no) == b"0"
    assert await take_back(seen, "2601:2", "2401:1", psn_no) == b"0"


async def test_an_admission_that_comes_in_the_midst_is_taken_back_under_its_persons_lock(counter: Counter) -> None:
    seen, store = watched(counter, {2: lambda: counter.register("2401:1", kind=STAY)})
    assert await take_back(seen, "2601:1", "2401:1", "") == b"0"
    assert store.locked == ["", SOMEBODY]
    assert await counter.register("2401:2", kind=STAY)


async def test_a_message_under_that_name_that_admitted_nobody_is_not_taken_back(counter: Counter) -> None:
    visit = await counter.register("2401:1")
    await counter.encounters.cancel(counter.stamp("2401:2"), counter.name(visit), counter.clock(), b"")
    await take_back(counter, "2401:3", "2401:never", SOMEBODY)
    for original in ("2401:1", "2401:2", "2401:3"):
        assert (await refusal(take_back(counter, "2601:1", original, ""))).reason == "NOT_REVERSIBLE"
