"""The mesh that is measured: started on SQLite or PostgreSQL as its users start it, in one process or in several, and asked.

Only settings of the mesh are set; nothing in it knows that it is measured.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf.message import Message

from services import mesh
from services.runtime.auth import TokenSigner
from services.runtime.call import CALLER_KEY, Caller, Role
from services.runtime.contract import Contract
from services.runtime.keys import Keys
from tools import postgres, running
from tools.bench.books import Books, PostgresBooks, SqliteBooks
from tools.bench.world import catalogue_folder

SQLITE, POSTGRESQL = "sqlite", "postgresql"
LAYOUTS: Mapping[str, tuple[str, ...]] = {
    "all": ("all",),
    "single": ("all", "--single"),
    "split": ("all", "--split"),
}
"""How the mesh is started, by name of the layout: as `make up` starts it (gateways beside the members, each further cell and then
routing by itself), all in one process, each member in its own.
"""

POSTGRES_SETTINGS: Mapping[str, str] = {"shared_buffers": "1GB", "max_wal_size": "4GB"}
"""The rest is as the server has it: fsync, full_page_writes and synchronous_commit are on."""

OPERATOR: Final = Caller(Role.OPERATOR, "bench", sandbox=True)
ROOT = Path(__file__).resolve().parents[2]
_CALL_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Choice:
    """How the mesh is run."""

    database: str = SQLITE
    trace_ratio: float = 0.05
    layout: str = "all"
    settings: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        more = "".join(f", {name}={value}" for name, value in self.settings.items())
        return f"{self.database}, {self.trace_ratio:.0%} of traces, layout {self.layout}{more}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where databases are: a folder of files, or a server."""

    folder: Path
    server: postgres.Server | None

    def database(self, name: str) -> tuple[str, Books]:
        """A database of that name, made where a server has none yet."""
        if self.server is None:
            path = self.folder / f"{name}.sqlite"
            return f"sqlite:///{path}", SqliteBooks(path)
        self.server.create(f"bench_{name}")
        url = self.server.url(f"bench_{name}", driver="postgresql")
        return url, PostgresBooks(url)

    @property
    def server_pids(self) -> list[int]:
        """The server's first process."""
        if self.server is None:
            return []
        return [int((self.server.folder / "data" / "postmaster.pid").read_text(encoding="ascii").split()[0])]


@dataclass(slots=True)
class Subject:
    """A running mesh."""

    choice: Choice
    port: int
    start_s: float
    process: subprocess.Popen[bytes]
    place: Place
    books: Books
    config: Mapping[str, str]
    contract: Contract
    signer: TokenSigner
    channels: dict[str, grpc.Channel] = field(default_factory=dict)

    @property
    def pids(self) -> list[int]:
        """Root of the mesh's process tree."""
        return [self.process.pid]

    @property
    def serving_pids(self) -> list[int]:
        """The same and the database server's."""
        return [*self.pids, *self.place.server_pids]

    def call(self, method: str, request: Message, caller: Caller = OPERATOR) -> Any:
        """Asks a member, as an operator where nobody else is named; raises grpc.RpcError for a refusal."""
        contract = self.contract.method(method)
        channel = self.channels.get(contract.member)
        if channel is None:
            address = self.config[f"YIBAO_{contract.member.upper()}_ADDRESS"]
            channel = self.channels[contract.member] = grpc.insecure_channel(
                address, [("grpc.max_receive_message_length", 64 << 20)]
            )
        token = self.signer.sign(caller, contract.member)
        stub: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(contract.path)
        answer = stub(request.SerializeToString(), metadata=((CALLER_KEY, token),), timeout=_CALL_TIMEOUT_S)
        return contract.response_class.FromString(answer)

    def close(self) -> None:
        """Closes what `call` opened."""
        for channel in self.channels.values():
            channel.close()


@contextmanager
def started(choice: Choice) -> Iterator[Subject]:
    """A mesh of its own for the length of a block, its data removed afterwards."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="yibao-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = None if choice.database == SQLITE else stack.enter_context(postgres.running(POSTGRES_SETTINGS))
        place = Place(folder, server)
        databases = {member.name: place.database(member.name) for member in mesh.MESH if member.has_store}
        key = secrets.token_hex(32)
        values = {
            **running.settings(folder, secrets.token_hex(16), own_ports=True),
            **{f"YIBAO_{name.upper()}_DATABASE_URL": url for name, (url, _) in databases.items()},
            "YIBAO_MESH_KEY": key,
            "YIBAO_TRACE_RATIO": str(choice.trace_ratio),
            "YIBAO_CATALOGUE_FILES": str(catalogue_folder()),
            "YIBAO_LOG_LEVEL": "info",
            **choice.settings,
        }
        begun = time.perf_counter()
        process = running.start(values, arguments=LAYOUTS[choice.layout]).process
        stack.callback(running.stop, process)
        subject = Subject(
            choice,
            int(values["YIBAO_GATEWAY_PORT"]),
            time.perf_counter() - begun,
            process,
            place,
            databases["settlement"][1],
            values,
            Contract.of_mesh(),
            TokenSigner(Keys.of_mesh_key(key).of("cli"), lambda: datetime.now(UTC)),
        )
        yield subject
        subject.close()
