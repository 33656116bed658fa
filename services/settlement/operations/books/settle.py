"""Settling bills: prepared outside, decided one after the other inside one transaction, written in bulk, committed once.

The same person or the same request twice in a batch behaves as if one had come after the other. A refused bill writes
nothing and harms no other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias, cast

from services.kernel.clock import to_micros
from services.kernel.errors import Fault, conflict
from services.kernel.requests import Moved, Regions, refusal_of
from services.runtime.writes import AGAIN, Again
from services.settlement.domain.books.answer import answer_of
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.booking import settlement_postings
from services.settlement.domain.books.decision import Decision, PreparedBill, blocking_order, decide, wanted_of
from services.settlement.domain.books.entries import (
    PENDING,
    SETTLE,
    STANDING,
    BookChanges,
    Books,
    CarriedBill,
    Heading,
    NewSettlement,
    StoredAnswer,
    accumulator_entries,
    answer_of_entry,
    repeat_of,
)
from services.settlement.domain.books.ledger import after_deltas
from services.settlement.domain.books.notices import apart
from services.settlement.domain.books.orders import Order, OrderOpening
from services.settlement.domain.care.encounters import Entry
from services.settlement.domain.care.pending import order_pending
from services.settlement.operations.benefits.preparation import Preparation, decided_bills
from services.settlement.operations.books.ports import NoticeOrigins, Scribe
from services.settlement.operations.care.lapsing import Lapsing
from services.settlement.operations.care.ports import NewId
from services.settlement.store.batch_books import BatchBooks


class OpenedOrder(NamedTuple):
    """An order that was opened, now or before, the stored answer of its bill and what a query tells beyond it, and the
    counter-entry that has reversed it since it was confirmed, or empty."""

    order: Order
    response: bytes
    record: bytes = b""
    reversed_by: str = ""


BillOutcome: TypeAlias = StoredAnswer | OpenedOrder | Again
SubmitBill: TypeAlias = Callable[[int, PreparedBill], Awaitable[BillOutcome]]
"""Hands the bill of the request at a place to the committer and waits for its outcome; raises its Fault."""


@dataclass(frozen=True, slots=True)
class Settling:
    """Settles bills."""

    preparation: Preparation
    books: BatchBooks
    scribe: Scribe
    new_id: NewId
    lapsing: Lapsing
    telling: NoticeOrigins

    async def settle(self, requests: Sequence[BillRequest], submit: SubmitBill) -> list[StoredAnswer | BaseException]:
        """The answer of each request, now or from before, or why it has none: a Fault, or a bug of that one request."""
        return cast("list[StoredAnswer | BaseException]", await decided_bills(self.preparation, requests, submit))

    async def commit(self, bills: Sequence[PreparedBill]) -> list[BillOutcome | Fault]:
        """Decides and books a batch in one transaction: what the committer runs."""
        persons = {item.key.psn_no for item in bills}
        persons.update(item.family.psn_no for item in bills if item.family is not None)
        try:
            async with self.books.writing() as work:
                await work.lock(persons)
                books = await work.load(wanted_of(bills, trial=False))
                changes = BookChanges()
                outcomes = [self._outcome(item, books, changes) for item in bills]
                if changes.settlements:
                    if changes.noticed:
                        changes.told = self.telling()
                    await work.save(changes)
        except Moved:
            return [AGAIN] * len(bills)
        if books.pending:
            await self.lapsing.end(books.pending.values())
        return outcomes

    def _outcome(self, item: PreparedBill, books: Books, changes: BookChanges) -> BillOutcome | Fault:
        stamp, opening = item.request.stamp, item.request.opening
        if opening is not None and came_before(opening, books):
            return AGAIN
        stored = books.answers.get((stamp.scope, stamp.request_id))
        if stored is not None:
            if opening is not None:
                # The message was taken back, or it was settled without an order, or in another one.
                return refusal_of(stamp, stored) or conflict("REQUEST_ID_REUSED", request_id=stamp.request_id)
            return repeat_of(stamp, stored)
        blocking = blocking_order(item, books)
        if blocking is not None:
            return AGAIN if self.lapsing.lapsed(blocking) else order_pending(blocking)
        try:
            decision = decide(item, books, trial=False)
        except Moved:
            return AGAIN
        except Fault as fault:
            return fault
        return self._book(item, decision, books, changes)

    def _book(self, item: PreparedBill, decision: Decision, books: Books, changes: BookChanges) -> BillOutcome:
        """Moves the books by a decision and notes its rows; nothing that can fail comes after the first change."""
        request, settlement, key = item.request, decision.settlement, item.key
        setl_id = self.new_id("")
        answer = answer_of(item, decision, setl_id)
        response, record = self.scribe.settled(answer)
        seq, at = decision.ledger.seq + 1, to_micros(request.now)
        heading = _heading(item, decision, setl_id, seq, at)
        row = NewSettlement(heading, settlement.components, response, record)
        entries = accumulator_entries(key, seq, settlement.accumulator_deltas, setl_id)
        postings = settlement_postings(setl_id, settlement, item.own, item.family, books.accounts, key.benefit_year, at)
        changes.settlements.append(row)
        changes.accumulators += entries
        changes.postings += postings
        if request.opening is None and apart(heading.stamp.regions):
            changes.noticed.append(setl_id)
        if request.carried is None:
            changes.settled += [(batch.fee_batch_id, setl_id) for batch in decision.batches]
        stamp = request.stamp
        stored = StoredAnswer(
            *(stamp.scope, stamp.request_id, stamp.content_hash, SETTLE, setl_id, response),
            *(stamp.hash_version, heading.stamp.regions),
        )
        books.answers[stamp.scope, stamp.request_id] = stored
        books.years[key] = after_deltas(decision.ledger, settlement.accumulator_deltas)
        if decision.ec_token_digest:
            books.spent[decision.ec_token_digest] = item.encounter.mdtrt_id
        if item.encounter.kind == "stay":
            books.continued.add(item.encounter.mdtrt_id)
        chosen = {batch.fee_batch_id for batch in decision.batches}
        books.batches[item.encounter.mdtrt_id] = [
            batch._replace(setl_id=setl_id) if batch.fee_batch_id in chosen else batch
            for batch in books.batches.get(item.encounter.mdtrt_id, ())
        ]
        if request.opening is None:
            return stored
        return OpenedOrder(self._open(item, request.opening, stored, books, changes), response, record)

    def _open(
        self, item: PreparedBill, opening: OrderOpening, stored: StoredAnswer, books: Books, changes: BookChanges
    ) -> Order:
        """Notes the rows of the order whose bill was booked as pending."""
        bill, carried = item.request.bill, item.request.carried
        now = self.lapsing.clock()
        order = opening.opened(
            *(stored.setl_id, item.own, bill.desk.fixmedins_code, bill.mdtrt_id, carried is not None, to_micros(now))
        )
        note_order(order, opening, self.new_id(""), now, stored, books, changes)
        if carried is not None:
            books.carried |= dict.fromkeys(carried.keys(), stored.setl_id)
            changes.carried.append(CarriedBill(stored.setl_id, carried, bill, to_micros(item.request.now)))
        return order


def note_order(
    order: Order,
    opening: OrderOpening,
    entry_id: str,
    now: datetime,
    stored: StoredAnswer,
    books: Books,
    changes: BookChanges,
) -> None:
    """Notes the rows of an order whose bill `stored` is, and what others of the batch are told of it."""
    stamp, blocking = opening.stamp, order.blocking
    changes.orders.append(order)
    changes.entries.append(Entry(entry_id, stamp, b"", None, "open", now))
    books.orders[order.order_no] = order
    books.entries[stamp.scope, stamp.request_id] = answer_of_entry(stamp, entry_id)
    books.pending[order.account] = blocking
    books.answers[stored.scope, stored.request_id] = stored._replace(
        state=PENDING,
        order_no=blocking.order_no,
        lapses_at=blocking.lapses_at,
        insured_cell=blocking.insured_cell,
    )


def came_before(opening: OrderOpening, books: Books) -> bool:
    """Whether the order, or its request, was there when the books were read: what it is told is read with its answer."""
    stamp = opening.stamp
    return opening.order_no in books.orders or (stamp.scope, stamp.request_id) in books.entries


def _heading(item: PreparedBill, decision: Decision, setl_id: str, seq: int, at: int) -> Heading:
    request, bill = item.request, item.request.bill
    return Heading(
        setl_id=setl_id,
        stamp=request.stamp.resolved(Regions(item.enrolment.insuplc_admdvs, item.institution.admdvs)),
        kind=SETTLE,
        mdtrt_id=item.encounter.mdtrt_id,
        key=item.key,
        ledger_seq=seq,
        med_type=item.med_type,
        setl_at=at,
        msgid=bill.desk.msgid,
        opter=bill.desk.opter,
        opter_name=bill.desk.opter_name,
        invono=bill.invono,
        ec_token_digest=decision.ec_token_digest or None,
        preselfpay_in_base=decision.settlement.preselfpay_in_base,
        policies=item.policies,
        fee_batches=tuple(batch.fee_batch_id for batch in decision.batches),
        state=STANDING if request.opening is None else PENDING,
        basis=decision.basis,
    )
