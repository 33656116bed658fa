"""The meshes of the contract tests: one whole sandbox, and one outside a sandbox for what belongs to a sandbox only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from gateway import failures
from services import mesh as table
from services.runtime.contract import Contract
from tests.contract.bench import Bench, started_bench
from tests.contract.explore import Explorer
from tests.contract.faces import GrpcFace, Watched
from tests.contract.world import World
from tests.mesh.harness import started_mesh
from tests.mesh.seeds import seed_requests


@pytest.fixture(scope="module", autouse=True)
def no_waits_for_forged_keys() -> Iterator[None]:
    """The checks show a forged key at every method: what that costs a caller in time is tested where it is built."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(failures, "FREE", 1 << 30)
        yield


@pytest.fixture(scope="session")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """The mesh that has to keep its promises."""
    async with started_bench(tmp_path_factory.mktemp("contract")) as running:
        yield running


@pytest.fixture(scope="session")
async def faulty_bench(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """Another one, into which faults are planted."""
    async with started_bench(tmp_path_factory.mktemp("planted"), recipes=bench.explorer.recipes) as running:
        yield running


@pytest.fixture(scope="session")
async def outside(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Explorer]:
    """The members that serve sandbox methods, outside a sandbox, empty."""
    served = {each.member for each in Contract.of_mesh().methods.values() if each.sandbox_only}
    members = [each.name for each in table.MESH if each.name in served]
    overrides = {"YIBAO_SANDBOX": "off", "YIBAO_TRACE_EXPORTER": "none"}
    async with started_mesh(tmp_path_factory.mktemp("outside"), overrides=overrides, members=members) as mesh:
        world = World([request for _, request in seed_requests(1)], mesh.clock, persons=1)
        yield Explorer(GrpcFace(mesh, Watched()), world)
