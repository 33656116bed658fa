"""Trials: the same preparation and the same decision as a settlement, on a snapshot, and nothing is written or locked.

A bill that has to wait for a pending order is tried on the books as they are, with that order's money, and its trial says so;
an order whose time is over is ended first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from services.kernel.errors import Fault
from services.kernel.requests import Moved
from services.runtime.writes import AGAIN, Again
from services.settlement.domain.books.answer import answer_of
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.decision import PreparedBill, blocking_order, decide, wanted_of
from services.settlement.domain.books.entries import Books
from services.settlement.domain.care.pending import order_pending
from services.settlement.operations.benefits.ports import TrialScribe
from services.settlement.operations.benefits.preparation import Preparation, decided_bills
from services.settlement.operations.care.lapsing import Lapsing
from services.settlement.store.batch_books import BatchBooks

Tried: TypeAlias = bytes | Again
SubmitTrial: TypeAlias = Callable[[int, PreparedBill], Awaitable[Tried]]
"""Hands the bill of the request at a place to the committer of trials; raises its Fault."""


@dataclass(frozen=True, slots=True)
class Trying:
    """Tries bills."""

    preparation: Preparation
    books: BatchBooks
    scribe: TrialScribe
    lapsing: Lapsing

    async def try_bills(self, requests: Sequence[BillRequest], submit: SubmitTrial) -> list[bytes | BaseException]:
        """The answer of each trial as it is sent, or why it has none: a Fault, or a bug of that one trial."""
        return cast("list[bytes | BaseException]", await decided_bills(self.preparation, requests, submit))

    async def run(self, bills: Sequence[PreparedBill]) -> list[Tried | Fault]:
        """Decides a batch on one snapshot: what the committer of trials runs."""
        async with self.books.looking() as look:
            books = await look.load(wanted_of(bills, trial=True))
        outcomes = [self._tried(item, books) for item in bills]
        if books.pending:
            await self.lapsing.end(books.pending.values())
        return outcomes

    def _tried(self, item: PreparedBill, books: Books) -> Tried | Fault:
        blocking = blocking_order(item, books)
        if blocking is not None and self.lapsing.lapsed(blocking):
            return AGAIN
        try:
            decision = decide(item, books, trial=True)
        except Moved:
            return AGAIN
        except Fault as fault:
            # It would be told that what it tries is settled by a bill that is no settlement yet.
            pending = blocking is not None and fault.metadata.get("setl_id") == blocking.setl_id
            return order_pending(blocking) if blocking is not None and pending else fault
        return self.scribe.tried(answer_of(item, decision, ""), decision.trial_hash, blocking)
