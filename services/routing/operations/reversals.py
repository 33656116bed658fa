"""Settlements of persons whom another cell insures, taken back (2208, 2305, 2601).

The insured cell's counter-entry decides, last in, first out; the place of care books the same. A crash on the way is finished,
never undone. A message whose bill is still pending makes its order void, in the insured cell first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from services.kernel.elsewhere import outcome_unknown
from services.kernel.errors import Fault, precondition
from services.routing.domain.bills import MESSAGE, STAY, VISIT, MeantBill, OrderAt, Stands, as_sent
from services.routing.domain.sagas import Move, Saga, SagaKind, State
from services.routing.operations.sagas import Sagas
from services.routing.operations.steps import (
    ROUNDS,
    Message,
    Unknown,
    asked,
    begun,
    in_turn,
    is_away,
    known,
    made_void,
    taken,
    waited,
)

_TAKEN_BACK: Final = "MESSAGE_VOIDED"


class ReversingCells(Protocol):
    """The settlement of any cell; each raises its refusal."""

    async def booked(self, cell: str, act: str, request: Any) -> MeantBill:
        """What an institution means that takes something back."""
        ...

    async def order(self, cell: str, order_no: str) -> OrderAt:
        """An order as it stands."""
        ...

    async def confirm(self, cell: str, order_no: str) -> None:
        """Makes an order stand."""
        ...

    async def void(self, cell: str, order_no: str) -> OrderAt:
        """Makes an order void; ORDER_CONFIRMED."""
        ...

    async def reverse(self, cell: str, saga_no: str, order_no: str, desk: Any) -> Any:
        """The counter-entry of an order's settlement in the insured cell."""
        ...

    async def reverse_again(self, cell: str, saga_no: str, order_no: str, fixmedins_code: str) -> Any:
        """The same for whoever does not have the message any more."""
        ...

    async def book_reversal(self, cell: str, act: str, request: Any, order_no: str, counter: Any) -> Any:
        """Books a counter-entry at the place of care under the institution's message; what that is answered."""
        ...

    async def book_reversal_again(
        self, cell: str, saga_no: str, act: str, fixmedins_code: str, order_no: str, setl_id: str, counter: Any
    ) -> None:
        """The same for whoever does not have the message any more."""
        ...

    def taken_back(self, order: OrderAt) -> Any:
        """What 2601 is told of a message whose order is void."""
        ...


TakeBackStay: TypeAlias = Callable[[Message, str, str], Awaitable[Any]]
"""Takes back the message that admitted to a stay: the message that asks for it, the insured cell, and the stay."""


@dataclass(frozen=True, slots=True)
class Reversals:
    """Takes settlements and their messages back."""

    sagas: Sagas
    cells: ReversingCells
    take_back_stay: TakeBackStay

    async def reverse(self, message: Message) -> Any:
        """2208, 2305, 2601 of a message that settled, as it is answered for ever.

        Raises the refusals of both cells, which leave everything as it stood, OUTCOME_UNKNOWN, REQUEST_ID_REUSED, QUEUE_FULL.
        """
        with self.sagas.room():
            return await in_turn(self.sagas, message, lambda: self._decided(message))

    async def _decided(self, message: Message) -> Any:
        """The same, told what a bill of the person keeps from being taken back now."""
        care = message.care_cell
        blocking = ""
        for _ in range(ROUNDS):
            booked = await asked(self.cells.booked(care, message.act, message.request))
            blocking = booked.order_no
            if booked.mdtrt_id:
                return await self.take_back_stay(message, booked.insured_cell, booked.mdtrt_id)
            if booked.stands is not Stands.STANDING and (answer := await self._not_standing(message, booked)):
                return answer
            if booked.stands is Stands.PENDING:
                continue
            act = STAY if message.act == STAY or message.settles_stay else VISIT
            told = (message.key, act, message.left_s(), booked.order_no, booked.setl_id)
            saga = self.sagas.new(SagaKind.REVERSE, care, booked.insured_cell, *told)
            if await begun(self.sagas, saga, message):
                return await self._reversed(message, saga)
        raise outcome_unknown(blocking)

    async def end(self, saga: Saga) -> Move:
        """Finishes a reversal whose owner is gone; where the insured cell refuses it, nothing was reversed."""
        told = (saga.order_no, saga.target, saga.scope)
        try:
            counter = await self.cells.reverse_again(saga.insured_cell, *told)
        except Fault as fault:
            if is_away(fault) or saga.state is State.COMMITTED:
                raise
            return Move(saga.order_no, State.UNDONE, fault.reason)
        try:
            await self.cells.book_reversal_again(
                saga.care_cell, saga.order_no, saga.act, saga.scope, saga.target, saga.setl_id, counter
            )
        except BaseException:
            await self.sagas.move(saga.order_no, State.COMMITTED)
            raise
        return Move(saga.order_no, State.DONE)

    async def _reversed(self, message: Message, saga: Saga) -> Any:
        number, target, desk = saga.order_no, saga.target, message.request.desk
        try:
            counter = await taken(message, lambda: self.cells.reverse(saga.insured_cell, number, target, desk))
        except Unknown as unknown:
            self.sagas.leave(number, unknown.reason)
            raise outcome_unknown(target) from None
        except Fault as refused:
            # Written before it is told: the loop would ask again, when it might not be refused any more.
            await self.sagas.move(number, State.UNDONE, refused.reason)
            raise as_sent(refused) from None
        try:
            answer = await taken(
                message,
                lambda: self.cells.book_reversal(saga.care_cell, message.act, message.request, target, counter),
            )
        except (Unknown, Fault) as failed:
            self.sagas.leave(number, failed.reason)
            raise outcome_unknown(target) from None
        self.sagas.end(number, State.DONE)
        return answer

    async def _not_standing(self, message: Message, booked: MeantBill) -> Any:
        """What 2601 is told of an order that is void, or becomes so; None where it is to be looked at again, or stands."""
        order_no, care = booked.order_no, message.care_cell
        if message.act != MESSAGE:
            if booked.stands is Stands.PENDING:
                # The institution knows its number from an answer: it stands, and only its place of care is late.
                await waited(self.sagas, order_no, message)
            return None
        if not order_no:
            # Void since before it came: that is told by the cell of care alone, which sends nobody here for it.
            raise precondition("MESSAGE_VOIDED", request_id=message.request.data.omsgid)
        if booked.stands is Stands.UNDONE:
            order = await asked(self.cells.order(care, order_no))
            return self.cells.taken_back(order) if order.void else None
        await known(self.sagas, message, booked.insured_cell, order_no)
        try:
            if await made_void(taken(message, lambda: self.cells.void(booked.insured_cell, order_no))):
                order = await taken(message, lambda: self.cells.void(care, order_no))
                self.sagas.end(order_no, State.UNDONE, _TAKEN_BACK)
                return self.cells.taken_back(order)
            await taken(message, lambda: self.cells.confirm(care, order_no))
        except Unknown:
            raise outcome_unknown(order_no) from None
        self.sagas.end(order_no, State.DONE, setl_id=booked.setl_id)
        return None
