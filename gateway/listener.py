"""One HTTP port of the gateway: why it cannot be opened is told with its setting; closed with a grace for what runs."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from typing import Any, Final

import uvicorn

from gateway.connections import Connections, guarded
from services import mesh
from services.runtime.listening import Place
from services.runtime.logs import write
from services.runtime.server import StartError

_BACKLOG: Final = 1024
_KEEP_ALIVE_S: Final = 75
LEAST_GRACE_S: Final = 1.0
"""Answers that run have so long in any case."""
_START_LIMIT_S: Final = 10.0
# Between two looks whether it serves, or whether all have left: each pause is twice the one before.
_FIRST_LOOK_S: Final = 0.001
_LAST_LOOK_S: Final = 0.1


class Listener:
    """Serves an ASGI application; `settings` are those that choose another host and another port.

    Workers may share the port, or each take the first free one of `ports` in a row: `place` says which that was.
    """

    def __init__(
        self,
        app: Any,
        connections: Connections,
        host: str,
        port: int,
        settings: tuple[str, str],
        *,
        shared: bool = False,
        ports: int = 1,
    ) -> None:
        self.host = host
        self.port = port
        self.place = 0
        self._ports = ports if port else 1
        self._settings = settings
        self._shared = shared
        self._socket: socket.socket | None = None
        self._serving: asyncio.Task[None] | None = None
        # Its type says a class; what it is given is called as one.
        protocol: Any = guarded(connections)
        served = uvicorn.Config(
            app,
            loop="none",
            http=protocol,
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
        self._server = _QuietServer(served)

    @property
    def address(self) -> str:
        """`host:port`, the real port once started."""
        return f"{self.host}:{self.port}"

    async def start(self) -> None:
        """Opens the port; StartError where that cannot be done."""
        self._socket = self._bound()
        self.port = self._socket.getsockname()[1]
        self._serving = asyncio.create_task(self._server.serve([self._socket]))
        until = time.monotonic() + _START_LIMIT_S
        while not self._server.started:
            if self._serving.done() or time.monotonic() > until:
                raise StartError(f"gateway did not start to serve on {self.address}")
            await asyncio.sleep(_FIRST_LOOK_S)

    async def stop(self, grace_s: float) -> None:
        """No new requests, a grace for running ones."""
        self._server.leave(max(LEAST_GRACE_S, grace_s))
        if self._serving is not None:
            await self._serving
            self._serving = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _bound(self) -> socket.socket:
        host_setting, port_setting = self._settings
        for place in range(self._ports):
            wanted = Place(mesh.GATEWAY, self.host, self.port + place, port_setting, host_setting)
            try:
                opened = wanted.opened(shared=self._shared, backlog=_BACKLOG)
            except OSError as error:
                # Workers take the first free port of a row; no other one helps against any other cause.
                if error.errno == errno.EADDRINUSE and place + 1 < self._ports:
                    continue
                raise StartError(wanted.told(error)) from None
            opened.setblocking(False)
            self.place = place
            return opened
        raise AssertionError("unreachable: there is at least one port")


class _QuietServer(uvicorn.Server):
    """Signals are the program's business, not a member's. Where uvicorn looks ten times a second whether it shall end, and waits
    as long for whoever has left, this one is told and looks soon: closing a port takes milliseconds.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._left = asyncio.Event()
        self._grace_s = LEAST_GRACE_S

    def leave(self, grace_s: float) -> None:
        """It shall end; answers that run have so long."""
        self._grace_s, self.should_exit = grace_s, True
        self._left.set()

    def capture_signals(self) -> Any:
        return _Nothing()

    async def main_loop(self) -> None:
        """What uvicorn does each second changes nothing here, without a date header: once is enough."""
        await self.on_tick(0)
        await self._left.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """No new connections; idle ones end; answers that run have their grace and are then cut off."""
        state = self.server_state
        for opened in (*self.servers, *(sockets or ())):
            opened.close()
        for connection in list(state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(self._grace_s):
                await self._empty()
        except TimeoutError:
            fields = {"member": mesh.GATEWAY, "answers": len(state.tasks)}
            write(logging.getLogger("yibao.gateway"), logging.WARNING, "answers cut off", fields)
            for task in state.tasks:
                task.cancel()

    async def _empty(self) -> None:
        pause_s = _FIRST_LOOK_S
        while self.server_state.connections or self.server_state.tasks:
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LAST_LOOK_S)
        for server in self.servers:
            await server.wait_closed()


class _Nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None
