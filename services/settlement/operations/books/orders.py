"""Orders: bills opened as pending, and the steps that end them, each list of them in one transaction.

Whether an order has lapsed is decided by the member's own clock inside the transaction that confirms it or makes it void.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from services.kernel.clock import Clock, to_micros
from services.kernel.errors import Fault, not_found
from services.kernel.requests import Moved, refusal_of
from services.runtime.writes import AGAIN, Again, all_ended, decide_each
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.decision import PreparedBill
from services.settlement.domain.books.entries import STANDING, RequestKey, StoredAnswer, answer_of_entry
from services.settlement.domain.books.orders import CONFIRMED, VOID, Order, Step, Verb, check_clocks, reopened, taken
from services.settlement.domain.care.encounters import Entry
from services.settlement.operations.benefits.preparation import Preparation
from services.settlement.operations.books.ports import NoticeOrigins
from services.settlement.operations.books.settle import BillOutcome, OpenedOrder
from services.settlement.operations.books.undoing import undo
from services.settlement.operations.care.ports import NewId
from services.settlement.operations.care.writes import BUSY
from services.settlement.store.orders import OrderBooks, OrderReader, OrderWriter

Stepped: TypeAlias = Order | Again
SubmitStep: TypeAlias = Callable[[int, Step], Awaitable[Stepped]]
"""Hands the step at a place to the committer and waits for its outcome; raises its Fault."""

_TRIES = 4


@dataclass(slots=True)
class _StepsDecided:
    """What stands while a list of steps is decided one after the other; `before` are the orders as they were."""

    before: dict[str, Order]
    orders: dict[str, Order]
    entries: dict[RequestKey, StoredAnswer]
    steps: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Orders:
    """Steps of orders that were opened."""

    store: OrderBooks
    clock: Clock
    new_id: NewId
    telling: NoticeOrigins

    async def take(self, steps: Sequence[Step], submit: SubmitStep) -> list[Order | BaseException]:
        """The order of each step as it stands then, or why the step is refused."""

        async def attempt(places: Sequence[int]) -> list[Stepped | BaseException]:
            return await all_ended(submit(place, steps[place]) for place in places)

        found: Any = await decide_each(range(len(steps)), attempt, BUSY)
        return [*found]

    async def commit(self, steps: Sequence[Step]) -> list[Stepped | Fault]:
        """Decides and keeps a list of steps in one transaction: what the committer runs."""
        numbers = list(dict.fromkeys(step.order_no for step in steps))
        try:
            async with self.store.writing() as work:
                return await self._decided(work, steps, await work.held_orders(numbers))
        except Moved:
            return [AGAIN] * len(steps)

    async def lapse(self, numbers: Sequence[str]) -> None:
        """Makes those of these orders void whose time is over, all or none; `Moved` where that cannot be now."""
        steps = [Step(Verb.LAPSE, order_no) for order_no in numbers]
        for _ in range(_TRIES):
            if AGAIN not in await self.commit(steps):
                return
        raise Moved

    async def overdue(self, most: int) -> list[str]:
        """Orders whose time is over, the oldest first."""
        async with self.store.reading() as snapshot:
            return await snapshot.overdue(to_micros(self.clock()), most)

    async def order(self, order_no: str, opener: str = "") -> Order:
        """An order as it stands, of that opener where one is named; ORDER_NOT_FOUND."""
        async with self.store.reading() as snapshot:
            found = (await snapshot.orders([order_no])).get(order_no)
        if found is None or opener not in ("", found.opener):
            raise not_found("ORDER_NOT_FOUND", order_no=order_no)
        return found

    async def pending_of(self, psn_no: str) -> list[Order]:
        """The pending orders of a person."""
        async with self.store.reading() as snapshot:
            return await snapshot.pending_of(psn_no)

    async def _decided(
        self, work: OrderWriter, steps: Sequence[Step], orders: dict[str, Order]
    ) -> list[Stepped | Fault]:
        stamps = (step.stamp for step in steps if step.stamp is not None)
        entries = await work.entries(list(dict.fromkeys((stamp.scope, stamp.request_id) for stamp in stamps)))
        now = self.clock()
        deciding = _StepsDecided(dict(orders), orders, entries)
        refusals = [self._step(step, deciding, now) for step in steps]
        await self._keep(work, deciding, to_micros(now))
        # Each is told the order as the whole list leaves it, as a repeat would be.
        return [
            orders[step.order_no] if refusal is None else refusal for step, refusal in zip(steps, refusals, strict=True)
        ]

    def _step(self, step: Step, deciding: _StepsDecided, now: datetime) -> Fault | None:
        """Takes a step; why it is refused, if it is."""
        stamp = step.stamp
        if stamp is not None and (stored := deciding.entries.get((stamp.scope, stamp.request_id))) is not None:
            return refusal_of(stamp, stored)
        try:
            outcome = taken(step, deciding.orders.get(step.order_no), to_micros(now))
        except Fault as fault:
            return fault
        deciding.orders[step.order_no] = outcome.order
        if stamp is not None and outcome.refusal is None:
            entry = Entry(self.new_id(""), stamp, b"", None, step.verb.value, now)
            deciding.steps.append(entry)
            deciding.entries[stamp.scope, stamp.request_id] = answer_of_entry(stamp, entry.entry_id)
        return outcome.refusal

    async def _keep(self, work: OrderWriter, deciding: _StepsDecided, at: int) -> None:
        """Writes what has changed; what has become void is undone."""
        orders, before = deciding.orders, deciding.before
        new = [order for order_no, order in orders.items() if order_no not in before]
        changed = [order for order_no, order in orders.items() if order != before.get(order_no, order)]
        await work.change_orders(changed)
        confirmed = [order.setl_id or "" for order in changed if order.phase == CONFIRMED]
        await work.move_bills([(setl_id, STANDING) for setl_id in confirmed])
        for order in await undo(work, [order for order in changed if order.phase == VOID], at, self.new_id):
            orders[order.order_no] = order
        await work.add_new(new)
        await work.add_steps(deciding.steps)
        if confirmed:
            await work.notify(confirmed, self.telling())


@dataclass(frozen=True, slots=True)
class Opens:
    """Opens bills as pending, and books those that another cell has opened."""

    preparation: Preparation
    store: OrderBooks
    clock: Clock

    async def open(
        self, bills: Sequence[BillRequest], submit: Callable[[int, PreparedBill | BillRequest], Awaitable[BillOutcome]]
    ) -> list[OpenedOrder | BaseException]:
        """What each bill was opened as, now or before, or why it was not. Each has an `opening`; what another cell has
        decided is handed over as it came.

        Raises the refusals of a settlement, ORDER_PENDING, ORDER_EXISTS, ORDER_VOID, ORDER_LAPSED, CLOCK_APART,
        REQUEST_ID_REUSED, and of what is booked BILL_CHANGED and BILL_UNBALANCED.
        """

        looked = False

        async def attempt(places: Sequence[int]) -> list[OpenedOrder | Again | BaseException]:
            # At first nobody looks for what came before: it is rare, the commit finds it, and so does who is refused.
            nonlocal looked
            sure, looked = looked, True
            found: dict[int, Any] = dict.fromkeys(places)
            if sure:
                found = dict(zip(places, await self._known([bills[at] for at in places]), strict=True))
            ready = await self._ready(bills, [at for at in places if found[at] is None])
            found |= {at: item if sure else AGAIN for at, item in ready.items() if isinstance(item, Exception)}
            able = [(at, item) for at, item in ready.items() if not isinstance(item, Exception)]
            outcomes = await all_ended(submit(*each) for each in able)
            found |= dict(zip((at for at, _ in able), outcomes, strict=True))
            return [found[at] for at in places]

        outcomes: Any = await decide_each(range(len(bills)), attempt, BUSY)
        return [*outcomes]

    async def _ready(
        self, bills: Sequence[BillRequest], places: Sequence[int]
    ) -> dict[int, PreparedBill | BillRequest | Exception]:
        """The bills at these places as they can be committed, or why they cannot; what another cell has decided is ready."""
        ready: dict[int, PreparedBill | BillRequest | Exception] = {}
        own = []
        for at in places:
            ready[at] = bills[at]
            try:
                self.check_clocks(bills[at])
            except Fault as fault:
                ready[at] = fault
                continue
            if bills[at].booked is None:
                own.append(at)
        if own:
            prepared: Any = await self.preparation.prepare([bills[at] for at in own])
            ready |= dict(zip(own, prepared, strict=True))
        return ready

    def check_clocks(self, bill: BillRequest) -> None:
        """Raises CLOCK_APART for a carried bill; a sandbox's business date is no clock."""
        if bill.carried is not None and bill.business_date is None:
            check_clocks(bill.now, self.clock())

    async def _known(self, bills: Sequence[BillRequest]) -> list[OpenedOrder | Fault | None]:
        """What was opened before, or why a bill cannot be opened; None for a new one. Each has an `opening`."""
        openings: list[Any] = [bill.opening for bill in bills]
        async with self.store.reading() as snapshot:
            orders = await snapshot.orders([each.order_no for each in openings])
            entries = await snapshot.entries([(each.stamp.scope, each.stamp.request_id) for each in openings])
            answers = await _answers(snapshot, orders.values())
        found: list[OpenedOrder | Fault | None] = []
        for opening in openings:
            stamp, known = opening.stamp, orders.get(opening.order_no)
            stored = entries.get((stamp.scope, stamp.request_id))
            refusal = None if stored is None else refusal_of(stamp, stored)
            now = self.clock()
            try:
                if refusal is not None:
                    raise refusal
                if known is not None:
                    found.append(answers[reopened(opening, known, to_micros(now)).setl_id or ""])
                    continue
                found.append(None)
            except Fault as fault:
                found.append(fault)
        return found


async def _answers(snapshot: OrderReader, orders: Any) -> dict[str, OpenedOrder]:
    """What these orders were answered when they were opened, by the number of the bill."""
    standing = {order.setl_id: order for order in orders if order.setl_id is not None}
    bills = await snapshot.bills(list(standing)) if standing else {}
    return {
        setl_id: OpenedOrder(standing[setl_id], bill.response, bill.record, bill.reversed_by)
        for setl_id, bill in bills.items()
    }
