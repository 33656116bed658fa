"""Bills that come to routing in a list: they go side by side, and who waits for a dark cell keeps nobody else waiting."""

from __future__ import annotations

from typing import Any

import pytest

from services.kernel.elsewhere import STILL_UNDER_WAY
from services.kernel.errors import Fault
from tests.routing.across import Across
from tests.routing.played_cells import BEFORE
from tests.routing.sagas import CARE, INSURED
from tests.routing.test_across_failures import Held


async def test_the_bills_of_a_list_are_answered_in_their_order_each_with_what_came_of_it(across: Across) -> None:
    visits = [across.visit() for _ in range(4)]
    before = await across.settled("2207:used", visits.pop())
    works = [
        across.settled(msgid, visit) for msgid, visit in zip(("2207:1", "2207:used", "2207:2"), visits, strict=True)
    ]
    answers: list[Any] = await across.sagas.together(works)
    refused = answers.pop(1)
    assert isinstance(refused, Fault)
    assert refused.reason == "REQUEST_ID_REUSED"
    assert across.standing(visits.pop(1)) == []
    assert before.setlinfo.setl_id not in [each.setlinfo.setl_id for each in answers]
    assert [across.standing(each) for each in visits] == [[each.setlinfo.setl_id] for each in answers]
    await across.at_rest()


async def test_a_bill_whose_cell_does_not_answer_is_left_behind_and_found_by_whoever_asks_for_it_alone(
    across: Across,
) -> None:
    slow, quick = across.visit(), across.visit()
    across.peers.gate = held = Held((INSURED, "Open", BEFORE))
    works = [across.settled(f"2207:{each}", each, waits_s=5) for each in (slow, quick)]
    found: list[Any] = await across.sagas.together(works, behind_s=0.02)
    behind, answer = found
    assert isinstance(behind, Fault)
    assert behind.reason == STILL_UNDER_WAY
    assert across.standing(quick) == [answer.setlinfo.setl_id]
    held.go.set()
    alone = await across.settled(f"2207:{slow}", slow, waits_s=5)
    assert across.standing(slow) == [alone.setlinfo.setl_id]
    await across.at_rest()


async def test_of_a_bill_that_came_with_what_the_cell_of_care_told_it_is_not_asked_again(across: Across) -> None:
    visit = across.visit()
    answer = await across.settled("2207:1", visit, told=across.told("2207:1", visit))
    assert across.standing(visit) == [answer.setlinfo.setl_id]
    assert "GetBill" not in {name for _, name, _ in across.peers.seen}
    # What nobody can read was not told.
    other = across.visit()
    await across.settled("2207:2", other, told=b"\xff")
    assert len(across.standing(other)) == 1
    assert (CARE, "GetBill", BEFORE) in across.peers.seen
    await across.at_rest()


async def test_what_was_told_of_other_lines_books_nothing_and_is_believed_once(across: Across) -> None:
    visit = across.visit()
    old = across.told("2207:1", visit)
    across.care.cares[visit].version += 1
    with pytest.raises(Fault, match="BILL_CHANGED"):
        await across.settled("2207:1", visit, told=old)
    assert across.standing(visit) == []
    await across.sagas.idle()
    first = await across.settled("2207:1", visit)
    # The message itself settled meanwhile: what was told before that is looked at anew.
    again = await across.bills.settle(across.message("2207:1", visit, old))
    assert again.setlinfo.setl_id == first.setlinfo.setl_id
    await across.at_rest()
