"""The pull of the cells' feeds: nothing lost, nothing twice, whatever is away, goes back or comes again."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

import pytest

from services.kernel.errors import Fault
from services.routing.domain.hashes import Hasher
from services.routing.domain.registry import ToldPerson
from services.routing.operations.pulling import Pulling, PullLoops
from services.routing.store.unit import RoutingStore
from tests.routing.feeds import Feeds, place, told

KEY, OTHER = Hasher(b"k" * 32), Hasher(b"o" * 32)
SANDBOX, BEIJING = "sandbox", "110000"


class Reader:
    """Routing's reading of two cells, under keys that can be changed."""

    def __init__(self, store: RoutingStore) -> None:
        self.store = store
        self.feeds = Feeds(SANDBOX, BEIJING)
        self.hashers: tuple[Hasher, ...] = (KEY,)
        self.now = 100.0
        self.pulling = self.again()

    def again(self) -> Pulling:
        """As another process would begin."""
        return Pulling(self.store, self.feeds, (SANDBOX, BEIJING), lambda: self.hashers, lambda: self.now)

    async def found(self, person: ToldPerson, hasher: Hasher = KEY) -> list[tuple[str, list[str]]]:
        """Cells and divisions under a person's number."""
        async with self.store.read() as work:
            rows = await work.insured.of_person([hasher.person(person.psn_no)])
        return sorted((each.cell, [at.admdvs for at in each.places]) for each in rows)

    async def cursor(self, cell: str = SANDBOX) -> tuple[int, bool]:
        """How far the cell's feed is read, and whether to its end."""
        async with self.store.read() as work:
            cursor = await work.insured.cursor(cell)
        assert cursor is not None
        return cursor.seq, cursor.complete


@pytest.fixture
def reader(small_store: RoutingStore) -> Reader:
    """Over an empty store on SQLite."""
    return Reader(small_store)


@pytest.fixture
def any_reader(store: RoutingStore) -> Reader:
    """Over an empty store, on each database."""
    return Reader(store)


async def test_a_feed_is_read_to_its_end_in_pages_and_then_only_its_news(any_reader: Reader) -> None:
    reader = any_reader
    cell = reader.feeds.cells[SANDBOX]
    cell.change(*(told(number) for number in range(5)))
    assert await reader.pulling.pull(SANDBOX) == 5
    assert (cell.asked, cell.acked, await reader.cursor()) == ([0, 2, 4], 5, (5, True))
    cell.change(told(1, place("110101")))
    assert await reader.again().pull(SANDBOX) == 1
    assert cell.asked[3:] == [5]
    assert await reader.found(told(1)) == [(SANDBOX, ["110101"])]
    assert await reader.found(told(4)) == [(SANDBOX, ["990100"])]


async def test_a_person_of_two_cells_stands_for_each_of_them(reader: Reader) -> None:
    reader.feeds.cells[SANDBOX].change(told(1))
    reader.feeds.cells[BEIJING].change(told(1, place("110105", "390")))
    await reader.pulling.refresh()
    assert await reader.found(told(1)) == [(BEIJING, ["110105"]), (SANDBOX, ["990100"])]
    person = told(1)
    async with reader.store.read() as work:
        by_certificate = await work.insured.of_certificate([KEY.certificate(person.certno)])
    assert {each.psn_hash for each in by_certificate} == {KEY.person(person.psn_no)}


async def test_the_store_holds_no_number_of_anybody(reader: Reader) -> None:
    person = told(7)
    reader.feeds.cells[SANDBOX].change(person)
    await reader.pulling.pull(SANDBOX)
    async with reader.store.read() as work:
        (row,) = await work.insured.of_person([KEY.person(person.psn_no)])
    assert person.psn_no not in repr(row)
    assert person.certno not in repr(row)
    assert len({row.psn_hash, row.cert_hash, OTHER.person(person.psn_no), KEY.certificate(person.psn_no)}) == 4


