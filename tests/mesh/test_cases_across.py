"""Worked cases of remote care through two cells: care in the one, the person insured in the other, filed through routing. The
answers are the engine's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.mesh.commands import Yibao
from tests.mesh.harness import OPERATOR_KEY, Mesh, in_cell, started_mesh
from tests.mesh.test_cases_through import CASES, bill, refund, written
from tools.cli.case_through import play_case_through
from tools.cli.mesh_client import MeshClient
from yibao.settlement.v1 import ledger_pb2

CELLS = ("sandbox", "370000")
SHARED = Path(__file__).resolve().parents[3] / "shared" / "cases"
WUHAN, BEIJING = "wuhan-employee@2024-04-01", "beijing-employee@2023-01-01"
KINDS = ("filed_long_term", "transfer", "emergency", "temporary", "local")


@dataclass(frozen=True, slots=True)
class Across:
    """A mesh of two cells; `insured` is the gateway of the one that insures."""

    mesh: Mesh
    insured: str

    async def played(self, path: Path) -> list[str]:
        """The differences of a case that both cells play."""

        def play() -> list[str]:
            with MeshClient(self.mesh.url, OPERATOR_KEY) as care, MeshClient(self.insured, OPERATOR_KEY) as insured:
                return [str(each) for each in play_case_through(path, care, insured=insured).differences]

        return await asyncio.to_thread(play)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def across(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Across]:
    async with started_mesh(tmp_path_factory.mktemp("across"), overrides={"YIBAO_CELLS": ",".join(CELLS)}) as mesh:
        yield Across(mesh, f"http://127.0.0.1:{mesh.config.of_cell(CELLS[1]).integer('YIBAO_GATEWAY_PORT')}")


def crossing(folder: Path) -> list[Path]:
    """The worked cases of care in another province that a folder holds."""
    return [
        each
        for each in sorted(folder.glob("*.json"))
        if "cross_province" in json.loads(each.read_text("utf-8"))["tags"]
    ]


async def test_the_worked_cases_of_care_in_another_province_come_out_the_same(across: Across, yibao: Yibao) -> None:
    paths = crossing(CASES[0].parent)
    cells = ("--through", across.mesh.url, "--insured", across.insured, "--key", OPERATOR_KEY)
    run = await yibao("case", *paths, *cells)
    assert run.out.endswith(f"{len(paths)} cases: {len(paths)} agree, 0 differ, 0 compared nothing, 0 not played\n"), (
        run.out
    )
    assert (run.code, len(paths)) == (0, 2)


@pytest.mark.skipif(not SHARED.is_dir(), reason="no cases beside the repository")
async def test_the_cases_beside_the_repository_come_out_the_same(across: Across) -> None:
    found = {path.stem: await across.played(path) for path in crossing(SHARED)}
    assert found
    assert not any(found.values()), found


async def test_an_insured_cell_is_named_beside_one_that_plays(yibao: Yibao, across: Across) -> None:
    with pytest.raises(SystemExit) as ended:
        await yibao("case", CASES[0], "--insured", across.insured)
    assert ended.value.code == 2


@pytest.mark.parametrize(("policy", "med_type"), [(WUHAN, "inpatient"), (BEIJING, "outpatient")])
async def test_every_way_in_which_remote_care_comes_about(
    across: Across, tmp_path: Path, policy: str, med_type: str
) -> None:
    operations = [
        bill(f"s{place}", f"2024-0{place + 5}-10", med_type, 300_000, remote=kind) for place, kind in enumerate(KINDS)
    ]
    operations += [
        bill("p1", "2024-11-01", med_type, 200_000, op="presettle", remote="transfer"),
        bill("s9", "2024-11-02", med_type, 200_000, remote="filed_long_term"),
        refund("s9", setl_date="2024-11-03"),
        refund("s0", setl_date="2024-11-04"),
    ]
    path = written(tmp_path, [policy], operations)
    paid = [each["expected"]["fund_pay_sumamt"] for each in operations[:5]]
    assert len(set(paid)) > 1
    assert operations[-1]["expect_error"] == "LATER_SETTLEMENT_EXISTS"
    assert await across.played(path) == []


async def test_the_ledgers_of_both_cells_hold_together(across: Across) -> None:
    checked = []
    for cell in CELLS:
        request = ledger_pb2.VerifyLedgerRequest()
        answer = await in_cell(across.mesh, cell).call("yibao.settlement.v1.LedgerService.VerifyLedger", request)
        assert list(answer.findings) == []
        checked.append(answer.settlements_checked)
    assert min(checked) > 0
