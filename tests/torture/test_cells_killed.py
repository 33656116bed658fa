"""Cells in separate processes: each process is killed at every point of each transaction, stopped and cut off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import pytest
import pytest_asyncio

from services.kernel.clock import system_clock
from tests.mesh.hospital import hospital_at
from tests.mesh.people import Newcomers
from tests.mesh.world import ledger_findings
from tests.torture.cells.books import Books
from tests.torture.cells.matrix import Matrix, table
from tests.torture.cells.processes import CARE, CARE_SETTLEMENT, INSURED, Town, town
from tests.torture.cells.transactions import TRANSACTIONS, Line
from tests.torture.victim import show

pytestmark: Final = pytest.mark.torture


@dataclass(frozen=True, slots=True)
class Stage:
    """The processes, and a line in the cell of care to treat people of that cell and of the other one."""

    town: Town
    local: Line
    remote: Line


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with town(tmp_path_factory.mktemp("cells")) as made, hospital_at(made.url, system_clock) as hospital:
        local = Line(hospital, Newcomers(made.cells[CARE]), Books(made.config, (CARE,)))
        remote = Line(hospital, Newcomers(made.cells[INSURED], 5000), Books(made.config))
        yield Stage(made, local, remote)


@pytest.mark.parametrize("name", TRANSACTIONS)
async def test_of_a_local_person_nothing_is_double_and_nothing_lost(stage: Stage, name: str) -> None:
    matrix = Matrix(stage.town, stage.local, name, TRANSACTIONS[name])
    cells = await matrix.recorded([CARE_SETTLEMENT])
    results = [await matrix.killed(cell) for cell in cells]
    show(table(results))
    assert len(results) >= 4
    assert [each for each in results if each.wrong] == []
    assert await ledger_findings(stage.town.cells[CARE]) == []


@pytest.mark.parametrize("name", TRANSACTIONS)
async def test_of_a_person_of_another_cell_all_three_agree(stage: Stage, name: str) -> None:
    matrix = Matrix(stage.town, stage.remote, name, TRANSACTIONS[name])
    results = [await matrix.killed(cell) for cell in await matrix.recorded()]
    show(table(results))
    assert [each for each in results if each.wrong] == []
    for cell in stage.town.cells.values():
        assert await ledger_findings(cell) == []
