"""Reversals across cells of which a step is lost on the way: routing finishes them, though their institution never asks again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from services.kernel.errors import Fault, FaultKind
from services.routing.peers.settlements import SettlementCells
from tests.mesh.harness import in_cell
from tests.mesh.people import Newcomers
from tests.mesh.test_cells import THERE
from tests.mesh.test_elsewhere import Two, two_cells
from tests.mesh.test_settled_elsewhere import ONE_BOX, at_rest
from tests.mesh.world import ledger_findings

pytestmark = pytest.mark.torture


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Two]:
    """Two cells for this module."""
    async with two_cells(tmp_path_factory.mktemp("reversed")) as made:
        yield made


@pytest.fixture(scope="module")
def residents(two: Two) -> Newcomers:
    """People whom the other cell insures."""
    return Newcomers(in_cell(two.mesh, THERE), 2300)


@pytest.mark.parametrize("step", ["reverse", "book_reversal"])
@pytest.mark.parametrize("taken", [False, True], ids=["request", "answer"])
async def test_a_reversal_that_is_lost_on_the_way_is_finished_without_its_institution(
    two: Two, residents: Newcomers, monkeypatch: pytest.MonkeyPatch, step: str, taken: bool
) -> None:
    here, who = two.here, await residents.one()
    first, second = [await here.visit(who, ONE_BOX) for _ in range(2)]
    cells: Any = SettlementCells
    call = getattr(cells, step)

    async def lost(*told: Any) -> Any:
        if step == "book_reversal" and told[3].request_id.endswith(":book"):
            return await call(*told)
        if taken:
            await call(*told)
        raise Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": "settlement"})

    named = {"psn_no": who.psn_no, "omsgid": second.msgid, "oinfno": "2207"}
    reversal = here.envelope("2208", {"data": first.reference}, here.next_msgid())
    for envelope in (here.envelope("2601", named, here.next_msgid()), reversal):
        with monkeypatch.context() as patched:
            patched.setattr(SettlementCells, step, lost)
            response = await here.post(envelope)
            assert (response.status_code, response.json()["err_msg"].partition("]")[0]) == (503, "[OUTCOME_UNKNOWN")
            await at_rest(two)
        assert (await here.post(envelope)).json()["infcode"] == 0
    counters = [(await here.post(reversal)).json()["output"]["setlinfo"]["setl_id"] for _ in range(2)]
    assert counters[0] == counters[1]
    for done in (first, second):
        told = (await here.done("5203", {"data": done.reference})).output["setlinfo"]
        assert told["refd_setl_flag"] == "1"
    for mesh in (two.mesh, in_cell(two.mesh, THERE)):
        assert await ledger_findings(mesh) == []
