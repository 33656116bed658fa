"""A person's own books read page by page: settlements, their lines, accounts with movements, accumulators. Nobody else's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import TypeAlias

from services.kernel.pages import Page, page_of
from services.settlement.domain.books.own_books import AccountMovement, Accumulation, OwnSettlement, not_own
from services.settlement.domain.books.reversal import BookedSettlement
from services.settlement.domain.care.carried import KeptLines
from services.settlement.domain.care.encounters import Encounter
from services.settlement.domain.care.fees import StandingLine
from services.settlement.operations.books.ledger import Ledgers
from services.settlement.operations.care.fees import FeeOperations
from services.settlement.store.own_books import OwnBookRows, OwnReader

Unpack: TypeAlias = Callable[[KeptLines, int, int], Awaitable[Sequence[StandingLine]]]
"""Reads carried lines, behind the first of them that are left out, and so many at most."""


@dataclass(frozen=True, slots=True)
class OwnLines:
    """A page of the lines of a settlement, and the encounter that they belong to."""

    encounter: Encounter
    page: Page[StandingLine]


@dataclass(frozen=True, slots=True)
class OwnBooks:
    """Reads own books."""

    store: OwnBookRows
    items: FeeOperations
    counters: Ledgers
    unpack: Unpack

    async def settlements(
        self, psn_no: str, span: tuple[int, int], after: tuple[int, str] | None, size: int
    ) -> Page[OwnSettlement]:
        """A page of settlements and counter-entries; `span` are the first and last moment, in microseconds UTC."""
        async with self.store.reading() as snapshot:
            found = await snapshot.settlements(psn_no, *span, after, size + 1)
        return page_of(found, size, attrgetter("place"))

    async def settlement(self, psn_no: str, setl_id: str) -> BookedSettlement:
        """The person's settlement or counter-entry; SETTLEMENT_NOT_FOUND also for another's."""
        async with self.store.reading() as snapshot:
            return await _own(snapshot, psn_no, setl_id)

    async def lines(self, psn_no: str, setl_id: str, after: int, size: int) -> OwnLines:
        """A page of the lines that a settlement of the person held; SETTLEMENT_NOT_FOUND also for another's."""
        async with self.store.reading() as snapshot:
            settlement = await _own(snapshot, psn_no, setl_id)
            encounter = await snapshot.encounter(settlement.mdtrt_id, setl_id)
            carried = await snapshot.carried_lines(setl_id)
            found: Sequence[StandingLine] = ()
            if carried is None:
                found = await snapshot.lines(settlement.mdtrt_id, setl_id, after, size + 1)
        if carried is not None:
            found = await self.unpack(carried, after, size + 1)
        if encounter is None:
            raise not_own(setl_id)
        return OwnLines(encounter, page_of(found, size, lambda _: (after + size,)))

    async def accounts(self, psn_no: str) -> list[tuple[str, int]]:
        """Insurance type and balance in fen of each account of the person."""
        async with self.store.reading() as snapshot:
            return await snapshot.accounts(psn_no)

    async def movements(self, psn_no: str, insutype: str, before: int | None, size: int) -> Page[AccountMovement]:
        """A page of the movements of an account, newest first."""
        async with self.store.reading() as snapshot:
            found = await snapshot.movements(psn_no, insutype, before, size + 1)
        return page_of(found, size, attrgetter("place"))

    async def accumulators(
        self, psn_no: str, after: tuple[str, str, str, str] | None, size: int, today: date
    ) -> tuple[Page[Accumulation], set[Accumulation]]:
        """A page of accumulations, and those of them that count times."""
        async with self.store.reading() as snapshot:
            found = await snapshot.accumulators(psn_no, after, size + 1)
        page = page_of(found, size, attrgetter("place"))
        counting: dict[tuple[str, str, str], set[str]] = {}
        for entry in page.entries:
            year = (entry.insutype, entry.insuplc_admdvs, entry.benefit_year)
            if year not in counting:
                counting[year] = await self.counters.counting_keys(*year, today)
        return page, {
            entry
            for entry in page.entries
            if entry.key in counting[entry.insutype, entry.insuplc_admdvs, entry.benefit_year]
        }


async def _own(snapshot: OwnReader, psn_no: str, setl_id: str) -> BookedSettlement:
    found = await snapshot.settlement(setl_id)
    if found is None or not found.settled or found.key.psn_no != psn_no:
        raise not_own(setl_id)
    return found
