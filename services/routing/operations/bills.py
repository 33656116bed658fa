"""Bills of persons whom another cell insures: tried (2206, 2303) and settled (2207, 2304).

Settled: opened in the insured cell, booked at the place of care, confirmed in the insured cell, which is where it is decided, and
confirmed at the place of care. What is refused before is void in both; a crash before leaves a void, one after is finished.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, TypeAlias

from services.kernel.elsewhere import cell_unavailable, outcome_unknown
from services.kernel.errors import Fault
from services.routing.domain.bills import BegunBill, FoundBill, OrderAt, as_sent
from services.routing.domain.filings import Filing
from services.routing.domain.sagas import Move, Saga, SagaKind, State
from services.routing.operations.sagas import Sagas
from services.routing.operations.steps import (
    ABANDONED,
    ORDER_CONFIRMED,
    ORDER_PENDING,
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
    written,
)


class Cells(Protocol):
    """The settlement of any cell; each raises its refusal."""

    async def bill(self, cell: str, act: str, request: Any, *, trial: bool) -> FoundBill:
        """What a bill comes to at the place of care."""
        ...

    def told_bill(self, act: str, request: Any, told: bytes) -> FoundBill | None:
        """The same of what that cell has told unasked; None where it has not."""
        ...

    async def try_bill(self, cell: str, act: str, bill: FoundBill, filing: Filing | None) -> Any:
        """The trial of a carried bill in the insured cell."""
        ...

    async def settle_filed(self, cell: str, act: str, request: Any, filing: Filing | None, *, trial: bool) -> Any:
        """A bill of the cell's own, tried or settled with the filing."""
        ...

    async def open(self, cell: str, order_no: str, bill: FoundBill, filing: Filing | None) -> Any:
        """Opens a carried bill in the insured cell."""
        ...

    async def book(self, cell: str, order_no: str, act: str, request: Any, bill: FoundBill, opened: Any) -> Any:
        """Books at the place of care what the insured cell has opened; the answer that the institution gets."""
        ...

    async def confirm(self, cell: str, order_no: str) -> None:
        """Makes an order stand."""
        ...

    async def void(self, cell: str, order_no: str) -> OrderAt:
        """Makes an order void, also before it is opened; ORDER_CONFIRMED."""
        ...


FilingOf: TypeAlias = Callable[[BegunBill], Awaitable[Filing | None]]
"""The filing that counts for care at a place that began on a day, none where none does."""


