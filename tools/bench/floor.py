"""The floor: the same hops and the same rows as a settlement, without any of its logic.

    python -m tools.bench.floor FILE             the two gRPC servers; prints where the first listens
    python -m tools.bench.floor FILE HOST:PORT   the HTTP side before them, a process of its own as the gateway is one

HTTP in, gathered into a gRPC call of up to 64, one gRPC call from there to a third server, one transaction that inserts the
rows of a real settlement under other names and marks its fee batch, canned answers back. Nothing is decoded, checked, read
or computed: what the mesh takes beyond this is the price of what it does.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import grpc
import msgspec
import uvicorn
import uvloop

from services.runtime.committer import Committer
from services.runtime.db import Database, insert_statement
from services.settlement.store.keyed import fetch_keyed, keys_from
from services.settlement.store.tables import ACCUMULATOR_ENTRY, METADATA, POSTING, SETTLEMENT
from tools.bench.moulds import Names, RowMould

READY: Final = "floor is ready "
SETTLE, VERIFY = "/bench.Floor/Settle", "/bench.Floor/Verify"
_ROWS: Final = (SETTLEMENT, ACCUMULATOR_ENTRY, POSTING)
_GATHERED: Final = 64


Call = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Canned:
    """What the floor answers and writes: taken from one settlement of the mesh.

    `names` are those that its rows carry, its own number last; in every copy all of them are others. `fee_batches` are
    marked one after the other.
    """

    url: str
    port: int
    answer: bytes
    item_bytes: int
    rows: dict[str, list[list[Any]]]
    names: tuple[str, ...]
    fee_batches: list[str]


class FloorStore:
    """The member with the database."""

    def __init__(self, canned: Canned) -> None:
        self._database = Database(canned.url, lambda: datetime.now(UTC))
        self._moulds = {table.name: [RowMould(row, canned.names) for row in canned.rows[table.name]] for table in _ROWS}
        self._lengths = [len(name) for name in canned.names]
        self._fee_batches = canned.fee_batches
        self._serial = 0
        dialect = self._database.dialect
        self._inserts = {
            table.name: insert_statement(table, dialect, [column.name for column in table.columns]) for table in _ROWS
        }
        self._mark = (
            f"UPDATE fee_batch SET state = 'settled', setl_id = k1 FROM {keys_from(dialect, 2)}"
            " WHERE fee_batch_id = k0 AND state = 'open' RETURNING fee_batch_id"
        )

    async def start(self) -> None:
        """Opens the database."""
        await self._database.start(METADATA)

    async def commit(self, items: Sequence[bytes]) -> list[bytes]:
        """Writes the rows of all items in one transaction."""
        rows: dict[str, list[list[Any]]] = {table.name: [] for table in _ROWS}
        marks: list[tuple[str, str]] = []
        for _ in items:
            serial, self._serial = self._serial, self._serial + 1
            names = Names.of([f"{serial:0{length}d}" for length in self._lengths])
            for table, moulds in self._moulds.items():
                rows[table].extend(mould.fill(names) for mould in moulds)
            marks.append((self._fee_batches[serial], names.texts[-1]))
        async with self._database.driver_write() as connection:
            for table_name, found in rows.items():
                await connection.insert(self._inserts[table_name], found)
            await fetch_keyed(connection, self._mark, 2, marks)
        return list(items)


class FloorDoor:
    """The HTTP side, an ASGI application."""

    def __init__(self, canned: Canned, channel: grpc.aio.Channel) -> None:
        self._call: Call = channel.unary_unary(SETTLE)
        self._answer = canned.answer
        self._headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(canned.answer)).encode()),
        ]
        self._item_bytes = canned.item_bytes
        # One under way: the gateway begins a second beside it when sixteen wait, and here so many never do.
        self._gather = Committer("floor", self._send, max_batch=_GATHERED)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """One request."""
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        await self._gather.submit(body)
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._answer})

    async def _send(self, bodies: Sequence[bytes]) -> Sequence[bytes]:
        # The length of a protobuf item, not of its JSON.
        answer: bytes = await self._call(b"".join(body[: self._item_bytes].ljust(self._item_bytes) for body in bodies))
        assert len(answer) == self._item_bytes * len(bodies)
        return bodies


async def serve_members(canned: Canned) -> None:
    """Runs both gRPC servers until the process ends; a line says where the first listens."""
    store = FloorStore(canned)
    await store.start()
    committer = Committer("floor", store.commit)
    size = canned.item_bytes
    servers = [grpc.aio.server(options=[("grpc.so_reuseport", 0)]) for _ in range(2)]
    identity = await _listening(servers[0], VERIFY, _echo)
    to_identity: Call = grpc.aio.insecure_channel(identity).unary_unary(VERIFY)

    async def settle(request: bytes, _context: Any) -> bytes:
        verified: bytes = await to_identity(request)
        items = [verified[place : place + size] for place in range(0, len(verified), size)]
        return b"".join(await asyncio.gather(*map(committer.submit, items)))

    print(READY + await _listening(servers[1], SETTLE, settle), flush=True)
    await servers[1].wait_for_termination()


async def serve_door(canned: Canned, settlement: str) -> None:
    """Runs the HTTP side until the process ends; a line says when it listens."""
    door = FloorDoor(canned, grpc.aio.insecure_channel(settlement))
    config = uvicorn.Config(
        door, host="127.0.0.1", port=canned.port, loop="none", http="httptools", ws="none", interface="asgi3",
        lifespan="off", log_config=None, access_log=False, proxy_headers=False, server_header=False, date_header=False,
        timeout_keep_alive=75,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn tells it by this flag alone
        await asyncio.sleep(0.01)
    print(READY + f"127.0.0.1:{canned.port}", flush=True)
    await serving


async def _listening(server: grpc.aio.Server, path: str, behaviour: Any) -> str:
    """Opens a port for one method that takes and gives bytes."""
    service, _, method = path.removeprefix("/").partition("/")
    handler = grpc.method_handlers_generic_handler(service, {method: grpc.unary_unary_rpc_method_handler(behaviour)})
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return f"127.0.0.1:{port}"


async def _echo(request: bytes, _context: Any) -> bytes:
    return request


def main() -> None:
    """Serves what the file holds; the bench wrote it."""
    canned = msgspec.msgpack.decode(Path(sys.argv[1]).read_bytes(), type=Canned)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_door(canned, sys.argv[2]) if len(sys.argv) > 2 else serve_members(canned))


if __name__ == "__main__":
    main()
