"""What a member tells of itself: facts that say whether it can work, and its metrics, as RuntimeService serves them.

Facts are its own alone (store, disk, loop); what its peers do is theirs to tell.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from services.runtime.logs import describe, write
from services.runtime.loop_watch import LoopWatch
from services.runtime.metrics import Metrics
from yibao.runtime.v1 import runtime_pb2, runtime_pb2_grpc

SERVICE: Final = "yibao.runtime.v1.RuntimeService"

# A store needs room for its log and its next checkpoint; below this it is told as full before a write is lost (our decision).
FREE_BYTES: Final = 64 * 1024 * 1024
# No single request may hold a loop for 100 ms; ten times that is not one request's doing (our decision).
LATE_S: Final = 1.0

_CREATED: Final = "_created"


class StoreState(Protocol):
    """What is asked of a store."""

    @property
    def file(self) -> Path | None:
        """Its file, None for a server's."""

    def connections(self) -> Mapping[str, tuple[int, int, int]]:
        """By use: how many there may be, how many are lent, and how many wait for one."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact by its name; `reason` is "" where it is good."""

    name: str
    reason: str = ""


class SelfReport:
    """The facts and the metrics of one member in this process."""

    def __init__(
        self,
        member: str,
        metrics: Metrics,
        workers: int,
        ready: Callable[[], Awaitable[bool]] | None = None,
        store: StoreState | None = None,
    ) -> None:
        self.metrics = metrics
        self.loop = LoopWatch()
        self._member = member
        self._workers = workers
        self._ready = ready
        self._store = store
        self._add_gauges()

    async def facts(self) -> list[Fact]:
        """Every fact as it is now."""
        late = self.loop.late_s() > LATE_S
        found = [Fact("loop", "LOOP_LATE" if late else "")]
        if self._ready is not None:
            found.append(Fact("store", "" if await self._answers(self._ready) else "STORE_UNAVAILABLE"))
        if self._store is not None and self._store.file is not None:
            found.append(Fact("disk", "DISK_FULL" if _free_bytes(self._store.file) < FREE_BYTES else ""))
        return found

    def worker(self) -> runtime_pb2.Worker:
        """Which process this is."""
        return runtime_pb2.Worker(process=os.getpid(), workers=self._workers)

    def families(self) -> list[runtime_pb2.Family]:
        """All that was counted, as it is now."""
        return [
            runtime_pb2.Family(
                name=family.name,
                help=family.documentation,
                kind=family.type,
                samples=[
                    runtime_pb2.Sample(name=sample.name, labels=sample.labels, value=sample.value)
                    for sample in family.samples
                    if not sample.name.endswith(_CREATED)
                ],
            )
            for family in self.metrics.registry.collect()
        ]

    async def _answers(self, ready: Callable[[], Awaitable[bool]]) -> bool:
        try:
            return await ready()
        except Exception as error:  # noqa: BLE001  # a question that fails is answered with no, or health would freeze
            write(logging.getLogger(f"yibao.{self._member}"), logging.ERROR, "readiness failed", describe(error))
            return False

    def _add_gauges(self) -> None:
        gauge = self.metrics.gauge
        gauge("yibao_loop_late_seconds", "Largest delay of the event loop in the last 5 s.", {}, self.loop.late_s)
        store = self._store
        if store is None:
            return
        for place, state in enumerate(("most", "lent", "waiting")):
            for use in store.connections():
                gauge(
                    "yibao_store_connections",
                    "Connections to the own store: how many there may be, are lent, and are waited for.",
                    {"use": use, "state": state},
                    lambda use=use, place=place: float(store.connections()[use][place]),  # type: ignore[misc]
                )
        file = store.file
        if file is not None:
            wal = file.with_name(f"{file.name}-wal")
            gauge("yibao_store_wal_bytes", "Size of the store's write-ahead log.", {}, lambda: float(_size(wal)))
            gauge("yibao_store_bytes", "Size of the store's file.", {}, lambda: float(_size(file)))
            gauge("yibao_disk_free_bytes", "Room left for the store.", {}, lambda: float(_free_bytes(file)))


class RuntimeServicer(runtime_pb2_grpc.RuntimeServiceServicer):
    """RuntimeService on the wire."""

    def __init__(self, report: SelfReport) -> None:
        self._report = report

    async def GetStatus(  # noqa: N802 - the contract's name
        self, request: runtime_pb2.GetStatusRequest, context: Any
    ) -> runtime_pb2.GetStatusResponse:
        """The facts."""
        facts = [
            runtime_pb2.Fact(name=fact.name, good=not fact.reason, reason=fact.reason)
            for fact in await self._report.facts()
        ]
        return runtime_pb2.GetStatusResponse(worker=self._report.worker(), facts=facts)

    async def GetMetrics(  # noqa: N802 - the contract's name
        self, request: runtime_pb2.GetMetricsRequest, context: Any
    ) -> runtime_pb2.GetMetricsResponse:
        """The metrics."""
        return runtime_pb2.GetMetricsResponse(worker=self._report.worker(), families=self._report.families())


def _free_bytes(file: Path) -> int:
    """Room that this user may use where the file is; 0 where the folder is gone."""
    try:
        return shutil.disk_usage(file.parent).free
    except OSError:
        return 0


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
