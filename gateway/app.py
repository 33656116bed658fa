"""The gateway as a member of the mesh: everything put together, and an HTTP server that starts and stops like the others.

It has no database: it is healthy when it serves, whatever its peers do.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from random import SystemRandom
from typing import Any, Final

import msgspec
import uvicorn

from gateway.backend import DirectBackend, GatheringBackend
from gateway.batching import Gatherer, Limits
from gateway.door import Door
from gateway.http import Response
from gateway.national.envelope import Serials
from gateway.national.face import NationalFace
from gateway.national.transactions import Transactions, known_titles
from gateway.observing import Observer
from gateway.openapi import document
from gateway.origins import Origins
from gateway.partners import Partners
from gateway.reference import comments
from gateway.rest import RestFace
from gateway.shares import Shares
from services import mesh
from services.kernel.clock import Clock
from services.runtime.auth import TokenSigner
from services.runtime.config import Config
from services.runtime.contract import Contract
from services.runtime.identifiers import time_ordered_ids
from services.runtime.outbound import Peers
from services.runtime.server import StartError
from services.runtime.telemetry import Telemetry

Page = Callable[[], Response]

_BACKLOG: Final = 1024
_KEEP_ALIVE_S: Final = 75
_START_LIMIT_S: Final = 10.0
_HTML: Final = "text/html; charset=utf-8"


class HttpServer:
    """The gateway's HTTP port: `start` opens it, `stop` lets running requests end."""

    def __init__(self, door: Door, config: Config, peers: Peers, telemetry: Telemetry) -> None:
        self.name = mesh.GATEWAY
        self._config = config
        self._peers = peers
        self._telemetry = telemetry
        self._host = config.text("YIBAO_GATEWAY_HOST")
        self.port = config.integer("YIBAO_GATEWAY_PORT")
        self._socket: socket.socket | None = None
        self._serving: asyncio.Task[None] | None = None
        settings = uvicorn.Config(
            door,
            loop="none",
            http="httptools",
            ws="none",
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_S,
        )
        self._server = _QuietServer(settings)

    @property
    def address(self) -> str:
        """`host:port`, the real port once started."""
        return f"{self._host}:{self.port}"

    async def start(self) -> None:
        """Opens the port; StartError where it is taken."""
        self._socket = self._bound()
        self.port = self._socket.getsockname()[1]
        self._serving = asyncio.create_task(self._server.serve([self._socket]))
        until = time.monotonic() + _START_LIMIT_S
        while not self._server.started:
            if self._serving.done() or time.monotonic() > until:
                raise StartError(f"gateway did not start to serve on {self.address}")
            await asyncio.sleep(0.005)

    async def stop(self, grace_s: float) -> None:
        """No new requests, a grace for running ones, then the ways to the members are closed."""
        self._server.config.timeout_graceful_shutdown = max(1, round(grace_s))
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
            self._serving = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        await self._peers.close()
        self._telemetry.flush()

    def _bound(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(self._config.integer("YIBAO_WORKERS") > 1))
        try:
            opened.bind((self._host, self.port))
        except OSError:
            opened.close()
            raise StartError(
                f"gateway cannot listen on {self.address}: is another program using that port? "
                "Choose another by YIBAO_GATEWAY_PORT"
            ) from None
        opened.setblocking(False)
        return opened


class _QuietServer(uvicorn.Server):
    """Signals are the program's business, not a member's."""

    def capture_signals(self) -> Any:
        return _Nothing()


class _Nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


async def build(config: Config, clock: Clock, telemetry: Telemetry, signer: TokenSigner) -> HttpServer:
    """The gateway, not yet running. Every codec is compiled here: options that contradict themselves stop the start."""
    contract = Contract.of_mesh()
    peers = Peers(mesh.GATEWAY, config, signer, telemetry)
    direct = DirectBackend(peers)
    limits = Limits(batch=config.integer("YIBAO_MAX_BATCH"), queue=config.integer("YIBAO_MAX_QUEUE"))
    backend = GatheringBackend(
        direct, contract, lambda unary, batch: Gatherer(unary, batch, direct, peers, telemetry, limits)
    )
    chance = SystemRandom()
    partners = Partners(direct, contract, config.sandbox, time.monotonic)
    shares = Shares(config.integer("YIBAO_MAX_CONCURRENT_RPCS"))
    observer = Observer(telemetry)
    table = Transactions(contract, known_titles())
    serials = Serials(chance.getrandbits(64))
    new_id = time_ordered_ids(clock, chance)
    national = NationalFace(table, partners, shares, backend, observer, clock, serials, new_id, config.sandbox)
    rest = RestFace(contract, partners, shares, backend, observer, config.sandbox)
    door = Door(
        national,
        rest,
        _pages(rest, table),
        clock,
        config.integer("YIBAO_MAX_MESSAGE_BYTES"),
        shares.admitted,
        Origins(config.text("YIBAO_ALLOWED_ORIGINS"), config.sandbox),
    )
    return HttpServer(door, config, peers, telemetry)


def _pages(rest: RestFace, table: Transactions) -> Mapping[str, Page]:
    """The fixed answers to GET; the specification is made when it is first asked for."""

    @cache
    def specification() -> Response:
        described = document(rest.routes, table, comments.load(), version("yibao-mesh"))
        return Response(200, msgspec.json.encode(described))

    page = Response(200, files("gateway.reference").joinpath("page.html").read_bytes(), _HTML)
    health = Response(200, b'{"status":"SERVING"}')
    return {
        "/openapi.json": specification,
        "/": lambda: page,
        "/docs": lambda: page,
        "/healthz": lambda: health,
    }
