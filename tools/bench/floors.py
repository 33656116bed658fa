"""The floor beside the mesh that was measured: made from one of its settlements, on another database of the same kind."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from sqlalchemy import Table

from services.runtime.db import Database
from services.settlement.store.tables import ACCUMULATOR_ENTRY, FEE_BATCH, METADATA, POSTING, SETTLEMENT
from tools import running
from tools.bench import loads, wire
from tools.bench.floor import READY, Canned
from tools.bench.loads import LoadOutcome, Pace
from tools.bench.plan import CLOSED, OPEN
from tools.bench.preparation import Stock, sent
from tools.bench.subject import ROOT, Subject


@dataclass(frozen=True, slots=True)
class Floor:
    """A running floor. It takes as many requests as it was made for."""

    port: int
    pids: list[int]
    request: bytes
    scratch: Path

    def settle_at(self, rate: float, pace: Pace, seed: int) -> LoadOutcome:
        """The load that the mesh had."""
        count = loads.arrivals_at_most(rate, pace)
        return loads.run(loads.plan(OPEN, self.port, self._requests(count), pace, rate, seed), self.pids)

    def settle_closed(self, count: int, pace: Pace) -> LoadOutcome:
        """As fast as it goes."""
        return loads.run(loads.plan(CLOSED, self.port, self._requests(count), pace), self.pids)

    def _requests(self, count: int) -> Path:
        path = self.scratch / "floor.requests"
        wire.write_requests(path, (self.request for _ in range(count)))
        return path


@contextmanager
def running_floor(subject: Subject, stock: Stock, most: int, scratch: Path) -> Iterator[Floor]:
    """A floor that can take `most` requests. The mesh stays up and has nothing to do."""
    requests = scratch / "one"
    stock.visits(1, requests)
    (request,) = wire.read_requests(requests)
    body = sent(subject.port, request)
    setlinfo = msgspec.json.decode(body)["output"]["setlinfo"]
    names = (setlinfo["psn_no"], setlinfo["medins_setl_id"][-10:], setlinfo["mdtrt_id"], setlinfo["setl_id"])
    rows = {
        table.name: [list(row) for row in subject.books.rows(table, column, [setlinfo["setl_id"]])]
        for table, column in ((SETTLEMENT, "setl_id"), (ACCUMULATOR_ENTRY, "source_id"), (POSTING, "source_id"))
    }
    url, books = subject.place.database("floor")
    asyncio.run(_create(url))
    (fee_batch,) = subject.books.rows(FEE_BATCH, "mdtrt_id", [setlinfo["mdtrt_id"]])
    ids = [f"{place:020d}" for place in range(most)]
    state, setl_id = _column(FEE_BATCH, "state"), _column(FEE_BATCH, "setl_id")
    ready = list(fee_batch)
    ready[state], ready[setl_id] = "open", None
    books.load(FEE_BATCH, ([each, *ready[1:]] for each in ids))
    books.settle_down()
    (port,) = running.free_ports(1)
    response = rows[SETTLEMENT.name][0][_column(SETTLEMENT, "response")]
    canned = Canned(url, port, body, len(response), rows, names, ids)
    file = scratch / "floor.canned"
    file.write_bytes(msgspec.msgpack.encode(canned))
    with ExitStack() as stack:
        members, address = _part(stack, file)
        door, _ = _part(stack, file, address)
        yield Floor(port, [members, door, *subject.place.server_pids], request, scratch)


def _part(stack: ExitStack, *arguments: object) -> tuple[int, str]:
    """Starts a process of the floor; its number, and where it listens."""
    command = [sys.executable, "-m", "tools.bench.floor", *map(str, arguments)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    stack.callback(running.stop, process)
    assert process.stdout is not None
    said = process.stdout.readline().decode().strip()
    if not said.startswith(READY):
        raise running.StartError("the floor did not start")
    return process.pid, said.removeprefix(READY)


async def _create(url: str) -> None:
    database = Database(url, lambda: datetime.now(UTC))
    await database.start(METADATA)
    await database.close()


def _column(table: Table, name: str) -> int:
    return [column.name for column in table.columns].index(name)
