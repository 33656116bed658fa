"""What operators see: whether the mesh is ready and why not, and what was counted, of which no number is a person's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

from gateway import operations as answering
from services import mesh as table
from services.runtime import self_report
from services.runtime.loop_watch import LoopWatch
from tests.mesh.harness import started_mesh
from tests.mesh.hospital import DRUG
from tests.mesh.test_failures import addresses, without
from tests.mesh.world import Sandbox, small_sandbox
from tools.played.messages import Row
from tools.running import HOST, free_ports

BILL = [Row(DRUG, 1, 50_000)]


def operations() -> dict[str, str]:
    return {"YIBAO_OPERATIONS_PORT": str(free_ports(1)[0])}


@asynccontextmanager
async def monitor(overrides: Mapping[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the operations port."""
    url = f"http://{HOST}:{overrides['YIBAO_OPERATIONS_PORT']}"
    async with httpx.AsyncClient(base_url=url, timeout=10) as client:
        yield client


async def reasons(client: httpx.AsyncClient) -> tuple[int, dict[str, list[str]]]:
    """Status of /readyz and the reasons of each member that has some."""
    answer = await client.get("/readyz")
    members = answer.json()["members"]
    assert {each["member"] for each in members} == set(table.names())
    return answer.status_code, {each["member"]: each["reasons"] for each in members if each["reasons"]}


async def settled_reasons(client: httpx.AsyncClient) -> tuple[int, dict[str, list[str]]]:
    """The same, once no loop is late any more: the start of a mesh on a busy machine makes some late for a while."""
    for _ in range(100):
        found = await reasons(client)
        if not any("LOOP_LATE" in each for each in found[1].values()):
            return found
        await asyncio.sleep(0.1)
    return await reasons(client)


async def samples(client: httpx.AsyncClient) -> dict[tuple[str, ...], float]:
    """Every number of /metrics by its name and labels, without the process's number."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if name not in ("worker", "cell")}
            key = (sample.name, *(f"{name}={value}" for name, value in sorted(labels.items()) if value))
            assert key not in found, key
            found[key] = sample.value
    return found


async def health_of(address: str) -> Any:
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        return (await stub.Check(health_pb2.HealthCheckRequest())).status


async def settled_health(address: str) -> Any:
    """The same, once its loop is not late any more: each member looks once a second."""
    for _ in range(100):
        if (found := await health_of(address)) == health_pb2.HealthCheckResponse.SERVING:
            return found
        await asyncio.sleep(0.1)
    return await health_of(address)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every question about readiness is asked anew."""
    monkeypatch.setattr(answering, "HELD_S", 0.0)


@dataclass(slots=True)
class Watched:
    """A mesh and a client of its operations port."""

    town: Sandbox
    client: httpx.AsyncClient


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def watched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    overrides = operations()
    async with small_sandbox(tmp_path_factory.mktemp("watched"), overrides) as town, monitor(overrides) as client:
        yield Watched(town, client)


