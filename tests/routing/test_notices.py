"""Notices of cross-region settlements: each is cleared once and listed for its places, whatever comes twice, late or wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import pytest

from services.kernel.errors import Fault, FaultKind
from services.routing.domain.clearing.journals import Journal
from services.routing.domain.clearing.notices import DAY_TO_COME, Notice, NoticePage
from services.routing.domain.clearing.statements import CARE, INSURED
from services.routing.operations.clearing_writes import Books
from services.routing.operations.notices import AskedRetry, Noticing
from services.routing.store.clearing import notices as notice_rows
from services.routing.store.unit import RoutingStore
from tests.plans import scanned, statements_in
from tests.routing.clearing_scene import JINAN, MARCH, QINGDAO, Scene, journal, noon, reversal

SANDBOX, BEIJING = "sandbox", "110000"
DAY = date(2026, 3, 10)


@dataclass
class Outbox:
    """A cell's outbox as its settlement answers it."""

    notices: dict[int, Notice] = field(default_factory=dict)
    last: int = 0
    acked: int = 0
    deaf: bool = False
    asked: list[int] = field(default_factory=list)

    def give(self, cell: str, told: Journal, *sides: str) -> None:
        """The next notice."""
        self.last += 1
        self.notices[self.last] = Notice(cell, self.last, sides or (INSURED,), told, f"00-{self.last:032x}-{1:016x}-01")


class Reader:
    """Routing's reading of two outboxes, in pages of two."""

    def __init__(self, store: RoutingStore) -> None:
        self.store = store
        self.now = noon(3, 12)
        self.cells = {SANDBOX: Outbox(), BEIJING: Outbox()}
        self.away: set[str] = set()
        self.troubles: list[tuple[str, str, int]] = []
        self.linked: list[list[str]] = []
        books = Books(store)
        self.noticing = Noticing(
            books, self, (SANDBOX, BEIJING), lambda: self.now, self.traced, lambda *told: self.troubles.append(told)
        )
        self.scene = Scene(store)

    @contextmanager
    def traced(self, traceparents: Sequence[str]) -> Iterator[None]:
        """Notes what the block is linked to."""
        self.linked.append([*traceparents])
        yield

    async def page(self, cell: str, after: int) -> NoticePage:
        """As the peer does it."""
        outbox = self.cells[cell]
        if cell in self.away:
            raise Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": "settlement"})
        outbox.asked.append(after)
        behind = [each for seq, each in sorted(outbox.notices.items()) if seq > after][:2]
        return NoticePage(tuple(behind), min(outbox.notices, default=outbox.last + 1), outbox.last, outbox.acked)

    async def ack(self, cell: str, upto: int) -> None:
        """As the peer does it."""
        if self.cells[cell].deaf:
            raise Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": "settlement"})
        self.cells[cell].acked = min(upto, self.cells[cell].last)

    async def filed(self, *setl_ids: str) -> list[str]:
        """Which journals stand, as source names."""
        async with self.store.read() as work:
            return sorted(key.source for key in await work.books.standing(setl_ids))

    async def listed(self, side: str, *setl_ids: str, day: date = DAY) -> list[tuple[str, str, int]]:
        """Settlement, region and sum of entries of a side's list."""
        async with self.store.read() as work:
            found = await work.checks.listed(day.isoformat(), side, setl_ids)
        return sorted((each.setl_id, each.region, each.amount_fen) for each in found)

    async def differences(self, day: date = DAY) -> int:
        """How many the daily check of a day finds."""
        found: list[int] = []

        def encode(check: object) -> bytes:
            found.append(check.difference_count)  # type: ignore[attr-defined]  # a DayCheck
            return b""

        await self.scene.collecting.check(self.scene.stamp(), day, "", self.now, encode)
        return found[0]

    async def refused(self) -> list[tuple[str, int, str, str]]:
        """Cell, place, settlement and reason of what was refused."""
        page = await self.noticing.refused(None, 10)
        return [(*each.place, each.reason) for each in page.entries]

    async def retried(self, now: datetime | None = None) -> bytes:
        """What an operator is told who has them taken once more."""
        return await self.noticing.again(
            self.scene.stamp(), AskedRetry(10, "M"), now or self.now, lambda looked: repr(tuple(looked)).encode()
        )


@pytest.fixture
def reader(small_store: RoutingStore) -> Reader:
    return Reader(small_store)


