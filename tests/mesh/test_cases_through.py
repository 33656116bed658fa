"""The worked cases played through the public interface of a running mesh: the same answers as from the engine alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.mesh.harness import OPERATOR_KEY, Mesh, started_mesh
from tools.cli.case_through import run_case_through
from tools.cli.mesh_client import MeshClient
from yibao.settlement.v1 import ledger_pb2

CASES = sorted((Path(__file__).resolve().parents[1] / "settlement" / "cases").glob("*.json"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """A mesh of real members for all cases; each case makes its own people, items and stack."""
    async with started_mesh(tmp_path_factory.mktemp("cases")) as mesh:
        yield mesh


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
async def test_a_worked_case_comes_out_the_same_through_the_national_interface(sandbox: Mesh, path: Path) -> None:
    def play() -> list[str]:
        with MeshClient(sandbox.url, OPERATOR_KEY) as client:
            return [str(difference) for difference in run_case_through(path, client)]

    assert await asyncio.to_thread(play) == []


async def test_the_ledger_holds_together_after_all_cases(sandbox: Mesh) -> None:
    answer = await sandbox.call("yibao.settlement.v1.LedgerService.VerifyLedger", ledger_pb2.VerifyLedgerRequest())
    assert list(answer.findings) == []
    assert answer.settlements_checked > len(CASES)