class TestReadiness:
    async def test_a_member_that_settles_is_missed_and_comes_back(self, tmp_path: Path) -> None:
        overrides = addresses() | operations()
        async with without("settlement", tmp_path, overrides) as (mesh, _, _, _), monitor(overrides) as client:
            assert await settled_reasons(client) == (503, {"settlement": ["PEER_UNAVAILABLE"]})
            async with httpx.AsyncClient(base_url=mesh.url) as outside:
                bare = await outside.get("/readyz")
                assert (bare.status_code, bare.json()) == (503, {"status": "NOT_READY"})
                for path, status in (("/livez", {"status": "ALIVE"}), ("/healthz", {"status": "SERVING"})):
                    answer = await outside.get(path)
                    assert (answer.status_code, answer.json()) == (200, status)
                assert (await outside.get("/metrics")).status_code == 404
            for member in ("identity", "catalogue"):
                assert await settled_health(overrides[f"YIBAO_{member.upper()}_ADDRESS"]) == 1
            async with started_mesh(tmp_path, overrides=overrides, members=("settlement",)):
                assert await settled_reasons(client) == (200, {})

    async def test_a_full_disk_and_a_late_loop_are_told_by_whoever_has_them(
        self, watched: Watched, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert await settled_reasons(watched.client) == (200, {})
        monkeypatch.setattr(self_report, "FREE_BYTES", 1 << 62)
        monkeypatch.setattr(self_report, "LATE_S", -1.0)
        stored = {name: ["LOOP_LATE", "DISK_FULL"] for name in table.names() if table.member(name).has_store}
        assert await reasons(watched.client) == (503, stored | {"gateway": ["LOOP_LATE"]})
        away = {health_pb2.HealthCheckResponse.NOT_SERVING}
        serving: set[Any] = set()
        for _ in range(100):
            # Each member looks once a second.
            serving = {await health_of(watched.town.mesh.config.address(name)) for name in stored}
            if serving == away:
                break
            await asyncio.sleep(0.1)
        assert serving == away

    async def test_a_loop_that_stands_still_is_seen_to_be_late(self) -> None:
        watch = LoopWatch()
        for _ in range(20):
            watch = LoopWatch()
            watch.start()
            await asyncio.sleep(0.15)
            if watch.late_s() < 0.1:
                break
            # A busy machine made it late.
            watch.stop()
        assert watch.late_s() < 0.1
        time.sleep(0.3)  # noqa: ASYNC251  # it stands still on purpose
        assert watch.late_s() > 0.15
        await asyncio.sleep(0.05)
        assert watch.late_s() > 0.15
        watch.stop()


class TestMetrics:
    async def test_requests_are_counted_by_member_method_number_and_reason(self, watched: Watched) -> None:
        hospital, who = watched.town.hospital, await watched.town.newcomers.one()
        node = await hospital.open_visit(who, BILL)
        await hospital.done("2207", {"data": node})
        refused = await hospital.post(hospital.envelope("2207", {"data": node | {"mdtrt_id": "no-such-visit"}}))
        assert "[ENCOUNTER_NOT_FOUND]" in refused.text
        await hospital.post(hospital.envelope("an-invented-number", {}))
        found = await samples(watched.client)
        text = (await watched.client.get("/metrics")).text
        settle = "method=yibao.settlement.v1.SettlementService.Settle"
        count = "yibao_requests_total"
        assert found[(count, "infno=2207", "member=gateway", settle, "reason=OK")] == 1
        assert found[(count, "infno=2207", "member=gateway", settle, "reason=ENCOUNTER_NOT_FOUND")] == 1
        assert found[(count, "member=gateway", "reason=INFNO_UNKNOWN")] == 1
        assert found[(count, "member=settlement", settle, "reason=OK")] == 1
        assert found[("yibao_request_seconds_count", "infno=2207", "member=gateway", settle)] == 2
        assert found[("yibao_batch_items_count", "member=gateway", "queue=Settle")] == 2
        assert found[("yibao_queue_items", "member=settlement", "queue=settle")] == 0
        assert found[("yibao_outbox_notices", "member=settlement")] == 0
        assert found[("yibao_store_wal_bytes", "member=settlement")] > 0
        assert found[("yibao_store_connections", "member=settlement", "state=most", "use=write")] == 1
        assert found[("yibao_places", "member=gateway", "state=taken")] == 0
        assert {found[("yibao_member_processes", f"member={name}")] for name in ("gateway", "identity")} == {1}
        for told in (who.psn_no, who.certno, who.name, hospital.code, node["mdtrt_id"], "an-invented-number"):
            assert told not in text

    async def test_who_asks_leaves_no_span(self, watched: Watched) -> None:
        await watched.client.get("/metrics")
        await watched.client.get("/readyz")
        names = {span.name for span in watched.town.mesh.traces().all_spans()}
        assert not any("RuntimeService" in name for name in names)
