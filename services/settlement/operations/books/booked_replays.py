"""Bills on another cell's ledgers that it has replayed: its counter-entry and the settlement in its place are booked here too.

Nothing is decided here: the books of both cells agree again. What was booked before is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.kernel.clock import to_micros
from services.kernel.codes import pooling_area
from services.kernel.errors import Fault, not_found, precondition
from services.kernel.requests import Moved, RequestStamp
from services.runtime.writes import Frame
from services.settlement.domain.books.adjustments import Adjustment, Replaced
from services.settlement.domain.books.booked import BookedCare
from services.settlement.domain.books.booking import booked_postings
from services.settlement.domain.books.entries import (
    PENDING,
    REVERSED,
    SETTLE,
    VOIDED,
    BookChanges,
    NewSettlement,
    Wanted,
)
from services.settlement.domain.books.notices import apart
from services.settlement.domain.books.replay import LeftOver
from services.settlement.domain.books.reversal import BookedSettlement, DecidedReversal, ReversalRequest
from services.settlement.domain.care.bill import Desk, totals_of_batches
from services.settlement.domain.care.pending import order_pending
from services.settlement.operations.books.booked_reversals import BookedReversals
from services.settlement.operations.books.ledger import find_entry
from services.settlement.operations.books.replays import renewed_heading
from services.settlement.operations.care.writes import BUSY
from services.settlement.store.replays import ReplayBooks, ReplayReader, ReplayWriter

_SCOPE: Final = "service:settlement"


@dataclass(frozen=True, slots=True)
class ToldReplay:
    """What the insured cell has made of a bill: its counter-entry, and what stands in its place, None for the one taken out."""

    insured_cell: str
    setl_id: str
    counter: DecidedReversal
    replaced: BookedCare | None
    replay_no: str = ""
    memo: str = ""


@dataclass(frozen=True, slots=True)
class BookedReplays:
    """Books what other cells have replayed."""

    store: ReplayBooks
    reversals: BookedReversals

    async def book(self, told: ToldReplay) -> None:
        """Books it, where it is not booked.

        Raises SETTLEMENT_NOT_FOUND, ORDER_PENDING, SETTLEMENT_REFUNDED where it was taken back by another counter-entry,
        BILL_UNBALANCED, UNAVAILABLE LEDGER_CONTENTION.
        """
        frame = Frame(self.store.writing, find_entry, BUSY)

        async def attempt() -> None:
            async with self.store.reading() as snapshot:
                found = await _found(snapshot, told)
            if found is None:
                return
            async with self.store.writing() as work:
                await work.lock({found.key.psn_no})
                if (found := await _found(work, told)) is not None:
                    await self._book(work, found, told)

        await frame.decided(attempt)

    async def _book(self, work: ReplayWriter, found: BookedSettlement, told: ToldReplay) -> None:
        setl_id, at = told.counter.setl_id, told.counter.at
        request = ReversalRequest(RequestStamp(_SCOPE, f"replay:{setl_id}", "Replay", ""), Desk(found.scope, ""), at)
        renewed = None if told.replaced is None else await _renewed(work, found, told.replaced, to_micros(at))
        _, changes = await self.reversals.countered(work, found, request, told.counter)
        if renewed is not None and told.replaced is not None:
            await work.put_in_place([Replaced(found.setl_id, told.replaced.setl_id)])
            changes.settlements += renewed.settlements
            changes.postings += renewed.postings
            changes.settled += renewed.settled
            changes.noticed += renewed.noticed
        await work.add_adjustments([_adjustment(found, told)])
        await work.save(changes)


def _adjustment(found: BookedSettlement, told: ToldReplay) -> Adjustment:
    """What is left to be settled here: the same as the insured cell lists."""
    after = told.replaced
    left = LeftOver.between(found.components, None if after is None else after.components)
    return Adjustment(
        setl_id=found.setl_id,
        counter_setl_id=told.counter.setl_id,
        replayed_by="" if after is None else after.setl_id,
        replay_no=told.replay_no,
        psn_no=found.key.psn_no,
        insutype=found.key.insutype,
        fixmedins_code=found.scope,
        care_admdvs=found.regions.mdtrtarea_admvs,
        care_cell="",
        elsewhere=0,
        fund_fen=left.fund_fen,
        account_fen=left.account_fen,
        family_fen=left.family_fen,
        cash_fen=left.cash_fen,
        memo=told.memo,
        scope=f"cell:{told.insured_cell}",
        created_at=to_micros(told.counter.at),
    )


async def _found(books: ReplayReader, told: ToldReplay) -> BookedSettlement | None:
    """The bill as it stands; None where what is told is booked already."""
    found = await books.settlement(told.setl_id)
    if found is None and told.replaced is not None and await books.settlement(told.replaced.setl_id) is not None:
        # It was booked only after the replay, as that has decided it.
        return None
    if found is None or found.kind != SETTLE or found.state == VOIDED or found.insured_cell != told.insured_cell:
        raise _unknown(told.setl_id, "" if found is None else found.scope)
    if found.state == PENDING:
        known = await books.order_of_bill(found.setl_id)
        if known is None:
            raise Moved
        raise order_pending(known.blocking)
    if found.state != REVERSED:
        return found
    if found.counter_setl_id != told.counter.setl_id:
        raise precondition("SETTLEMENT_REFUNDED", setl_id=told.setl_id)
    return None


async def _renewed(work: ReplayWriter, found: BookedSettlement, replaced: BookedCare, at: int) -> BookChanges:
    """The rows of what stands in the place of a bill: the same lines, shared out anew."""
    (standing,) = await work.standing([found.setl_id])
    books = await work.load(Wanted(batches=(found.mdtrt_id,)))
    batches = [each for each in books.batches[found.mdtrt_id] if each.fee_batch_id in standing.fee_batches]
    replaced.check_of(totals_of_batches(batches))
    setl_id, key = replaced.setl_id, found.key
    heading = renewed_heading(standing, setl_id, None, replaced.preselfpay_in_base)
    row = NewSettlement(heading, replaced.components, replaced.response, replaced.record)
    area = pooling_area(key.insuplc_admdvs)
    return BookChanges(
        settlements=[row],
        postings=booked_postings(setl_id, replaced.components, area, key.benefit_year, at),
        settled=[(batch, setl_id) for batch in standing.fee_batches],
        noticed=[setl_id] if apart(found.regions) else [],
    )


def _unknown(setl_id: str, scope: str) -> Fault:
    return not_found("SETTLEMENT_NOT_FOUND", setl_id=setl_id, fixmedins_code=scope)
