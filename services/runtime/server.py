"""One member as a running gRPC server: its chain, health that follows its own store, reflection, a start that explains itself.

A peer that is away never makes a member unhealthy. A port that cannot be opened is an error that names port, cause and setting.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services import mesh
from services.kernel.clock import Clock, system_clock
from services.runtime import keys
from services.runtime.auth import TokenSigner
from services.runtime.call import Caller
from services.runtime.config import Config
from services.runtime.contract import Contract
from services.runtime.inbound import Inbound
from services.runtime.listening import place_at
from services.runtime.loops import next_beat
from services.runtime.self_report import SERVICE, RuntimeServicer, SelfReport, StoreState
from services.runtime.telemetry import Telemetry
from services.runtime.transport import server_credentials, server_options, trunk_socket
from services.runtime.trunk_door import SocketDoor
from services.runtime.trunk_served import Trunks
from yibao.runtime.v1 import runtime_pb2_grpc

AddToServer = Callable[[Any, Any], None]
Hook = Callable[[], Awaitable[None]]

_HEALTH_EVERY_S: Final = 1.0


class StartError(Exception):
    """A member cannot start; the text says what to change."""


class MemberServer:
    """A member of the mesh. `start` opens its port, `stop` lets running calls end.

    `on_start` runs before the port opens (the store is opened there), `on_stop` after the last call ended. `ready` says
    whether the own store answers, and `store` more of it; `is_foreign` is `Admission`'s. Health follows the member's own facts.
    """

    def __init__(
        self,
        member: mesh.Member | str,
        config: Config,
        telemetry: Telemetry,
        servicers: Sequence[tuple[AddToServer, Any]],
        on_start: Hook | None = None,
        on_stop: Hook | None = None,
        ready: Callable[[], Awaitable[bool]] | None = None,
        *,
        store: StoreState | None = None,
        signer: TokenSigner | None = None,
        clock: Clock = system_clock,
        is_foreign: Callable[[Caller], bool] = lambda caller: False,
    ) -> None:
        self.member = mesh.member(member) if isinstance(member, str) else member
        self.name = self.member.name
        self.seat = mesh.seat_name(self.name, config.cell)
        self.telemetry = telemetry
        self._config = config
        self._on_start = on_start
        self._on_stop = on_stop
        self._health = health.aio.HealthServicer()
        self._told: int | None = None
        self._watch: asyncio.Task[None] | None = None
        self._server: grpc.aio.Server | None = None
        self._door: SocketDoor | None = None
        self.address = config.address(self.name)
        known = signer or TokenSigner(keys.load(config).of(self.seat), clock)
        contract = Contract.load((*self.member.services, SERVICE))
        self._report = SelfReport(self.seat, telemetry.metrics, config.integer("YIBAO_WORKERS"), ready, store)
        self.inbound = Inbound(self.seat, contract, config, telemetry, known, clock, is_foreign)
        report = (runtime_pb2_grpc.add_RuntimeServiceServicer_to_server, RuntimeServicer(self._report))
        collector: Any = _Collector(self.inbound)
        for add, servicer in (*servicers, report):
            add(servicer, collector)
        self._trunks = Trunks(
            self.inbound.serve,
            lambda token: known.verify(token).role,
            config.integer("YIBAO_MAX_CONCURRENT_RPCS"),
            config.integer("YIBAO_MAX_MESSAGE_BYTES"),
        )

    async def start(self) -> None:
        """Opens the store, then the port; StartError where the port cannot be opened. What a start that fails has opened is
        closed as a stop closes it.
        """
        try:
            if self._on_start is not None:
                await self._on_start()
            self._server = self._made_server()
            await self._server.start()
            self._door = self._made_door()
            if self._door is not None:
                await self._door.open()
        except BaseException:
            await self._shut(0)
            if self._on_stop is not None:
                await self._on_stop()
            raise
        self._report.loop.start()
        await self._tell_health()
        self._watch = asyncio.create_task(self._follow_health())
        self._config.placement.place(self.seat, self.inbound)

    async def stop(self, grace_s: float) -> None:
        """NOT_SERVING, no new calls, a grace for running ones, then the store is closed and the spans are written."""
        self._config.placement.remove(self.seat)
        await self._health.enter_graceful_shutdown()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        self._report.loop.stop()
        self.inbound.streams.drain()
        self._trunks.drain()
        await self._shut(grace_s)
        await self.inbound.lasting.idle(grace_s)
        if self._on_stop is not None:
            await self._on_stop()
        self.telemetry.flush()

    async def _shut(self, grace_s: float) -> None:
        """Closes both ways in at the same time, each with this grace for what is under way."""
        ways: list[Awaitable[None]] = []
        if self._server is not None:
            ways.append(self._server.stop(grace_s))
        if self._door is not None:
            ways.append(self._door.close(grace_s))
        self._server = self._door = None
        await asyncio.gather(*ways)

    def _made_server(self) -> grpc.aio.Server:
        shared = self._config.integer("YIBAO_WORKERS") > 1
        server = grpc.aio.server(
            options=server_options(self._config, shared_port=shared),
            maximum_concurrent_rpcs=self._config.integer("YIBAO_MAX_CONCURRENT_RPCS"),
        )
        # By name only: for each registered method a server of grpc.aio keeps a task that it looks at on every call.
        for service, handlers in self.inbound.handlers().items():
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, dict(handlers)),))
        server.add_generic_rpc_handlers((self._trunks.handler(),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = (*self.member.services, SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        credentials = server_credentials(self._config, self.address)
        try:
            port = (
                server.add_secure_port(self.address, credentials)
                if credentials
                else server.add_insecure_port(self.address)
            )
        except RuntimeError:
            # gRPC does not say why: the system is asked again.
            place = place_at(self.seat, self.address, self._config.named(f"YIBAO_{self.name.upper()}_ADDRESS"))
            raise StartError(place.told(place.probed(shared=shared))) from None
        self.address = f"{self.address.rpartition(':')[0]}:{port}"
        return server

    def _made_door(self) -> SocketDoor | None:
        """None where several processes serve this member: gRPC spreads callers over them."""
        place = None if self._config.integer("YIBAO_WORKERS") > 1 else trunk_socket(self._config, self.address)
        if place is None:
            return None
        limit_bytes = self._config.integer("YIBAO_MAX_MESSAGE_BYTES")
        return SocketDoor(place, self._trunks, limit_bytes, logging.getLogger(f"yibao.{self.seat}"))

    async def _follow_health(self) -> None:
        while True:
            now_s = asyncio.get_running_loop().time()
            await asyncio.sleep(next_beat(now_s, _HEALTH_EVERY_S) - now_s)
            await self._tell_health()

    async def _tell_health(self) -> None:
        serving = not any(fact.reason for fact in await self._report.facts())
        state = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        if state == self._told:
            return
        for name in ("", *self.member.services):
            await self._health.set(name, state)
        self._told = state


class _Collector:
    """What generated code takes for a server: it hands every method of a servicer to the member's chain."""

    def __init__(self, inbound: Inbound) -> None:
        self._inbound = inbound

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Everything comes by name as well, below."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        for name, handler in handlers.items():
            behaviour = handler.unary_unary
            if behaviour is None:
                # A stream is served by the unary method whose form it is.
                continue
            # The generated base class answers UNIMPLEMENTED for what the servicer leaves out; so does a method never added.
            if not behaviour.__func__.__module__.endswith("_pb2_grpc"):
                self._inbound.add(f"/{service}/{name}", behaviour)
