"""Orders as the insured cells have booked them: each cell is asked once, a silent one is named, others' are left out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from services.kernel.elsewhere import cell_unavailable
from services.kernel.errors import Fault, FaultKind, not_found
from services.routing.domain.sagas import SagaKind
from services.routing.operations.booked_orders import BookedOrders
from services.routing.store.unit import RoutingStore
from services.runtime.db import Database
from tests.routing.sagas import CARE, INSURED, Kept, Ticking

OTHER = "310000"
AWAY = Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE")


@dataclass
class Cells:
    """What each cell has booked; some refuse."""

    booked: dict[str, set[str]]
    refuses: dict[str, Fault] = field(default_factory=dict)
    asked: list[tuple[str, list[str]]] = field(default_factory=list)

    async def booked_orders(self, cell: str, order_nos: Sequence[str]) -> Sequence[str]:
        self.asked.append((cell, sorted(order_nos)))
        if cell in self.refuses:
            raise self.refuses[cell]
        return sorted(self.booked.get(cell, set()) & {*order_nos})


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    clock = Ticking()
    database = Database(f"sqlite:///{tmp_path}/routing.sqlite", clock)
    store = RoutingStore(database)
    await store.start()
    yield Kept(store, clock)
    await database.close()


async def begun(kept: Kept, order_no: str, care_cell: str = CARE) -> None:
    """An order that payment of a cell of care has opened."""
    saga = replace(kept.new(order_no, SagaKind.PAY), order_no=order_no, care_cell=care_cell)
    await kept.sagas.begin(saga)


async def test_orders_are_looked_for_where_they_were_opened_and_those_of_another_cell_of_care_are_not_told(
    kept: Kept,
) -> None:
    await begun(kept, "ORD1-1")
    await begun(kept, "ORD2-1", OTHER)
    cells = Cells({INSURED: {"ORD1-1", "ORD2-1", "ORD3-1"}, OTHER: {"ORD4-1"}})
    asked = {"ORD1-1": INSURED, "ORD2-1": INSURED, "ORD3-1": INSURED, "ORD4-1": OTHER, "ORD5-1": OTHER}
    # Of those whose saga is gone the cell knows that payment names.
    assert await BookedOrders(kept.books, cells).find(CARE, asked) == (["ORD4-1", "ORD1-1", "ORD3-1"], [])
    assert cells.asked == [(OTHER, ["ORD4-1", "ORD5-1"]), (INSURED, ["ORD1-1", "ORD3-1"])]


@pytest.mark.parametrize("refusal", [AWAY, cell_unavailable(OTHER)], ids=["away", "unknown"])
async def test_a_cell_that_does_not_answer_is_named_and_the_others_are_told(kept: Kept, refusal: Fault) -> None:
    cells = Cells({INSURED: {"ORD3-1"}}, {OTHER: refusal})
    found = await BookedOrders(kept.books, cells).find(CARE, {"ORD3-1": INSURED, "ORD4-1": OTHER})
    assert found == (["ORD3-1"], [OTHER])


async def test_a_refusal_that_is_no_absence_is_told(kept: Kept) -> None:
    cells = Cells({}, {OTHER: not_found("ORDER_NOT_FOUND")})
    with pytest.raises(Fault, match="ORDER_NOT_FOUND"):
        await BookedOrders(kept.books, cells).find(CARE, {"ORD4-1": OTHER})