async def test_a_dark_cell_keeps_what_it_told_and_costs_the_others_nothing(reader: Reader) -> None:
    for code in (SANDBOX, BEIJING):
        reader.feeds.cells[code].change(told(1, place("110101")))
    await reader.pulling.refresh()
    reader.feeds.cells[BEIJING].away = True
    reader.feeds.cells[SANDBOX].change(told(2))
    with pytest.raises(Fault, match="PEER_UNAVAILABLE"):
        await reader.pulling.pull(BEIJING)
    assert reader.pulling.away() == (BEIJING,)
    reader.now += 1
    await reader.pulling.refresh()
    assert await reader.found(told(2)) == [(SANDBOX, ["990100"])]
    assert [code for code, _ in await reader.found(told(1))] == [BEIJING, SANDBOX]
    reader.feeds.cells[BEIJING].away = False
    reader.feeds.cells[BEIJING].change(told(3))
    assert await reader.pulling.pull(BEIJING) == 1
    assert reader.pulling.away() == ()


async def test_what_was_not_acknowledged_is_read_again_and_is_the_same(reader: Reader) -> None:
    cell = reader.feeds.cells[SANDBOX]
    cell.change(told(1), told(2), told(3))
    cell.deaf = True
    with pytest.raises(Fault):
        await reader.pulling.pull(SANDBOX)
    assert await reader.cursor() == (2, False)
    cell.deaf = False
    assert await reader.pulling.pull(SANDBOX) == 3
    assert (await reader.cursor(), cell.acked) == ((3, True), 3)
    assert await reader.found(told(1)) == [(SANDBOX, ["990100"])]


async def test_a_cell_that_came_back_from_an_earlier_day_is_read_again_from_there(reader: Reader) -> None:
    cell = reader.feeds.cells[SANDBOX]
    cell.change(told(1), told(2), told(3), told(4))
    await reader.pulling.pull(SANDBOX)
    # Its store of yesterday: it had two persons, and since then gave the same places to others.
    cell.people, cell.last, cell.acked = {}, 0, 0
    cell.change(told(1), told(2))
    cell.acked = 2
    cell.change(told(5, place("370100")), told(6), told(7))
    assert await reader.pulling.pull(SANDBOX) == 3
    assert await reader.found(told(5)) == [(SANDBOX, ["370100"])]
    assert await reader.cursor() == (5, True)


async def test_another_key_reads_all_anew_and_the_old_hashes_go_at_the_end(any_reader: Reader) -> None:
    reader = any_reader
    cell = reader.feeds.cells[SANDBOX]
    cell.change(told(1), told(2), told(3))
    await reader.pulling.pull(SANDBOX)
    reader.hashers = (OTHER, KEY)
    cell.deaf = True
    with pytest.raises(Fault):
        await reader.pulling.pull(SANDBOX)
    # Half way both keys find people.
    assert await reader.found(told(1), OTHER) == await reader.found(told(3), KEY) == [(SANDBOX, ["990100"])]
    cell.deaf = False
    assert await reader.pulling.pull(SANDBOX) == 1
    assert (await reader.found(told(3), OTHER), await reader.found(told(3), KEY)) == ([(SANDBOX, ["990100"])], [])


async def test_who_asks_at_once_shares_one_reading_and_a_moment_later_another_is_made(reader: Reader) -> None:
    reader.feeds.cells[SANDBOX].change(told(1))
    await asyncio.gather(*(reader.pulling.refresh() for _ in range(5)))
    assert reader.feeds.cells[SANDBOX].asked == [0]
    reader.feeds.cells[SANDBOX].change(told(2))
    reader.now += 0.04
    await reader.pulling.refresh()
    assert reader.feeds.cells[SANDBOX].asked == [0, 1]
    assert await reader.found(told(2))


async def test_the_loops_go_on_while_a_cell_is_away_and_say_so_once(reader: Reader) -> None:
    heard: list[str] = []
    beijing = reader.feeds.cells[BEIJING]
    beijing.away = True
    loops = PullLoops(
        reader.pulling,
        lambda cell, _: heard.append(f"{cell} away"),
        lambda cell: heard.append(f"{cell} back"),
        nullcontext,
        rest_s=0.01,
    )
    loops.start()
    reader.feeds.cells[SANDBOX].change(told(1))

    async def until(person: ToldPerson) -> None:
        while not await reader.found(person):  # noqa: ASYNC110  # the loop under test tells nobody when it has read
            await asyncio.sleep(0.005)

    await asyncio.wait_for(until(told(1)), 20)
    await asyncio.sleep(0.05)
    beijing.away = False
    beijing.change(told(2))
    await asyncio.wait_for(until(told(2)), 20)
    await loops.stop()
    assert heard == ["110000 away", "110000 back"]
