"""Steps of sagas: calls to cells of which each ends in an answer, a refusal, or nobody knows how.

A message is what an institution has sent to routing by way of its own cell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from services.kernel.elsewhere import CELL_UNAVAILABLE, outcome_unknown
from services.kernel.errors import AWAY, Fault, FaultKind
from services.routing.domain.bills import PendingBill, as_sent
from services.routing.domain.sagas import Saga, SagaKind
from services.routing.operations.sagas import Kept, Sagas

T = TypeVar("T")

ROUNDS: Final = 4
"""How often a message is decided anew after another saga that was in its way has ended."""
ABANDONED: Final = "ABANDONED"
"""Why a saga is undone whose owner is gone."""
ORDER_CONFIRMED: Final = "ORDER_CONFIRMED"
ORDER_PENDING: Final = "ORDER_PENDING"
_BUSY: Final = "QUEUE_FULL"
_WORTH_S: Final = 0.2
"""Less time than this is not worth another attempt."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message: what it is about (`visit`, `stay`, `message`), the request itself, whose it is, the cell of care, and until when
    its caller waits, by the loop's time. `settles_stay` says of 2601 whether the message that it names settled a stay. `told` is
    what the cell of care has told of the bill already, if it has.
    """

    act: str
    request: Any
    scope: str
    content_hash: str
    care_cell: str
    until: float
    settles_stay: bool = False
    told: bytes = b""

    @property
    def key(self) -> tuple[str, str, str]:
        """Scope, request id and content hash."""
        return self.scope, self.request.request_id, self.content_hash

    def left_s(self) -> float:
        """How long its caller still waits."""
        return max(0.0, self.until - asyncio.get_running_loop().time())


class Unknown(Exception):
    """Nobody knows whether a step was taken. `reason` is what the cell that was asked said, or what befell the call."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


async def taken(message: Message, call: Callable[[], Awaitable[T]]) -> T:
    """The answer to a step that is safe to repeat, or its refusal as a Fault; tried once more where there is time. `Unknown`."""
    for last in (False, True):
        try:
            return await call()
        except Fault as fault:
            if not is_away(fault):
                raise
            if last or fault.reason == CELL_UNAVAILABLE or message.left_s() < _WORTH_S:
                raise Unknown(fault.reason) from None
        except Exception as error:  # a bug of the cell that was asked, which has told it
            raise Unknown(type(error).__name__) from error
    raise AssertionError("unreachable: the last attempt raises")


def is_away(fault: Fault) -> bool:
    """Whether who was asked does not answer, so that nobody knows what became of it. Who is too busy has decided nothing either:
    an attempt before may have come through.
    """
    return fault.kind is FaultKind.UNAVAILABLE or fault.reason in AWAY or fault.reason == _BUSY


async def made_void(void: Awaitable[object]) -> bool:
    """Whether an order is void in the insured cell, which is asked for it; False where it stands there."""
    try:
        await void
    except Fault as fault:
        if fault.reason != ORDER_CONFIRMED:
            raise
        return False
    return True


async def asked(call: Awaitable[T]) -> T:
    """The answer to a question; a refusal names the fields as the institution sent them."""
    try:
        return await call
    except Fault as fault:
        raise as_sent(fault) from None


async def written(message: Message, call: Callable[[], Awaitable[T]]) -> T:
    """The answer to what one cell alone writes; OUTCOME_UNKNOWN where it does not answer."""
    try:
        return await taken(message, call)
    except Unknown:
        raise outcome_unknown(message.request.request_id) from None
    except Fault as fault:
        raise as_sent(fault) from None


async def begun(sagas: Sagas, saga: Saga, message: Message, beginning: Awaitable[Kept] | None = None) -> bool:
    """Begins the saga, or waits for its beginning; False where another one was in its way, which has ended meanwhile.

    REQUEST_ID_REUSED, and OUTCOME_UNKNOWN where the other one goes on.
    """
    standing = await sagas.begin(saga, beginning)
    if standing.order_no == saga.order_no:
        return True
    await waited(sagas, standing.order_no, message)
    return False


async def in_turn(sagas: Sagas, message: Message, decide: Callable[[], Awaitable[T]]) -> T:
    """What a message is told once the bills of the same person that routing settles have ended: at home one is decided after
    the other. A refusal for such an order leaves nothing of the message, so that it is decided anew; it is told as it is where
    the order is not of routing, does not end within the caller's time, or is in the way again.
    """
    met: set[str] = set()
    while True:
        try:
            return await decide()
        except Fault as refused:
            order_no = refused.metadata.get("order_no", "")
            if refused.reason != ORDER_PENDING or order_no in met:
                raise
            if await sagas.ended(order_no, message.left_s() - _WORTH_S) is None:
                raise
            met.add(order_no)


async def known(sagas: Sagas, message: Message, insured_cell: str, order_no: str) -> None:
    """Takes on an order that is pending at the place of care and that routing does not know: its store came back from a backup.

    It is ended as one whose owner is gone. Nobody says here whose message it is: it has its own number for one.
    """
    if await sagas.books.find(order_no) is None:
        await take_on(sagas, message.care_cell, message.act, PendingBill(order_no, insured_cell, message.scope))


async def take_on(sagas: Sagas, care_cell: str, act: str, bill: PendingBill) -> None:
    """Begins the saga of a bill whose owner is gone."""
    own = (bill.fixmedins_code, bill.order_no, "")
    saga = sagas.new(SagaKind.SETTLE, care_cell, bill.insured_cell, own, act, 0)
    await sagas.begin(replace(saga, order_no=bill.order_no))


async def waited(sagas: Sagas, order_no: str, message: Message) -> Saga:
    """Waits for the end of another saga within the caller's time; OUTCOME_UNKNOWN."""
    ended = await sagas.ended(order_no, message.left_s())
    if ended is None:
        raise outcome_unknown(order_no)
    return ended