@dataclass(frozen=True, slots=True)
class Bills:
    """Tries and settles bills."""

    sagas: Sagas
    cells: Cells
    filing_of: FilingOf

    async def trial(self, message: Message) -> Any:
        """2206, 2303; the refusals of both cells, CELL_UNAVAILABLE."""
        act, care, request = message.act, message.care_cell, message.request
        bill = await asked(self.cells.bill(care, act, request, trial=True))
        filing = await self.filing(bill.begun)
        if bill.own:
            return await asked(self.cells.settle_filed(care, act, request, filing, trial=True))
        try:
            return await asked(self.cells.try_bill(bill.insured_cell, act, bill, filing))
        except Fault as fault:
            raise cell_unavailable(bill.insured_cell) if is_away(fault) else fault from None

    async def settle(self, message: Message) -> Any:
        """2207, 2304, as it is answered for ever.

        Raises the refusals of both cells, which leave nothing; CELL_UNAVAILABLE, where nothing will stand either;
        OUTCOME_UNKNOWN, where something may; REQUEST_ID_REUSED, QUEUE_FULL.
        """
        # Once: after a wait the bill is looked at anew.
        told = iter([self.cells.told_bill(message.act, message.request, message.told)])
        with self.sagas.room():
            return await in_turn(self.sagas, message, lambda: self._decided(message, next(told, None)))

    async def _decided(self, message: Message, told: FoundBill | None) -> Any:
        """The same, told what another bill of the person keeps from being settled now."""
        act, care, request = message.act, message.care_cell, message.request
        blocking = ""
        for _ in range(ROUNDS):
            bill = await asked(self.cells.bill(care, act, request, trial=False)) if told is None else told
            told = None
            if bill.own:
                filing = await self.filing(bill.begun)
                return await self._own(message, filing)
            if bill.settled is not None:
                return bill.settled
            if pending := bill.pending_order_no:
                await known(self.sagas, message, bill.insured_cell, pending)
                ended = await waited(self.sagas, pending, message)
                if pending == blocking:
                    # The store of the place of care came back from a backup: elsewhere it is at rest already.
                    await written(message, partial(self.end_again, ended))
                blocking = pending
                continue
            saga = self.sagas.new(SagaKind.SETTLE, care, bill.insured_cell, message.key, act, message.left_s())
            # The row first: while the disk has it, the filing is looked up.
            beginning, looking = self.sagas.beginning(saga), self.filing(bill.begun)
            try:
                if await begun(self.sagas, saga, message, beginning):
                    return await self._settled(message, saga, bill, await looking)
            finally:
                looking.cancel()
            blocking = saga.order_no
        raise outcome_unknown(blocking)

    async def _own(self, message: Message, filing: Filing | None) -> Any:
        """A bill of the cell's own, which that cell alone writes."""
        act, care, request = message.act, message.care_cell, message.request
        return await written(message, lambda: self.cells.settle_filed(care, act, request, filing, trial=False))

    async def end_again(self, ended: Saga) -> None:
        """Ends a settlement at the place of care as it has ended elsewhere."""
        state = State.COMMITTED if ended.state is State.DONE else State.REVOKED
        await self.end(replace(ended, state=state))

    def filing(self, care: BegunBill | None) -> asyncio.Future[Filing | None]:
        """What was filed for it and holds on the day on which it began."""
        if care is not None and care.care_admdvs:
            return asyncio.ensure_future(self.filing_of(care))
        nothing: asyncio.Future[Filing | None] = asyncio.get_running_loop().create_future()
        nothing.set_result(None)
        return nothing

    async def _settled(self, message: Message, saga: Saga, bill: FoundBill, filing: Filing | None) -> Any:
        order_no, care, insured = saga.order_no, saga.care_cell, saga.insured_cell
        try:
            opened = await taken(message, lambda: self.cells.open(insured, order_no, bill, filing))
        except Unknown as unknown:
            # Nobody will confirm it: whatever was opened lapses there, if it is not made void before.
            self.sagas.leave(order_no, unknown.reason)
            raise cell_unavailable(insured) from None
        except Fault as refused:
            if refused.reason == ORDER_PENDING:
                # It may be tried again under another number: an attempt that comes late must not open this one.
                raise await self.refused(saga, refused) from None
            self.sagas.end(order_no, State.UNDONE, refused.reason)
            raise as_sent(refused) from None
        answer = await self._or_void(
            message,
            saga,
            taken(message, lambda: self.cells.book(care, order_no, message.act, message.request, bill, opened)),
        )
        await self._or_void(message, saga, taken(message, lambda: self.cells.confirm(insured, order_no)))
        try:
            await taken(message, lambda: self.cells.confirm(care, order_no))
        except (Unknown, Fault) as failed:
            self.sagas.leave(order_no, failed.reason)
            raise outcome_unknown(order_no) from None
        self.sagas.end_soon(order_no, State.DONE, setl_id=answer.setlinfo.setl_id)
        return answer

    async def _or_void(self, message: Message, saga: Saga, step: Awaitable[Any]) -> Any:
        """The answer to a step; where it is refused, the order is void in both cells before that is told."""
        order_no = saga.order_no
        try:
            return await step
        except Unknown as unknown:
            self.sagas.leave(order_no, unknown.reason)
            raise outcome_unknown(order_no) from None
        except Fault as refused:
            raise await self.refused(saga, refused) from None

    async def refused(self, saga: Saga, refused: Fault) -> Fault:
        """What is told of a refusal, once the order is void in both cells."""
        order_no = saga.order_no
        failed = await self._made_void(saga)
        if failed:
            self.sagas.leave(order_no, failed)
        elif refused.reason == ORDER_PENDING:
            # Written before anything else is begun for the same message.
            await self.sagas.move(order_no, State.UNDONE, refused.reason)
        else:
            self.sagas.end(order_no, State.UNDONE, refused.reason)
        return outcome_unknown(order_no) if failed == ORDER_CONFIRMED else as_sent(refused)

    async def _made_void(self, saga: Saga) -> str:
        """Makes an order void, first where that is decided: what stands there is not void here. Why it is not, if so."""
        try:
            await self.cells.void(saga.insured_cell, saga.order_no)
            await self.cells.void(saga.care_cell, saga.order_no)
        except Exception as error:  # noqa: BLE001  # whatever it was, the loop goes on with it
            return error.reason if isinstance(error, Fault) else type(error).__name__
        return ""

    async def end(self, saga: Saga) -> Move:
        """Ends a settlement whose owner is gone, as it is decided in the insured cell: void there, unless it stands there."""
        state = saga.state
        if state is State.BEGUN:
            void = await made_void(self.cells.void(saga.insured_cell, saga.order_no))
            state = State.REVOKED if void else State.COMMITTED
        return await self.finished(saga, state)

    async def finished(self, saga: Saga, state: State) -> Move:
        """Ends a settlement at the place of care as it is decided in the insured cell: it is committed there, or revoked."""
        order_no = saga.order_no
        try:
            if state is State.COMMITTED:
                await self.cells.confirm(saga.care_cell, order_no)
                return Move(order_no, State.DONE)
            await self.cells.void(saga.care_cell, order_no)
        except BaseException:
            if state is not saga.state:
                await self.sagas.move(order_no, state)
            raise
        return Move(order_no, State.UNDONE, saga.reason or ABANDONED)
