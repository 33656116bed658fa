"""The desk: a member with one service in which every option of the contract occurs, and callers of every role.

It stands in for any member: the runtime may not know more of one than its protos say.
"""

# ruff: noqa: N802  # methods are named as the RPCs are
from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import grpc
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services import mesh
from services.kernel.elsewhere import cell_unavailable
from services.kernel.errors import Fault, FaultKind, not_found
from services.runtime import keys
from services.runtime.batch import one_by_one, serve_batch
from services.runtime.call import CALLER_KEY, CallContext, Caller, Role, current_call
from services.runtime.circuits import Circuits
from services.runtime.config import Config
from services.runtime.contract import Contract, stub_class
from services.runtime.outbound import Peers
from services.runtime.server import MemberServer
from services.runtime.status import from_rpc_error
from services.runtime.telemetry import Telemetry
from tests.tokens import Tokens

SERVICE = "runtimetest.v1.DeskService"
MEMBER = mesh.Member("identity", 0, (SERVICE,))
NOON = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)
SECRET_TEXT = "the name of a person"

INSTITUTION = Caller(Role.INSTITUTION, "H99010000001", sandbox=True)
OPERATOR = Caller(Role.OPERATOR, "OP1", sandbox=True)
GATEWAY = Caller(Role.SERVICE, "gateway", sandbox=True)
SETTLEMENT = Caller(Role.SERVICE, "settlement", sandbox=True)
INTERNAL = Caller(Role.SERVICE, "internal", sandbox=True)


def clock() -> datetime:
    """Noon in Beijing, always."""
    return NOON


def messages() -> Any:
    """The generated messages of the desk."""
    return importlib.import_module("runtimetest.v1.desk_pb2")


@dataclass
class DeskServicer:
    """Answers by the note that it is asked for, and remembers the calls it was given."""

    calls: list[CallContext] = field(default_factory=list)
    away: int = 0
    later_s: float = 1.0
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    async def Look(self, request: Any, context: object) -> Any:
        """A note, a refusal, a bug or a long wait; out of reach as often as `away` says."""
        return await self._look(request)

    async def Write(self, request: Any, context: object) -> Any:
        """Only comes and goes."""
        self._come_and_go()
        return messages().WriteResponse()

    async def Ring(self, request: Any, context: object) -> Any:
        """As Write."""
        self._come_and_go()
        return messages().RingResponse()

    async def Plant(self, request: Any, context: object) -> Any:
        """Exists in the sandbox."""
        self.calls.append(current_call())
        return messages().PlantResponse()

    async def BatchLook(self, request: Any, context: object) -> Any:
        """Look over a list."""
        return await serve_batch(
            request, messages().BatchLookResponse(), handle=one_by_one(lambda item: self._look(item.request))
        )

    async def _look(self, request: Any) -> Any:
        self._come_and_go()
        match request.note:
            case "absent":
                raise not_found("NOTE_NOT_FOUND", note=request.note)
            case "bug":
                raise KeyError(SECRET_TEXT)
            case "cut":
                # What a member tells whose peer had as long as the caller himself.
                await asyncio.sleep(min(0.05, current_call().remaining_s() or 0))
                raise cell_unavailable("370100")
            case "slow":
                self.waiting.set()
                try:
                    await asyncio.wait_for(self.release.wait(), 30)
                except asyncio.CancelledError:
                    self.cancelled.set()
                    raise
        return messages().LookResponse(said=f"{request.note}!", setl_id="S1")

    def _come_and_go(self) -> None:
        self.calls.append(current_call())
        if self.away:
            self.away -= 1
            raise Fault(FaultKind.UNAVAILABLE, "STORE_UNAVAILABLE", retry_after_s=self.later_s)


