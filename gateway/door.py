"""The ASGI door: sends each request, once its body is there, to its face. `/v1/` is REST, paths of the mobile
payment centre and all below doors are their own, every other POST is national.

It knows no transaction and no route; it never logs a path, a query or a body.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from gateway.bodies import Bodies, Gone, Receive
from gateway.doors import Doors
from gateway.held import Held
from gateway.http import Request, Response, busy, is_late_body, network_of
from gateway.mobile.face import MobileFace
from gateway.national.face import NationalFace
from gateway.origins import Headers, Origins
from gateway.rest import PREFIX, RestFace
from services.kernel.clock import Clock
from services.kernel.errors import Fault

Send = Callable[[dict[str, Any]], Awaitable[None]]
Page = Callable[[], Response | Awaitable[Response]]


class Door:
    """One ASGI application. `pages` are the fixed answers to GET, by path.

    At most `max_requests` are served at a time, and the bodies of as many more are waited for; `held` limits their bytes.
    """

    def __init__(
        self,
        national: NationalFace,
        mobile: MobileFace | None,
        doors: Doors,
        rest: RestFace,
        pages: Mapping[str, Page],
        clock: Clock,
        max_body_bytes: int,
        max_requests: int,
        held: Held,
        origins: Origins,
    ) -> None:
        self._origins = origins
        self._national = national
        self._mobile = mobile
        self._doors = doors
        self._rest = rest
        self._pages = pages
        self._clock = clock
        self._held = held
        self._bodies = Bodies(max_body_bytes, max_requests)
        self._max_requests = max_requests
        self._under_way = 0

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serves one HTTP request."""
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not served")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["method"] == "OPTIONS":
            await _send(send, Response(204, b""), self._origins.preflight(headers))
            return
        try:
            response = await self._respond(scope, headers, receive)
        except Gone:
            return
        await _send(send, response, self._origins.answered(headers))

    async def _respond(self, scope: dict[str, Any], headers: dict[str, str], receive: Receive) -> Response:
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
        method: str = scope["method"]
        page = self._pages.get(path) if method in ("GET", "HEAD") else None
        if page is not None:
            answer = page()
            return answer if isinstance(answer, Response) else await answer
        source = _source(scope)
        with self._held.body(network_of(source)) as held:
            body, refusal = b"", None
            try:
                body = await self._bodies.read(receive, headers.get("content-length", ""), held)
            except Fault as fault:
                refusal = fault
            query = scope["query_string"].decode("latin-1")
            request = Request(method, path, query, headers, body, self._clock(), source=source)
            return await self._answered(request, refusal)

    async def _answered(self, request: Request, refusal: Fault | None) -> Response:
        face = self._face(request)
        if refusal is not None:
            return _unread(face.refused(request, refusal), refusal)
        if self._under_way >= self._max_requests:
            return face.refused(request, busy())
        self._under_way += 1
        try:
            return await face.handle(request)
        finally:
            self._under_way -= 1

    def _face(self, request: Request) -> RestFace | NationalFace | MobileFace | Doors:
        if self._doors.serves(request.method, request.path):
            return self._doors
        # What is sent to a door that does not take it is no national call, whose answer to anything is 200.
        if request.path.startswith(PREFIX) or request.method != "POST" or self._doors.has(request.path):
            return self._rest
        if self._mobile is not None and self._mobile.serves(request.path):
            return self._mobile
        return self._national


def _source(scope: dict[str, Any]) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _unread(response: Response, refusal: Fault) -> Response:
    """A client whose body did not come may not send the rest of it later: its connection is closed."""
    if not is_late_body(refusal):
        return response
    return replace(response, headers={**response.headers, "connection": "close"})


async def _send(send: Send, response: Response, of_origin: Headers) -> None:
    headers = [
        (b"content-type", response.content_type.encode()),
        (b"content-length", str(len(response.body)).encode()),
        *((name.encode(), value.encode()) for name, value in response.headers.items()),
        *of_origin,
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
