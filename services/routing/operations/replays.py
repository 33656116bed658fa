"""Brings what replays have changed to the places of care: at least once, in the order in which it was made.

The insured cell keeps what has not arrived; routing keeps nothing. What a place of care cannot book yet, or whose cell is away,
harms no other and comes again at the next look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from services.kernel.errors import Fault
from services.routing.domain.replays import ReplayedSettlement, ReplayPage
from services.routing.operations.steps import is_away


class ReplayingCells(Protocol):
    """The settlement of any cell; each raises its refusal."""

    async def page(self, cell: str, after: str) -> ReplayPage:
        """A page of what a cell has for places of care in others."""
        ...

    async def book(self, care_cell: str, insured_cell: str, told: ReplayedSettlement) -> None:
        """Has one booked at the place of care."""
        ...

    async def ack(self, cell: str, setl_ids: Sequence[str]) -> None:
        """Tells the insured cell that these are booked."""
        ...


@dataclass(frozen=True, slots=True)
class Replays:
    """Brings them. `cell_of` names the cell of a division; `troubled` is told what a place of care has refused: cell, reason,
    how many."""

    feed: ReplayingCells
    cells: tuple[str, ...]
    cell_of: Callable[[str], str]
    troubled: Callable[[str, str, int], None]

    async def pull(self, cell: str) -> int:
        """Brings all that a cell has, as far as others take it; how many were taken. The peer's Fault where the cell is away."""
        after, taken = "", 0
        away: set[str] = set()
        refused: dict[tuple[str, str], int] = {}
        while True:
            page = await self.feed.page(cell, after)
            booked = [each.setl_id for each in page.told if await self._booked(cell, each, away, refused)]
            if booked:
                await self.feed.ack(cell, booked)
            taken += len(booked)
            if not page.next:
                break
            after = page.next
        for (care_cell, reason), count in refused.items():
            self.troubled(care_cell, reason, count)
        return taken

    async def pull_all(self) -> None:
        """The same of all cells; one that does not answer is left out."""

        async def tried(cell: str) -> None:
            with suppress(Fault):
                await self.pull(cell)

        await asyncio.gather(*map(tried, self.cells))

    async def _booked(
        self, cell: str, told: ReplayedSettlement, away: set[str], refused: dict[tuple[str, str], int]
    ) -> bool:
        care_cell = told.care_cell or self.cell_of(told.care_admdvs)
        if care_cell in away:
            return False
        try:
            await self.feed.book(care_cell, cell, told)
        except Fault as fault:
            if is_away(fault):
                away.add(care_cell)
            key = (care_cell, fault.reason)
            refused[key] = refused.get(key, 0) + 1
            return False
        return True
