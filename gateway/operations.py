"""What operators ask of the gateway: is it alive, is the mesh ready, what has been counted.

`/livez` and the bare `/readyz` stand on the gateway's own port; `/metrics` and the reasons behind `/readyz` on the
operations port, which is loopback's unless somebody says otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.http import Response
from gateway.workers import Workers
from services import cells, mesh
from services.runtime.kept import TimedCache
from services.runtime.self_report import SelfReport
from yibao.runtime.v1 import runtime_pb2

LIVE: Final = "/livez"
READY: Final = "/readyz"
METRICS: Final = "/metrics"
# So long an answer about readiness holds: whoever asks more often asks nobody.
HELD_S: Final = 1.0

_AWAY: Final = "PEER_UNAVAILABLE"
_PRESENT_HELP: Final = "Whether the processes of a member answered, by their number."

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Operations:
    """Readiness and metrics of the gateway of a cell and of the members behind it. `report` is the gateway's own; `first` says
    whether no other cell's gateway here tells the metrics of national members.
    """

    def __init__(
        self,
        workers: Workers,
        report: SelfReport,
        now: Callable[[], float] = time.monotonic,
        *,
        cell: str = cells.SANDBOX,
        first: bool = True,
    ) -> None:
        self.report = report
        # Of several gateway processes the first tells of the members too, or whoever adds them up would count them twice.
        self.alone = False
        self._cell = cell
        self._first = first
        self._workers = workers
        self._held: TimedCache[str, tuple[bool, bytes]] = TimedCache(1, now)

    def live(self) -> Response:
        """This process runs."""
        return Response(200, b'{"status":"ALIVE"}')

    async def ready(self) -> Response:
        """200 where requests can be settled, else 503; nothing more for whoever asks from outside."""
        good, _ = await self._readiness()
        return Response(200 if good else 503, b'{"status":"READY"}' if good else b'{"status":"NOT_READY"}')

    async def ready_in_full(self) -> Response:
        """The same with each member and its reasons."""
        good, told = await self._readiness()
        return Response(200 if good else 503, told)

    async def metrics(self) -> Response:
        """What every process has counted, in Prometheus's text format; one that does not answer is told as absent."""
        answers = {} if self.alone else await self._workers.metrics()
        families = _Merged(self._cell)
        own = runtime_pb2.GetMetricsResponse(worker=self.report.worker(), families=self.report.families())
        for member, found in ({mesh.GATEWAY: [own]} | dict(answers)).items():
            if mesh.is_national(member) and not self._first:
                continue
            for answer in found:
                families.add(member, answer)
            families.present(member, len(found))
        return Response(200, generate_latest(families), CONTENT_TYPE_LATEST)

    async def _readiness(self) -> tuple[bool, bytes]:
        return await self._held.get("", self._asked)

    async def _asked(self) -> tuple[tuple[bool, bytes], float]:
        statuses = await self._workers.statuses()
        own = [
            runtime_pb2.Fact(name=fact.name, good=not fact.reason, reason=fact.reason)
            for fact in await self.report.facts()
        ]
        rows = [self._row(mesh.GATEWAY, runtime_pb2.GetStatusResponse(worker=self.report.worker(), facts=own))]
        for member, found in statuses.items():
            rows += [self._row(member, each) for each in found] or [self._row(member, None)]
        good = all(row["ready"] for row in rows if row["needed"])
        told = msgspec.json.encode({"status": "READY" if good else "NOT_READY", "members": rows})
        return (good, told), HELD_S

    def _row(self, member: str, status: runtime_pb2.GetStatusResponse | None) -> dict[str, Any]:
        """One process of a member, or a member of which none answers."""
        reasons: Sequence[str] = [fact.reason for fact in status.facts if not fact.good] if status else [_AWAY]
        return {
            "member": member,
            "cell": "" if mesh.is_national(member) else self._cell,
            "process": status.worker.process if status else None,
            "needed": member == mesh.GATEWAY or member in mesh.settling(),
            "ready": not reasons,
            "reasons": list(reasons),
        }


class OperationsApp:
    """The operations port as an ASGI application."""

    def __init__(self, operations: Operations) -> None:
        self._pages: Mapping[str, Callable[[], Awaitable[Response]]] = {
            READY: operations.ready_in_full,
            METRICS: operations.metrics,
        }
        self._operations = operations

    async def __call__(self, scope: dict[str, Any], receive: object, send: Send) -> None:
        """Serves one request; everything but reading a known page is 404."""
        page = self._pages.get(scope["path"]) if scope["method"] in ("GET", "HEAD") else None
        if page is not None:
            response = await page()
        elif scope["path"] == LIVE:
            response = self._operations.live()
        else:
            response = Response(404, b'{"status":"NOT_FOUND"}')
        headers = [
            (b"content-type", response.content_type.encode()),
            (b"content-length", str(len(response.body)).encode()),
        ]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})


class _Merged(Collector):
    """Families of several processes as one: every sample gets its member, its cell ("" of a national one) and its process."""

    def __init__(self, cell: str) -> None:
        self._cell = cell
        self._families: dict[str, Metric] = {}
        self._present = Metric("yibao_member_processes", _PRESENT_HELP, "gauge")

    def add(self, member: str, answer: runtime_pb2.GetMetricsResponse) -> None:
        """The numbers of one process."""
        at = self._at(member) | {"worker": str(answer.worker.process)}
        for family in answer.families:
            merged = self._families.get(family.name)
            if merged is None:
                merged = self._families[family.name] = Metric(family.name, family.help, family.kind)
            for sample in family.samples:
                merged.add_sample(sample.name, at | dict(sample.labels), sample.value)

    def present(self, member: str, processes: int) -> None:
        """How many processes of a member answered."""
        self._present.add_sample(self._present.name, self._at(member), processes)

    def _at(self, member: str) -> dict[str, str]:
        return {"member": member, "cell": "" if mesh.is_national(member) else self._cell}

    def collect(self) -> Iterator[Metric]:
        yield self._present
        yield from self._families.values()
