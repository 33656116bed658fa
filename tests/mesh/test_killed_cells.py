"""A bill of another cell's person while one of the processes that settle it dies at its worst moment: all agree afterwards, and a
repeat of the hospital is answered as if nothing had been. The whole matrix is in `make torture`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from services.kernel.clock import system_clock
from tests.mesh.hospital import hospital_at
from tests.mesh.people import Newcomers
from tests.mesh.world import ledger_findings
from tests.torture.cells.books import Books
from tests.torture.cells.matrix import Cell, Matrix, table
from tests.torture.cells.processes import (
    CARE_SETTLEMENT,
    INSURED,
    INSURED_SETTLEMENT,
    ROUTING,
    VICTIMS,
    town,
)
from tests.torture.cells.seams import AFTER, RECEIVE, SEND, Point
from tests.torture.cells.transactions import Line, settle
from tests.torture.victim import show

OPEN, CONFIRM = "OrderService.BatchOpen", "OrderService.BatchConfirm"
WORST: Final = (
    (CARE_SETTLEMENT, Point(RECEIVE, OPEN, AFTER, 1)),
    (INSURED_SETTLEMENT, Point(RECEIVE, CONFIRM, AFTER, 1)),
    (ROUTING, Point(SEND, f"{INSURED}/settlement {CONFIRM}", AFTER, 1)),
)


async def test_a_bill_survives_the_death_of_any_process_at_its_worst_moment(tmp_path: Path) -> None:
    async with town(tmp_path) as made, hospital_at(made.url, system_clock) as hospital:
        line = Line(hospital, Newcomers(made.cells[INSURED], 5000), Books(made.config))
        matrix = Matrix(made, line, "settle", settle)
        passed = {(each.part, each.point) for each in await matrix.recorded(VICTIMS)}
        assert set(WORST) <= passed
        results = [await matrix.killed(Cell("settle", part, point)) for part, point in WORST]
        show(table(results))
        assert [each for each in results if each.wrong] == []
        for cell in made.cells.values():
            assert await ledger_findings(cell) == []
