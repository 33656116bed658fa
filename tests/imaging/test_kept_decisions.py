"""Decisions that searches use again: as long as the feed of the person's cell is read and tells nothing else, and no longer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from services.imaging.domain.scopes import Scope
from services.imaging.domain.sessions import GrantDecision, Purpose, Reader
from services.imaging.domain.tickets import GrantEnd
from services.imaging.operations import kept_decisions
from services.imaging.operations.kept_decisions import FRESH_S, LIFE_S, KeptDecisions
from services.kernel.clock import to_micros
from services.kernel.errors import Fault, FaultKind
from tests.imaging.entries import HOSPITAL, NOON
from tests.imaging.reading import BEIJING, CHECKER, DOCTOR, SHANDONG

GRANT, OTHER_GRANT = (f"G{BEIJING}{number:020}" for number in (1, 2))
THERE = f"G{SHANDONG}{1:020}"


async def nothing() -> None:
    """Nothing happens while cells are asked."""


@dataclass
class Cells:
    """Cells whose answers a test plays, two clocks that it moves, and feeds that are read when it says so."""

    scopes: dict[str, Scope] = field(default_factory=lambda: dict.fromkeys((GRANT, OTHER_GRANT, THERE), Scope()))
    asked: list[tuple[Reader, tuple[str, ...]]] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] = nothing
    passed: float = 0.0
    dated: bool = False
    ends_after_s: int = 3_600
    places: Any = field(default_factory=lambda: count(1))
    kept: KeptDecisions = field(init=False)

    def __post_init__(self) -> None:
        self.kept = KeptDecisions(self, self.clock, lambda: self.dated, lambda: self.passed)

    def clock(self) -> datetime:
        """The wall clock."""
        return NOON + timedelta(seconds=self.passed)

    async def decided(self, reader: Reader, grant_nos: Sequence[str]) -> list[GrantDecision]:
        """What the cells say; what a test does `meanwhile` happens after they decided and before their answer is there."""
        self.asked.append((reader, tuple(grant_nos)))
        until = to_micros(NOON + timedelta(seconds=self.ends_after_s))
        said = [
            GrantDecision(self.scopes[each], b"k", until) if each in self.scopes else GrantDecision()
            for each in grant_nos
        ]
        await self.meanwhile()
        return said

    def read(
        self, *grant_nos: str, cell: str = BEIJING, took_s: float = 0.0, is_whole: bool = True, **told: Any
    ) -> None:
        """A reading of a cell's feed that began now, in which these grants stand; it is there after some seconds."""
        begun = self.passed
        ends = [replace(GrantEnd(next(self.places), each, "", "", self.clock()), **told) for each in grant_nos]
        self.passed += took_s
        self.kept.read(cell, begun, ends, is_whole=is_whole)

    async def search(self, *grant_nos: str, reader: Reader = DOCTOR, after_s: float = 0.0) -> tuple[str, ...]:
        """About which of the grants the cells were asked."""
        self.passed += after_s
        before, grants = len(self.asked), grant_nos or (GRANT,)
        said = await self.kept.decided(reader, grants)
        assert [each.scope for each in said] == [self.scopes.get(each) for each in grants]
        return tuple(each for _, asked in self.asked[before:] for each in asked)


@pytest.fixture
async def cells() -> Cells:
    """Both cells are searched and read, and Beijing's decision is kept."""
    made = Cells()
    assert await made.search(GRANT, THERE) == (GRANT, THERE)
    made.read()
    made.read(cell=SHANDONG)
    assert await made.search() == (GRANT,)
    return made


async def test_a_cell_is_asked_once_while_its_feed_is_read(cells: Cells) -> None:
    assert await cells.search() == ()
    cells.read(OTHER_GRANT)
    assert await cells.search(after_s=FRESH_S) == ()
    # What is not known is asked for in one question; each answer stands at its place.
    cells.scopes[OTHER_GRANT] = Scope(frozenset({"CT"}))
    cells.scopes[THERE] = Scope(study_uid="1.1")
    assert await cells.search(OTHER_GRANT, GRANT, THERE) == (OTHER_GRANT, THERE)


async def test_nothing_is_used_again_where_the_feed_was_not_read_for_most_of_a_second(cells: Cells) -> None:
    assert await cells.search(after_s=FRESH_S + 0.01) == (GRANT,)
    assert await cells.search() == (GRANT,)
    # A reading counts from when it began, for what it could not see came after.
    cells.read(took_s=FRESH_S + 0.01)
    assert await cells.search() == (GRANT,)
    # The feed was read on from where it stood, so that the decision still holds.
    cells.read()
    assert await cells.search() == ()


@pytest.mark.parametrize(
    "told", [{}, {"study_uid": "1.1"}, {"fixmedins_code": HOSPITAL}, {"study_uid": "1.1", "shown": True}]
)
async def test_what_became_of_a_grant_counts_with_the_reading_that_tells_it(cells: Cells, told: dict[str, Any]) -> None:
    assert await cells.search(OTHER_GRANT) == (OTHER_GRANT,)
    cells.read(GRANT, **told)
    if not told:
        del cells.scopes[GRANT]
    assert await cells.search(GRANT, OTHER_GRANT) == (GRANT,)


async def test_what_was_told_while_the_cell_was_asked_wins_over_its_answer(cells: Cells) -> None:
    async def read() -> None:
        cells.read(GRANT)

    cells.meanwhile = read
    await cells.search(after_s=LIFE_S)
    cells.meanwhile = nothing
    del cells.scopes[GRANT]
    assert await cells.search() == (GRANT,)


