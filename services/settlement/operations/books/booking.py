"""Books bills of care here that another cell has opened on its ledgers: pending rows, ended by whoever opened them.

No ledger and no account of this cell moves, and nothing here lapses: only the cell that holds the ledgers says what stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.kernel.clock import to_micros
from services.kernel.codes import pooling_area
from services.kernel.errors import Fault, conflict
from services.kernel.requests import Moved, Regions
from services.runtime.writes import AGAIN
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.booked import BookedCare
from services.settlement.domain.books.booking import booked_postings
from services.settlement.domain.books.care_bills import Chosen, booked_care
from services.settlement.domain.books.entries import (
    PENDING,
    SETTLE,
    BookChanges,
    Books,
    Heading,
    NewSettlement,
    StoredAnswer,
    Wanted,
    repeat_of,
)
from services.settlement.domain.books.ledger import AccountKey, LedgerKey
from services.settlement.domain.books.orders import OrderOpening
from services.settlement.domain.care.pending import order_pending
from services.settlement.operations.books.settle import BillOutcome, OpenedOrder, came_before, note_order
from services.settlement.operations.care.lapsing import Lapsing
from services.settlement.operations.care.ports import NewId
from services.settlement.store.batch_books import BatchBooks


@dataclass(frozen=True, slots=True)
class Booking:
    """Books such bills; each has an `opening` and is `booked`."""

    books: BatchBooks
    new_id: NewId
    lapsing: Lapsing

    async def commit(self, bills: Sequence[BillRequest]) -> list[BillOutcome | Fault]:
        """Checks and books a batch in one transaction: what the committer runs."""
        try:
            async with self.books.writing() as work:
                await work.lock({request.bill.psn_no for request in bills})
                books = await work.load(_wanted(bills))
                changes = BookChanges()
                outcomes = [self._outcome(request, books, changes) for request in bills]
                if changes.settlements:
                    await work.save(changes)
        except Moved:
            return [AGAIN] * len(bills)
        if books.pending:
            await self.lapsing.end(books.pending.values())
        return outcomes

    def _outcome(self, request: BillRequest, books: Books, changes: BookChanges) -> BillOutcome | Fault:
        stamp, opening, booked = request.stamp, request.opening, request.booked
        if opening is None or booked is None:
            raise AssertionError("only what another cell has opened is booked here")
        if came_before(opening, books):
            return AGAIN
        stored = books.answers.get((stamp.scope, stamp.request_id))
        if stored is not None:
            # The message was taken back, or it is settled in another order, which may be pending.
            refusal = repeat_of(stamp, stored._replace(insured_cell=""))
            return refusal if isinstance(refusal, Fault) else conflict("REQUEST_ID_REUSED", request_id=stamp.request_id)
        blocking = books.pending.get(_account(request))
        if blocking is not None:
            return AGAIN if self.lapsing.lapsed(blocking) else order_pending(blocking)
        try:
            chosen = booked_care(request, books)
        except Fault as fault:
            return fault
        return self._book(request, opening, booked, chosen, books, changes)

    def _book(
        self,
        request: BillRequest,
        opening: OrderOpening,
        booked: BookedCare,
        chosen: Chosen,
        books: Books,
        changes: BookChanges,
    ) -> OpenedOrder:
        bill, known, setl_id = request.bill, chosen.encounter, booked.setl_id
        heading = _heading(request, booked, chosen)
        area, year = pooling_area(known.insuplc_admdvs), booked.benefit_year
        changes.settlements.append(NewSettlement(heading, booked.components, booked.response, booked.record))
        changes.postings += booked_postings(setl_id, booked.components, area, year, booked.setl_at)
        changes.settled += [(batch.fee_batch_id, setl_id) for batch in chosen.batches]
        books.batches[known.mdtrt_id] = [
            batch if batch.setl_id is not None or batch not in chosen.batches else batch._replace(setl_id=setl_id)
            for batch in books.batches[known.mdtrt_id]
        ]
        now, stamp = self.lapsing.clock(), heading.stamp
        made = opening.opened(
            *(setl_id, _account(request), bill.desk.fixmedins_code, bill.mdtrt_id, False, to_micros(now))
        )
        made = replace(made, lapses_at=booked.lapses_at, insured_cell=booked.insured_cell)
        stored = StoredAnswer(
            *(stamp.scope, stamp.request_id, stamp.content_hash, SETTLE, setl_id, booked.response),
            *(stamp.hash_version, stamp.regions),
        )
        note_order(made, opening, self.new_id(""), now, stored, books, changes)
        return OpenedOrder(made, booked.response, booked.record)


def _wanted(bills: Sequence[BillRequest]) -> Wanted:
    openings: list[Any] = [request.opening for request in bills]
    encounters = tuple({request.bill.mdtrt_id: None for request in bills})
    return Wanted(
        requests=tuple({(request.stamp.scope, request.stamp.request_id): None for request in bills}),
        encounters=encounters,
        batches=encounters,
        accounts=tuple({_account(request): None for request in bills}),
        orders=tuple({each.order_no: None for each in openings}),
        entries=tuple({(each.stamp.scope, each.stamp.request_id): None for each in openings}),
    )


def _account(request: BillRequest) -> AccountKey:
    return AccountKey(request.bill.psn_no, request.bill.insutype)


def _heading(request: BillRequest, booked: BookedCare, chosen: Chosen) -> Heading:
    bill, known = request.bill, chosen.encounter
    return Heading(
        setl_id=booked.setl_id,
        stamp=request.stamp.resolved(Regions(known.insuplc_admdvs, known.mdtrtarea_admvs)),
        kind=SETTLE,
        mdtrt_id=known.mdtrt_id,
        key=LedgerKey(bill.psn_no, bill.insutype, known.insuplc_admdvs, booked.benefit_year),
        ledger_seq=None,
        med_type=booked.med_type,
        setl_at=booked.setl_at,
        msgid=bill.desk.msgid,
        opter=bill.desk.opter,
        opter_name=bill.desk.opter_name,
        invono=bill.invono,
        preselfpay_in_base=booked.preselfpay_in_base,
        fee_batches=tuple(batch.fee_batch_id for batch in chosen.batches),
        state=PENDING,
        insured_cell=booked.insured_cell,
    )
