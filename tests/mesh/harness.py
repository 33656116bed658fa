"""A whole mesh in this process for tests: real members on loopback ports with SQLite files in a folder, and a small seeded world.

    async with started_mesh(folder) as mesh:
        await seed_world(mesh)
        answer = await mesh.call("yibao.identity.v1.PersonService.GetPerson", GetPersonRequest(psn_no=person(1).psn_no))

It knows members by the mesh table only and reads no store.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf.message import Message

from services import cells
from services import mesh as table
from services.kernel.clock import BEIJING, Clock
from services.runtime.auth import TokenSigner
from services.runtime.call import BUSINESS_DATE_KEY, CALLER_KEY, Caller, Role
from services.runtime.config import Config
from services.runtime.contract import Contract, MethodContract
from services.runtime.embedded import Build, EmbeddedMesh, Startable, imported_build
from services.runtime.keys import Keys
from services.runtime.status import from_rpc_error
from services.runtime.telemetry import Telemetry
from services.runtime.trace_store import TraceStore
from tests.mesh.seeds import OPERATOR, seed_requests
from tests.tokens import Tokens
from tools.running import HOST, ports_of

MESH_KEY: Final = "a key of tests only, 32 bytes or more"
OPERATOR_KEY: Final = "the first operator key of the tests"
BEGIN: Final = datetime(2026, 6, 10, 2, 0, tzinfo=UTC)
"""The moment at which a test's mesh wakes up, 10:00 in Beijing."""

OPERATOR_CALLER: Final = Caller(Role.OPERATOR, OPERATOR, sandbox=True)
Metadata = tuple[tuple[str, str], ...]


def ticking_clock(begin: datetime = BEGIN) -> Clock:
    """A clock that shows `begin` now and runs on at the machine's pace."""
    started = datetime.now(UTC)
    return lambda: begin + (datetime.now(UTC) - started)


class MovableClock:
    """The machine's clock, moved: it runs on at the machine's pace from wherever it was set."""

    def __init__(self, begin: datetime) -> None:
        self._ahead = begin - datetime.now(begin.tzinfo)

    def __call__(self) -> datetime:
        return datetime.now(BEIJING).astimezone() + self._ahead

    def forward(self, **delta: float) -> None:
        """Moves on by a time, or back."""
        self._ahead += timedelta(**delta)

    def set(self, moment: datetime) -> None:
        """Shows this moment now."""
        self._ahead = moment - datetime.now(moment.tzinfo)


@dataclass(slots=True)
class Mesh:
    """A running mesh; `url` is the gateway's, "" where no gateway was started."""

    config: Config
    tokens: Tokens
    clock: Clock
    url: str
    contract: Contract
    telemetries: list[Telemetry]
    keys: Keys
    members: tuple[str, ...] = ()
    channels: dict[str, grpc.aio.Channel] = field(default_factory=dict)
    stubs: dict[str, Any] = field(default_factory=dict)

    async def call(
        self,
        method: str,
        request: Message,
        *,
        caller: Caller | None = OPERATOR_CALLER,
        business_date: date | None = None,
        deadline_s: float = 30.0,
    ) -> Any:
        """Calls a member over gRPC; a refusal is raised as its Fault, a bug as InternalError. Without a caller: no token."""
        contract = self.contract.method(method)
        metadata = self.metadata(contract.member, caller, business_date)
        answer = await self.send(contract, request.SerializeToString(), metadata, deadline_s)
        return contract.response_class.FromString(answer)

    async def send(self, method: MethodContract, message: bytes, metadata: Metadata, deadline_s: float) -> bytes:
        """The same on bytes, with metadata as given; the stream form of a method is a stream of one message."""
        stub = self.stubs.get(method.path)
        if stub is None:
            channel = self.channel(method.member)
            made: Any = channel.stream_stream if method.stream_of else channel.unary_unary
            stub = self.stubs[method.path] = made(method.path)
        try:
            if method.stream_of:
                (answer,) = [each async for each in stub(iter([message]), metadata=metadata, timeout=deadline_s)]
            else:
                answer = await stub(message, metadata=metadata, timeout=deadline_s)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, method.member) from None
        return bytes(answer)

    def channel(self, member: str) -> grpc.aio.Channel:
        """The way to a member."""
        channel = self.channels.get(member)
        if channel is None:
            channel = self.channels[member] = grpc.aio.insecure_channel(self.config.address(member))
        return channel

    def metadata(self, member: str, caller: Caller | None, business_date: date | None = None) -> Metadata:
        """Token and business date as a call to a member carries them."""
        token = ((CALLER_KEY, self.tokens.sign(caller, member)),) if caller else ()
        return (*token, (BUSINESS_DATE_KEY, business_date.isoformat())) if business_date else token

    def traces(self) -> TraceStore:
        """Every span that has ended until now."""
        for telemetry in self.telemetries:
            telemetry.flush()
        return TraceStore(self.config.trace_file)


