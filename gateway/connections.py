"""Connections of the HTTP port: each phase of one has a time and a size, and all together have a number.

A head comes within HEAD_S and MOST_HEAD_BYTES; who reads no answer is left after READ_S. Where there are as many connections
as may be, the one that has waited longest without a request leaves: a request that comes is here within moments, a half-open
one would stay. A request that is here is never cut off for others.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import time
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gateway.http import REQUEST_TIMEOUT, Response, busy, late_head
from gateway.problems import problem
from services import mesh
from services.kernel.errors import Fault, FaultKind
from services.runtime.logs import write

HEAD_S: Final = 10.0
"""From the opening of a connection, or the first byte of a further request, until its head has come."""

READ_S: Final = 60.0
"""So long an answer may wait for its reader without a byte being taken."""

LINGER_S: Final = 1.0
"""So long what a refused client still sends is thrown away."""

MOST_HEAD_BYTES: Final = 32_768
_MOST_WAITING_REQUESTS: Final = 16
# Descriptors that stay free for stores, members and their connections.
_RESERVED: Final = 256
_LOG_EVERY_S: Final = 10.0


class Connections:
    """The connections of one port, at most `most`; requests of at most `most_bytes`."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self.most = most
        # What the wire may add to a body: chunks may be small, but not all of them.
        self.most_added = most_bytes + MOST_HEAD_BYTES
        self.count = 0
        self._log = logging.getLogger("yibao.gateway")
        self._told_at = -_LOG_EVERY_S
        self._left = 0
        # Connections without a request under way, in the order in which they began to wait: those that never sent one first.
        self._fresh: dict[GuardedProtocol, None] = {}
        self._idle: dict[GuardedProtocol, None] = {}

    def came(self, connection: GuardedProtocol) -> bool:
        """Counts a new connection and makes room for it; False where there is none, for all others have a request."""
        self.count += 1
        if self.count > self.most:
            waiting = self._fresh or self._idle
            self._tell()
            if not waiting:
                return False
            longest = next(iter(waiting))
            self.busy(longest)
            longest.cut()
        self._fresh[connection] = None
        return True

    def busy(self, connection: GuardedProtocol) -> None:
        """A connection has a request under way, or leaves."""
        self._fresh.pop(connection, None)
        self._idle.pop(connection, None)

    def idle(self, connection: GuardedProtocol) -> None:
        """A connection is answered and waits for its next request."""
        self._idle[connection] = None

    def gone(self, connection: GuardedProtocol) -> None:
        """A connection has ended."""
        self.count -= 1
        self.busy(connection)

    def _tell(self) -> None:
        self._left += 1
        now = time.monotonic()
        if now - self._told_at >= _LOG_EVERY_S:
            self._told_at = now
            fields = {"member": mesh.GATEWAY, "connections": self.most, "closed": self._left}
            write(self._log, logging.WARNING, "too many connections", fields)
            self._left = 0


