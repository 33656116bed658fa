"""Bills that payment holds open across cells: both agree whatever fails where, and nobody but payment and the expiry ends one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Any, Final

import pytest
import pytest_asyncio

from services.kernel.errors import Fault, precondition
from services.routing.domain.sagas import State
from tests.routing.across import Across, across_cells
from tests.routing.played_cells import AFTER, BEFORE, CONFIRMED, PENDING, VOID, Point, dark, open_gate
from tests.routing.sagas import CARE, INSURED
from tests.routing.test_across_failures import told, troubles
from yibao.settlement.v1 import order_pb2

OPENS: Final = [(cell, method) for cell, method in ((CARE, "GetBill"), (INSURED, "Open"), (CARE, "Open"))]
CONFIRMS: Final = [(INSURED, "Renew"), (INSURED, "Confirm"), (CARE, "Confirm")]
VOIDS: Final = [(INSURED, "Void"), (CARE, "Void")]
UNKNOWN: Final = {"OUTCOME_UNKNOWN", "KILLED", "INTERNAL"}
NUMBERS: Final = count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def across(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Across]:
    """For all tests of this module: each has bills of its own."""
    async with across_cells(tmp_path_factory.mktemp("across")) as made:
        yield made


def points(*steps: tuple[str, str]) -> list[Point]:
    return [(*step, when) for step in steps for when in (BEFORE, AFTER)]


async def during(across: Across, trouble: Any, call: Callable[[], Awaitable[Any]]) -> Any:
    """What payment is told while that happens; routing is started again where it was killed."""
    across.peers.gate = trouble
    answer = await told(call())
    across.peers.gate = open_gate
    if answer == "KILLED":
        across.restarted()
    return answer


async def until_known(call: Callable[[], Awaitable[Any]]) -> Any:
    """What payment is told in the end: it asks again."""
    for _ in range(5):
        answer = await told(call())
        if answer not in UNKNOWN:
            return answer
    raise AssertionError("nobody ever knows")


def lapses(across: Across, order_no: str) -> None:
    """Its time is over in the insured cell."""
    across.insured.void(order_pb2.VoidRequest(order_no=order_no))


def number() -> str:
    return f"ORD{next(NUMBERS):04}-1"


@pytest.mark.parametrize("stay", [False, True], ids=["visit", "stay"])
async def test_an_order_waits_for_payment_in_both_cells_and_stands_once_it_confirms(across: Across, stay: bool) -> None:
    mdtrt_id, order_no = across.visit(), number()
    opened = await across.opened(order_no, mdtrt_id, stay=stay)
    assert [cell.orders[order_no].phase for cell in (across.care, across.insured)] == [PENDING, PENDING]
    assert (await across.opened(order_no, mdtrt_id, stay=stay)).setlinfo == opened.setlinfo
    await across.held.renew(CARE, order_no, 900)
    assert across.insured.held[-1] == (order_no, 900, True)
    # Neither a restart of routing nor its loop ends it.
    await across.kept.books.release()
    across.kept.clock.pass_by(120)
    assert await across.kept.books.take(64) == []
    for _ in range(2):
        await across.held.confirm(CARE, order_no)
    assert across.standing(mdtrt_id) == [opened.setlinfo.setl_id]
    assert (await told(across.held.void(CARE, order_no)), await told(across.held.void(INSURED, order_no))) == (
        "ORDER_CONFIRMED",
        "ORDER_NOT_FOUND",
    )
    assert (await across.reversed(f"F{order_no}", opened.setlinfo.setl_id, mdtrt_id, stay=stay)).setlinfo.setl_id
    await across.at_rest()


async def test_a_window_is_told_of_a_held_order_at_once(across: Across) -> None:
    mdtrt_id, order_no = across.visit(), number()
    await across.opened(order_no, mdtrt_id)
    psn_no = across.care.cares[mdtrt_id].psn_no
    other = across.visit(of=psn_no.removeprefix("P"))
    loop_time = across.kept.clock
    before = loop_time()
    assert await told(across.settled(f"2207:{other}", other, waits_s=30)) == "ORDER_PENDING"
    assert loop_time() == before
    await across.held.void(CARE, order_no)
    await across.settled(f"2207:{other}b", other)
    await across.at_rest()


@pytest.mark.parametrize("point", points(*OPENS), ids="-".join)
async def test_an_order_that_may_have_been_opened_is_void_once_payment_says_so(across: Across, point: Point) -> None:
    for trouble in troubles(point):
        mdtrt_id, order_no = across.visit(), number()
        answer = await during(across, trouble, lambda: across.opened(order_no, mdtrt_id))  # noqa: B023 - called at once
        if isinstance(answer, str):
            assert await until_known(lambda: across.held.void(CARE, order_no)) is None  # noqa: B023
            assert await told(across.opened(order_no, mdtrt_id)) in {"ORDER_VOID", "MESSAGE_VOIDED"}
        else:
            await across.held.void(CARE, order_no)
        await across.at_rest()
        assert across.standing(mdtrt_id) == []


@pytest.mark.parametrize("point", points(*CONFIRMS), ids="-".join)
async def test_an_order_is_confirmed_in_both_cells_however_often_it_has_to_be_asked(
    across: Across, point: Point
) -> None:
    for trouble in troubles(point):
        mdtrt_id, order_no = across.visit(), number()
        opened = await across.opened(order_no, mdtrt_id)

        steps = [lambda: across.held.renew(CARE, order_no, 900), lambda: across.held.confirm(CARE, order_no)]  # noqa: B023
        steps = steps if point[1] == "Renew" else steps[1:]
        assert await during(across, trouble, steps[0]) in {None, *UNKNOWN}
        for step in steps:
            assert await until_known(step) is None
        await across.at_rest()
        assert across.standing(mdtrt_id) == [opened.setlinfo.setl_id]


@pytest.mark.parametrize("point", points(*VOIDS), ids="-".join)
async def test_an_order_is_void_in_both_cells_however_often_it_has_to_be_asked(across: Across, point: Point) -> None:
    for trouble in troubles(point):
        mdtrt_id, order_no = across.visit(), number()
        await across.opened(order_no, mdtrt_id)
        assert await during(across, trouble, lambda: across.held.void(CARE, order_no)) in {None, *UNKNOWN}  # noqa: B023
        assert await until_known(lambda: across.held.void(CARE, order_no)) is None  # noqa: B023
        await across.at_rest()
        assert across.standing(mdtrt_id) == []


async def test_one_that_has_lapsed_is_refused_and_void_here_too(across: Across) -> None:
    mdtrt_id, order_no = across.visit(), number()
    await across.opened(order_no, mdtrt_id)
    lapses(across, order_no)
    assert await told(across.held.confirm(CARE, order_no)) == "ORDER_VOID"
    assert across.care.orders[order_no].phase == VOID
    assert [await told(step(CARE, order_no)) for step in (across.held.confirm, across.held.void)] == [
        "ORDER_VOID",
        None,
    ]
    await across.at_rest()


@pytest.mark.parametrize("ended", [PENDING, VOID, CONFIRMED, ""])
async def test_an_order_of_which_payment_is_not_heard_any_more_ends_as_it_ended_in_the_insured_cell(
    across: Across, ended: str
) -> None:
    mdtrt_id, order_no = across.visit(), number()
    if ended:
        await across.opened(order_no, mdtrt_id, expires_s=60)
    else:
        # Routing died before anything was sent.
        await during(
            across, troubles((INSURED, "Open", BEFORE))[-1], lambda: across.opened(order_no, mdtrt_id, expires_s=60)
        )
    if ended == VOID:
        lapses(across, order_no)
    elif ended == CONFIRMED:
        across.insured.orders[order_no].phase = CONFIRMED
    across.kept.clock.pass_by(130)
    taken = await across.kept.books.take(64)
    assert [each.order_no for each in taken] == [order_no]
    await across.loop.take_up(taken[0])
    if ended == PENDING:
        # It was renewed: the insured cell says when its time is over.
        assert across.care.orders[order_no].phase == PENDING
        lapses(across, order_no)
    await across.at_rest()
    state = await across.kept.state(order_no)
    assert state is (State.DONE if ended == CONFIRMED else State.UNDONE)


async def test_a_dark_insured_cell_is_told_at_once_and_what_reached_it_is_taken_back(across: Across) -> None:
    mdtrt_id, order_no = across.visit(), number()

    async def away(point: Point) -> None:
        if point[0] == INSURED and point[2] == AFTER:
            raise dark(INSURED)

    assert await during(across, away, lambda: across.opened(order_no, mdtrt_id)) == "CELL_UNAVAILABLE"
    assert await told(across.held.confirm(CARE, order_no)) == "ORDER_VOID"
    await across.at_rest()
    assert across.insured.orders[order_no].phase == VOID


REFUSED: Final = precondition("FEE_SUM_MISMATCH", sent="1.00", found="2.00")


@pytest.mark.parametrize("cell", [INSURED, CARE])
async def test_an_order_that_a_cell_refuses_is_void_in_both_and_no_attempt_that_comes_late_opens_it(
    across: Across, cell: str
) -> None:
    mdtrt_id, order_no = across.visit(), number()
    refusing = across.peers.cells[cell].refuse
    refusing["Open"] = REFUSED
    assert await told(across.opened(order_no, mdtrt_id)) == REFUSED.reason
    del refusing["Open"]
    assert await across.kept.state(order_no) is State.UNDONE
    assert [each.orders[order_no].phase for each in (across.care, across.insured)] == [VOID, VOID]
    assert await told(across.opened(order_no, mdtrt_id)) in {"ORDER_VOID", "MESSAGE_VOIDED"}
    again = number()
    await across.opened(again, mdtrt_id)
    await across.held.void(CARE, again)
    await across.at_rest()
    assert across.standing(mdtrt_id) == []


@pytest.mark.parametrize("silent", [INSURED, CARE])
async def test_a_refused_order_whose_end_a_cell_does_not_hear_is_left_to_the_loop(across: Across, silent: str) -> None:
    mdtrt_id, order_no = across.visit(), number()

    async def away(point: Point) -> None:
        if point == (INSURED, "Open", AFTER):
            raise REFUSED
        if point[:2] == (silent, "Void"):
            raise dark(silent)

    assert await during(across, away, lambda: across.opened(order_no, mdtrt_id)) == REFUSED.reason
    assert await across.kept.state(order_no) is State.REVOKED
    for step in (across.held.renew(CARE, order_no, 900), across.held.confirm(CARE, order_no)):
        assert await told(step) == "ORDER_VOID"
    await across.at_rest()
    assert await across.kept.state(order_no) is State.UNDONE
    assert across.insured.orders[order_no].phase == VOID


async def test_an_order_has_one_bill_and_one_cell_and_is_no_bill_of_the_own_cell(across: Across) -> None:
    mdtrt_id, order_no = across.visit(), number()
    await across.held.void(CARE, order_no)
    assert await told(across.opened(order_no, mdtrt_id)) == "ORDER_VOID"
    for step in (across.held.confirm(CARE, number()), across.held.renew(CARE, number(), 60)):
        assert await told(step) == "ORDER_NOT_FOUND"
    own = across.visit(CARE)
    with pytest.raises(Fault) as refused:
        await across.opened(number(), own)
    assert (refused.value.reason, refused.value.metadata["cell"]) == ("INSURED_ELSEWHERE", CARE)
