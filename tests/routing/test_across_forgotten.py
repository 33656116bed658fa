"""Bills that a place of care has pending and routing does not work at: found without their message coming again."""

from __future__ import annotations

import pytest

from services.kernel.errors import precondition
from tests.routing.across import Across
from tests.routing.played_cells import AFTER, BEFORE, CONFIRMED, PENDING, VOID, open_gate
from tests.routing.sagas import CARE, INSURED
from tests.routing.test_across_failures import Killed, Trouble, told


@pytest.mark.parametrize("when", [BEFORE, AFTER])
async def test_a_forgotten_bill_is_ended_as_it_is_decided_in_the_insured_cell(across: Across, when: str) -> None:
    mdtrt_id = across.visit()
    across.peers.gate = Trouble((INSURED, "Confirm", when), Killed())
    assert await told(across.settled("2207:1", mdtrt_id)) == "KILLED"
    across.peers.gate = open_gate
    await across.forgets()
    assert await across.kept.books.take(9) == []
    assert [await across.forgotten.pull(cell) for cell in (CARE, INSURED)] == [1, 0]
    # What is worked at is not taken on twice.
    assert await across.forgotten.pull(CARE) == 0
    await across.at_rest()
    assert len(across.standing(mdtrt_id)) == (when == AFTER)
    assert await across.forgotten.pull(CARE) == 0
    again = await told(across.settled("2207:1", mdtrt_id))
    assert again == "MESSAGE_VOIDED" if when == BEFORE else again.setlinfo.setl_id


@pytest.mark.parametrize("stands", [True, False])
async def test_what_is_pending_again_at_a_place_of_care_from_a_backup_is_ended_once_more(
    across: Across, stands: bool
) -> None:
    mdtrt_id = across.visit()
    if not stands:
        across.insured.refuse["Confirm"] = precondition("ORDER_VOID", order_no="R1")
    await told(across.settled("2207:1", mdtrt_id))
    await across.at_rest()
    (order_no,) = across.care.orders
    across.care.orders[order_no].phase = PENDING
    assert await across.forgotten.pull(CARE) == 1
    assert across.care.orders[order_no].phase == (CONFIRMED if stands else VOID)
    await across.at_rest()
    assert len(across.standing(mdtrt_id)) == stands
