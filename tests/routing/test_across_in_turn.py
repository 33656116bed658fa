"""Several bills of one person at once: as at home, one is decided after the other."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.kernel.errors import Fault, FaultKind
from services.routing.domain.sagas import State
from tests.routing.across import Across
from tests.routing.played_cells import AFTER, BEFORE, CONFIRMED, PENDING, VOID, Point, dark, open_gate
from tests.routing.sagas import CARE, INSURED
from tests.routing.test_across_failures import Held, told

UNDER_WAY = [
    (INSURED, "Open", AFTER),
    (CARE, "Open", BEFORE),
    (CARE, "Open", AFTER),
    (INSURED, "Confirm", BEFORE),
    (INSURED, "Confirm", AFTER),
]


async def slow(_: Point) -> None:
    """Every call takes a moment."""
    await asyncio.sleep(0.001)


def pending(across: Across) -> list[str]:
    """Orders that wait in the insured cell."""
    return [order_no for order_no, each in across.insured.orders.items() if each.phase == PENDING]


@pytest.mark.parametrize("point", UNDER_WAY, ids="-".join)
async def test_the_second_of_two_bills_is_settled_after_the_first(across: Across, point: Point) -> None:
    first = across.visit()
    second, held = across.visit(of=first), Held(point)
    across.peers.gate = held
    settling = asyncio.create_task(across.settled("2207:1", first, waits_s=5))
    await held.there.wait()
    waiting = asyncio.create_task(across.settled("2207:2", second, waits_s=5))
    await asyncio.sleep(0.03)
    held.go.set()
    answers = await settling, await waiting
    assert [across.standing(each) for each in (first, second)] == [[each.setlinfo.setl_id] for each in answers]
    await across.at_rest()


async def test_of_many_bills_at_once_every_one_is_settled(across: Across) -> None:
    first = across.visit()
    visits = [first, *(across.visit(of=first) for _ in range(7))]
    across.peers.gate = slow
    answers = await asyncio.gather(*(across.settled(f"2207:{each}", each, waits_s=8) for each in visits))
    assert [across.standing(each) for each in visits] == [[each.setlinfo.setl_id] for each in answers]
    await across.at_rest()
    # What was refused meanwhile is void under its number, and the message settled under another one.
    assert {each.phase for each in across.insured.orders.values()} == {CONFIRMED, VOID}


async def test_a_reversal_waits_for_a_bill_that_is_settled(across: Across) -> None:
    first = across.visit()
    setl_id = (await across.settled("2207:1", first)).setlinfo.setl_id
    second, held = across.visit(of=first), Held((CARE, "Open", BEFORE))
    across.peers.gate = held
    settling = asyncio.create_task(across.settled("2207:2", second, waits_s=5))
    await held.there.wait()
    reversing = asyncio.create_task(across.reversed("2208:1", setl_id, first, waits_s=5))
    await asyncio.sleep(0.03)
    held.go.set()
    stands = (await settling).setlinfo.setl_id
    assert (await reversing).setlinfo.setl_id == f"C{setl_id}"
    assert [across.standing(first), across.standing(second)] == [[], [stands]]
    await across.at_rest()


async def test_what_does_not_end_in_time_is_told_and_nothing_of_the_message_stands(across: Across) -> None:
    first = across.visit()
    second, held = across.visit(of=first), Held((CARE, "Open", BEFORE))
    across.peers.gate = held
    settling = asyncio.create_task(across.settled("2207:1", first, waits_s=5))
    await held.there.wait()
    with pytest.raises(Fault, match="ORDER_PENDING") as raised:
        await across.settled("2207:2", second, waits_s=1.5)
    assert [raised.value.metadata["order_no"]] == pending(across)
    held.go.set()
    await settling
    await across.at_rest()
    assert across.standing(second) == []
    await across.settled("2207:2", second)
    await across.at_rest()


async def test_an_order_that_is_at_rest_in_routing_and_pending_there_is_waited_for_once(across: Across) -> None:
    first = across.visit()
    setl_id = (await across.settled("2207:1", first)).setlinfo.setl_id
    await across.sagas.idle()
    (order_no,) = across.insured.orders
    across.insured.orders[order_no].phase = PENDING
    second = across.visit(of=first)
    assert await asyncio.wait_for(told(across.settled("2207:2", second, waits_s=60)), 5) == "ORDER_PENDING"
    across.insured.orders[order_no].phase = CONFIRMED
    await across.at_rest()
    assert (across.standing(first), across.standing(second)) == ([setl_id], [])


async def test_an_attempt_that_comes_late_does_not_open_what_was_refused(across: Across) -> None:
    """The answer to the refused attempt's predecessor is lost, and that predecessor comes in after all."""
    first = across.visit()
    second, held = across.visit(of=first), Held((CARE, "Open", BEFORE))
    across.peers.gate = held
    settling = asyncio.create_task(across.settled("2207:1", first, waits_s=5))
    await held.there.wait()
    late: list[Any] = []
    opens = across.insured.open

    def noted(request: Any) -> Any:
        late.append(request)
        return opens(request)

    across.insured.open = noted  # type: ignore[method-assign]
    waiting = asyncio.create_task(across.settled("2207:2", second, waits_s=5))
    await asyncio.sleep(0.05)
    held.go.set()
    await settling
    answer = await waiting
    assert len(late) == 2
    with pytest.raises(Fault, match="ORDER_VOID"):
        opens(late[0])
    assert across.standing(second) == [answer.setlinfo.setl_id]
    await across.at_rest()


async def test_where_the_refused_order_cannot_be_made_void_the_loop_does_and_the_message_waits(across: Across) -> None:
    first = across.visit()
    second, held = across.visit(of=first), Held((CARE, "Open", BEFORE))
    across.peers.gate = held
    settling = asyncio.create_task(across.settled("2207:1", first, waits_s=5))
    await held.there.wait()

    async def no_voids(point: Point) -> None:
        if point == (INSURED, "Void", BEFORE):
            raise dark(INSURED)

    across.peers.gate = no_voids
    waiting = asyncio.create_task(told(across.settled("2207:2", second, waits_s=1)))
    await asyncio.sleep(0.05)
    held.go.set()
    await settling
    assert await waiting == "OUTCOME_UNKNOWN"
    across.peers.gate = open_gate
    await across.at_rest()
    assert across.standing(second) == []
    saga = (await across.settled("2207:2", second)).setlinfo.setl_id
    assert across.standing(second) == [saga]
    await across.at_rest()


async def test_a_booking_that_is_refused_for_an_order_is_void_before_it_is_tried_again(across: Across) -> None:
    first = across.visit()
    second, held = across.visit(of=first), Held((INSURED, "Confirm", AFTER))
    across.peers.gate = held
    settling = asyncio.create_task(across.settled("2207:1", first, waits_s=5))
    await held.there.wait()
    (other,) = across.insured.orders
    refusal = Fault(FaultKind.PRECONDITION, "ORDER_PENDING", {"order_no": other, "lapses_at": ""})
    across.care.refuse["Open"] = refusal
    waiting = asyncio.create_task(across.settled("2207:2", second, waits_s=5))
    await asyncio.sleep(0.05)
    assert pending(across) == []
    across.care.refuse.clear()
    held.go.set()
    await settling
    answer = await waiting
    assert across.standing(second) == [answer.setlinfo.setl_id]
    refused = [no for no, each in across.insured.orders.items() if each.phase == VOID]
    saga = await across.kept.books.find(refused[0])
    assert saga is not None
    assert (len(refused), saga.state, saga.reason) == (1, State.UNDONE, "ORDER_PENDING")
    await across.at_rest()
