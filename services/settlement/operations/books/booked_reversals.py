"""Reversals of bills on another cell's ledgers: which bill is meant, and the counter-entry that this cell has made.

That cell decides whether a bill may be taken back; its counter-entry is booked here under the institution's own request, as
one of this cell would be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.kernel.clock import to_micros
from services.kernel.errors import Fault, not_found
from services.kernel.requests import Moved
from services.settlement.domain.books.answer import Reversal
from services.settlement.domain.books.booking import reversal_postings
from services.settlement.domain.books.entries import PENDING, REVERSED, VOID, BookChanges, NewSettlement
from services.settlement.domain.books.notices import NO_ORIGIN, apart
from services.settlement.domain.books.orders import Order
from services.settlement.domain.books.refund import refund
from services.settlement.domain.books.reversal import (
    BookedSettlement,
    DecidedReversal,
    FoundBooked,
    MessageName,
    ReversalRequest,
    SettlementName,
    TakenBack,
    counter_heading,
    named_message,
    named_settlement,
    taken_back,
)
from services.settlement.domain.care.pending import order_pending
from services.settlement.operations.books.ledger import stored_response
from services.settlement.operations.books.reverse import Reversing, entry_of
from services.settlement.store.orders import OrderReader, OrderWriter

_LONG: Final = timedelta(minutes=1)
"""So long after its time a bill is told that routing should have ended (our decision)."""
_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class BookedReversals:
    """Finds and takes back booked bills."""

    reversing: Reversing

    async def settlement(self, scope: str, name: SettlementName) -> FoundBooked:
        """The bill that 2208 or 2305 names. Raises SETTLEMENT_NOT_FOUND, also of a bill of this cell, and ORDER_PENDING."""
        async with self.reversing.store.reading() as snapshot:
            found = await _named(snapshot, name, scope)
            known = await _order_of(snapshot, found, scope)
        if found.state == PENDING:
            raise order_pending(known.blocking)
        return _found(found, known)

    async def pending(self, now: datetime) -> list[Order]:
        """Bills that are pending here though their time in the insured cell is long over; the oldest."""
        async with self.reversing.store.reading() as snapshot:
            return await snapshot.overtime(to_micros(now - _LONG), _MOST)

    async def message(self, scope: str, name: MessageName) -> FoundBooked:
        """The bill of the message that 2601 names. Raises SETTLEMENT_NOT_FOUND, also where it never came, NOT_REVERSIBLE."""
        async with self.reversing.store.reading() as snapshot:
            found = await _of_message(name, scope, snapshot)
            if found.kind == VOID:
                return FoundBooked(state=VOID)
            return _found(found, await _order_of(snapshot, found, scope))

    async def book(self, request: ReversalRequest, name: SettlementName, decided: DecidedReversal) -> bytes:
        """Books the counter-entry that 2208 or 2305 asked for, or answers the one that stands.

        Raises SETTLEMENT_NOT_FOUND, also of another order, ORDER_PENDING, BILL_UNBALANCED, REQUEST_ID_REUSED.
        """
        scope = request.stamp.scope

        async def find(books: OrderReader) -> BookedSettlement:
            return await _checked(books, await _named(books, name, scope), scope, decided)

        async def decide(work: OrderWriter, original: BookedSettlement | None) -> bytes:
            if original is None:
                raise Moved
            if original.state == REVERSED:
                return await self.reversing.told_again(work, original, request)
            return await self._counter(work, original, request, decided)

        return await self.reversing.once(request, find, decide, stored_response)

    async def book_message(
        self,
        request: ReversalRequest,
        name: MessageName,
        decided: DecidedReversal,
        render: Callable[[TakenBack], bytes],
    ) -> bytes:
        """The same of a message that 2601 took back; `render` is told what became of it.

        Raises SETTLEMENT_NOT_FOUND, ORDER_PENDING, NOT_REVERSIBLE, BILL_UNBALANCED, REQUEST_ID_REUSED.
        """
        scope = request.stamp.scope

        async def find(books: OrderReader) -> BookedSettlement:
            found = await _of_message(name, scope, books)
            return found if found.kind == VOID else await _checked(books, found, scope, decided)

        async def told(books: OrderReader, _: object = None) -> bytes:
            return render(taken_back(await find(books)))

        async def decide(work: OrderWriter, original: BookedSettlement | None) -> bytes:
            if original is None:
                raise Moved
            if not original.undone:
                await self._counter(work, original, request, decided)
                return await told(work)
            response = await told(work)
            await work.add_entry(entry_of(self.reversing.new_id(""), request, response, "message", original))
            return response

        return await self.reversing.once(request, find, decide, told)

    async def _counter(
        self, work: OrderWriter, original: BookedSettlement, request: ReversalRequest, decided: DecidedReversal
    ) -> bytes:
        """Books the counter-entry of a standing bill: number, moment and balance are the insured cell's."""
        response, changes = await self.countered(work, original, request, decided)
        await work.save(changes)
        return response

    async def countered(
        self, work: OrderWriter, original: BookedSettlement, request: ReversalRequest, decided: DecidedReversal
    ) -> tuple[bytes, BookChanges]:
        """Takes a standing bill back; the answer and the rows of its counter-entry, to be saved."""
        reversing, setl_id, at = self.reversing, decided.setl_id, to_micros(decided.at)
        components = refund(original.components)
        decided.check_of(components)
        stay = original.rpc.endswith("/SettleStay")
        reversal = Reversal(setl_id, request.desk, decided.at, decided.balc_fen, stay)
        response, record = reversing.scribe.reversed(original.response, original.record, reversal)
        row = NewSettlement(counter_heading(original, request, setl_id, None, at), components, response, record)
        postings = reversal_postings(setl_id, await work.postings(original.setl_id), {}, at)
        await work.mark_reversed(original.setl_id)
        noticed = [setl_id] if apart(original.regions) else []
        told = reversing.telling() if noticed else NO_ORIGIN
        return response, BookChanges([row], [], postings, noticed=noticed, told=told)


def _found(found: BookedSettlement, known: Order) -> FoundBooked:
    return FoundBooked(found.insured_cell, known.order_no, found.setl_id, found.state)


async def _named(books: OrderReader, name: SettlementName, scope: str) -> BookedSettlement:
    """The bill of that name, or what stands in its place since a replay."""
    return await books.in_place_of(named_settlement(name, scope, await books.settlement(name.setl_id)))


async def _of_message(name: MessageName, scope: str, books: OrderReader) -> BookedSettlement:
    key = (scope, name.request_id)
    found = named_message(name, await books.settlement_by_request(*key), await books.entry(*key))
    if found is None:
        raise _not_booked(name.omsgid, scope)
    return await books.in_place_of(found)


async def _order_of(books: OrderReader, found: BookedSettlement, scope: str) -> Order:
    known = await books.order_of_bill(found.setl_id) if found.insured_cell else None
    if known is None:
        raise _not_booked(found.setl_id, scope)
    return known


async def _checked(
    books: OrderReader, found: BookedSettlement, scope: str, decided: DecidedReversal
) -> BookedSettlement:
    """The bill, of the order whose counter-entry came."""
    known = await _order_of(books, found, scope)
    if known.order_no != decided.order_no:
        raise _not_booked(found.setl_id, scope)
    if found.state == PENDING:
        raise order_pending(known.blocking)
    return found


def _not_booked(number: str, scope: str) -> Fault:
    return not_found("SETTLEMENT_NOT_FOUND", setl_id=number, fixmedins_code=scope)
