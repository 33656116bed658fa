"""Trunks: many calls between two members on one gRPC stream. A call of its own costs both sides of gRPC about 0.2 ms together, in
a trunk about a tenth of that where several are under way.

What a caller relies on stays: each call has its own caller token, time limit, trace and business date; a caller who leaves ends
what is read for him; one that stops says so first and answers what it has; where a trunk breaks, its calls fail as unavailable.
A member that knows no trunks, and a message that would hold up the others, are reached call by call.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol, TypeVar

import grpc
from google.rpc.status_pb2 import Status

from services.kernel.errors import Fault, FaultKind
from services.runtime.call import BUSINESS_DATE_KEY, CALLER_KEY, Role
from services.runtime.placement import Metadata
from services.runtime.status import RpcRefusal, from_rpc_error, from_status, to_rpc_error, to_status
from yibao.runtime.v1.trunk_pb2 import Answer, Answers, Call, Calls

SERVICE: Final = "yibao.runtime.v1.Trunk"
PATH: Final = f"/{SERVICE}/Carry"
LARGE_BYTES: Final = 65_536
"""A message from here on goes alone: whoever waits behind it in a trunk would wait for all of it (our decision)."""
LEAST_LIMIT_BYTES: Final = 262_144
"""Where messages may not be larger than this, a trunk's own would not fit: there are none."""
_ONE_GO_BYTES: Final = 131_072
_HEAD_BYTES: Final = 64
_TICK_S: Final = 0.001
_CLOCKS_APART: Final = 0.001
"""More than any two machines' clocks differ in speed."""
_TRACE: Final = "traceparent"
_OPENED: Final = ("yibao-trunk", "1")
"""The first that a member says in a trunk, as metadata."""
_ENDED: Final = (grpc.aio.AioRpcError, asyncio.InvalidStateError, grpc.aio.UsageError)

Serve = Callable[[str, bytes, Metadata, float], Awaitable[bytes]]
F = TypeVar("F", Call, Answer)


class NoTrunk(Exception):
    """The member knows no trunks; nothing of the call came through."""


class _Writer(Protocol):
    async def write(self, message: bytes, /) -> None:
        """Sends a message; waits while the other side takes none."""


class _Outbox:
    """What is to be written to one stream: all that comes while a message is on its way goes into the next one. It is held back
    until `open`."""

    def __init__(self, stream: _Writer, made: Callable[[Sequence[Any]], bytes]) -> None:
        self._stream = stream
        self._made = made
        self._held = True
        self._waiting: deque[tuple[Any, int]] = deque()
        self._writing: asyncio.Task[None] | None = None

    def put(self, frame: Any, size: int) -> None:
        """Takes a frame; its bytes are on their way after this turn of the loop."""
        self._waiting.append((frame, size))
        self._begin()

    def open(self) -> None:
        """Sends what was held back."""
        self._held = False
        self._begin()

    def _begin(self) -> None:
        if self._writing is None and self._waiting and not self._held:
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def written(self) -> None:
        """Waits until nothing waits."""
        if self._writing is not None:
            await asyncio.wait((self._writing,))

    async def _write(self) -> None:
        try:
            # A stream that has ended is found by whoever reads from it.
            with suppress(*_ENDED):
                while self._waiting:
                    await self._stream.write(self._made(self._taken()))
        finally:
            self._writing = None

    def _taken(self) -> list[Any]:
        frames: list[Any] = []
        size = 0
        while self._waiting and (not frames or size + self._waiting[0][1] <= _ONE_GO_BYTES):
            frame, bytes_of_it = self._waiting.popleft()
            frames.append(frame)
            size += bytes_of_it
        return frames


class Trunk:
    """The calls of one channel to one member; it is opened with the first and again where it has ended.

    `opening` gives the metadata in which the caller proves to be a member.
    """

    def __init__(self, channel: grpc.aio.Channel, member: str, opening: Callable[[], Metadata]) -> None:
        self._carry: Any = channel.stream_stream(PATH)
        self._member = member
        self._opening = opening
        self._line: _Line | None = None

    async def unary(self, path: str, message: bytes, metadata: Metadata, timeout_s: float) -> bytes:
        """The answer's bytes; raises the Fault that the member or the network answered, NoTrunk where it takes no trunks."""
        line = self._line
        if line is None or not line.taking:
            line = self._line = _Line(self._carry(metadata=tuple(self._opening())), self._member)
        return await line.unary(path, message, metadata, timeout_s)


