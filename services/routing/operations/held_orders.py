"""Bills of persons whom another cell insures, held open while payment collects what is cash.

Opened in the insured cell and booked at the place of care, as a bill that is settled is; then nothing is done until payment
confirms it or makes it void. Where payment is gone the order lapses in the insured cell; the loop ends it as it ended there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TypeVar

from services.kernel.elsewhere import cell_unavailable, insured_elsewhere, outcome_unknown
from services.kernel.errors import Fault, conflict, not_found, precondition
from services.routing.domain.bills import FoundBill, OrderAt, as_sent
from services.routing.domain.filings import Filing
from services.routing.domain.sagas import Move, Saga, SagaKind, State
from services.routing.operations.bills import Bills
from services.routing.operations.steps import ORDER_CONFIRMED, Message, Unknown, asked, is_away, taken

T = TypeVar("T")

_NOT_FOUND: Final = "ORDER_NOT_FOUND"
_GONE: Final = frozenset({"ORDER_LAPSED", "ORDER_VOID", _NOT_FOUND})
"""Refusals of the insured cell by which nothing stands of an order, and nothing will."""
_BEYOND_S: Final = 60
"""For how long beyond its expiry an order is left to who may still end it."""


class HoldingCells(Protocol):
    """The settlement of any cell; each raises its refusal."""

    async def bill(self, cell: str, act: str, request: Any, *, trial: bool) -> FoundBill:
        """What a bill comes to at the place of care."""
        ...

    async def open(self, cell: str, order_no: str, bill: FoundBill, filing: Filing | None, expires_s: int) -> Any:
        """Opens a carried bill in the insured cell."""
        ...

    async def book(self, cell: str, order_no: str, act: str, request: Any, bill: FoundBill, opened: Any) -> Any:
        """Books at the place of care what the insured cell has opened."""
        ...

    async def renew(self, cell: str, order_no: str, expires_s: int) -> None:
        """Moves the expiry of an order, and marks it as charged."""
        ...

    async def confirm(self, cell: str, order_no: str) -> None:
        """Makes an order stand."""
        ...

    async def void(self, cell: str, order_no: str) -> OrderAt:
        """Makes an order void, also before it is opened; ORDER_CONFIRMED."""
        ...

    async def order(self, cell: str, order_no: str) -> OrderAt:
        """An order as it stands."""
        ...

    def sought(self, filing: Filing | None) -> Any:
        """What a cell is told of the filing that was looked for."""
        ...


@dataclass(frozen=True, slots=True)
class HeldOrders:
    """Opens and ends them. `bills` is what settles bills across cells."""

    bills: Bills
    cells: HoldingCells

    async def open(self, message: Message, order_no: str, expires_s: int) -> Any:
        """The bill's settlement as the insured cell has opened it.

        Raises the refusals of both cells, ORDER_EXISTS, ORDER_VOID, ORDER_LAPSED, CELL_UNAVAILABLE and QUEUE_FULL, after which
        nothing will stand; OUTCOME_UNKNOWN; INSURED_ELSEWHERE of a bill of the cell's own.
        """
        with self.bills.sagas.room():
            bill = await asked(self.cells.bill(message.care_cell, message.act, message.request, trial=False))
            if bill.own:
                raise insured_elsewhere(bill.insured_cell)
            if (booked := bill.settled or bill.pending) is not None:
                return await self._again(message, order_no, bill, booked)
            saga = self._saga(message, order_no, bill.insured_cell, expires_s)
            standing, filing = await asyncio.gather(self.bills.sagas.begin(saga), self.bills.filing(bill.begun))
            if standing is not saga:
                raise _stands(saga, standing)
            return await self._opened(message, saga, bill, filing, expires_s)

    async def filing(self, message: Message) -> Any:
        """What that cell is told of the filing for a bill of its own; INSURED_ELSEWHERE of another cell's."""
        bill = await asked(self.cells.bill(message.care_cell, message.act, message.request, trial=False))
        if not bill.own:
            raise insured_elsewhere(bill.insured_cell)
        return self.cells.sought(await self.bills.filing(bill.begun))

    async def renew(self, care_cell: str, order_no: str, expires_s: int) -> None:
        """Moves the expiry of an order, and marks it as charged; ORDER_NOT_FOUND, ORDER_LAPSED, ORDER_VOID, OUTCOME_UNKNOWN."""
        saga = await self._mine(care_cell, order_no)
        if saga.state in (State.REVOKED, State.UNDONE):
            raise _ended(saga)
        if saga.state is State.BEGUN:
            await _known(order_no, self.cells.renew(saga.insured_cell, order_no, expires_s))

    async def confirm(self, care_cell: str, order_no: str) -> None:
        """Makes an order stand; ORDER_NOT_FOUND, ORDER_LAPSED, ORDER_VOID, OUTCOME_UNKNOWN."""
        saga = await self._mine(care_cell, order_no)
        if saga.state in (State.REVOKED, State.UNDONE):
            raise _ended(saga)
        if saga.state is State.DONE:
            return
        if saga.state is State.BEGUN:
            try:
                await _known(order_no, self.cells.confirm(saga.insured_cell, order_no))
            except Fault as refused:
                if refused.reason in _GONE:
                    await self._ends(saga, State.REVOKED, refused.reason)
                raise
        if not await self._ends(saga, State.COMMITTED):
            raise outcome_unknown(order_no)

    async def void(self, care_cell: str, order_no: str) -> None:
        """Makes an order void; ORDER_CONFIRMED, OUTCOME_UNKNOWN, ORDER_NOT_FOUND of another cell's."""
        saga = await self.bills.sagas.books.find(order_no)
        if saga is None:
            # From now on: its Open may be on the way.
            new = self.bills.sagas.new(SagaKind.PAY, care_cell, "", ("", order_no, ""), "", 0)
            saga = await self.bills.sagas.begin(
                replace(new, order_no=order_no, state=State.UNDONE, reason="NEVER_OPENED")
            )
        if saga.care_cell != care_cell:
            raise not_found(_NOT_FOUND, order_no=order_no)
        if saga.state is State.UNDONE:
            return
        if saga.state in (State.COMMITTED, State.DONE):
            raise precondition(ORDER_CONFIRMED, order_no=order_no, setl_id=saga.setl_id)
        try:
            await _known(order_no, self.cells.void(saga.insured_cell, order_no))
        except Fault as refused:
            if refused.reason == ORDER_CONFIRMED:
                await self._ends(saga, State.COMMITTED)
            raise
        if not await self._ends(saga, State.REVOKED, "PAYMENT_VOIDED"):
            raise outcome_unknown(order_no)

    async def end(self, saga: Saga) -> Move:
        """Ends an order of which payment has not been heard for longer than it was held, as it stands in the insured cell."""
        state = saga.state
        if state is State.BEGUN:
            order = await self._at_home(saga)
            if order.pending:
                # It was renewed, or that cell's clock is another one: it says itself when its time is over.
                return Move(saga.order_no, State.BEGUN)
            state = State.REVOKED if order.void else State.COMMITTED
        elif state is State.REVOKED:
            # It was revoked before anybody knew what had come through there.
            await self.cells.void(saga.insured_cell, saga.order_no)
        return await self.bills.finished(saga, state)

    async def _at_home(self, saga: Saga) -> OrderAt:
        """The order in the insured cell, where one that was never opened is void from now on."""
        try:
            return await self.cells.order(saga.insured_cell, saga.order_no)
        except Fault as fault:
            if fault.reason != _NOT_FOUND:
                raise
        return await self.cells.void(saga.insured_cell, saga.order_no)

    async def _again(self, message: Message, order_no: str, bill: FoundBill, booked: Any) -> Any:
        """What the first call was answered, whose answer was lost."""
        saga = await self._mine(message.care_cell, order_no)
        if bill.pending_order_no not in ("", order_no):
            raise conflict("ORDER_EXISTS", order_no=order_no)
        if saga.state in (State.REVOKED, State.UNDONE):
            raise _ended(saga)
        return booked

    async def _opened(
        self, message: Message, saga: Saga, bill: FoundBill, filing: Filing | None, expires_s: int
    ) -> Any:
        order_no, care, insured = saga.order_no, saga.care_cell, saga.insured_cell
        at = insured
        try:
            opened = await taken(message, lambda: self.cells.open(insured, order_no, bill, filing, expires_s))
            at = care
            return await taken(
                message, lambda: self.cells.book(care, order_no, message.act, message.request, bill, opened)
            )
        except Unknown as unknown:
            # It is decided here, as payment has not gone on: whatever came through is made void.
            await self.bills.sagas.move(order_no, State.REVOKED, unknown.reason)
            self.bills.sagas.leave(order_no, unknown.reason)
            raise cell_unavailable(at) from None
        except Fault as refused:
            # An attempt before may come late: it must not open this one.
            await self.bills.sagas.move(order_no, State.REVOKED, refused.reason)
            if await self._voided(saga):
                await self.bills.sagas.move(order_no, State.UNDONE)
            else:
                self.bills.sagas.leave(order_no, refused.reason)
            raise as_sent(refused) from None

    async def _voided(self, saga: Saga) -> bool:
        """Whether an order is void in both cells now."""
        try:
            await self.cells.void(saga.insured_cell, saga.order_no)
            await self.cells.void(saga.care_cell, saga.order_no)
        except Fault:
            return False
        return True

    async def _ends(self, saga: Saga, state: State, reason: str = "") -> bool:
        """Ends it at the place of care as it is decided; where that does not answer the loop goes on, and this is False."""
        try:
            move = await self.bills.finished(replace(saga, reason=reason or saga.reason), state)
        except Fault as fault:
            self.bills.sagas.leave(saga.order_no, fault.reason)
            return False
        await self.bills.sagas.move(move.order_no, move.state, move.reason, move.setl_id)
        return True

    def _saga(self, message: Message, order_no: str, insured_cell: str, expires_s: int) -> Saga:
        left_s = expires_s + _BEYOND_S
        saga = self.bills.sagas.new(SagaKind.PAY, message.care_cell, insured_cell, message.key, message.act, left_s)
        return replace(saga, order_no=order_no)

    async def _mine(self, care_cell: str, order_no: str) -> Saga:
        saga = await self.bills.sagas.books.find(order_no)
        if saga is None or saga.care_cell != care_cell:
            raise not_found(_NOT_FOUND, order_no=order_no)
        return saga


async def _known(order_no: str, call: Awaitable[T]) -> T:
    """The answer to a step; OUTCOME_UNKNOWN where nobody knows whether it was taken: it may be asked for again."""
    try:
        return await call
    except Fault as fault:
        if is_away(fault):
            raise outcome_unknown(order_no) from None
        raise


def _stands(saga: Saga, standing: Saga) -> Fault:
    """Why an order is not opened whose number is known."""
    if standing.care_cell != saga.care_cell or (standing.key != saga.key and standing.running):
        return conflict("ORDER_EXISTS", order_no=standing.order_no)
    return outcome_unknown(standing.order_no) if standing.running else _ended(standing)


def _ended(saga: Saga) -> Fault:
    """Nothing stands of it, and nothing will; whether it had lapsed only the first call was told."""
    return precondition("ORDER_VOID", order_no=saga.order_no)
