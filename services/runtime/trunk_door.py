"""The socket at which a member takes the trunks of its own machine: see `trunk_socket`."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

from google.protobuf.message import DecodeError

from services.kernel.errors import Fault
from services.runtime.logs import write
from services.runtime.status import to_status
from services.runtime.trunk import ONE_GO_BYTES, Outbox
from services.runtime.trunk_served import OpenTrunk, Trunks, written_answers
from services.runtime.trunk_socket import OPENING, BrokenFrame, Frames, SocketOutbox, framed, is_own
from yibao.runtime.v1.trunk_pb2 import Answer, Calls

_CALLERS: Final = 128
_OPENED_WITHIN_S: Final = 5.0


class SocketDoor:
    """The socket at which a member's trunks come in, from `open` to `close`."""

    def __init__(self, path: Path, trunks: Trunks, most_bytes: int, log: logging.Logger) -> None:
        self._path = path
        self._trunks = trunks
        self._most_bytes = most_bytes
        self._log = log
        self._server: asyncio.AbstractServer | None = None
        self._inode = 0
        self._incoming: set[_Incoming] = set()

    async def open(self) -> None:
        """Listens; where the folder does not let it, that is logged, and callers come by gRPC."""
        try:
            listening = self._bound()
        except OSError as error:
            told = {"folder": str(self._path.parent), "cause": error.strerror or type(error).__name__}
            write(self._log, logging.WARNING, "no socket for trunks; callers of this machine come by gRPC", told)
            return
        self._inode = self._path.stat().st_ino
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Incoming(self), sock=listening)

    def _bound(self) -> socket.socket:
        folder = self._path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "the folder is another's")
        folder.chmod(0o700)
        # The port is this member's by now: whoever had a socket under its number is no more.
        self._path.unlink(missing_ok=True)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.bind(str(self._path))
            self._path.chmod(0o600)
            made.listen(_CALLERS)
        except BaseException:
            made.close()
            raise
        return made

    async def close(self, grace_s: float) -> None:
        """Takes no further trunk, and lets those that are open answer what they have for so long."""
        if self._server is None:
            return
        with suppress(OSError):
            # Another process may have its own there by now.
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()
        self._server.close()
        self._server = None
        if self._incoming:
            await asyncio.wait([each.gone for each in self._incoming], timeout=grace_s)
        for each in tuple(self._incoming):
            each.cut()

    def admitted(self, token: str, outbox: Outbox) -> OpenTrunk:
        """The trunk of whoever has this token; raises the Fault of who may open none."""
        self._trunks.admit(token)
        return self._trunks.opened(outbox)

    def came(self, incoming: _Incoming) -> Frames:
        """Somebody has connected."""
        self._incoming.add(incoming)
        return Frames(self._most_bytes + ONE_GO_BYTES)

    def left(self, incoming: _Incoming, served: OpenTrunk | None) -> None:
        """A connection is no more."""
        self._incoming.discard(incoming)
        if served is not None:
            self._trunks.closed(served)

    def broken(self, cause: str) -> None:
        """Whoever may enter the folder has sent what is no message: the connection ends, and no other is touched."""
        write(self._log, logging.WARNING, "a trunk was cut off: what came is no message of one", {"cause": cause})


class _Incoming(asyncio.Protocol):
    """One connection at a member's socket."""

    def __init__(self, door: SocketDoor) -> None:
        self._door = door
        self._frames = door.came(self)
        self._outbox = SocketOutbox(written_answers)
        self._served: OpenTrunk | None = None
        self._ending: asyncio.Task[None] | None = None
        self._all_said = False
        loop = asyncio.get_running_loop()
        self.gone: asyncio.Future[None] = loop.create_future()
        self._alarm = loop.call_later(_OPENED_WITHIN_S, self.cut)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if is_own(transport):
            self._outbox.connect(self._transport)
        else:
            self._door.broken("another user's process came")
            self.cut()

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._frames.fed(data):
                if self._served is not None:
                    self._served.heard(frame)
                elif not self._admitted(Calls.FromString(frame)):
                    return
        except (DecodeError, BrokenFrame) as error:
            self._door.broken(type(error).__name__)
            self.cut()

    def _admitted(self, calls: Calls) -> bool:
        call = calls.calls[0] if calls.calls else None
        if call is None or call.number != OPENING:
            raise BrokenFrame("it was not opened")
        assert self._transport is not None
        self._alarm.cancel()
        answer = Answer(number=OPENING)
        try:
            self._served = self._door.admitted(call.caller_token, self._outbox)
        except Fault as fault:
            answer.status.CopyFrom(to_status(fault))
        self._transport.write(framed(written_answers([answer])))
        if self._served is None:
            self._transport.close()
            return False
        self._outbox.open()
        return True

    def eof_received(self) -> bool:
        """The caller sends no more; what it has sent is answered."""
        self._all_said = True
        if self._served is None:
            return False
        self._ending = asyncio.get_running_loop().create_task(self._finish(self._served))
        return True

    async def _finish(self, served: OpenTrunk) -> None:
        await served.finished()
        if self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._alarm.cancel()
        self._outbox.break_off()
        self._door.left(self, self._served)
        if not self.gone.done():
            self.gone.set_result(None)

    def pause_writing(self) -> None:
        """A caller that takes no answers is asked for no calls: their answers would pile up."""
        self._outbox.pause()
        if self._transport is not None and not self._transport.is_closing() and not self._all_said:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._outbox.resume()
        if self._transport is not None and not self._transport.is_closing() and not self._all_said:
            self._transport.resume_reading()

    def cut(self) -> None:
        """Ends it now."""
        if self._transport is not None:
            self._transport.abort()