@dataclass
class Running:
    """The running desk, its spans, and a peer that may call it."""

    config: Config
    servicer: DeskServicer
    server: MemberServer
    tokens: Tokens
    spans_of_desk: InMemorySpanExporter
    spans_of_caller: InMemorySpanExporter
    peers: Peers
    telemetry: Telemetry
    channel: grpc.aio.Channel

    async def stop(self) -> None:
        """Closes all."""
        await self.channel.close()
        await self.peers.close()
        await self.server.stop(0)
        self.server.telemetry.stop()
        self.telemetry.stop()

    @asynccontextmanager
    async def seen_from(
        self, member: str, circuits: Circuits | None = None, circuits_to: frozenset[str] | None = None
    ) -> AsyncIterator[Peers]:
        """The peers of another member that may call the desk."""
        reached = Config(
            {**self.config.values, "YIBAO_IDENTITY_ADDRESS": self.server.address}, placement=self.config.placement
        )
        peers = Peers(
            *(member, reached, self.tokens.signer(member), self.telemetry), circuits=circuits, circuits_to=circuits_to
        )
        try:
            yield peers
        finally:
            await peers.close()

    @property
    def stub(self) -> Any:
        """The stub that the caller's peers give."""
        return self.peers.stub(stub_class(SERVICE), "identity")

    async def raw(
        self,
        method: str,
        message: Any,
        caller: Caller | None = None,
        timeout_s: float = 5,
        via: str = "",
        **metadata: str,
    ) -> bytes:
        """Calls past `Peers`, as any gRPC client may: bytes, own metadata; raises what came back as a Fault."""
        pairs = [(key.replace("_", "-"), value) for key, value in metadata.items()]
        if caller is not None:
            pairs.append((CALLER_KEY, self.tokens.sign(caller, "identity", via)))
        body = message if isinstance(message, bytes) else message.SerializeToString()
        call: Any = self.channel.unary_unary(f"/{SERVICE}/{method}")
        try:
            answer: bytes = await call(body, metadata=tuple(pairs), timeout=timeout_s)
            return answer
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, "identity") from None

    def desk_spans(self, name: str = "") -> list[ReadableSpan]:
        """Ended spans of the desk, of one name."""
        self.server.telemetry.flush()
        return [span for span in self.spans_of_desk.get_finished_spans() if span.name.endswith(name)]

    def caller_spans(self) -> list[ReadableSpan]:
        """Ended spans of the caller."""
        self.telemetry.flush()
        return list(self.spans_of_caller.get_finished_spans())


def look(note: str = "hello", institution: str = INSTITUTION.subject, **fields: Any) -> Any:
    """A request of Look."""
    made = messages().LookRequest(note=note, **fields)
    made.desk.fixmedins_code = institution
    return made


def contract() -> Contract:
    """What the protos say of the desk."""
    return Contract.load((SERVICE,))


async def start(settings: Mapping[str, str]) -> Running:
    """Starts the desk with these settings."""
    config = Config.load(settings)
    tokens = Tokens(keys.load(config), clock)
    spans_of_desk, spans_of_caller = InMemorySpanExporter(), InMemorySpanExporter()
    servicer = DeskServicer()
    add = importlib.import_module("runtimetest.v1.desk_pb2_grpc").add_DeskServiceServicer_to_server
    server = MemberServer(
        MEMBER,
        config,
        Telemetry("identity", config, spans_of_desk),
        [(add, _complete(servicer))],
        signer=tokens.signer("identity"),
        clock=clock,
    )
    await server.start()
    telemetry = Telemetry("settlement", config, spans_of_caller)
    callers = Config.load({**settings, "YIBAO_IDENTITY_ADDRESS": server.address})
    callers = Config(callers.values, config.placement)
    peers = Peers("settlement", callers, tokens.signer("settlement"), telemetry)
    channel = grpc.aio.insecure_channel(server.address)
    return Running(config, servicer, server, tokens, spans_of_desk, spans_of_caller, peers, telemetry, channel)


def _complete(servicer: DeskServicer) -> Any:
    """The servicer on top of the generated base, which answers for the method that the desk leaves out."""
    base = importlib.import_module("runtimetest.v1.desk_pb2_grpc").DeskServiceServicer
    made = type("Desk", (DeskServicer, base), {})()
    made.__dict__ = servicer.__dict__
    return made
