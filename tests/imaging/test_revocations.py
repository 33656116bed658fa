"""The list of what was revoked: what ended or was hidden, cells that are dark, a list that is not made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.imaging.domain.tickets import GrantEnd, Ticket, grant_digest
from services.imaging.operations import revocations
from services.imaging.operations.revocations import Revocations
from services.imaging.store.unit import ImagingStore
from services.kernel.errors import Fault, FaultKind
from tests.imaging.conftest import opened
from tests.imaging.entries import HOSPITAL, NOON

CELLS = ("110000", "370000")
GRANT, OTHER_GRANT = "G110000" + "1".zfill(20), "G110000" + "2".zfill(20)

THERE_GRANT = "G370000" + "1".zfill(20)


@dataclass
class Feeds:
    """The feeds of cells, and two clocks that stand until they are moved."""

    ends: dict[str, list[GrantEnd]] = field(default_factory=lambda: {cell: [] for cell in CELLS})
    dark: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None
    passed: float = 0.0
    page: int = 500
    wants: list[str] = field(default_factory=list)
    read_for_searches: list[tuple[str, float, int, bool]] = field(default_factory=list)

    def wanted(self) -> list[str]:
        return self.wants

    def read(self, cell: str, begun_at: float, ends: Sequence[GrantEnd], *, is_whole: bool) -> None:
        self.read_for_searches.append((cell, begun_at, len(ends), is_whole))

    async def behind(self, cell: str, after: int) -> tuple[list[GrantEnd], int]:
        self.asked.append(cell)
        self.meanwhile()
        if cell in self.dark:
            raise Fault(FaultKind.UNAVAILABLE, "CELL_UNAVAILABLE", {"cell": cell})
        ends = self.ends[cell]
        return [each for each in ends if each.seq > after][: self.page], ends[-1].seq if ends else 0

    def tell(
        self,
        grant_no: str,
        cell: str = CELLS[0],
        study_uid: str = "",
        institution: str = "",
        age_s: int = 0,
        *,
        shown: bool = False,
    ) -> None:
        """What became of a grant stands in its cell's feed."""
        at = self.clock() - timedelta(seconds=age_s)
        self.ends[cell].append(GrantEnd(len(self.ends[cell]) + 1, grant_no, study_uid, institution, at, shown))

    def clock(self) -> datetime:
        """The wall clock."""
        return NOON + timedelta(seconds=self.passed)


@dataclass
class Desk:
    """The list over a store."""

    store: ImagingStore
    feeds: Feeds = field(default_factory=Feeds)
    made: Revocations = field(init=False)

    def __post_init__(self) -> None:
        self.made = Revocations(self.store, self.feeds, self.feeds, CELLS, self.feeds.clock, lambda: self.feeds.passed)

    async def give(
        self, jti: str, grant_no: str = GRANT, study: str = "1.1", cell: str = CELLS[0], life_s: int = 300
    ) -> None:
        """A ticket."""
        expires = self.feeds.clock() + timedelta(seconds=life_s)
        async with self.store.write() as work:
            await work.tickets.add(Ticket(jti, cell, grant_no, study, HOSPITAL, "RS1", expires))

    async def turn(self, after_s: float = 0.5) -> list[str]:
        """The whole list after another turn."""
        self.feeds.passed += after_s
        await self.made.turn()
        return (await self.made.listed(0))[0]


@pytest.fixture
def on_both(store: ImagingStore) -> Desk:
    return Desk(store)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(f"sqlite:///{tmp_path / 'imaging.sqlite'}") as made:
        yield Desk(made)


async def test_a_grant_that_ended_is_named_by_its_digest_and_only_cells_with_tickets_are_asked(desk: Desk) -> None:
    desk.feeds.tell(GRANT)
    assert await desk.turn() == []
    assert desk.feeds.asked == []
    await desk.give("t1")
    assert await desk.turn() == [grant_digest(GRANT)]
    assert desk.feeds.asked == [CELLS[0]]
    assert await desk.turn() == [grant_digest(GRANT)]
    assert await desk.made.listed(1) == ([], 1)


async def test_what_is_hidden_takes_its_tickets_and_leaves_the_others(on_both: Desk) -> None:
    await on_both.give("t1", study="1.1")
    await on_both.give("t2", study="1.2")
    await on_both.give("t3", OTHER_GRANT, "1.1")
    on_both.feeds.tell(GRANT, study_uid="1.1")
    assert await on_both.turn() == ["t1"]
    # A ticket that was decided before that and kept after it is found too, for ten seconds.
    await on_both.give("t4", study="1.1")
    assert await on_both.turn() == ["t1", "t4"]
    await on_both.give("t5", study="1.1")
    assert await on_both.turn(10) == ["t1", "t4"]
    on_both.feeds.tell(OTHER_GRANT, institution=HOSPITAL)
    assert await on_both.turn() == ["t1", "t4", "t3"]


