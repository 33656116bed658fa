"""Trunks: many calls between two members on one gRPC stream, or on a socket of their machine (`trunk_socket`). A call of its own
costs both sides of gRPC about 0.2 ms together, in a trunk about a tenth of that where several are under way.

What a caller relies on stays: each call has its own caller token, time limit, trace and business date; a caller who leaves ends
what is read for him; one that stops says so first and answers what it has; where a trunk breaks, its calls fail as unavailable.
A member that knows no trunks, and a message that would hold up the others, are reached call by call.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

import grpc
from google.rpc.status_pb2 import Status

from services.runtime.call import BUSINESS_DATE_KEY, CALLER_KEY
from services.runtime.placement import Metadata
from services.runtime.status import from_rpc_error, from_status
from yibao.runtime.v1.trunk_pb2 import Answer, Answers, Call, Calls

SERVICE: Final = "yibao.runtime.v1.Trunk"
PATH: Final = f"/{SERVICE}/Carry"
LARGE_BYTES: Final = 65_536
"""A message from here on goes alone: whoever waits behind it in a trunk would wait for all of it (our decision)."""
LEAST_LIMIT_BYTES: Final = 262_144
"""Where messages may not be larger than this, a trunk's own would not fit: there are none."""
ONE_GO_BYTES: Final = 131_072
_TICK_S: Final = 0.001
_ASK_NEAR_EVERY_S: Final = 1.0
TRACE: Final = "traceparent"
OPENED: Final = ("yibao-trunk", "1")
"""The first that a member says in a trunk, as metadata."""
_ENDED: Final = (grpc.aio.AioRpcError, asyncio.InvalidStateError, grpc.aio.UsageError)


class NoTrunk(Exception):
    """The member knows no trunks; nothing of the call came through."""


class _Writer(Protocol):
    async def write(self, message: bytes, /) -> None:
        """Sends a message; waits while the other side takes none."""


class NoSocket(Exception):
    """The member does not answer at its socket; nothing of the call came through."""


class Outbox(ABC):
    """What is to be written in one trunk: all that comes while a message is on its way goes into the next one. It is held back
    until `open`."""

    def __init__(self, made: Callable[[Sequence[Any]], bytes]) -> None:
        self._made = made
        self._held = True
        self._waiting: dict[int, tuple[Any, int]] = {}

    def put(self, number: int, frame: Any, size: int) -> None:
        """Takes a frame under a number of its own; its bytes are on their way after this turn of the loop."""
        self._waiting[number] = (frame, size)
        self._begin()

    def taken_back(self, number: int) -> bool:
        """Whether a frame waited still; it is not sent."""
        return self._waiting.pop(number, None) is not None

    def open(self) -> None:
        """Sends what was held back."""
        self._held = False
        self._begin()

    @abstractmethod
    async def written(self) -> None:
        """Waits until nothing waits."""

    @abstractmethod
    def _begin(self) -> None:
        """Begins to write what waits, unless it is held back."""

    def _taken(self) -> list[Any]:
        numbers: list[int] = []
        size = 0
        for number, (_, bytes_of_it) in self._waiting.items():
            size += bytes_of_it
            if numbers and size > ONE_GO_BYTES:
                break
            numbers.append(number)
        return [self._waiting.pop(number)[0] for number in numbers]


class StreamOutbox(Outbox):
    """That of a gRPC stream."""

    def __init__(self, stream: _Writer, made: Callable[[Sequence[Any]], bytes]) -> None:
        super().__init__(made)
        self._stream = stream
        self._writing: asyncio.Task[None] | None = None

    async def written(self) -> None:
        if self._writing is not None:
            await asyncio.wait((self._writing,))

    def _begin(self) -> None:
        if self._writing is None and self._waiting and not self._held:
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        try:
            # A stream that has ended is found by whoever reads from it.
            with suppress(*_ENDED):
                while self._waiting:
                    await self._stream.write(self._made(self._taken()))
        finally:
            self._writing = None


