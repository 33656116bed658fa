"""Bills across cells where something fails: at every call, its request lost, its answer lost, the cell dark, routing killed.

Whatever the institution was told comes to be true, everything comes to rest, and the same message sent again gets its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from services.kernel.errors import Fault, FaultKind
from tests.routing.across import Across, across_cells
from tests.routing.played_cells import AFTER, BEFORE, PENDING, Point, dark, open_gate
from tests.routing.sagas import CARE, INSURED
from yibao.settlement.v1 import reversal_pb2


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def across(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Across]:
    """For all tests of this module: each has bills of its own."""
    async with across_cells(tmp_path_factory.mktemp("across")) as made:
        yield made


SETTLES = [
    (cell, method, when)
    for cell, method in [(CARE, "GetBill"), (INSURED, "Open"), (CARE, "Open"), (INSURED, "Confirm"), (CARE, "Confirm")]
    for when in (BEFORE, AFTER)
]
REVERSES = [
    (cell, method, when)
    for cell, method in [(CARE, "FindBooked"), (INSURED, "ReverseOrder"), (CARE, "BookReversal")]
    for when in (BEFORE, AFTER)
]
NOT_ANSWERED = {"PEER_UNAVAILABLE", "CELL_UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL"}


class Killed(BaseException):
    """The process of routing ended here."""


@dataclass
class Trouble:
    """What happens at a point: once, or from then on to every call of that cell."""

    at: Point
    error: BaseException
    lasts: bool = False
    begun: bool = False

    async def __call__(self, point: Point) -> None:
        """The gate."""
        if self.begun and self.lasts and point[0] == self.at[0] and point[2] == BEFORE:
            raise self.error
        if not self.begun and point == self.at:
            self.begun = True
            raise self.error


async def told(call: Awaitable[Any]) -> Any:
    """The answer, or the reason of the refusal."""
    try:
        return await call
    except Fault as fault:
        return fault.reason
    except Killed:
        return "KILLED"
    except RuntimeError:
        return "INTERNAL"


def troubles(point: Point) -> list[Trouble]:
    """All that can happen at a point."""
    silent = Fault(FaultKind.DEADLINE, "DEADLINE_EXCEEDED")
    return [
        Trouble(point, dark(point[0])),
        Trouble(point, silent),
        Trouble(point, dark(point[0]), lasts=True),
        Trouble(point, RuntimeError("a bug of the cell")),
        Trouble(point, Killed()),
    ]


async def through(across: Across, trouble: Trouble, call: Callable[[], Awaitable[Any]]) -> Any:
    """What is told while that happens; afterwards all cells answer again and everything has come to rest."""
    across.peers.gate = trouble
    answer = await told(call())
    across.peers.gate = open_gate
    assert trouble.begun
    if answer == "KILLED":
        across.restarted()
    await across.at_rest()
    return answer


@pytest.mark.parametrize("point", SETTLES, ids="-".join)
async def test_a_settlement_stands_once_or_not_at_all_whatever_fails_where(across: Across, point: Point) -> None:
    for trouble in troubles(point):
        mdtrt_id = across.visit()
        msgid = f"2207:{mdtrt_id}"
        first = await through(across, trouble, lambda: across.settled(msgid, mdtrt_id))  # noqa: B023 - called at once
        standing = across.standing(mdtrt_id)
        if isinstance(first, str):
            assert first in NOT_ANSWERED | {"OUTCOME_UNKNOWN", "KILLED"}
            assert standing == [] or first not in NOT_ANSWERED
        else:
            assert standing == [first.setlinfo.setl_id]
        again = await told(across.settled(msgid, mdtrt_id))
        if standing:
            assert again.setlinfo.setl_id == standing[0]
        elif again == "MESSAGE_VOIDED":
            # It had come to the place of care, and nothing of it will ever stand.
            await across.settled(f"{msgid}/again", mdtrt_id)
        await across.at_rest()
        assert len(across.standing(mdtrt_id)) == 1


@pytest.mark.parametrize("point", REVERSES, ids="-".join)
async def test_a_reversal_is_made_in_both_cells_or_in_neither_whatever_fails_where(
    across: Across, point: Point
) -> None:
    for n, trouble in enumerate(troubles(point)):
        mdtrt_id = across.visit()
        setl_id = (await across.settled(f"2207:{mdtrt_id}", mdtrt_id)).setlinfo.setl_id
        ask: Callable[[str, str, str], Awaitable[Any]] = across.taken_back if n % 2 else across.reversed
        named = f"2207:{mdtrt_id}" if n % 2 else setl_id
        first = await through(across, trouble, lambda: ask(f"2208:{mdtrt_id}", named, mdtrt_id))  # noqa: B023 - called at once
        if not isinstance(first, str):
            assert across.standing(mdtrt_id) == []
        again = await ask(f"2208:{mdtrt_id}", named, mdtrt_id)
        await across.at_rest()
        assert across.standing(mdtrt_id) == []
        assert again == first or isinstance(first, str)


@dataclass
class Held:
    """Holds the first call that comes to a point until it is let go."""

    at: Point

    def __post_init__(self) -> None:
        self.there, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self, point: Point) -> None:
        """The gate."""
        if point == self.at and not self.there.is_set():
            self.there.set()
            await self.go.wait()


@pytest.mark.parametrize("point", SETTLES, ids="-".join)
async def test_a_message_that_comes_twice_at_once_is_settled_once(across: Across, point: Point) -> None:
    for waits_s in (0.05, 5.0):
        mdtrt_id, held = across.visit(), Held(point)
        across.peers.gate = held
        first = asyncio.create_task(told(across.settled(f"2207:{mdtrt_id}", mdtrt_id, waits_s=5)))
        await held.there.wait()
        second = asyncio.create_task(told(across.settled(f"2207:{mdtrt_id}", mdtrt_id, waits_s=waits_s)))
        if waits_s < 1:
            # It is told so while its caller still waits, never that nothing stands.
            early = await asyncio.wait_for(second, 4)
            assert early == "OUTCOME_UNKNOWN" or early.setlinfo.setl_id
        else:
            await asyncio.sleep(0.03)
        held.go.set()
        answer, again = await first, await second
        assert answer == again or again == "OUTCOME_UNKNOWN"
        await across.at_rest()
        assert across.standing(mdtrt_id) == [answer.setlinfo.setl_id]


@pytest.mark.parametrize("point", SETTLES, ids="-".join)
async def test_a_message_that_is_taken_back_while_it_is_settled_leaves_nothing(across: Across, point: Point) -> None:
    mdtrt_id, held = across.visit(), Held(point)
    across.peers.gate = held
    settling = asyncio.create_task(told(across.settled(f"2207:{mdtrt_id}", mdtrt_id, waits_s=5)))
    await held.there.wait()
    taken = await told(across.taken_back(f"2601:1{mdtrt_id}", f"2207:{mdtrt_id}", mdtrt_id))
    held.go.set()
    answer = await settling
    await across.at_rest()
    assert taken.outcome in (reversal_pb2.MESSAGE_OUTCOME_TAKEN_BACK, reversal_pb2.MESSAGE_OUTCOME_NOT_ARRIVED)
    assert across.standing(mdtrt_id) == []
    if isinstance(answer, str):
        assert answer in ("MESSAGE_VOIDED", "ORDER_VOID", "OUTCOME_UNKNOWN")
        assert await told(across.settled(f"2207:{mdtrt_id}", mdtrt_id)) == "MESSAGE_VOIDED"
    again = await across.taken_back(f"2601:2{mdtrt_id}", f"2207:{mdtrt_id}", mdtrt_id)
    assert (again.outcome, again.setl_id) == (taken.outcome, taken.setl_id)


async def test_what_is_taken_back_is_taken_back_only_where_the_insured_cell_has_done_it(across: Across) -> None:
    mdtrt_id, held = across.visit(), Held((INSURED, "Confirm", BEFORE))
    across.peers.gate = held
    settling = asyncio.create_task(told(across.settled(f"2207:{mdtrt_id}", mdtrt_id, waits_s=5)))
    await held.there.wait()
    across.peers.gate = Trouble((INSURED, "Void", BEFORE), dark(INSURED), lasts=True)
    assert await told(across.taken_back(f"2601:1{mdtrt_id}", f"2207:{mdtrt_id}", mdtrt_id)) == "OUTCOME_UNKNOWN"
    held.go.set()
    across.peers.gate = open_gate
    assert (await settling).setlinfo.setl_id
    told_back = await across.taken_back(f"2601:1{mdtrt_id}", f"2207:{mdtrt_id}", mdtrt_id)
    assert told_back.outcome == reversal_pb2.MESSAGE_OUTCOME_TAKEN_BACK
    await across.at_rest()
    assert across.standing(mdtrt_id) == []


async def test_a_bill_that_routing_has_forgotten_is_ended_as_one_whose_owner_is_gone(across: Across) -> None:
    mdtrt_id = across.visit()
    across.peers.gate = Trouble((INSURED, "Confirm", BEFORE), Killed())
    assert await told(across.settled(f"2207:{mdtrt_id}", mdtrt_id)) == "KILLED"
    across.peers.gate = open_gate
    await across.forgets()
    assert await told(across.settled(f"2207:{mdtrt_id}", mdtrt_id)) == "OUTCOME_UNKNOWN"
    await across.at_rest()
    assert across.standing(mdtrt_id) == []
    assert await told(across.settled(f"2207:{mdtrt_id}", mdtrt_id)) == "MESSAGE_VOIDED"


@dataclass
class Busy:
    """The answer of the first attempt is lost, and the second one finds the cell too busy to say what stands."""

    cell: str
    method: str
    refusal: Fault
    attempts: int = 0

    async def __call__(self, point: Point) -> None:
        """The gate."""
        if point == (self.cell, self.method, AFTER) and not self.attempts:
            self.attempts = 1
            raise Fault(FaultKind.DEADLINE, "DEADLINE_EXCEEDED")
        if point == (self.cell, self.method, BEFORE) and self.attempts == 1:
            self.attempts = 2
            raise self.refusal


BUSY = [Fault(FaultKind.UNAVAILABLE, "LEDGER_CONTENTION"), Fault(FaultKind.EXHAUSTED, "QUEUE_FULL", {"queue": "order"})]


@pytest.mark.parametrize("refusal", BUSY, ids=lambda each: each.reason)
async def test_who_is_too_busy_to_say_what_stands_has_refused_nothing(across: Across, refusal: Fault) -> None:
    for cell, method in dict.fromkeys((cell, method) for cell, method, _ in SETTLES[2:]):
        mdtrt_id = across.visit()
        across.peers.gate = Busy(cell, method, refusal)
        first = await told(across.settled(f"2207:{mdtrt_id}", mdtrt_id))
        across.peers.gate = open_gate
        assert first in ("OUTCOME_UNKNOWN", "CELL_UNAVAILABLE")
        await across.at_rest()
        assert len(across.standing(mdtrt_id)) == (method == "Confirm")
    for cell, method in ((INSURED, "ReverseOrder"), (CARE, "BookReversal")):
        mdtrt_id = across.visit()
        setl_id = (await across.settled(f"2207:{mdtrt_id}", mdtrt_id)).setlinfo.setl_id
        across.peers.gate = Busy(cell, method, refusal)
        assert await told(across.reversed(f"2208:{mdtrt_id}", setl_id, mdtrt_id)) == "OUTCOME_UNKNOWN"
        across.peers.gate = open_gate
        await across.at_rest()
        assert across.standing(mdtrt_id) == []


async def test_a_message_of_a_forgotten_bill_that_stands_in_the_insured_cell_can_be_taken_back(across: Across) -> None:
    mdtrt_id = across.visit()
    across.peers.gate = Trouble((INSURED, "Confirm", AFTER), Killed())
    assert await told(across.settled(f"2207:{mdtrt_id}", mdtrt_id)) == "KILLED"
    across.peers.gate = open_gate
    await across.forgets()
    taken = await told(across.taken_back(f"2601:{mdtrt_id}", f"2207:{mdtrt_id}", mdtrt_id))
    assert taken.outcome == reversal_pb2.MESSAGE_OUTCOME_TAKEN_BACK
    await across.at_rest()
    assert across.standing(mdtrt_id) == []


async def test_a_reversal_that_was_refused_is_not_made_later(across: Across) -> None:
    mdtrt_id = across.visit()
    setl_id = (await across.settled(f"2207:{mdtrt_id}", mdtrt_id)).setlinfo.setl_id
    await across.sagas.idle()
    told_of = {"setl_id": setl_id, "count": "1", "admdvs": "370100", "day": "2026-03-05"}
    across.insured.refuse["ReverseOrder"] = Fault(FaultKind.PRECONDITION, "LATER_SETTLEMENT_EXISTS", told_of)
    assert await told(across.reversed(f"2208:{mdtrt_id}", setl_id, mdtrt_id)) == "LATER_SETTLEMENT_EXISTS"
    # The process dies once that is told.
    for task in across.sagas._ending:
        task.cancel()
    across.restarted()
    del across.insured.refuse["ReverseOrder"]
    await across.at_rest()
    assert across.standing(mdtrt_id) == [setl_id]


@pytest.mark.parametrize("stands", [True, False])
async def test_a_bill_is_ended_again_where_the_place_of_care_came_back_from_a_backup(
    across: Across, stands: bool
) -> None:
    mdtrt_id = across.visit()
    if not stands:
        across.insured.refuse["Confirm"] = Fault(FaultKind.PRECONDITION, "ORDER_VOID", {"order_no": "R1"})
    first = await told(across.settled(f"2207:{mdtrt_id}", mdtrt_id))
    across.insured.refuse.clear()
    await across.at_rest()
    order = next(each for each in across.care.orders.values() if each.mdtrt_id == mdtrt_id)
    order.phase = PENDING
    across.care.messages[order.message].void = False
    again = await told(across.settled(f"2207:{mdtrt_id}", mdtrt_id))
    assert again == (first if stands else "MESSAGE_VOIDED")
    await across.at_rest()
    assert len(across.standing(mdtrt_id)) == stands
