"""Bodies of requests as they arrive, within limits of size, time and number.

A server has mostly read the body by the time it calls an application: such a one takes no timer, no task and no place. Only
a body that is still to come waits, in one of a limited number of places. Where all are taken, the one that has waited
longest leaves: a body that comes is here within moments, one that never comes would stay. Their bytes have a limit too (`held`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from gateway.held import Body
from gateway.http import busy, late_body
from services.kernel.errors import Fault, FaultKind

Message = dict[str, Any]
Receive = Callable[[], Coroutine[Any, Any, Message]]

LIMIT_S: Final = 20.0


class Gone(Exception):
    """The client left before its body had come."""


class Bodies:
    """Reads bodies of at most `max_bytes`; at most `places` of them are waited for at a time, each for LIMIT_S."""

    def __init__(self, max_bytes: int, places: int) -> None:
        self._max_bytes = max_bytes
        self._places = places
        self._awaited: dict[asyncio.Timeout, None] = {}

    async def read(self, receive: Receive, announced: str, held: Body) -> bytes:
        """The whole body, counted in `held`; Gone, Fault BODY_TOO_LARGE, TOO_MANY_CALLS or `late_body`.

        `announced` is the content-length, "" without one.
        """
        if announced.isdigit() and int(announced) > self._max_bytes:
            raise self._too_large()
        message = _at_once(receive)
        if message is None or message["type"] != "http.request" or message.get("more_body"):
            return await self._awaited_body(message, receive, held)
        body: bytes = message.get("body", b"")
        if len(body) > self._max_bytes:
            raise self._too_large()
        held.grown(len(body))
        return body

    async def _awaited_body(self, message: Message | None, receive: Receive, held: Body) -> bytes:
        self._make_room()
        place = asyncio.timeout(LIMIT_S)
        held.leave = lambda: _end(place)
        try:
            async with place:
                self._awaited[place] = None
                body = await self._joined(message or await receive(), receive, held)
        except TimeoutError:
            raise busy() if held.given_up else late_body() from None
        finally:
            held.leave = None
            self._awaited.pop(place, None)
        if held.given_up:
            raise busy()
        return body

    async def _joined(self, message: Message, receive: Receive, held: Body) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while message["type"] == "http.request":
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self._max_bytes:
                raise self._too_large()
            held.grown(size)
            if not message.get("more_body"):
                return b"".join(chunks)
            message = await receive()
        raise Gone

    def _make_room(self) -> None:
        if len(self._awaited) < self._places:
            return
        longest = next(iter(self._awaited))
        del self._awaited[longest]
        _end(longest)

    def _too_large(self) -> Fault:
        return Fault(FaultKind.EXHAUSTED, "BODY_TOO_LARGE", {"limit_bytes": str(self._max_bytes)})


def _end(place: asyncio.Timeout) -> None:
    if not place.expired():
        place.reschedule(asyncio.get_running_loop().time())


def _at_once(receive: Receive) -> Message | None:
    """What has arrived already; None where it has to be waited for, which is then to be begun anew."""
    waiting = receive()
    try:
        waiting.send(None)
    except StopIteration as arrived:
        message: Message = arrived.value
        return message
    waiting.close()
    return None
