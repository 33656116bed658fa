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
from services.settlement.domain.books.bill_request import Order
from services.settlement.domain.books.booked import BookedCare
from services.settlement.domain.books.booking import booked_postings
from services.settlement.domain.books.care_bills import Chosen, booked_care
from services.settlement.domain.books.entries import (
    PENDING,
    SETTLE,
    Books,
    Heading,
    NewSettlement,
    StoredAnswer,
    Wanted,
    Writing,
    repeat_of,
)
from services.settlement.domain.books.ledger import AccountKey, LedgerKey
from services.settlement.domain.books.orders import OrderOpening
from services.settlement.domain.care.pending import order_pending
from services.settlement.operations.books.settle import Opened, Outcome, came_before, note_order
from services.settlement.operations.care.lapsing import Lapsing
from services.settlement.operations.care.ports import NewId
from services.settlement.store.hot import HotBooks


@dataclass(frozen=True, slots=True)
class Booking:
    """Books such bills; each has an `opening` and is `booked`."""

    books: HotBooks
    new_id: NewId
    lapsing: Lapsing

    async def commit(self, bills: Sequence[Order]) -> list[Outcome | Fault]:
        """Checks and books a batch in one transaction: what the committer runs."""
        try:
            async with self.books.writing() as work:
                await work.lock({order.bill.psn_no for order in bills})
                books = await work.load(_wanted(bills))
                writing = Writing()
                outcomes = [self._outcome(order, books, writing) for order in bills]
                if writing.settlements:
                    await work.save(writing)
        except Moved:
            return [AGAIN] * len(bills)
        if books.pending:
            await self.lapsing.end(books.pending.values())
        return outcomes

    def _outcome(self, order: Order, books: Books, writing: Writing) -> Outcome | Fault:
        stamp, opening, booked = order.stamp, order.opening, order.booked
        if opening is None or booked is None:
            raise AssertionError("only what another cell has opened is booked here")
        if came_before(opening, books):
            return AGAIN
        stored = books.answers.get((stamp.scope, stamp.request_id))
        if stored is not None:
            # The message was taken back, or it is settled in another order, which may be pending.
            refusal = repeat_of(stamp, stored._replace(insured_cell=""))
            return refusal if isinstance(refusal, Fault) else conflict("REQUEST_ID_REUSED", request_id=stamp.request_id)
        blocking = books.pending.get(_account(order))
        if blocking is not None:
            return AGAIN if self.lapsing.lapsed(blocking) else order_pending(blocking)
        try:
            chosen = booked_care(order, books)
        except Fault as fault:
            return fault
        return self._book(order, opening, booked, chosen, books, writing)

    def _book(
        self,
        order: Order,
        opening: OrderOpening,
        booked: BookedCare,
        chosen: Chosen,
        books: Books,
        writing: Writing,
    ) -> Opened:
        bill, known, setl_id = order.bill, chosen.encounter, booked.setl_id
        heading = _heading(order, booked, chosen)
        area, year = pooling_area(known.insuplc_admdvs), booked.benefit_year
        writing.settlements.append(NewSettlement(heading, booked.components, booked.response, booked.record))
        writing.postings += booked_postings(setl_id, booked.components, area, year, booked.setl_at)
        writing.settled += [(batch.fee_batch_id, setl_id) for batch in chosen.batches]
        books.batches[known.mdtrt_id] = [
            batch if batch.setl_id is not None or batch not in chosen.batches else batch._replace(setl_id=setl_id)
            for batch in books.batches[known.mdtrt_id]
        ]
        now, stamp = self.lapsing.clock(), heading.stamp
        made = opening.opened(
            *(setl_id, _account(order), bill.desk.fixmedins_code, bill.mdtrt_id, False, to_micros(now))
        )
        made = replace(made, lapses_at=booked.lapses_at, insured_cell=booked.insured_cell)
        stored = StoredAnswer(
            *(stamp.scope, stamp.request_id, stamp.content_hash, SETTLE, setl_id, booked.response),
            *(stamp.hash_version, stamp.regions),
        )
        note_order(made, opening, self.new_id(""), now, stored, books, writing)
        return Opened(made, booked.response, booked.record)


def _wanted(bills: Sequence[Order]) -> Wanted:
    openings: list[Any] = [order.opening for order in bills]
    encounters = tuple({order.bill.mdtrt_id: None for order in bills})
    return Wanted(
        requests=tuple({(order.stamp.scope, order.stamp.request_id): None for order in bills}),
        encounters=encounters,
        batches=encounters,
        accounts=tuple({_account(order): None for order in bills}),
        orders=tuple({each.order_no: None for each in openings}),
        entries=tuple({(each.stamp.scope, each.stamp.request_id): None for each in openings}),
    )


def _account(order: Order) -> AccountKey:
    return AccountKey(order.bill.psn_no, order.bill.insutype)


def _heading(order: Order, booked: BookedCare, chosen: Chosen) -> Heading:
    bill, known = order.bill, chosen.encounter
    return Heading(
        setl_id=booked.setl_id,
        stamp=order.stamp.resolved(Regions(known.insuplc_admdvs, known.mdtrtarea_admvs)),
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
