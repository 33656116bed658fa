"""What is told where the cell that was asked does not answer, however that shows, and what of its refusals comes through."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from services.kernel.errors import Fault, FaultKind, precondition
from services.routing.domain.resolution import Query, Resolution, Where
from services.routing.operations.elsewhere import AskedPerson, Elsewhere

CELL = "370000"
ASKED = AskedPerson(Query("", "", "", "", date(2026, 6, 10)), "data.mdtrt_cert_no", CELL)


async def told(refusal: Exception) -> Exception:
    """What an asker is told where the cell refuses so."""
    registry: Any = SimpleNamespace(news=SimpleNamespace(cells=(CELL,)))
    cells: Any = None

    async def of_cell(cell: str) -> str:
        assert cell == CELL
        raise refusal

    with pytest.raises(type(refusal)) as raised:
        await Elsewhere(registry, cells).ask(ASKED, of_cell)
    return raised.value


@pytest.mark.parametrize(
    "refusal",
    [
        Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": f"{CELL}/settlement"}),
        Fault(FaultKind.UNAVAILABLE, "STORE_UNAVAILABLE"),
        Fault(FaultKind.UNAVAILABLE, "SHUTTING_DOWN"),
        Fault(FaultKind.DEADLINE, "DEADLINE_EXCEEDED"),
        Fault(FaultKind.EXHAUSTED, "TOO_MANY_CALLS", {"member": f"{CELL}/settlement"}),
    ],
    ids=lambda fault: fault.reason,
)
async def test_a_cell_that_does_not_answer_is_told_by_its_code(refusal: Fault) -> None:
    fault = await told(refusal)
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.reason, fault.metadata) == (FaultKind.UNAVAILABLE, "CELL_UNAVAILABLE", {"cell": CELL})


async def test_who_is_insured_from_a_later_day_is_refused_by_the_cell_that_knows() -> None:
    later = Resolution(Where.NOT_FOUND, "NOT_YET_INSURED", "110000", later_cell=CELL)

    async def resolved(query: Query) -> Resolution:
        return later

    async def of_cell(cell: str) -> str:
        return cell

    registry: Any = SimpleNamespace(news=SimpleNamespace(cells=(CELL,)), resolve=resolved)
    asked = replace(ASKED, query=replace(ASKED.query, certno="1"), made_in="")
    assert await Elsewhere(registry, registry).ask(asked, of_cell) == CELL


@pytest.mark.parametrize("refusal", [precondition("EC_TOKEN_SPENT"), ZeroDivisionError()], ids=["refusal", "bug"])
async def test_what_the_cell_says_of_the_person_comes_through(refusal: Exception) -> None:
    assert await told(refusal) is refusal
