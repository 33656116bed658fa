"""The ASGI door: reads bodies within limits and sends each request to its face. `/v1/` is REST, every other POST national.

It knows no transaction and no route; it never logs a path, a query or a body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from gateway.http import Request, Response
from gateway.national.face import NationalFace
from gateway.rest import PREFIX, RestFace
from services.kernel.clock import Clock
from services.kernel.errors import Fault, FaultKind

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_BODY_TIMEOUT_S: Final = 20.0
_CORS: Final = ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"retry-after"))
_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-max-age", b"86400"),
)


class _TooLarge(Exception):
    """The body grew beyond the limit."""


class _Gone(Exception):
    """The client left before its body had come."""


class Door:
    """One ASGI application. `pages` are the fixed answers to GET, by path."""

    def __init__(
        self,
        national: NationalFace,
        rest: RestFace,
        pages: Mapping[str, Callable[[], Response]],
        clock: Clock,
        max_body_bytes: int,
        max_requests: int,
    ) -> None:
        self._national = national
        self._rest = rest
        self._pages = pages
        self._clock = clock
        self._max_body_bytes = max_body_bytes
        self._max_requests = max_requests
        self._under_way = 0

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serves one HTTP request."""
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not served")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["method"] == "OPTIONS":
            await _send(send, Response(204, b""), preflight=headers.get("access-control-request-headers", "*"))
            return
        self._under_way += 1
        try:
            response = await self._respond(scope, headers, receive)
        except _Gone:
            return
        finally:
            self._under_way -= 1
        await _send(send, response)

    async def _respond(self, scope: dict[str, Any], headers: dict[str, str], receive: Receive) -> Response:
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
        method: str = scope["method"]
        query = scope["query_string"].decode("latin-1")
        page = self._pages.get(path) if method in ("GET", "HEAD") else None
        if page is not None:
            return page()
        is_rest = path.startswith(PREFIX) or method != "POST"
        request = Request(method, path, query, headers, b"", self._clock())
        if self._under_way > self._max_requests:
            return self._rest.refused(request, _busy()) if is_rest else self._national.too_busy(request)
        try:
            body = await self._body(receive, headers)
        except _TooLarge:
            limit = {"limit_bytes": str(self._max_body_bytes)}
            if is_rest:
                return self._rest.refused(request, Fault(FaultKind.EXHAUSTED, "BODY_TOO_LARGE", limit))
            return self._national.too_large(request, self._max_body_bytes)
        request = Request(method, path, query, headers, body, request.received)
        return await (self._rest.handle(request) if is_rest else self._national.handle(request))

    async def _body(self, receive: Receive, headers: Mapping[str, str]) -> bytes:
        announced = headers.get("content-length", "")
        if announced.isdigit() and int(announced) > self._max_body_bytes:
            raise _TooLarge
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            body: bytes = message.get("body", b"")
        else:
            body = await self._long_body(message, receive)
        if len(body) > self._max_body_bytes:
            raise _TooLarge
        return body

    async def _long_body(self, message: dict[str, Any], receive: Receive) -> bytes:
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(_BODY_TIMEOUT_S):
                while message["type"] == "http.request":
                    chunks.append(message.get("body", b""))
                    size += len(chunks[-1])
                    if size > self._max_body_bytes:
                        raise _TooLarge
                    if not message.get("more_body"):
                        return b"".join(chunks)
                    message = await receive()
        except TimeoutError:
            raise _Gone from None
        raise _Gone


def _busy() -> Fault:
    return Fault(FaultKind.EXHAUSTED, "TOO_MANY_CALLS", {"member": "gateway"}, retry_after_s=1.0)


async def _send(send: Send, response: Response, preflight: str | None = None) -> None:
    headers = [
        (b"content-type", response.content_type.encode()),
        (b"content-length", str(len(response.body)).encode()),
        *((name.encode(), value.encode()) for name, value in response.headers.items()),
        *_CORS,
    ]
    if preflight is not None:
        headers += [*_PREFLIGHT, (b"access-control-allow-headers", preflight.encode("latin-1"))]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