async def test_a_cell_that_is_dark_loses_its_tickets_after_some_seconds_and_no_others(desk: Desk) -> None:
    await desk.give("t1")
    await desk.give("t2", "G370000" + "1".zfill(20), cell=CELLS[1])
    await desk.turn()
    desk.feeds.dark = {CELLS[0]}
    assert [await desk.turn(), await desk.turn(1.9)] == [[], []]
    assert await desk.turn(0.6) == ["t1"]
    await desk.give("t3")
    assert await desk.turn() == ["t1", "t3"]
    desk.feeds.dark = set()
    await desk.give("t4")
    assert await desk.turn() == ["t1", "t3"]
    # What the cell could not say is read when it is back.
    desk.feeds.tell(GRANT)
    assert await desk.turn() == ["t1", "t3", grant_digest(GRANT)]


async def test_a_feed_is_read_page_by_page_without_what_is_over_and_again_where_it_came_back(desk: Desk) -> None:
    desk.feeds.page = 2
    await desk.give("t1")
    grants = [f"G110000{number:020}" for number in range(10, 15)]
    for each in grants:
        desk.feeds.tell(each)
    desk.feeds.tell(OTHER_GRANT, age_s=1_300)
    assert await desk.turn() == [grant_digest(each) for each in grants]
    desk.feeds.ends[CELLS[0]].clear()
    desk.feeds.tell(GRANT)
    assert (await desk.turn())[5:] == [grant_digest(GRANT)]


async def test_feeds_are_read_for_searches_too_and_told_with_when_the_reading_began(desk: Desk) -> None:
    desk.feeds.wants = [CELLS[1], "999999"]
    desk.feeds.tell(THERE_GRANT, CELLS[1])
    await desk.give("t1")
    await desk.turn()
    assert sorted(desk.feeds.asked) == sorted(CELLS)
    assert sorted(desk.feeds.read_for_searches) == [(CELLS[0], 0.5, 0, True), (CELLS[1], 0.5, 1, True)]
    desk.feeds.read_for_searches.clear()
    # What ended long ago, as by a call of another day, counts for searches all the same.
    desk.feeds.tell(THERE_GRANT, CELLS[1], age_s=5_000)
    desk.feeds.meanwhile = lambda: setattr(desk.feeds, "passed", desk.feeds.passed + 0.1)
    await desk.turn()
    assert (CELLS[1], 1, True) in {(cell, ends, whole) for cell, _, ends, whole in desk.feeds.read_for_searches}
    assert all(begun < desk.feeds.passed for _, begun, _, _ in desk.feeds.read_for_searches)


async def test_searches_are_told_that_a_cell_is_dark_or_counts_anew_and_its_tickets_stay_as_they_are(
    desk: Desk,
) -> None:
    desk.feeds.wants = [CELLS[1]]
    desk.feeds.tell(THERE_GRANT, CELLS[1])
    desk.feeds.tell(THERE_GRANT, CELLS[1])
    await desk.turn()
    desk.feeds.dark = {CELLS[1]}
    assert await desk.turn() == [grant_digest(THERE_GRANT)]
    desk.feeds.dark, desk.feeds.ends[CELLS[1]] = set(), desk.feeds.ends[CELLS[1]][:1]
    await desk.turn()
    told = [(ends, whole) for _, _, ends, whole in desk.feeds.read_for_searches]
    assert told == [(2, True), (0, False), (0, False), (1, True)]


async def test_what_is_shown_again_takes_no_ticket(desk: Desk) -> None:
    await desk.give("t1", study="1.1")
    desk.feeds.tell(GRANT, study_uid="1.1", shown=True)
    assert await desk.turn() == []
    desk.feeds.tell(GRANT, study_uid="1.1")
    assert await desk.turn() == ["t1"]


async def test_a_list_that_is_not_made_is_not_told(desk: Desk) -> None:
    async def told() -> str:
        try:
            await desk.made.listed(0)
        except Fault as fault:
            return fault.reason
        return ""

    assert await told() == "REVOCATIONS_STALE"
    await desk.turn()
    desk.feeds.passed += 3.0
    assert await told() == ""
    desk.feeds.passed += 0.1
    assert await told() == "REVOCATIONS_STALE"


async def test_what_was_revoked_is_told_for_twenty_minutes_and_places_are_never_given_twice(
    on_both: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await on_both.give("t1")
    on_both.feeds.tell(GRANT)
    on_both.feeds.tell(OTHER_GRANT)
    await on_both.turn()
    monkeypatch.setattr(revocations, "_SWEEP_S", 0.0)
    assert await on_both.turn(1_199) == [grant_digest(GRANT), grant_digest(OTHER_GRANT)]
    assert await on_both.turn(60) == [grant_digest(OTHER_GRANT)]
    await on_both.give("t2")
    on_both.feeds.tell("G110000" + "3".zfill(20))
    await on_both.turn()
    assert (await on_both.made.listed(2))[1] == 3
    # A node that knows more than the list has reads it from the beginning.
    assert await on_both.made.listed(99) == ([grant_digest("G110000" + "3".zfill(20))], 3)


async def test_more_than_a_thousand_names_come_in_parts(desk: Desk) -> None:
    await desk.give("t1")
    for number in range(1_001):
        desk.feeds.tell(f"G110000{number:020}")
    desk.feeds.page = 2_000
    assert len(await desk.turn()) == 1_000
    names, place = await desk.made.listed(1_000)
    assert (names, place) == ([grant_digest(f"G110000{1_000:020}")], 1_001)
