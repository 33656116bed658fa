"""Consent between a national member and the cells: under which key a person is kept, which cell is asked, and what it said.

Whoever asks is told a key and never a number, and of nobody the same as of somebody who granted nothing, after the same work:
one look-up here and one question to a cell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from services.kernel.consents import cell_of_grant
from services.kernel.credential_marks import cell_of
from services.kernel.elsewhere import CELL_UNAVAILABLE
from services.kernel.errors import Fault, not_found
from services.routing.domain.hashes import Hasher
from services.routing.domain.registry import Insured
from services.routing.domain.resolution import Query, resolve
from services.routing.operations.elsewhere import Elsewhere, answered
from services.routing.operations.person_keys import PersonKeys

T = TypeVar("T")


class ConsentCells(Protocol):
    """The identity of the cells; each raises its refusal. Answers and requests are the contract's messages."""

    async def proved(self, cell: str, request: Any) -> Any:
        """ProvePresence."""
        ...

    async def found(self, cell: str, request: Any) -> Any:
        """FindGrant."""
        ...

    async def broken(self, cell: str, request: Any) -> Any:
        """BreakGlass."""
        ...

    async def decided(self, cell: str, items: Sequence[Any]) -> Sequence[Any]:
        """Decide."""
        ...

    async def ends(self, cell: str, after: int) -> Any:
        """ListGrantEnds."""
        ...


@dataclass(frozen=True, slots=True)
class Keyed:
    """What a cell answered, and the key of the person whom it is about; `answer` is None where nobody answered, and `away` says
    that a cell should have."""

    answer: Any
    person_key: bytes = b""
    away: bool = False


@dataclass(frozen=True, slots=True)
class PersonAccess:
    """What PersonAccessService does."""

    elsewhere: Elsewhere
    cells: ConsentCells
    person_keys: PersonKeys

    async def keys(self, psn_nos: Sequence[str]) -> list[bytes]:
        """16 bytes for each number, in the order given."""
        hasher = await self.person_keys.hasher()
        return [hasher.person_key(each) for each in psn_nos]

    async def prove(self, shown: str, request: Any) -> Keyed:
        """Presence, by the cell that made the code or ecToken. Its refusals; CODE_UNKNOWN for what is laid out like neither."""
        cell = cell_of(shown)
        if cell is None:
            raise not_found("CODE_UNKNOWN")
        hasher = await self.person_keys.hasher()
        proved = await self.elsewhere.ask_maker(cell, lambda asked: self.cells.proved(asked, request))
        return Keyed(proved, hasher.person_key(proved.psn_no))

    async def find(self, query: Query, request: Any) -> Keyed:
        """The grant that lets a reader read. NO_ACCESS, CELL_UNAVAILABLE."""
        return await self._of_person(query, lambda cell: self.cells.found(cell, request))

    async def break_glass(self, query: Query, request: Any) -> Keyed:
        """An emergency. NO_ACCESS, CELL_UNAVAILABLE."""
        return await self._of_person(query, lambda cell: self.cells.broken(cell, request))

    async def decide(self, items: Sequence[Any]) -> list[Keyed]:
        """What the cells of the grants say of them, in the order asked: one call for each cell, all at once. What is no number of
        a grant lets nobody read."""
        hasher = await self.person_keys.hasher()
        places: dict[str, list[int]] = {}
        for place, item in enumerate(items):
            cell = cell_of_grant(item.grant_no)
            if cell in self.elsewhere.registry.news.cells:
                places.setdefault(cell, []).append(place)
        asked = [self._decided(cell, [items[place] for place in found]) for cell, found in places.items()]
        # Most sessions are of one person: what one cell is asked needs no task.
        said = [await asked[0]] if len(asked) == 1 else await asyncio.gather(*asked)
        decided = [Keyed(None)] * len(items)
        for found, answers in zip(places.values(), said, strict=True):
            for place, answer in zip(found, answers, strict=True):
                decided[place] = _keyed(answer, hasher)
        return decided

    async def ends(self, cell: str, after: int) -> Any:
        """A cell's feed behind a place; CELL_UNAVAILABLE, also for a cell that this mesh has not."""
        return await answered(cell, {}, lambda asked: self.cells.ends(asked, after))

    async def _decided(self, cell: str, items: Sequence[Any]) -> Sequence[Any]:
        try:
            return await answered(cell, {}, lambda asked: self.cells.decided(asked, items))
        except Fault as fault:
            if fault.reason != CELL_UNAVAILABLE:
                raise
            return [None] * len(items)

    async def _of_person(self, query: Query, ask: Callable[[str], Awaitable[T]]) -> Keyed:
        hasher = await self.person_keys.hasher()
        answer: Any = await answered(await self._cell(query, hasher), {}, ask)
        return Keyed(answer, hasher.person_key(answer.psn_no))

    async def _cell(self, query: Query, hasher: Hasher) -> str:
        """The cell that insures the person, now or from a later day, or did last. Of nobody, and of a certificate that is several
        people's, some cell, always the same: it is asked as the right one would be."""
        registry = self.elsewhere.registry
        try:
            found = await registry.known(query)
        except Fault:
            found = ()
        cells = registry.news.cells
        beside = hasher.person_key(query.psn_no or query.certno)[0] % len(cells)
        return _insuring(query, found, registry.cell_of) or cells[beside]


def _insuring(query: Query, found: Sequence[Insured], cell_of_division: Callable[[str], str]) -> str:
    """Whoever is insured twice has consent in one of both cells: the first by its code."""
    try:
        decided = resolve(query, found, cell_of_division)
    except Fault:
        return min(each.cell for each in found)
    return decided.insured_cell or decided.later_cell or min((each.cell for each in found), default="")


def _keyed(answer: Any, hasher: Hasher) -> Keyed:
    if answer is None:
        return Keyed(None, away=True)
    return Keyed(answer, hasher.person_key(answer.psn_no) if answer.active else b"")