class _Line:
    """One open stream, as its caller sees it."""

    def __init__(self, stream: Any, member: str) -> None:
        self.taking = True
        self._stream = stream
        self._member = member
        self._number = 0
        self._unanswered: dict[int, asyncio.Future[Answer]] = {}
        self._outbox = _Outbox(stream, lambda calls: Calls(calls=calls).SerializeToString())
        self._reading = asyncio.get_running_loop().create_task(self._read())

    async def unary(self, path: str, message: bytes, metadata: Metadata, timeout_s: float) -> bytes:
        loop = asyncio.get_running_loop()
        self._number = number = self._number + 1
        answer: asyncio.Future[Answer] = loop.create_future()
        self._unanswered[number] = answer
        now_s = time.monotonic()
        call = Call(number=number, path=path, seconds=timeout_s, message=message, sent_s=now_s)
        for key, value in metadata:
            if key == CALLER_KEY:
                call.caller_token = value
            elif key == _TRACE:
                call.traceparent = value
            elif key == BUSINESS_DATE_KEY:
                call.business_date = value
        alarm = loop.call_later(timeout_s + _TICK_S, self._late, number, answer, now_s + timeout_s)
        self._outbox.put(call, call.ByteSize())
        try:
            found = await answer
        except asyncio.CancelledError:
            self._leave(number)
            raise
        finally:
            alarm.cancel()
            self._unanswered.pop(number, None)
        if found.HasField("status"):
            raise from_status(found.status, member=self._member)
        return found.message

    def _leave(self, number: int) -> None:
        """Tells the member that nobody waits for a call any more."""
        if self.taking:
            self._outbox.put(Call(number=number, left=True), 0)

    def _late(self, number: int, answer: asyncio.Future[Answer], until_s: float) -> None:
        if answer.done():
            return
        left_s = until_s - time.monotonic()
        if left_s > 0:
            # The loop counts from when it last looked at the clock: nobody is told of an end before it.
            asyncio.get_running_loop().call_later(left_s + _TICK_S, self._late, number, answer, until_s)
        else:
            answer.set_exception(self._bare(grpc.StatusCode.DEADLINE_EXCEEDED))
            self._leave(number)

    async def _read(self) -> None:
        error: Exception = self._bare(grpc.StatusCode.UNAVAILABLE)
        try:
            # Not before the member says that it takes trunks: what was sent to one that does not may end in any way.
            if _OPENED[0] in dict(await self._stream.initial_metadata()):
                self._outbox.open()
            while (frame := await self._stream.read()) is not grpc.aio.EOF:
                answers = Answers.FromString(frame)
                for each in answers.answers:
                    waiting = self._unanswered.get(each.number)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(each)
                if answers.last:
                    await self._end()
        except grpc.aio.AioRpcError as failed:
            if failed.code() is grpc.StatusCode.UNIMPLEMENTED:
                error = NoTrunk()
            elif failed.code() is not grpc.StatusCode.INTERNAL:
                error = from_rpc_error(failed, self._member)
            # gRPC says INTERNAL of a message that it could not send any more: the member is away.
        finally:
            self.taking = False
            for waiting in self._unanswered.values():
                if not waiting.done():
                    waiting.set_exception(error)

    async def _end(self) -> None:
        """Sends what was taken, and no more."""
        self.taking = False
        await self._outbox.written()
        with suppress(*_ENDED):
            await self._stream.done_writing()

    def _bare(self, code: grpc.StatusCode) -> Exception:
        return from_status(Status(code=code.value[0]), member=self._member)


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
        self._open: set[_Served] = set()
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
            metadata = [(CALLER_KEY, call.caller_token), (_TRACE, call.traceparent)]
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
            self._admit(dict(context.invocation_metadata() or ()).get(CALLER_KEY, ""))
        except Fault as fault:
            await context.abort(*to_rpc_error(fault))
        await context.send_initial_metadata((_OPENED,))
        served = _Served(self, context)
        self._open.add(served)
        try:
            await served.run()
        finally:
            self._open.discard(served)

    def _admit(self, token: str) -> None:
        if self._stopping:
            raise Fault(FaultKind.UNAVAILABLE, "SHUTTING_DOWN")
        if not token:
            raise Fault(FaultKind.UNAUTHENTICATED, "CALLER_TOKEN_MISSING")
        role = self._role_of(token)
        if role is not Role.SERVICE:
            raise Fault(FaultKind.DENIED, "ROLE_NOT_ALLOWED", {"role": role.value, "method": PATH})


class _Served:
    """One open trunk, as its member sees it."""

    def __init__(self, trunks: Trunks, context: Any) -> None:
        self._trunks = trunks
        self._context = context
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._quickest_s = math.inf
        self._read_s = 0.0
        self._outbox = _Outbox(context, _answers)
        self._outbox.open()

    def drain(self) -> None:
        """Tells the caller that these are the last calls."""
        self._outbox.put(None, 0)

    async def run(self) -> None:
        """Answers until the caller sends no more; what is under way when a trunk breaks is given up, as of a call that breaks."""
        loop = asyncio.get_running_loop()
        try:
            while (frame := await self._context.read()) is not grpc.aio.EOF:
                for call in Calls.FromString(frame).calls:
                    if not call.left:
                        self._tasks[call.number] = loop.create_task(self._answer(call, self._held_s(call)))
                    elif (task := self._tasks.get(call.number)) is not None:
                        task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks.values())
            await self._outbox.written()
        finally:
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
            del self._tasks[call.number]
        self._outbox.put(answer, len(answer.message))


def _answers(frames: Sequence[Answer | None]) -> bytes:
    """None among the frames says that there will be no further calls."""
    told = [each for each in frames if each is not None]
    return Answers(answers=told, last=len(told) < len(frames)).SerializeToString()
