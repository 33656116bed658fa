"""Cells in separate processes: each process is killed, stopped and cut off at the points of each transaction. `-s` shows the
matrix.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from services.kernel.clock import system_clock
from tests.mesh.hospital import hospital_at
from tests.mesh.people import Newcomers
from tests.mesh.world import ledger_findings
from tests.torture.cells.books import Books
from tests.torture.cells.matrix import Cell, Matrix, Result, table
from tests.torture.cells.namespaces import namespace, possible
from tests.torture.cells.processes import (
    CARE,
    CARE_SETTLEMENT,
    INSURED,
    INSURED_SETTLEMENT,
    ROUTING,
    VICTIMS,
    Between,
    Part,
    Town,
    town,
)
from tests.torture.cells.proxy import Way
from tests.torture.cells.seams import AFTER, BEFORE, RECEIVE, SEND, Point
from tests.torture.cells.transactions import LOCAL, STAYS, TRANSACTIONS, Line
from tests.torture.victim import show

pytestmark: Final = pytest.mark.torture

LEAST: Final = 60
"""Cells that the whole matrix has at least."""
STOPPED_S: Final = 20.0
APART_S: Final = 8.0
LAPSED_S: Final = 65.0
"""Longer than an order of routing is pending at most."""
LATE_S: Final = (0.05, 2.0)
SEAM_OF_PHASE: Final[Mapping[Part, str]] = {CARE_SETTLEMENT: RECEIVE, INSURED_SETTLEMENT: RECEIVE, ROUTING: SEND}
"""The points that stand for the phases: before each call of routing is sent, and before a cell takes it."""


@dataclass(slots=True)
class Stage:
    """The processes, and a line in the cell of care to treat people of that cell and of the other one; what was run so far."""

    town: Town
    local: Line
    remote: Line
    results: list[Result] = field(default_factory=list)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with town(tmp_path_factory.mktemp("cells")) as made, hospital_at(made.url, system_clock) as hospital:
        local = Line(hospital, Newcomers(made.cells[CARE]), Books(made.config, (CARE,)))
        remote = Line(hospital, Newcomers(made.cells[INSURED], 5000), Books(made.config))
        yield Stage(made, local, remote)


async def judged(stage: Stage, results: list[Result]) -> None:
    """All went well, and both ledgers add up."""
    show(table(results))
    assert [each for each in results if each.wrong] == []
    for cell in stage.town.cells.values():
        assert await ledger_findings(cell) == []


async def killed_everywhere(matrix: Matrix, victims: Sequence[Part]) -> list[Result]:
    """Every cell of a transaction."""
    return await each_warm(matrix, matrix.killed, await matrix.recorded(victims))


async def each_warm(matrix: Matrix, run: Callable[[Cell], Awaitable[Result]], cells: Sequence[Cell]) -> list[Result]:
    """Runs cells, each from where all are warm and find each other."""
    results = []
    for cell in cells:
        results.append(await run(cell))
        await matrix.warm()
    return results


def phases(cells: list[Cell]) -> list[Cell]:
    """Of all points those that stand for a phase."""
    return [each for each in cells if each.point[:3:2] == (SEAM_OF_PHASE[each.part], BEFORE)]


@pytest.mark.parametrize("name", [*LOCAL, "take_back", *STAYS])
async def test_of_a_local_person_nothing_is_double_and_nothing_lost(stage: Stage, name: str) -> None:
    matrix = Matrix(stage.town, stage.local, name, TRANSACTIONS[name])
    await judged(stage, await killed_everywhere(matrix, [CARE_SETTLEMENT]))


@pytest.mark.parametrize("name", TRANSACTIONS)
async def test_of_a_person_of_another_cell_all_three_agree(stage: Stage, name: str) -> None:
    matrix = Matrix(stage.town, stage.remote, name, TRANSACTIONS[name])
    results = await killed_everywhere(matrix, VICTIMS)
    stage.results += results
    await judged(stage, results)


async def test_the_whole_matrix(stage: Stage) -> None:
    show(table(stage.results))
    assert len(stage.results) >= LEAST
    assert {each.cell.part for each in stage.results} == set(VICTIMS)


@pytest.mark.parametrize("name", ["settle", "reverse", "admit"])
async def test_a_process_that_stands_still_for_a_while_holds_up_and_spoils_nothing(stage: Stage, name: str) -> None:
    matrix = Matrix(stage.town, stage.remote, name, TRANSACTIONS[name])
    at = phases(await matrix.recorded())
    await judged(stage, await each_warm(matrix, lambda cell: matrix.stopped(cell, STOPPED_S), at))


@pytest.mark.parametrize("way", [Way.SILENT, Way.BROKEN])
@pytest.mark.parametrize("between", Between)
async def test_a_network_that_parts_in_the_middle_of_a_bill(stage: Stage, between: Between, way: Way) -> None:
    matrix = Matrix(stage.town, stage.remote, "settle", TRANSACTIONS["settle"])
    at = [each for each in phases(await matrix.recorded()) if each.part is ROUTING]
    await judged(stage, await each_warm(matrix, lambda cell: matrix.cut_off(cell, between, way, APART_S), at))


@pytest.mark.parametrize("late_s", LATE_S)
@pytest.mark.parametrize("name", TRANSACTIONS)
async def test_what_is_delivered_twice_and_late_is_done_once(stage: Stage, name: str, late_s: float) -> None:
    matrix = Matrix(stage.town, stage.remote, name, TRANSACTIONS[name])
    await matrix.recorded()
    for part in VICTIMS:
        await stage.town[part].tell(do="begin", twice_s=late_s)
    wrong = await matrix.undisturbed(late_s + 1)
    for part in VICTIMS:
        await stage.town[part].tell(do="begin")
    assert wrong == []
    await judged(stage, [])


@pytest.mark.skipif(not possible(), reason="network namespaces need root and the program ip")
async def test_a_link_that_loses_every_packet_in_the_middle_of_a_bill(tmp_path: Path) -> None:
    with namespace() as apart:
        async with town(tmp_path, apart=apart) as made, hospital_at(made.url, system_clock) as hospital:
            line = Line(hospital, Newcomers(made.cells[INSURED], 5000), Books(made.config))
            matrix = Matrix(made, line, "settle", TRANSACTIONS["settle"])

            async def apart_for_a_while() -> None:
                apart.cut()
                await made.mend()
                await asyncio.sleep(APART_S)
                apart.mend()

            cells = [each for each in phases(await matrix.recorded()) if each.part is ROUTING]
            results = await each_warm(matrix, lambda cell: matrix.halted(cell, apart_for_a_while), cells)
            await judged(Stage(made, line, line), results)


@pytest.mark.parametrize(
    "step", [f"{CARE}/settlement OrderService.BatchOpen", f"{INSURED}/settlement OrderService.BatchConfirm"]
)
async def test_routing_that_dies_once_more_while_it_mends_what_its_death_left(stage: Stage, step: str) -> None:
    matrix = Matrix(stage.town, stage.remote, "settle", TRANSACTIONS["settle"])
    (first,) = [each for each in await matrix.recorded([ROUTING]) if each.point == Point(SEND, step, AFTER, 1)]
    then = await matrix.recovering(first)
    results = []
    for cell in then:
        await matrix.warm()
        results.append(await matrix.killed_again(first, cell))
    assert len(results) > 4
    await judged(stage, results)


async def test_routing_that_wakes_up_after_an_order_has_lapsed_ends_it_as_void(stage: Stage) -> None:
    matrix = Matrix(stage.town, stage.remote, "settle", TRANSACTIONS["settle"])
    step = Point(SEND, f"{INSURED}/settlement OrderService.BatchConfirm", BEFORE, 1)
    (late,) = [each for each in await matrix.recorded([ROUTING]) if each.point == step]
    result = await matrix.stopped(late, LAPSED_S)
    assert result.answer != "done"
    await judged(stage, [result])
