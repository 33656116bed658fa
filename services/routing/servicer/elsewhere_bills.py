"""The RPCs of ElsewhereService that try, settle and take back bills; what they answer the cells have said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from services.routing.domain.bills import MESSAGE, STAY, VISIT
from services.routing.operations.bills import Bills
from services.routing.operations.reversals import Reversals
from services.routing.operations.steps import Message
from services.runtime.batch import Admitted, serve_batch
from services.runtime.call import current_call, use_call
from services.runtime.idempotency import content_hash, scope_of
from yibao.routing.v1 import elsewhere_bills_pb2 as pb2

SPARE_S: Final = 0.25
"""How much earlier than its caller routing stops waiting, so that it can say what it knows (our decision)."""
_LONGEST_S: Final = 30.0
"""For callers who name no time."""
_OF_STAYS: Final = "2304"


@dataclass(frozen=True, slots=True)
class BillOperations:
    """What these RPCs need."""

    bills: Bills
    reversals: Reversals


class BillRpcs:
    """A part of the servicer: messages in, messages out."""

    def __init__(self, operations: BillOperations) -> None:
        self._bills = operations.bills
        self._reversals = operations.reversals

    async def Trial(self, request: pb2.TrialRequest, context: Any) -> pb2.TrialResponse:  # noqa: N802 - the contract's name
        """2206."""
        return pb2.TrialResponse(response=await _served(VISIT, request.request, self._bills.trial))

    async def Settle(self, request: pb2.SettleRequest, context: Any) -> pb2.SettleResponse:  # noqa: N802 - the contract's name
        """2207."""
        answer = pb2.SettleResponse()
        answer.response.CopyFrom(await _served(VISIT, request.request, self._bills.settle, request.told))
        return answer

    async def BatchSettle(  # noqa: N802 - the contract's name
        self, request: pb2.BatchSettleRequest, context: Any
    ) -> pb2.BatchSettleResponse:
        """2207 of many. They go side by side, so that each of their steps is one call for all."""
        return await serve_batch(request, pb2.BatchSettleResponse(), handle=self._settle_items)

    async def TrialStay(  # noqa: N802 - the contract's name
        self, request: pb2.TrialStayRequest, context: Any
    ) -> pb2.TrialStayResponse:
        """2303."""
        return pb2.TrialStayResponse(response=await _served(STAY, request.request, self._bills.trial))

    async def SettleStay(  # noqa: N802 - the contract's name
        self, request: pb2.SettleStayRequest, context: Any
    ) -> pb2.SettleStayResponse:
        """2304."""
        return pb2.SettleStayResponse(response=await _served(STAY, request.request, self._bills.settle))

    async def Reverse(self, request: pb2.ReverseRequest, context: Any) -> pb2.ReverseResponse:  # noqa: N802 - the contract's name
        """2208."""
        return pb2.ReverseResponse(response=await _served(VISIT, request.request, self._reversals.reverse))

    async def ReverseStay(  # noqa: N802 - the contract's name
        self, request: pb2.ReverseStayRequest, context: Any
    ) -> pb2.ReverseStayResponse:
        """2305."""
        return pb2.ReverseStayResponse(response=await _served(STAY, request.request, self._reversals.reverse))

    async def ReverseMessage(  # noqa: N802 - the contract's name
        self, request: pb2.ReverseMessageRequest, context: Any
    ) -> pb2.ReverseMessageResponse:
        """2601."""
        return pb2.ReverseMessageResponse(response=await _served(MESSAGE, request.request, self._reversals.reverse))

    async def _settle_items(self, items: Sequence[Admitted]) -> list[Any]:
        async def settled(item: Admitted) -> pb2.SettleResponse:
            with item.active():
                return await self.Settle(item.request, None)

        return await self._bills.sagas.together([settled(item) for item in items])


async def _served(act: str, unary: Any, serve: Callable[[Message], Awaitable[Any]], told: bytes = b"") -> Any:
    """What a message of an institution is answered, said while its caller still waits."""
    with answering_in_time() as left_s:
        return await serve(message_of(act, unary, left_s, told))


def message_of(act: str, unary: Any, left_s: float, told: bytes = b"") -> Message:
    """The unary request as the message that it is; its cell is the one by whose key the caller speaks."""
    call = current_call()
    until = asyncio.get_running_loop().time() + left_s
    settles_stay = act == MESSAGE and unary.data.oinfno == _OF_STAYS
    return Message(act, unary, scope_of(call.caller), content_hash(unary), call.caller.cell, until, settles_stay, told)


@contextmanager
def answering_in_time() -> Iterator[float]:
    """A block whose calls end a little before the caller's time does; how long that is."""
    call = current_call()
    if call.deadline is None:
        yield _LONGEST_S
        return
    with use_call(replace(call, deadline=call.deadline - timedelta(seconds=SPARE_S))) as sooner:
        yield sooner.remaining_s() or 0.0