class Trunk:
    """The calls of one channel to one member; it is opened with the first and again where it has ended.

    `opening` gives the metadata in which the caller proves to be a member. `near` opens a line to a member that has a socket on
    this machine now, and gives None of one that has none; it is tried first, and again after a second.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        member: str,
        opening: Callable[[], Metadata],
        near: Callable[[], Line | None] = lambda: None,
    ) -> None:
        self._carry: Any = channel.stream_stream(PATH)
        self._member = member
        self._opening = opening
        self._near = near
        self._near_again_s = 0.0
        self._near_line: Line | None = None
        self._line: Line | None = None

    async def unary(self, path: str, message: bytes, metadata: Metadata, timeout_s: float) -> bytes:
        """The answer's bytes; raises the Fault that the member or the network answered, NoTrunk where it takes no trunks."""
        near = self._nearest()
        if near is not None:
            begun_s = time.monotonic()
            try:
                return await near.unary(path, message, metadata, timeout_s)
            except NoSocket:
                self._near_again_s = time.monotonic() + _ASK_NEAR_EVERY_S
                timeout_s -= time.monotonic() - begun_s
        line = self._line
        if line is None or not line.taking:
            line = self._line = StreamLine(self._carry(metadata=tuple(self._opening())), self._member)
        return await line.unary(path, message, metadata, timeout_s)

    def _nearest(self) -> Line | None:
        line = self._near_line
        if line is not None and line.taking:
            return line
        now_s = time.monotonic()
        if now_s < self._near_again_s:
            return None
        line = self._near_line = self._near()
        if line is None:
            self._near_again_s = now_s + _ASK_NEAR_EVERY_S
        return line

    async def close(self) -> None:
        """Ends the line to the member's socket, as a stream ends with its channel: at once, for the member may hang."""
        if self._near_line is not None:
            self._near_line.cut()


class Line(ABC):
    """One open trunk, as its caller sees it; its carrier tells it what is heard, and that it has ended."""

    def __init__(self, member: str, outbox: Outbox) -> None:
        self.taking = True
        self._member = member
        self._number = 0
        self._unanswered: dict[int, asyncio.Future[Answer]] = {}
        self._outbox = outbox

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
            elif key == TRACE:
                call.traceparent = value
            elif key == BUSINESS_DATE_KEY:
                call.business_date = value
        alarm = loop.call_later(timeout_s + _TICK_S, self._late, number, answer, now_s + timeout_s)
        self._outbox.put(number, call, call.ByteSize())
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
        """Tells the member that nobody waits for a call any more; of one that was not sent yet it never hears."""
        if not self._outbox.taken_back(number) and self.taking:
            self._outbox.put(-number, Call(number=number, left=True), 0)

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

    def _heard(self, answers: Answers) -> None:
        for each in answers.answers:
            waiting = self._unanswered.get(each.number)
            if waiting is not None and not waiting.done():
                waiting.set_result(each)

    def _ended(self, error: Exception) -> None:
        self.taking = False
        for waiting in self._unanswered.values():
            if not waiting.done():
                waiting.set_exception(error)

    @abstractmethod
    async def end(self) -> None:
        """Sends what was taken, and no more."""

    @abstractmethod
    def cut(self) -> None:
        """Ends it now."""

    def _bare(self, code: grpc.StatusCode) -> Exception:
        return from_status(Status(code=code.value[0]), member=self._member)


def written_calls(calls: Sequence[Call]) -> bytes:
    """One message of a caller."""
    return Calls(calls=calls).SerializeToString()


class StreamLine(Line):
    """That of a gRPC stream."""

    def __init__(self, stream: Any, member: str) -> None:
        super().__init__(member, StreamOutbox(stream, written_calls))
        self._stream = stream
        self._reading = asyncio.get_running_loop().create_task(self._read())

    async def end(self) -> None:
        self.taking = False
        await self._outbox.written()
        with suppress(*_ENDED):
            await self._stream.done_writing()

    def cut(self) -> None:
        self.taking = False
        self._stream.cancel()

    async def _read(self) -> None:
        error: Exception = self._bare(grpc.StatusCode.UNAVAILABLE)
        try:
            # Not before the member says that it takes trunks: what was sent to one that does not may end in any way.
            if OPENED[0] in dict(await self._stream.initial_metadata()):
                self._outbox.open()
            while (frame := await self._stream.read()) is not grpc.aio.EOF:
                answers = Answers.FromString(frame)
                self._heard(answers)
                if answers.last:
                    await self.end()
        except grpc.aio.AioRpcError as failed:
            if failed.code() is grpc.StatusCode.UNIMPLEMENTED:
                error = NoTrunk()
            elif failed.code() is not grpc.StatusCode.INTERNAL:
                error = from_rpc_error(failed, self._member)
            # gRPC says INTERNAL of a message that it could not send any more: the member is away.
        finally:
            self._ended(error)