class GuardedProtocol(HttpToolsProtocol):
    """One connection. In the usual case, a request that arrives whole, it makes no timer."""

    def __init__(self, *, connections: Connections, **given: Any) -> None:
        super().__init__(**given)
        # Addresses hold pseudonyms: no line tells one, whatever becomes of the library's logger.
        self.access_log = False
        self._all = connections
        self._in_head = False
        self._refused = False
        self._head_bytes = 0
        self._added = 0
        self._running: RequestResponseCycle | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Takes a place, or is told that there is none."""
        super().connection_made(transport)
        if not self._all.came(self):
            self._refuse(busy(), 503)
            return
        self._patience = self.loop.call_later(HEAD_S, self._out_of_patience)

    def connection_lost(self, exc: Exception | None) -> None:
        """Gives the place back."""
        self._all.gone(self)
        self._be_patient()
        if self._unread is not None:
            self._unread.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads on, within the limits of a head and of a request."""
        if self._refused:
            return
        began_before = self._in_head
        self._added += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head and began_before:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self._refuse(_too_large_head(), 431)
                return
        elif self._added > self._all.most_added or len(self.pipeline) > _MOST_WAITING_REQUESTS:
            self.cut()
            return
        if self._patience is None and (self._in_head or self.cycle is None or self.cycle.response_complete):
            self._patience = self.loop.call_later(HEAD_S, self._out_of_patience)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_url(self, url: bytes) -> None:
        """A piece of the path."""
        super().on_url(url)
        self._head_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, of the head or behind the body."""
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value)

    def on_headers_complete(self) -> None:
        """The head has come: the request is under way, or refused for the size of its head."""
        self._in_head, self._added = False, 0
        self._be_patient()
        self._all.busy(self)
        if self._head_bytes <= MOST_HEAD_BYTES:
            super().on_headers_complete()
            return
        app, self.app = self.app, _answering(problem(_too_large_head()))
        try:
            super().on_headers_complete()
        finally:
            self.app = app

    def on_body(self, body: bytes) -> None:
        """A piece of the body, which has limits of its own."""
        self._added -= len(body)
        super().on_body(body)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """The connection waits for its next request; one that closes for its answer to be read."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._unread = self._unread or self.loop.call_later(READ_S, self.cut)
        elif self.cycle.response_complete:
            self._all.idle(self)

    def pause_writing(self) -> None:
        """The client reads more slowly than it is answered."""
        super().pause_writing()
        self._unread = self._unread or self.loop.call_later(READ_S, self.cut)

    def resume_writing(self) -> None:
        """It has read."""
        super().resume_writing()
        if self._unread is not None and not self.transport.is_closing():
            self._unread.cancel()
            self._unread = None

    def timeout_keep_alive_handler(self) -> None:
        """Nothing came for long; an answer that is still not read will not be."""
        if self.transport.get_write_buffer_size():
            self.cut()
        else:
            super().timeout_keep_alive_handler()

    def _be_patient(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _out_of_patience(self) -> None:
        self._patience = None
        if self._in_head:
            self._refuse(late_head(), REQUEST_TIMEOUT)
        else:
            self.cut()

    def cut(self) -> None:
        """Ends the connection at once; whoever still answers a request of it finds that nobody is there."""
        for cycle in (self.cycle, self._running, *(waiting for waiting, _ in self.pipeline)):
            if cycle is not None:
                cycle.disconnected = True
        self.transport.abort()

    def _refuse(self, fault: Fault, status: int) -> None:
        """Answers without a request and hangs up; what still comes is thrown away for a moment, or the answer would be lost."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cut()
            return
        response = problem(fault)
        content = (
            STATUS_LINE[status],
            f"content-type: {response.content_type}\r\ncontent-length: {len(response.body)}\r\n".encode(),
            *(f"{name}: {value}\r\n".encode() for name, value in response.headers.items()),
            b"connection: close\r\n\r\n",
            response.body,
        )
        self._refused = True
        self._be_patient()
        self.transport.write(b"".join(content))
        self.transport.write_eof()
        self._unread = self._unread or self.loop.call_later(LINGER_S, self.cut)


def guarded(connections: Connections) -> Callable[..., GuardedProtocol]:
    """What uvicorn takes for its protocol: connections of one port."""

    def connection(**given: Any) -> GuardedProtocol:
        return GuardedProtocol(connections=connections, **given)

    return connection


def affordable(wanted: int, gateways: int = 1) -> int:
    """How many of the connections wanted the process has descriptors for, where so many gateways share it; its own limit is
    raised as far as it may be, and fewer are told in the log.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted * gateways + _RESERVED
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    most = max(1, max(soft - _RESERVED, soft // 2) // gateways)
    fields = {"member": mesh.GATEWAY, "connections": most, "wanted": wanted, "descriptors": soft}
    write(logging.getLogger("yibao.gateway"), logging.WARNING, "fewer connections than set", fields)
    return most


def _too_large_head() -> Fault:
    return Fault(FaultKind.INVALID, "HEAD_TOO_LARGE", {"limit_bytes": str(MOST_HEAD_BYTES)})


def _answering(response: Response) -> Any:
    """An ASGI application that gives one answer and closes."""

    async def application(scope: object, receive: object, send: Callable[[dict[str, Any]], Any]) -> None:
        headers = [
            (b"content-type", response.content_type.encode()),
            (b"content-length", str(len(response.body)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    return application