async def test_an_answer_that_began_before_the_feed_was_read_is_not_kept() -> None:
    cells = Cells()

    async def read() -> None:
        cells.read()

    cells.meanwhile = read
    assert await cells.search() == (GRANT,)
    cells.meanwhile = nothing
    assert await cells.search() == (GRANT,)
    assert await cells.search() == ()


async def test_a_silent_cell_and_a_feed_that_counts_anew_lose_what_was_kept_and_no_other_cells(cells: Cells) -> None:
    assert await cells.search(THERE) == (THERE,)
    cells.read(is_whole=False)
    assert await cells.search(GRANT, THERE) == (GRANT,)
    cells.read()
    # Nothing of before the silence counts again.
    assert await cells.search() == (GRANT,)
    assert await cells.search(GRANT, THERE) == ()


async def test_an_answer_that_was_on_its_way_when_its_cell_fell_silent_is_not_kept(cells: Cells) -> None:
    async def fall_silent_and_come_back() -> None:
        cells.read(is_whole=False)
        cells.read()

    cells.meanwhile = fall_silent_and_come_back
    await cells.search(after_s=LIFE_S)
    cells.meanwhile = nothing
    assert await cells.search() == (GRANT,)


async def test_a_decision_lasts_a_minute_and_never_longer_than_its_grant(cells: Cells) -> None:
    cells.passed += LIFE_S - 0.1
    cells.read()
    assert await cells.search() == ()
    assert await cells.search(after_s=0.1) == (GRANT,)
    assert len(cells.kept) == 1

    async def slowly() -> None:
        cells.passed += 1
        cells.read()

    # From when it was asked for, not from when its answer was there.
    cells.meanwhile = slowly
    await cells.search(after_s=LIFE_S)
    cells.meanwhile = nothing
    assert await cells.search() == ()
    cells.passed += LIFE_S - 1
    cells.read()
    assert await cells.search() == (GRANT,)
    cells.ends_after_s = 0
    await cells.search(OTHER_GRANT)
    assert await cells.search(OTHER_GRANT) == (OTHER_GRANT,)


async def test_who_reads_and_what_for_is_part_of_what_is_kept(cells: Cells) -> None:
    readers = [
        replace(DOCTOR, reader_no="D2"),
        replace(DOCTOR, organisation=HOSPITAL),
        replace(DOCTOR, purpose=Purpose.SELF),
        CHECKER,
        replace(CHECKER, case_no="C2"),
    ]
    for each in readers:
        assert await cells.search(reader=each) == (GRANT,)
    for each in (DOCTOR, *readers):
        assert await cells.search(reader=each) == ()
    cells.read(GRANT)
    for each in (DOCTOR, *readers):
        assert await cells.search(reader=each) == (GRANT,)


async def test_whoever_may_not_read_is_asked_for_each_time(cells: Cells) -> None:
    del cells.scopes[OTHER_GRANT]
    before = len(cells.kept)
    assert await cells.search(OTHER_GRANT) == (OTHER_GRANT,)
    assert len(cells.kept) == before
    # A grant that begins later lets its reader read from its first moment on.
    cells.scopes[OTHER_GRANT] = Scope()
    assert await cells.search(OTHER_GRANT) == (OTHER_GRANT,)


async def test_a_call_of_another_day_neither_uses_nor_leaves_a_decision(cells: Cells) -> None:
    cells.dated = True
    assert await cells.search(GRANT, OTHER_GRANT) == (GRANT, OTHER_GRANT)
    cells.dated = False
    assert await cells.search(GRANT, OTHER_GRANT) == (OTHER_GRANT,)


async def test_a_cell_that_cannot_be_asked_leaves_nothing(cells: Cells) -> None:
    async def fail() -> None:
        raise Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE")

    cells.meanwhile = fail
    with pytest.raises(Fault):
        await cells.search(OTHER_GRANT)
    assert await cells.search() == ()


async def test_a_feed_is_read_for_a_minute_after_the_last_search(cells: Cells) -> None:
    assert set(cells.kept.wanted()) == {BEIJING, SHANDONG}
    await cells.search(after_s=LIFE_S - 1)
    assert set(cells.kept.wanted()) == {BEIJING, SHANDONG}
    cells.passed += 1
    assert list(cells.kept.wanted()) == [BEIJING]
    cells.passed += LIFE_S
    assert list(cells.kept.wanted()) == []
    # Whoever searches then begins anew, also where the feed was read for other reasons meanwhile.
    cells.read()
    assert await cells.search() == (GRANT,)
    assert await cells.search() == (GRANT,)
    assert await cells.search("no number") == ("no number",)
    assert list(cells.kept.wanted()) == [BEIJING]


async def test_a_bounded_number_is_kept_and_what_is_over_goes_from_memory(
    cells: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_decisions, "MOST", 3)
    await cells.search(OTHER_GRANT)
    await cells.search(OTHER_GRANT, reader=CHECKER)
    assert await cells.search(GRANT, OTHER_GRANT) == ()
    third = f"G{BEIJING}{3:020}"
    cells.scopes[third] = Scope()
    await cells.search(third)
    # The grant that was kept first is gone.
    assert await cells.search(OTHER_GRANT, third) == ()
    assert await cells.search() == (GRANT,)
    cells.passed += LIFE_S
    cells.kept.wanted()
    assert len(cells.kept) == 0
