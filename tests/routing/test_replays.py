"""What replays have changed is brought to the places of care: until each has booked it, whoever is away meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from services.kernel.errors import Fault, FaultKind, not_found
from services.routing.domain.clearing.notices import Notice, take
from services.routing.domain.clearing.statements import INSURED
from services.routing.domain.replays import ReplayedSettlement, ReplayPage
from services.routing.operations.replays import Replays
from tests.routing.clearing_scene import journal, noon, reversal

HOME, CARE, OTHER = "370000", "110000", "310000"
AWAY = Fault(FaultKind.UNAVAILABLE, "CELL_UNAVAILABLE")
PLACES = {"110100": CARE, "310100": OTHER}


@dataclass
class PlayedCells:
    """An insured cell that tells one at a time, and places of care that may refuse."""

    waiting: list[ReplayedSettlement]
    refuse: dict[str, Fault] = field(default_factory=dict)
    booked: list[tuple[str, str]] = field(default_factory=list)
    lost: int = 0

    async def page(self, cell: str, after: str) -> ReplayPage:
        if cell != HOME:
            raise AWAY
        behind = [each for each in self.waiting if each.setl_id > after]
        return ReplayPage(tuple(behind[:1]), behind[0].setl_id if len(behind) > 1 else "")

    async def book(self, care_cell: str, insured_cell: str, told: ReplayedSettlement) -> None:
        refusal = self.refuse.get(care_cell) or self.refuse.get(told.setl_id)
        if refusal is not None:
            raise refusal
        self.booked.append((care_cell, told.setl_id))

    async def ack(self, cell: str, setl_ids: Sequence[str]) -> None:
        if self.lost:
            self.lost -= 1
            raise AWAY
        self.waiting = [each for each in self.waiting if each.setl_id not in setl_ids]


def bringing(cells: PlayedCells, troubles: list[tuple[str, str, int]]) -> Replays:
    return Replays(cells, (HOME, CARE), PLACES.__getitem__, lambda *told: troubles.append(told))


def waiting(*places: str) -> PlayedCells:
    return PlayedCells(
        [
            ReplayedSettlement(f"S{number}", OTHER if place == OTHER else "", place, None)
            for number, place in enumerate(places)
        ]
    )


async def test_each_is_booked_at_its_place_of_care_in_order_and_then_forgotten() -> None:
    # Of one the cell is told, of the others the division says it.
    cells = waiting("110100", OTHER, "110100")
    troubles: list[tuple[str, str, int]] = []
    assert await bringing(cells, troubles).pull(HOME) == 3
    assert cells.booked == [(CARE, "S0"), (OTHER, "S1"), (CARE, "S2")]
    assert await bringing(cells, troubles).pull(HOME) == 0
    assert (cells.waiting, troubles) == ([], [])


async def test_a_place_that_is_away_or_refuses_holds_up_no_other_and_gets_it_later() -> None:
    cells = waiting("110100", "310100", "110100", "310100")
    troubles: list[tuple[str, str, int]] = []
    cells.refuse = {CARE: AWAY, "S1": not_found("SETTLEMENT_NOT_FOUND", setl_id="S1", fixmedins_code="")}
    assert await bringing(cells, troubles).pull(HOME) == 1
    # Who is away is asked once at a look.
    assert sorted(troubles) == [(CARE, "CELL_UNAVAILABLE", 1), (OTHER, "SETTLEMENT_NOT_FOUND", 1)]
    cells.refuse = {}
    await bringing(cells, troubles).pull_all()
    assert {number for _, number in cells.booked} == {"S0", "S1", "S2", "S3"}
    assert cells.waiting == []


async def test_what_is_booked_and_not_acknowledged_is_told_once_more() -> None:
    cells = waiting("110100")
    cells.lost = 1
    await bringing(cells, []).pull_all()
    await bringing(cells, []).pull_all()
    assert cells.booked == [(CARE, "S0"), (CARE, "S0")]
    assert cells.waiting == []


def test_a_replay_of_a_closed_month_clears_its_difference_in_the_present_one() -> None:
    old = journal("S1", day=date(2026, 2, 10))
    new = replace(old, setl_id="S2", parts=(("310100", 60_000), ("310200", 5_000)))
    back = reversal(old, date(2026, 3, 12))
    notices = [Notice(HOME, number, (INSURED,), each) for number, each in enumerate((back, new), 1)]
    taken = take(notices, {old.key: old}, {}, {"2026-02"}, noon(3, 12))
    assert [(each.journal.key.source, each.month) for each in taken.fresh] == [
        ("reverse:S1", "2026-03"),
        ("settle:S2", "2026-03"),
    ]
    assert sum(each.journal.total_fen for each in taken.fresh) == -10_000
    assert taken.refused == []
