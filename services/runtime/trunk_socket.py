"""Trunks over a Unix socket, between processes of one machine: the same messages without gRPC, whose threads wake each other for
each of them (a bill alone: 0.9 of 3.6 ms of processor time).

A message goes behind its length, four bytes, the highest first. The first one of a caller holds the token that opens a gRPC
trunk, in a call of number 0; the member answers that call, and the trunk is open. The socket lies in a folder of the data folder
that only its user can enter, under the number of the port on which the member serves gRPC and that of the network in which this
means it: containers share a folder, not their ports. Where there is none (another machine, another user, a folder whose path is
too long for a socket), calls go by gRPC, and so they do to a member that several processes serve: gRPC spreads them. Both sides
ask the system whose process the other is: whoever made the folder first may be another user.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, cast

import grpc
from google.protobuf.message import DecodeError

from services.runtime.call import CALLER_KEY
from services.runtime.placement import Metadata
from services.runtime.status import from_status
from services.runtime.trunk import ONE_GO_BYTES, Line, NoSocket, Outbox, written_calls
from yibao.runtime.v1.trunk_pb2 import Answers, Call

_LENGTH_BYTES: Final = 4
_LONGEST_PATH: Final = 103
"""What every system takes, in bytes."""
OPENING: Final = 0
_AT_ONCE_BYTES: Final = 4096
"""A message from here on does not wait for what else is put in its turn: with a list, a turn is milliseconds."""
_PEER: Final = struct.Struct("iII")
"""`struct ucred`: process, user and group."""
_NETWORK: Final = Path("/proc/self/ns/net")
_log: Final = logging.getLogger("yibao.trunk")


def place_of(data_dir: Path, address: str) -> Path | None:
    """Where a member that serves gRPC at `address` has its socket; None where it can have none."""
    path = (data_dir / "trunks" / f"{address.rpartition(':')[2]}{_network()}.sock").absolute()
    return path if len(os.fsencode(path)) <= _LONGEST_PATH else None


def _network() -> str:
    """By what the network of this process differs from others of the machine; "" where the system has but one."""
    try:
        return f"-{_NETWORK.stat().st_ino}"
    except OSError:
        return ""


def is_own(transport: asyncio.BaseTransport) -> bool:
    """Whether the other end is a process of this user; where the system does not tell, the folder's mode keeps others out."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    _, user, _ = _PEER.unpack(transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, option, _PEER.size))
    return bool(user == os.geteuid())


class BrokenFrame(ValueError):
    """What came is no message of a trunk."""


