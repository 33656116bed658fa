"""Payment in a process of its own, killed at every store, send and receive of paying, hearing, refunding and revoking at each
channel; in half of the cells settlement or the channel dies with it. `-s` shows the matrix.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

import pytest
import pytest_asyncio

from tests.mesh.world import ledger_findings
from tests.torture.cells.matrix import Result, table
from tests.torture.cells.seams import RECEIVE
from tests.torture.paying.books import Books
from tests.torture.paying.deeds import DEEDS, Counter, Deed, deeds_of
from tests.torture.paying.matrix import PayMatrix, played
from tests.torture.paying.square import SETTLEMENT, WAYS, Square, square
from tests.torture.victim import show

pytestmark: Final = pytest.mark.torture
LEAST: Final = 90
NAMES: Final = tuple(party.name for party, _ in WAYS)


@dataclass(slots=True)
class Stage:
    """The processes, and what was run so far."""

    square: Square
    books: Books
    results: list[Result] = field(default_factory=list)
    alone: list[Result] = field(default_factory=list)
    missed: int = 0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with square(tmp_path_factory.mktemp("square"), NAMES) as made:
        yield Stage(made, Books(made.config))


@pytest.mark.parametrize(
    ("name", "deed"),
    [pytest.param(party.name, deed, id=f"{party.name}-{deed.name}") for party, form in WAYS for deed in deeds_of(form)],
)
async def test_nobody_is_charged_twice_and_no_refund_is_lost(stage: Stage, name: str, deed: Deed) -> None:
    matrix = PayMatrix(Counter(stage.square, stage.square.parties[name], stage.books), deed)
    results = await played(matrix, await matrix.recorded(), len(stage.results))
    stage.results += results
    stage.missed += len(matrix.missed)
    lines = [table(results).splitlines()[-1], *(f"not passed again: {each}" for each in matrix.missed)]
    show("\n".join(lines))
    assert [each for each in results if each.wrong] == []


@pytest.mark.parametrize("deed", ["pay", "refund"])
@pytest.mark.parametrize("name", ["wechat", "national"])
async def test_settlement_or_a_channel_that_dies_alone_spoils_nothing(stage: Stage, name: str, deed: str) -> None:
    counter = Counter(stage.square, stage.square.parties[name], stage.books)
    matrix = PayMatrix(counter, next(each for each in DEEDS if each.name == deed))
    results: list[Result] = []
    for part in (SETTLEMENT, stage.square.twins[name]):
        cells = [each for each in await matrix.recorded(part) if each.point.seam == RECEIVE]
        results += await played(matrix, cells, alone=True)
    stage.alone += results
    show(table(results).splitlines()[-1])
    assert [each for each in results if each.wrong] == []


async def test_the_whole_matrix(stage: Stage) -> None:
    show(f"{table(stage.results)}, {stage.missed} points were not passed again")
    show(f"settlement or the channel alone: {table(stage.alone).splitlines()[-1]}")
    assert len(stage.results) >= LEAST
    together = sum(" with " in each.cell.transaction for each in stage.results)
    assert together * 3 > len(stage.results)
    assert await ledger_findings(stage.square.mesh) == []
