"""The floor beside the mesh that was measured: made from one of its settlements, on a database of its own of the same kind."""

from __future__ import annotations

import asyncio
import http.client
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any

import msgspec

from services.runtime.db import Database
from services.settlement.store.tables import ACCUMULATOR_ENTRY, FEE_BATCH, METADATA, POSTING, SETTLEMENT
from tools import running
from tools.bench import loads, wire
from tools.bench.books import Books
from tools.bench.floor import Canned
from tools.bench.loads import Outcome, Pace
from tools.bench.plan import CLOSED, OPEN, Plan
from tools.bench.preparation import Stock
from tools.bench.subject import ROOT, Subject
from yibao.settlement.v1 import settlement_pb2

_MARGIN = 1.05
_MORE = 200


@dataclass(slots=True)
class Floor:
    """A running floor, with fee batches left to be marked."""

    port: int
    pids: list[int]
    request: bytes
    scratch: Path

    def at(self, rate: float, pace: Pace, seed: int) -> Outcome:
        """The load that the mesh had."""
        return self._run(OPEN, ceil(rate * (pace.warmup_s + pace.seconds) * _MARGIN) + _MORE, rate, pace, seed)

    def closed(self, most_per_s: int, pace: Pace) -> Outcome:
        """As fast as it goes."""
        return self._run(CLOSED, ceil(most_per_s * (pace.warmup_s + pace.seconds)), 0, pace, 0)

    def _run(self, mode: str, count: int, rate: float, pace: Pace, seed: int) -> Outcome:
        requests = self.scratch / "floor.requests"
        wire.write_requests(requests, (self.request for _ in range(count)))
        plan = Plan(
            mode, "127.0.0.1", self.port, str(requests), pace.seconds, pace.warmup_s, rate, pace.connections, seed
        )
        return loads.run(plan, self.pids)


@contextmanager
def running_floor(subject: Subject, stock: Stock, most: int, scratch: Path) -> Iterator[Floor]:
    """A floor that can take `most` requests."""
    url, books = subject.beside("floor")
    asyncio.run(_create(url))
    example, names = stock.examples[0], stock.examples[0].names
    request, answer, rows = _one_settlement(subject, stock, scratch)
    fee_batches = [f"F{place:019d}" for place in range(most)]
    moulds = example.rows[FEE_BATCH.name]
    place = names.index(str(subject.books.rows(FEE_BATCH, "mdtrt_id", [names[4]])[0][0]))
    books.load(FEE_BATCH, ([fee_batch, *mould.fill(stock.example_names(0))[1:]] for fee_batch in fee_batches for mould in moulds))
    raise NotImplementedError(place, request, answer, rows)


async def _create(url: str) -> None:
    database = Database(url, lambda: datetime.now(UTC))
    await database.start(METADATA)
    await database.close()