@pytest.fixture
def any_reader(store: RoutingStore) -> Reader:
    return Reader(store)


async def test_both_places_give_notice_and_the_three_lists_of_the_day_agree(any_reader: Reader) -> None:
    reader = any_reader
    for number in range(3):
        told = journal(f"S{number}")
        reader.cells[SANDBOX].give(SANDBOX, told)
        reader.cells[BEIJING].give(BEIJING, told, CARE)
    assert await reader.noticing.pull(SANDBOX) == 3
    assert await reader.filed("S0", "S1", "S2") == ["settle:S0", "settle:S1", "settle:S2"]
    assert await reader.listed(CARE, "S0") == []
    assert await reader.differences() == 3
    assert await reader.noticing.pull(BEIJING) == 3
    assert await reader.listed(CARE, "S0") == [("S0", "110000", 75_000)]
    assert await reader.listed(INSURED, "S0") == [("S0", "370000", 75_000)]
    assert await reader.differences() == 0
    assert [(each.asked, each.acked) for each in reader.cells.values()] == [([0, 2], 3)] * 2
    # Each span of a page is linked to those that booked.
    assert [len(each) for each in reader.linked] == [2, 1, 2, 1]
    assert await reader.noticing.pull(SANDBOX) == 0
    assert reader.cells[SANDBOX].asked[2:] == [3]


async def test_a_cell_that_has_both_places_gives_one_notice(reader: Reader) -> None:
    told = journal("S1", insured=JINAN, care=QINGDAO)
    reader.cells[SANDBOX].give(SANDBOX, told, INSURED, CARE)
    reader.cells[SANDBOX].give(SANDBOX, reversal(told, DAY), INSURED, CARE)
    await reader.noticing.pull(SANDBOX)
    assert await reader.filed("S1") == ["reverse:S1", "settle:S1"]
    assert await reader.listed(CARE, "S1") == [("S1", QINGDAO, -75_000), ("S1", QINGDAO, 75_000)]
    assert await reader.differences() == 0


async def test_what_was_not_acknowledged_comes_twice_and_is_cleared_once(reader: Reader) -> None:
    outbox = reader.cells[SANDBOX]
    for number in range(3):
        outbox.give(SANDBOX, journal(f"S{number}"))
    outbox.deaf = True
    with pytest.raises(Fault):
        await reader.noticing.pull(SANDBOX)
    outbox.deaf = False
    assert await reader.noticing.pull(SANDBOX) == 3
    told = await reader.scene.months.told(MARCH)
    assert [(each.settled_count, each.amount_fen) for each in told.tallies] == [(3, 225_000)]


async def test_a_cell_that_came_back_from_an_earlier_day_gives_places_twice_and_nothing_is_lost(
    reader: Reader,
) -> None:
    outbox = reader.cells[SANDBOX]
    for number in range(4):
        outbox.give(SANDBOX, journal(f"S{number}"))
    await reader.noticing.pull(SANDBOX)
    outbox.last, outbox.acked = 2, 2
    outbox.notices = {seq: each for seq, each in outbox.notices.items() if seq <= 2}
    for number in range(7, 10):
        outbox.give(SANDBOX, journal(f"S{number}"))
    assert await reader.noticing.pull(SANDBOX) == 3
    assert await reader.filed("S7", "S8", "S9") == ["settle:S7", "settle:S8", "settle:S9"]
    assert reader.troubles == []


async def test_a_store_of_routing_that_is_older_than_what_a_cell_keeps_says_how_many_it_lacks(reader: Reader) -> None:
    outbox = reader.cells[SANDBOX]
    for number in range(4):
        outbox.give(SANDBOX, journal(f"S{number}"))
    outbox.acked = 4
    del outbox.notices[1], outbox.notices[2]
    assert await reader.noticing.pull(SANDBOX) == 2
    assert reader.troubles == [(SANDBOX, "NOTICES_GONE", 2)]
    outbox.notices.clear()
    outbox.last = outbox.acked = 6
    assert await reader.noticing.pull(SANDBOX) == 0
    assert reader.troubles[1:] == [(SANDBOX, "NOTICES_GONE", 2)]
    assert await reader.noticing.pull(SANDBOX) == 0
    assert len(reader.troubles) == 2


