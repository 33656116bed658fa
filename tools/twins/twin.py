"""One running twin: a provider's rules on a port, with its memory, clock, faults, notifies and the control door.

`/_twin/…` is the control door: it plays the person who pays, moves the clock, arms faults and lists what was received.
It has no key, so a twin listens on this machine only.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from tools.twins.clock import Clock
from tools.twins.faults import AMOUNTS, Armed, Fault, Faults
from tools.twins.http import Request, Response, Server
from tools.twins.notifies import Notifies
from tools.twins.records import Records
from tools.twins.shelf import Document, Shelf

DOOR: Final = "/_twin/"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a twin is started. `time_scale` shortens the delays of notifies (0.01: a minute is 0.6 s); after `hang_s` a request
    without an answer is cut off; `bureau_url` is where insured parts are settled, asked with `bureau_key`; without it the
    twin has a bureau of its own. `merchants` are the numbers, from 1 on, of those that it makes at its start; the first is
    always there. The bank has terminals and makes none.
    """

    host: str = "127.0.0.1"
    port: int = 0
    state: Path | None = None
    record: Path | None = None
    time_scale: float = 1.0
    hang_s: float = 30.0
    bureau_url: str = ""
    bureau_key: str = field(default="", repr=False)
    merchants: tuple[int, ...] = (1,)


class Stand:
    """What every provider stands on."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.shelf = Shelf(settings.state)
        self.clock = Clock(self.shelf)
        self.faults = Faults()
        self.records = Records(self.clock, settings.record)
        self.url = ""

    def close(self) -> None:
        """Closes its files."""
        self.records.close()
        self.shelf.close()


class Provider(Protocol):
    """What a provider's folder gives: its rules over HTTP, its notifies, its own verbs at the control door."""

    notifies: Notifies

    async def start(self) -> None:
        """Opens what it needs beside the HTTP port."""

    async def stop(self) -> None:
        """Closes it."""

    async def answer(self, request: Request) -> Response | None:
        """Answers one request of the provider's interface; None: the effect stays, the answer is lost."""

    def unavailable(self) -> Response:
        """How the provider says that it is down."""

    def keys(self) -> Document:
        """What a merchant must know to talk to it: numbers and keys, all of them of this twin only."""

    async def control(self, verb: str, body: Document) -> Document | None:
        """One of its own verbs at the control door (`pay`); None where there is no such verb, KeyError where a field lacks."""


class Twin:
    """A provider that is served."""

    def __init__(
        self,
        settings: Settings,
        make: Callable[[Stand], Provider],
    ) -> None:
        self.stand = Stand(settings)
        self.provider = make(self.stand)
        self._server = Server(self._answer, settings.host, settings.port)
        self._notifying: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """`http://host:port`."""
        return self._server.url

    def serve_tls(self, context: ssl.SSLContext) -> None:
        """From its start on it ends TLS behind CONNECT."""
        self._server.tls = context

    async def start(self) -> None:
        """Serves; OSError where the port is taken."""
        await self._server.start()
        self.stand.url = self.url
        await self.provider.start()
        self._notifying = asyncio.create_task(self.provider.notifies.run())

    async def stop(self) -> None:
        """Ends at once, as a provider that goes down; the shelf keeps what was done."""
        await self._server.stop()
        if self._notifying is not None:
            self._notifying.cancel()
            await asyncio.gather(self._notifying, return_exceptions=True)
        await self.provider.stop()
        self.stand.close()

    async def _answer(self, request: Request) -> Response | None:
        if request.path.startswith(DOOR):
            return await self._control(request)
        self.stand.records.received(request)
        fault = self.stand.faults.of_request(request)
        if fault is Fault.UNAVAILABLE:
            return self.provider.unavailable()
        answer = None if fault is Fault.TIMEOUT_BEFORE else await self.provider.answer(request)
        if fault is not None or answer is None:
            await asyncio.sleep(self.stand.settings.hang_s)
            return None
        return answer

    async def _control(self, request: Request) -> Response:
        verb = request.path.removeprefix(DOOR)
        try:
            body = msgspec.json.decode(request.body or b"{}", type=dict[str, Any])
            told = self._common(request.method, verb, body)
            if told is None:
                told = await self.provider.control(verb, body)
        except (KeyError, ValueError, TypeError, msgspec.MsgspecError) as error:
            return _told({"error": f"{type(error).__name__}: {error}"}, HTTPStatus.BAD_REQUEST)
        if told is None:
            return _told({"error": f"the control door has no {verb!r}"}, HTTPStatus.NOT_FOUND)
        return _told(told)

    def _common(self, method: str, verb: str, body: Document) -> Document | None:
        stand = self.stand
        match method, verb:
            case "GET", "health":
                return {"now": stand.clock.now().isoformat()}
            case "GET", "keys":
                return self.provider.keys()
            case "GET", "received":
                return {"received": stand.records.kept()}
            case "GET", "notifies":
                return {"notifies": self.provider.notifies.waiting()}
            case "GET", "sentinels":
                return {"amounts": {f"{digits:04}": fault for digits, fault in AMOUNTS.items()}}
            case "POST", "clock":
                if "at" in body:
                    stand.clock.set(datetime.fromisoformat(body["at"]))
                elif "skew_s" in body:
                    stand.clock.skew(float(body["skew_s"]))
                else:
                    stand.clock.move(float(body["offset_s"]))
                return {"now": stand.clock.now().isoformat()}
            case "POST", "faults":
                stand.faults.arm(msgspec.convert(body, Armed))
                return {}
            case "DELETE", "faults":
                stand.faults.clear()
                return {}
        return None


def _told(document: Document, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(status, msgspec.json.encode(document))