class Frames:
    """Cuts what a socket brings into messages of at most `most` bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = bytearray()

    def fed(self, data: bytes) -> list[bytes]:
        """The messages that have come whole by now; BrokenFrame for one that is too long."""
        held = self._held
        held += data
        found: list[bytes] = []
        begin = 0
        while len(held) - begin >= _LENGTH_BYTES:
            end = begin + _LENGTH_BYTES + int.from_bytes(held[begin : begin + _LENGTH_BYTES], "big")
            if end - begin > self._most:
                raise BrokenFrame(f"{end - begin} bytes")
            if end > len(held):
                break
            found.append(bytes(held[begin + _LENGTH_BYTES : end]))
            begin = end
        del held[:begin]
        return found


def framed(message: bytes) -> bytes:
    """A message behind its length."""
    return len(message).to_bytes(_LENGTH_BYTES, "big") + message


class SocketOutbox(Outbox):
    """That of a socket: what is put in one turn of the loop is written after it, a large message at once, and all is held while
    the other side takes none.
    """

    def __init__(self, made: Callable[[Sequence[Any]], bytes]) -> None:
        super().__init__(made)
        self._transport: asyncio.Transport | None = None
        self._due = False
        self._full = False
        self._empty: asyncio.Event = asyncio.Event()

    def connect(self, transport: asyncio.Transport) -> None:
        """Where to write."""
        # Else what is written goes out when the loop's turn ends.
        transport.set_write_buffer_limits(0)
        self._transport = transport
        self._begin()

    def pause(self) -> None:
        """The socket takes no more for now."""
        self._full = True

    def resume(self) -> None:
        """It takes again."""
        self._full = False
        self._begin()

    def break_off(self) -> None:
        """Nothing can be written any more."""
        self._waiting.clear()
        self._transport = None
        self._empty.set()

    async def written(self) -> None:
        self._empty.clear()
        if self._waiting and self._transport is not None:
            await self._empty.wait()

    def put(self, number: int, frame: Any, size: int) -> None:
        super().put(number, frame, size)
        if size >= _AT_ONCE_BYTES and self._due:
            self._write()

    def _begin(self) -> None:
        if not self._due and self._waiting and not self._held and not self._full and self._transport is not None:
            self._due = True
            asyncio.get_running_loop().call_soon(self._write)

    def _write(self) -> None:
        self._due = False
        transport = self._transport
        while self._waiting and not self._full and transport is not None:
            transport.write(framed(self._made(self._taken())))
        if not self._waiting:
            self._empty.set()


class SocketLine(Line, asyncio.Protocol):
    """A trunk over a member's socket, as its caller sees it."""

    _outbox: SocketOutbox

    def __init__(self, path: Path, member: str, opening: Callable[[], Metadata], most_bytes: int) -> None:
        super().__init__(member, SocketOutbox(written_calls))
        self._opening = opening
        self._frames = Frames(most_bytes + ONE_GO_BYTES)
        self._transport: asyncio.Transport | None = None
        self._open = False
        self._connecting = asyncio.get_running_loop().create_task(self._connect(path))

    async def _connect(self, path: Path) -> None:
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: self, str(path))
        except OSError:
            # Left by a process that is no more, or there are too many callers.
            self._ended(NoSocket())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Says who opens the trunk, to a process of this user."""
        self._transport = cast("asyncio.Transport", transport)
        if not is_own(transport):
            self._told_off(logging.INFO, "another user's process listens there")
            return
        token = dict(self._opening())[CALLER_KEY]
        self._transport.write(framed(written_calls([Call(number=OPENING, caller_token=token)])))
        self._outbox.connect(self._transport)

    def data_received(self, data: bytes) -> None:
        """Hands out answers."""
        try:
            for frame in self._frames.fed(data):
                answers = Answers.FromString(frame)
                if not self._open and not self._opened(answers):
                    return
                self._heard(answers)
                if answers.last:
                    self.taking = False
                    self._last = asyncio.get_running_loop().create_task(self.end())
        except (DecodeError, BrokenFrame) as error:
            self._told_off(logging.WARNING, type(error).__name__)

    def _opened(self, answers: Answers) -> bool:
        """Whether the member lets the trunk stand."""
        answer = answers.answers[0] if answers.answers else None
        if answer is None or answer.number != OPENING:
            raise BrokenFrame("it was not opened")
        if answer.HasField("status"):
            self._ended(from_status(answer.status, member=self._member))
            self.cut()
            return False
        self._open = True
        self._outbox.open()
        return True

    def eof_received(self) -> bool:
        """The member is away."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """What is unanswered may have been done, unless nothing was sent."""
        self._outbox.break_off()
        self._ended(self._bare(grpc.StatusCode.UNAVAILABLE) if self._open else NoSocket())

    def pause_writing(self) -> None:
        """The member takes no more for now."""
        self._outbox.pause()

    def resume_writing(self) -> None:
        """It takes again."""
        self._outbox.resume()

    async def end(self) -> None:
        self.taking = False
        if self._open:
            await self._outbox.written()
        if self._transport is not None and not self._transport.is_closing():
            with suppress(OSError, RuntimeError):
                self._transport.write_eof()

    def _told_off(self, level: int, cause: str) -> None:
        # Not by `logs.write`: who asks for health imports this room, and not what writes spans.
        told = {"member": self._member, "cause": cause}
        _log.log(level, "a trunk was cut off by its caller", extra={"fields": told})
        self.cut()

    def cut(self) -> None:
        self.taking = False
        if self._transport is not None:
            self._transport.abort()
        elif self._connecting.cancel():
            self._ended(NoSocket())