async def test_a_refused_notice_harms_no_other_and_stays_until_it_can_be_taken(any_reader: Reader) -> None:
    reader = any_reader
    outbox, first = reader.cells[SANDBOX], journal("S1")
    outbox.give(SANDBOX, first)
    outbox.give(SANDBOX, replace(reversal(first, DAY), parts=(("310100", -1),)))
    outbox.give(SANDBOX, replace(journal("S3"), care_area=JINAN))
    outbox.give(SANDBOX, replace(first, medfee_sumamt_fen=5))
    outbox.give(SANDBOX, journal("S5"))
    assert await reader.noticing.pull(SANDBOX) == 5
    assert await reader.filed("S1", "S3", "S5") == ["settle:S1", "settle:S5"]
    assert await reader.refused() == [
        (SANDBOX, 2, "S1", "CLEARING_REVERSAL_MISMATCH"),
        (SANDBOX, 3, "S3", "CLEARING_NOT_REMOTE"),
        (SANDBOX, 4, "S1", "CLEARING_JOURNAL_EXISTS"),
    ]
    assert sorted(reader.troubles) == [
        (SANDBOX, "CLEARING_JOURNAL_EXISTS", 1),
        (SANDBOX, "CLEARING_NOT_REMOTE", 1),
        (SANDBOX, "CLEARING_REVERSAL_MISMATCH", 1),
    ]
    outbox.give(SANDBOX, journal("S6"))
    assert await reader.retried() == b"(1, 0, 3, ())"
    reader.away.add(BEIJING)
    assert await reader.retried() == b"(0, 0, 3, ('110000',))"
    page = await reader.noticing.refused((SANDBOX, 2, "S1"), 1)
    assert [(each.notice.journal.setl_id, each.memo) for each in page.entries] == [("S3", "M")]
    assert page.end == (SANDBOX, 3, "S3")


async def test_a_day_to_come_waits_for_its_day_and_an_operator_may_take_it_before(reader: Reader) -> None:
    ahead, far = (journal(f"S{day}", day=date(2026, 3, day)) for day in (13, 20))
    reader.cells[SANDBOX].give(SANDBOX, ahead)
    reader.cells[SANDBOX].give(SANDBOX, far)
    await reader.noticing.pull(SANDBOX)
    assert [each[3] for each in await reader.refused()] == [DAY_TO_COME, DAY_TO_COME]
    assert reader.troubles == []
    reader.now += timedelta(days=1)
    await reader.noticing.pull(SANDBOX)
    assert await reader.filed("S13", "S20") == ["settle:S13"]
    assert await reader.retried(noon(3, 21)) == b"(0, 1, 0, ())"
    assert await reader.refused() == []


async def test_a_clock_a_little_ahead_of_midnight_is_no_day_to_come(reader: Reader) -> None:
    reader.now = noon(3, 12) + timedelta(hours=11, minutes=56)
    reader.cells[SANDBOX].give(SANDBOX, journal("S1", day=date(2026, 3, 13)))
    await reader.noticing.pull(SANDBOX)
    assert await reader.filed("S1") == ["settle:S1"]


async def test_a_stream_may_bring_notices_in_another_order_and_what_it_leaves_out_is_asked_of_the_cell(
    reader: Reader,
) -> None:
    outbox = reader.cells[SANDBOX]
    for number in range(1, 6):
        outbox.give(SANDBOX, journal(f"S{number}"))
    # The stream has taken all of them over.
    outbox.acked = 5
    reader.noticing = replace(reader.noticing, acks=False)
    first, second, third, fourth, fifth = outbox.notices.values()
    await reader.noticing.arrive([second, first])
    await reader.noticing.arrive([first, second])
    assert outbox.asked == []
    reader.away.add(SANDBOX)
    await reader.noticing.arrive([fourth])
    assert await reader.filed("S1", "S2", "S3", "S4") == ["settle:S1", "settle:S2", "settle:S4"]
    reader.away.clear()
    await reader.noticing.arrive([fifth])
    assert await reader.filed("S3") == ["settle:S3"]
    assert (outbox.asked, outbox.acked) == ([2, 4], 5)
    await reader.noticing.arrive([third])
    assert outbox.asked == [2, 4]
    told = await reader.scene.months.told(MARCH)
    assert [(each.settled_count, each.amount_fen) for each in told.tallies] == [(5, 375_000)]


async def test_every_statement_of_notices_begins_at_an_index(small_store: RoutingStore) -> None:
    assert await scanned(small_store._database, statements_in(notice_rows)) == []
