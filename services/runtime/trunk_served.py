"""The trunks that a member serves: its callers' calls, each run and answered as one that comes alone, whatever carries them."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status

from services.kernel.errors import Fault, FaultKind
from services.runtime.call import BUSINESS_DATE_KEY, CALLER_KEY, Role
from services.runtime.placement import Metadata
from services.runtime.status import RpcRefusal, to_rpc_error, to_status
from services.runtime.trunk import OPENED, PATH, SERVICE, TRACE, Outbox, StreamOutbox
from yibao.runtime.v1.trunk_pb2 import Answer, Answers, Call, Calls

_HEAD_BYTES: Final = 64
_LAST: Final = -1
"""The number under which it waits that there will be no further calls."""
_CLOCKS_APART: Final = 0.001
"""More than any two machines' clocks differ in speed."""

Serve = Callable[[str, bytes, Metadata, float], Awaitable[bytes]]


class Trunks:
    """The trunks that a member serves: at most `most_calls` are under way in all of them together."""

    def __init__(self, serve: Serve, role_of: Callable[[str], Role], most_calls: int, limit_bytes: int) -> None:
        """`role_of` tells whose a caller token is; it raises the Fault of one that does not hold. `limit_bytes` is the largest
        message of the member.
        """
        self._serve = serve
        self._role_of = role_of
        self._most_calls = most_calls
        self._limit_bytes = limit_bytes
        self._under_way = 0
        self._open: set[OpenTrunk] = set()
        self._stopping = False

    def handler(self) -> grpc.GenericRpcHandler:
        """To be registered at a gRPC server."""
        behaviour: Any = grpc.stream_stream_rpc_method_handler(self._carry)
        return grpc.method_handlers_generic_handler(SERVICE, {PATH.rpartition("/")[2]: behaviour})

    def drain(self) -> None:
        """Opens no further trunk, and tells the callers of those that are open to end them."""
        self._stopping = True
        for each in self._open:
            each.drain()

    async def answer(self, call: Call, held_s: float = 0.0) -> Answer:
        """The answer to one call, as bytes or as the status of its refusal; `held_s` is what of its time went by on the way."""
        if held_s >= call.seconds:
            return Answer(number=call.number, status=Status(code=grpc.StatusCode.DEADLINE_EXCEEDED.value[0]))
        if self._under_way >= self._most_calls:
            return Answer(number=call.number, status=Status(code=grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]))
        self._under_way += 1
        try:
            metadata = [(CALLER_KEY, call.caller_token), (TRACE, call.traceparent)]
            if call.business_date:
                metadata.append((BUSINESS_DATE_KEY, call.business_date))
            message = await self._serve(call.path, call.message, metadata, call.seconds - held_s)
        except RpcRefusal as refusal:
            return Answer(number=call.number, status=refusal.status)
        finally:
            self._under_way -= 1
        if len(message) + _HEAD_BYTES > self._limit_bytes:
            too_large = Fault(FaultKind.EXHAUSTED, "MESSAGE_TOO_LARGE", {"limit_bytes": str(self._limit_bytes)})
            return Answer(number=call.number, status=to_status(too_large))
        return Answer(number=call.number, message=message)

    async def _carry(self, _: Any, context: Any) -> None:
        try:
            self.admit(dict(context.invocation_metadata() or ()).get(CALLER_KEY, ""))
        except Fault as fault:
            await context.abort(*to_rpc_error(fault))
        await context.send_initial_metadata((OPENED,))
        outbox = StreamOutbox(context, written_answers)
        outbox.open()
        served = self.opened(outbox)
        try:
            while (frame := await context.read()) is not grpc.aio.EOF:
                served.heard(frame)
            await served.finished()
        finally:
            self.closed(served)

    def opened(self, outbox: Outbox) -> OpenTrunk:
        """A trunk that was admitted."""
        served = OpenTrunk(self, outbox)
        self._open.add(served)
        return served

    def closed(self, served: OpenTrunk) -> None:
        """A trunk has ended; what is under way in one that broke is given up, as of a call that breaks."""
        self._open.discard(served)
        served.give_up()

    def admit(self, token: str) -> None:
        """Raises the Fault of whoever may open no trunk, or not now."""
        if self._stopping:
            raise Fault(FaultKind.UNAVAILABLE, "SHUTTING_DOWN")
        if not token:
            raise Fault(FaultKind.UNAUTHENTICATED, "CALLER_TOKEN_MISSING")
        role = self._role_of(token)
        if role is not Role.SERVICE:
            raise Fault(FaultKind.DENIED, "ROLE_NOT_ALLOWED", {"role": role.value, "method": PATH})


class OpenTrunk:
    """One open trunk, as its member sees it."""

    def __init__(self, trunks: Trunks, outbox: Outbox) -> None:
        self._trunks = trunks
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._quickest_s = math.inf
        self._read_s = 0.0
        self._outbox = outbox

    def drain(self) -> None:
        """Tells the caller that these are the last calls."""
        self._outbox.put(_LAST, None, 0)

    def heard(self, frame: bytes) -> None:
        """Begins what a caller's message asks for; raises DecodeError of what is none, and of a number that is under way."""
        for call in Calls.FromString(frame).calls:
            if call.left:
                # Taken out here: one that is cancelled before it began does not come to its end.
                if (leaving := self._tasks.pop(call.number, None)) is not None:
                    leaving.cancel()
            elif call.number in self._tasks:
                raise DecodeError("a number that is under way")
            else:
                task = asyncio.get_running_loop().create_task(self._answer(call, self._held_s(call)))
                self._tasks[call.number] = task

    async def finished(self) -> None:
        """Answers what is under way: the caller sends no more."""
        if self._tasks:
            await asyncio.wait(self._tasks.values())
        await self._outbox.written()

    def give_up(self) -> None:
        """Ends what is under way."""
        for task in self._tasks.values():
            task.cancel()

    def _held_s(self, call: Call) -> float:
        """How much longer a call was on its way than the quickest one before. Both clocks are steady, but of two machines none
        runs quite as fast as the other: the quickest counts a little less with time.
        """
        now_s = time.monotonic()
        taken_s = now_s - call.sent_s
        self._quickest_s = min(taken_s, self._quickest_s + (now_s - self._read_s) * _CLOCKS_APART)
        self._read_s = now_s
        return taken_s - self._quickest_s

    async def _answer(self, call: Call, held_s: float) -> None:
        try:
            answer = await self._trunks.answer(call, held_s)
        finally:
            self._tasks.pop(call.number, None)
        self._outbox.put(call.number, answer, len(answer.message))


def written_answers(frames: Sequence[Answer | None]) -> bytes:
    """One message of a member. None among the frames says that there will be no further calls."""
    told = [each for each in frames if each is not None]
    return Answers(answers=told, last=len(told) < len(frames)).SerializeToString()