@asynccontextmanager
async def started_mesh(
    data_dir: Path,
    *,
    clock: Clock | None = None,
    overrides: Mapping[str, str] | None = None,
    members: Sequence[str] = (),
) -> AsyncIterator[Mesh]:
    """Starts all members (or those named) as a sandbox; settings in `overrides` win."""
    ticking = clock or ticking_clock()
    named = (overrides or {}).get("YIBAO_CELLS", cells.SANDBOX)
    config = Config.load({}, _settings(data_dir, named.split(",")) | dict(overrides or {}))
    telemetries: list[Telemetry] = []

    def build_of(member: table.Member) -> Build:
        async def build(config: Config, clock: Clock, telemetry: Telemetry, signer: TokenSigner) -> Startable:
            telemetries.append(telemetry)
            made: Any = imported_build(member)(config, clock, telemetry, signer)
            server: Startable = await made if inspect.isawaitable(made) else made
            return server

        return build

    names = tuple(members) or table.names()
    embedded = EmbeddedMesh(config, names, ticking, build_of)
    await embedded.start()
    url = f"http://{HOST}:{config.integer('YIBAO_GATEWAY_PORT')}" if table.GATEWAY in names else ""
    tokens = Tokens(embedded.keys, ticking, config.cell)
    running = Mesh(config, tokens, ticking, url, Contract.of_mesh(), telemetries, embedded.keys, names)
    try:
        yield running
    finally:
        for channel in running.channels.values():
            await channel.close()
        await embedded.stop(1.0)


def in_cell(mesh: Mesh, cell: str) -> Mesh:
    """The same mesh, as it is called in another of its cells."""
    tokens = Tokens(mesh.keys, mesh.clock, cell)
    return Mesh(
        mesh.config.of_cell(cell), tokens, mesh.clock, "", mesh.contract, mesh.telemetries, mesh.keys, mesh.members
    )


async def seed_world(mesh: Mesh, persons: int = 3) -> None:
    """Publishes the small world of `tests.mesh.seeds`: catalogue, policies, `persons` people with ledgers, partners.

    What belongs to a member that was not started is left out.
    """
    for method, request in seed_requests(persons):
        if mesh.contract.method(method).member in mesh.members:
            await mesh.call(method, request)


def _settings(data_dir: Path, codes: Sequence[str]) -> dict[str, str]:
    values = {
        "YIBAO_SANDBOX": "on",
        "YIBAO_DATA_DIR": str(data_dir),
        "YIBAO_MESH_KEY": MESH_KEY,
        "YIBAO_BOOTSTRAP_OPERATOR_KEY": OPERATOR_KEY,
        # All that members say to each other goes over the network here, as between processes.
        "YIBAO_PLACEMENT": "grpc",
    }
    return values | ports_of(codes) | {"YIBAO_OPERATIONS_PORT": "0"}
