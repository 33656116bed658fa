"""Trials: the same preparation and the same decision as a settlement, on a snapshot, and nothing is written or locked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from services.kernel.errors import Fault, FaultKind
from services.settlement.domain.bill import Order
from services.settlement.domain.decision import PreparedBill, decide, wanted_of
from services.settlement.domain.entries import Books, Moved
from services.settlement.operations.books import BookStore, Scribe
from services.settlement.operations.preparation import Preparation
from services.settlement.operations.settle import answer_of

SubmitTrial: TypeAlias = Callable[[int, PreparedBill], Awaitable[bytes]]
"""Hands the bill of the order at a place to the committer of trials; raises its Fault."""


@dataclass(frozen=True, slots=True)
class Trying:
    """Tries bills."""

    preparation: Preparation
    books: BookStore
    scribe: Scribe

    async def try_bills(self, orders: Sequence[Order], submit: SubmitTrial) -> list[bytes | BaseException]:
        """The answer of each trial as it is sent, or why it has none: a Fault, or a bug of that one trial."""
        found = await self.preparation.prepare(orders)
        places = [place for place, item in enumerate(found) if isinstance(item, PreparedBill)]
        submitted = [submit(place, item) for place, item in enumerate(found) if isinstance(item, PreparedBill)]
        results: dict[int, bytes | BaseException] = {
            place: item for place, item in enumerate(found) if isinstance(item, Exception)
        }
        outcomes = await asyncio.gather(*submitted, return_exceptions=True)
        results.update(zip(places, outcomes, strict=True))
        return [results[place] for place in range(len(orders))]

    async def run(self, bills: Sequence[PreparedBill]) -> list[bytes | Fault]:
        """Decides a batch on one snapshot: what the committer of trials runs."""
        async with self.books.reading() as snapshot:
            books = await snapshot.load(wanted_of(bills, trial=True))
        return [self._tried(item, books) for item in bills]

    def _tried(self, item: PreparedBill, books: Books) -> bytes | Fault:
        try:
            decision = decide(item, books, trial=True)
        except Moved:
            return Fault(FaultKind.UNAVAILABLE, "LEDGER_CONTENTION", retry_after_s=0.2)
        except Fault as fault:
            return fault
        return self.scribe.tried(answer_of(item, decision, ""), decision.trial_hash)
