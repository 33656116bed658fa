"""Reversals (2208, 2305) and messages taken back (2601): a counter-entry with every sum negated, last in, first out.

While an order is pending on the ledger nothing of it is reversed. Its own message may be taken back, which makes it void,
while no money was charged for it: that is how the institution's window lifts it (our decision).

A settlement that is reversed already answers its counter-entry again; a message that never came leaves a void, so that it
is refused when it comes late. Of what a replay has replaced that is taken back which stands in its place.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from services.kernel.clock import to_micros
from services.kernel.elsewhere import insured_elsewhere
from services.kernel.errors import Fault, FaultKind, not_found
from services.kernel.requests import Moved, RequestStamp, repeated
from services.runtime.writes import Frame
from services.settlement.domain.books.answer import Reversal
from services.settlement.domain.books.booking import reversal_postings
from services.settlement.domain.books.entries import (
    NOTHING,
    PENDING,
    REVERSED,
    SETTLE,
    STANDING,
    VOID,
    BookChanges,
    NewSettlement,
    StoredAnswer,
    Wanted,
    accumulator_entries,
)
from services.settlement.domain.books.ledger import AccountHead, AccountKey, YearLedger
from services.settlement.domain.books.notices import NO_ORIGIN, apart
from services.settlement.domain.books.orders import INSTITUTION, Step, Verb, ended, taken
from services.settlement.domain.books.refund import check_last, refund, refund_deltas
from services.settlement.domain.books.reversal import (
    NEVER_ARRIVED,
    BookedSettlement,
    MessageName,
    ReversalRequest,
    SettlementName,
    TakenBack,
    check_insured_here,
    check_one,
    counter_heading,
    meant_message,
    named_message,
    named_settlement,
    taken_back,
    void_heading,
)
from services.settlement.domain.care.encounters import Entry
from services.settlement.domain.care.pending import order_pending
from services.settlement.operations.books.ledger import stored_response
from services.settlement.operations.books.ports import NoticeOrigins, Scribe
from services.settlement.operations.books.undoing import undo
from services.settlement.operations.care.lapsing import Lapsing
from services.settlement.operations.care.ports import NewId
from services.settlement.operations.care.writes import BUSY
from services.settlement.store.orders import OrderBooks, OrderReader, OrderWriter

_ON_ITS_WAY_S: Final = 15.0
"""So often routing brings what replays have changed to places of care."""

Find = Callable[[OrderReader], Awaitable[BookedSettlement | None]]


@dataclass(frozen=True, slots=True)
class Reversing:
    """Reverses settlements."""

    store: OrderBooks
    scribe: Scribe
    new_id: NewId
    lapsing: Lapsing
    telling: NoticeOrigins

    async def reverse(self, request: ReversalRequest, name: SettlementName) -> bytes:
        """The counter-entry's answer.

        Raises SETTLEMENT_NOT_FOUND, LATER_SETTLEMENT_EXISTS, ORDER_PENDING, INSURED_ELSEWHERE, REQUEST_ID_REUSED.
        """

        async def find(books: OrderReader) -> BookedSettlement:
            named = named_settlement(name, request.stamp.scope, await books.settlement(name.setl_id))
            found = await books.in_place_of(named)
            if found.state != PENDING:
                # A pending one waits as locally: nobody was told its number.
                check_insured_here(found)
            return found

        return await self.once(request, find, partial(self._reversed, request), stored_response)

    async def reverse_order(self, request: ReversalRequest, order_no: str, opener: str) -> bytes:
        """The same of the settlement that a confirmed order became, for its opener.

        Raises ORDER_NOT_FOUND, ORDER_PENDING (a pending order is made void), ORDER_VOID, ORDER_LAPSED,
        LATER_SETTLEMENT_EXISTS, INSURED_ELSEWHERE of a bill that is booked here, REQUEST_ID_REUSED, and UNAVAILABLE
        REPLAY_ON_ITS_WAY while its place of care has not heard of a replay of it.
        """

        async def find(books: OrderReader) -> BookedSettlement | None:
            known = (await books.orders([order_no])).get(order_no)
            if known is None or known.opener != opener:
                raise not_found("ORDER_NOT_FOUND", order_no=order_no)
            if known.insured_cell:
                raise insured_elsewhere(known.insured_cell)
            if known.phase == PENDING:
                self.lapsing.check_free(known.blocking)
            if known.phase == VOID:
                raise ended(known)
            setl_id = known.setl_id or ""
            if known.carried and await books.on_its_way(setl_id):
                # The place of care would book this reversal as that of another settlement.
                raise Fault(
                    FaultKind.UNAVAILABLE, "REPLAY_ON_ITS_WAY", {"setl_id": setl_id}, retry_after_s=_ON_ITS_WAY_S
                )
            return await books.settlement(setl_id)

        return await self.once(request, find, partial(self._reversed, request), stored_response)

    async def _reversed(self, request: ReversalRequest, work: OrderWriter, original: BookedSettlement | None) -> bytes:
        """The counter-entry of a settlement, booked now or before."""
        if original is None:
            raise Moved
        if original.state != REVERSED:
            return await self._counter(work, original, request)
        return await self.told_again(work, original, request)

    async def told_again(self, work: OrderWriter, original: BookedSettlement, request: ReversalRequest) -> bytes:
        """The counter-entry that has reversed a settlement before; the request leaves an entry."""
        counter = await work.settlement(original.counter_setl_id)
        if counter is None:
            raise Moved
        await work.add_entry(entry_of(self.new_id(""), request, counter.response, "repeat", original))
        return counter.response

    async def reverse_message(
        self, request: ReversalRequest, name: MessageName, render: Callable[[TakenBack], bytes]
    ) -> bytes:
        """Takes a message 2207, 2207A or 2304 back; `render` is told what became of it.

        A void never ends and a reversal is never undone, so that a repeat is told from the books, under whatever number.
        Raises LATER_SETTLEMENT_EXISTS, ORDER_PENDING also where its own order was charged, NOT_REVERSIBLE where the message
        was another person's or no settlement, INSURED_ELSEWHERE while its bill is pending or stands on another cell's
        ledgers, REQUEST_ID_REUSED.
        """

        async def find(books: OrderReader) -> BookedSettlement | None:
            key = (request.stamp.scope, name.request_id)
            named = named_message(name, await books.settlement_by_request(*key), await books.entry(*key))
            if named is None:
                return None
            found = await books.in_place_of(named)
            check_insured_here(found)
            return found

        async def decide(work: OrderWriter, original: BookedSettlement | None) -> bytes:
            if original is not None and original.state == PENDING:
                await self._lift(work, original, request)
            elif original is not None and original.kind == SETTLE and original.state == STANDING:
                # The counter-entry is what the request leaves.
                await self._counter(work, original, request)
                return await told(work)
            if original is None:
                await self._void(work, request, name)
            response = render(NEVER_ARRIVED) if original is None else await told(work)
            await work.add_entry(entry_of(self.new_id(""), request, response, "message", original))
            return response

        async def told(books: OrderReader) -> bytes:
            found = await find(books)
            if found is None:
                raise Moved
            return render(taken_back(found))

        async def repeat(books: OrderReader, _: StoredAnswer) -> bytes:
            return await told(books)

        return await self.once(request, find, decide, repeat)

    async def _void(self, work: OrderWriter, request: ReversalRequest, name: MessageName) -> None:
        """Stands where the message may still come, under each request id that it may have."""
        at, scope = to_micros(request.now), request.stamp.scope
        headings = []
        for each in name.late_ids:
            stands = await work.settlement_by_request(scope, each)
            if stands is None:
                headings.append(void_heading(request, name, each, self.new_id(""), at))
            elif stands.kind != VOID:
                # It came since it was looked for, under another of its names.
                raise Moved
        await work.save(BookChanges(settlements=[NewSettlement(each, NOTHING, b"", b"") for each in headings]))

    async def meant(self, request: ReversalRequest, name: MessageName, infnos: Collection[str]) -> MessageName:
        """The message as it came, or as it was named where nothing came.

        Raises MESSAGE_MISNAMED where no such message came, and its number is that of another one, or one of ours,
        MESSAGE_AMBIGUOUS where several settlements came by it; a repeat is told as before, whatever else came by it.

        `infnos` are the transactions under which messages are kept. Looks at the institution's own only, on a snapshot:
        what comes later than this is decided by `reverse_message`.
        """
        async with self.store.reading() as snapshot:
            known = await snapshot.messages(request.stamp.scope, name, infnos)
            if await _find(snapshot, request.stamp) is None:
                check_one(name, known)
            return meant_message(name, known)

    async def check_unused(self, request: ReversalRequest) -> None:
        """Raises REQUEST_ID_REUSED where the request id stands for a reversal of something else."""
        async with self.store.reading() as snapshot:
            repeated(request.stamp, await _find(snapshot, request.stamp))

    async def once(
        self,
        request: ReversalRequest,
        find: Find,
        decide: Callable[[OrderWriter, BookedSettlement | None], Awaitable[bytes]],
        repeat: Callable[[OrderReader, StoredAnswer], Awaitable[bytes]],
    ) -> bytes:
        """Answers a repeat, else finds, locks all persons concerned, looks again and decides, in one transaction."""
        frame = Frame(self.store.writing, _find, BUSY)

        async def act(work: OrderWriter) -> bytes:
            return await decide(work, await find(work))

        async def attempt() -> bytes:
            async with self.store.reading() as snapshot:
                stored = repeated(request.stamp, await _find(snapshot, request.stamp))
                if stored is not None:
                    return await repeat(snapshot, stored)
                found = await find(snapshot)
                persons = {line.owner_psn_no for line in await snapshot.postings(found.setl_id)} if found else set()
            if found is not None:
                persons.add(found.key.psn_no)
            owners = {psn_no for psn_no in persons if psn_no}
            return await frame.attempt(request.stamp, act, repeat, hold=lambda work: work.lock(owners))

        return await self.lapsing.past(lambda: frame.decided(attempt), BUSY)

    async def _lift(self, work: OrderWriter, original: BookedSettlement, request: ReversalRequest) -> None:
        """Makes the pending order void whose bill the message was."""
        known = await work.order_of_bill(original.setl_id)
        if known is None:
            raise Moved
        at = to_micros(self.lapsing.clock())
        step = Step(Verb.LIFT, known.order_no, cause=INSTITUTION, lifter=request.stamp.scope)
        if known.charged and not known.lapsed(at):
            raise order_pending(known.blocking)
        lifted = taken(step, known, at).order
        await work.change_orders([lifted])
        await undo(work, [lifted], at, self.new_id)

    async def _counter(self, work: OrderWriter, original: BookedSettlement, request: ReversalRequest) -> bytes:
        """Books the counter-entry of a standing settlement."""
        lines = await work.postings(original.setl_id)
        own = AccountKey(original.key.psn_no, original.key.insutype)
        owners = (AccountKey(line.owner_psn_no or "", line.owner_insutype or "") for line in lines)
        accounts = tuple(dict.fromkeys((own, *(key for key in owners if key.psn_no))))
        books = await work.load(Wanted(ledgers=(original.key,), accounts=accounts))
        self.lapsing.check_free(books.pending.get(own))
        # Bills of other cells are all of one scope: what counts is whose counter reverses.
        check_last(replace(original.ref, scope=request.desk.fixmedins_code), await work.later(original))
        seq = books.years.get(original.key, YearLedger()).seq + 1
        setl_id, at = self.new_id(""), to_micros(request.now)
        postings = reversal_postings(setl_id, lines, books.accounts, at)
        deltas = refund_deltas(await work.deltas(original.setl_id))
        balance = books.accounts.get(own, AccountHead()).balance_fen
        reversal = Reversal(setl_id, request.desk, request.now, balance, original.rpc.endswith("/SettleStay"))
        response, record = self.scribe.reversed(original.response, original.record, reversal)
        heading = counter_heading(original, request, setl_id, seq, at)
        row = NewSettlement(heading, refund(original.components), response, record)
        entries = accumulator_entries(original.key, seq, deltas, setl_id)
        await work.mark_reversed(original.setl_id)
        noticed = [setl_id] if apart(original.regions) else []
        told = self.telling() if noticed else NO_ORIGIN
        await work.save(BookChanges([row], entries, postings, noticed=noticed, told=told))
        return response


def entry_of(
    entry_id: str, request: ReversalRequest, response: bytes, kind: str, original: BookedSettlement | None
) -> Entry:
    """What a request leaves that makes no counter-entry."""
    stamp = request.stamp if original is None else request.stamp.resolved(original.regions)
    return Entry(entry_id, stamp, response, None, kind, request.now)


async def _find(books: OrderReader, stamp: RequestStamp) -> StoredAnswer | None:
    """What the request left before, a settlement's row or an entry of its own."""
    key = (stamp.scope, stamp.request_id)
    return (await books.load(Wanted(requests=(key,)))).answers.get(key) or await books.entry(*key)
