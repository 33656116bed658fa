"""Meshes with a world in them, on a clock that moves: the sample catalogue and the people of the sandbox, or a small one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from services import mesh as table
from tests.mesh.harness import BEGIN, OPERATOR_KEY, Mesh, MovableClock, seed_world, started_mesh
from tests.mesh.hospital import Hospital, hospital_at
from tests.mesh.people import Newcomers
from tools.cli import seed
from tools.cli.mesh_client import MeshClient
from yibao.settlement.v1 import ledger_pb2


@dataclass(slots=True)
class Sandbox:
    """A seeded mesh, its clock, a hospital on its line, and people for whoever needs one."""

    mesh: Mesh
    clock: MovableClock
    hospital: Hospital
    newcomers: Newcomers

    async def ledger_findings(self) -> list[str]:
        """What a recomputation of the whole ledger finds wrong."""
        return await ledger_findings(self.mesh)


@asynccontextmanager
async def sandbox(folder: Path, overrides: Mapping[str, str] | None = None) -> AsyncIterator[Sandbox]:
    """A mesh as `make up` leaves it, on its own clock."""
    clock = MovableClock(BEGIN)
    async with started_mesh(folder, clock=clock, overrides=overrides) as mesh:
        await asyncio.to_thread(_load_samples, mesh.url)
        async with hospital_at(mesh.url, mesh.clock) as hospital:
            yield Sandbox(mesh, clock, hospital, Newcomers(mesh))


@asynccontextmanager
async def small_sandbox(
    folder: Path, overrides: Mapping[str, str] | None = None, *, seeded: bool = True
) -> AsyncIterator[Sandbox]:
    """A mesh with the small world of `seeds` only, or with whatever stands in its folder."""
    clock = MovableClock(BEGIN)
    async with started_mesh(folder, clock=clock, overrides=overrides) as mesh:
        if seeded:
            await seed_world(mesh)
        async with hospital_at(mesh.url, mesh.clock) as hospital:
            yield Sandbox(mesh, clock, hospital, Newcomers(mesh))


async def ask_the_others(town: Sandbox) -> None:
    """Asks the members whom no journey has led the gateway to, by REST; a refusal of the member has been there too."""
    reached = {callee for caller, callee in town.mesh.traces().edges() if caller == table.GATEWAY}
    for name in set(table.callees_of(table.GATEWAY)) - reached:
        methods = (each for each in town.mesh.contract.methods.values() if each.member == name and each.http)
        path = next(methods).http[0].path
        await town.hospital.http.post(path, json={}, headers={"Authorization": f"Bearer {OPERATOR_KEY}"})


async def ledger_findings(mesh: Mesh) -> list[str]:
    """What a recomputation of the whole ledger finds wrong, one text a finding."""
    request = ledger_pb2.VerifyLedgerRequest()
    answer = await mesh.call("yibao.settlement.v1.LedgerService.VerifyLedger", request)
    return [f"{each.rule} {each.subject}: {each.expected} ≠ {each.found}" for each in answer.findings]


def _load_samples(url: str) -> None:
    with MeshClient(url, OPERATOR_KEY) as client:
        seed.load_samples(client)
