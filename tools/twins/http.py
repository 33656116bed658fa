"""One small HTTP/1.1 server for all twins: raw bytes in, raw bytes out, and a connection that may end without an answer.

What an ordinary server does not do is why it exists: it takes targets in absolute form, serves CONNECT by ending TLS itself
(so that an SDK with a fixed host reaches it as its proxy), and can leave a caller without an answer before or after effect.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import httptools

JSON: Final = "application/json; charset=utf-8"
_CHUNK: Final = 65_536
_MOST_BYTES: Final = 8_388_608
_IDLE_S: Final = 75.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `path` and `query` are as they came, without the host of an absolute form; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def target(self) -> str:
        """Path and query as they were sent: what providers sign."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; `headers` go out as they are written, beside the length."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": JSON})


Handler = Callable[[Request], Awaitable[Response | None]]
"""Answers a request; None ends the connection without an answer, which a caller cannot tell from a timeout."""


class Server:
    """Serves one handler on one port; with `tls` it speaks TLS behind CONNECT, without it CONNECT is refused."""

    def __init__(self, handler: Handler, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.host, self.port = host, port
        self._handler, self.tls = handler, tls
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """`http://host:port`, the real port once started."""
        return f"http://{self.host}:{self.port}"

    async def start(self) -> None:
        """Opens the port; OSError where that cannot be done."""
        self._server = await asyncio.start_server(self._serve, self.host, self.port, limit=_CHUNK)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Closes the port and every connection; what runs is cut off, as when a provider goes down."""
        if self._server is None:
            return
        self._server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._converse(reader, writer)
        except (OSError, ssl.SSLError, TimeoutError, asyncio.CancelledError, httptools.HttpParserError):
            # The caller has gone, spoke no HTTP, or the twin stops: there is nobody to tell.
            pass
        finally:
            self._open.discard(task)
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            message = await _Message.read(reader)
            if message is None:
                return
            if message.method == "CONNECT":
                if self.tls is None:
                    writer.write(_bytes(Response(HTTPStatus.METHOD_NOT_ALLOWED), keep=False))
                    return
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await writer.drain()
                await writer.start_tls(self.tls)
                continue
            answer = await self._handler(message.request())
            if answer is None:
                return
            writer.write(_bytes(answer, keep=message.keep_alive))
            await writer.drain()
            if not message.keep_alive:
                return


class _Message:
    """One request while it is read; its methods are what the parser calls."""

    def __init__(self) -> None:
        self.method, self.keep_alive = "", True
        self._target, self._headers, self._body = bytearray(), dict[str, str](), bytearray()
        self._done = False
        self._parser = httptools.HttpRequestParser(self)

    @classmethod
    async def read(cls, reader: asyncio.StreamReader) -> _Message | None:
        """The next request of a connection; None where it ended. Requests are not pipelined by any client of a provider."""
        message = cls()
        while not message._done:
            async with asyncio.timeout(_IDLE_S):
                data = await reader.read(_CHUNK)
            if not data or len(message._body) > _MOST_BYTES:
                return None
            with contextlib.suppress(httptools.HttpParserUpgrade):
                message._parser.feed_data(data)
        return message

    def on_url(self, piece: bytes) -> None:
        """A piece of the target."""
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        self._body += piece

    def on_message_complete(self) -> None:
        """The request is whole."""
        self.method, self.keep_alive = self._parser.get_method().decode(), self._parser.should_keep_alive()
        self._done = True

    def request(self) -> Request:
        """What was read."""
        target = self._target.decode("latin-1")
        if not target.startswith("/"):
            whole = urlsplit(target)
            target = (whole.path or "/") + (f"?{whole.query}" if whole.query else "")
        path, _, query = target.partition("?")
        return Request(self.method, path, query, self._headers, bytes(self._body))


def _bytes(answer: Response, *, keep: bool) -> bytes:
    head = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    head += [f"{name}: {value}" for name, value in answer.headers.items()]
    if answer.status != HTTPStatus.NO_CONTENT:
        head.append(f"Content-Length: {len(answer.body)}")
    head.append(f"Connection: {'keep-alive' if keep else 'close'}")
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + answer.body
