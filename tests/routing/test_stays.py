"""Stays of whom another cell insures: whatever fails at whichever call, in the end both cells agree, and the message is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest
import pytest_asyncio

from services.kernel.errors import Fault, precondition
from services.routing.domain.stays import ADMIT, CANCEL_ADMISSION, DISCHARGE, MESSAGE, UNDO_DISCHARGE
from services.routing.store.unit import RoutingStore
from services.runtime.db import Database
from tests.routing.sagas import NOON
from tests.routing.stays_scene import AFTER, BEFORE, DISCHARGED, OPEN, Died, Request, Wards, dark

STEPS = {
    ADMIT: ("covered", "reserve", "admit"),
    DISCHARGE: ("begun", "change", "release"),
    CANCEL_ADMISSION: ("begun", "change", "release"),
    MESSAGE: ("change", "release"),
    UNDO_DISCHARGE: ("begun", "reserve", "change"),
}
"""The calls of each act, in their order."""
NOTHING_STANDS = frozenset(("CELL_UNAVAILABLE", "PEER_UNAVAILABLE"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def empty(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wards]:
    """The store of routing, with the numbers that it gives out."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('stays') / 'routing.sqlite'}", lambda: NOON)
    store = RoutingStore(database)
    await store.start()
    yield Wards(store)
    await database.close()


@pytest.fixture
def wards(empty: Wards) -> Wards:
    """Routing between two cells that have no stays."""
    return Wards(empty.store, empty.numbers)


async def ready(wards: Wards, act: str) -> tuple[str, Request]:
    """A message whose turn it is."""
    psn_no = wards.newcomer()
    if act == ADMIT:
        return wards.message(ADMIT, psn_no)
    mdtrt_id = await wards.admitted(psn_no)
    if act == UNDO_DISCHARGE:
        await wards.sent(*wards.message(DISCHARGE, psn_no, mdtrt_id))
    await wards.kept.sagas.idle()
    return wards.message(act, psn_no, mdtrt_id)


def failing(step: str, phase: str, error: BaseException, times: int = 1000) -> Callable[[str, str], Awaitable[None]]:
    """Fails at that call."""
    left = [times]

    async def disturb(at: str, when: str) -> None:
        if (at, when) == (step, phase) and left[0]:
            left[0] -= 1
            raise error

    return disturb


@pytest.mark.parametrize("act", STEPS)
async def test_an_act_asks_each_cell_once_and_leaves_both_agreeing(wards: Wards, act: str) -> None:
    message = await ready(wards, act)
    wards.cells.calls.clear()
    answer = await wards.sent(*message)
    assert tuple(wards.cells.calls) == STEPS[act]
    assert await wards.sent(*message) == answer
    await wards.at_rest()
    assert tuple(wards.cells.calls) == STEPS[act]


@pytest.mark.parametrize("act", STEPS)
@pytest.mark.parametrize("what", ["answers no more", "lost once", "dies"])
async def test_whatever_fails_the_cells_agree_in_the_end_and_the_message_is_answered(
    wards: Wards, act: str, what: str
) -> None:
    for step in STEPS[act]:
        for phase in (BEFORE, AFTER):
            message = await ready(wards, act)
            error = Died() if what == "dies" else dark()
            wards.cells.disturb = failing(step, phase, error, 1 if what == "lost once" else 1000)
            try:
                told = await wards.told(*message)
            except Died:
                told = ""
                wards.restarted()
            stood = message[1].request_id in wards.cells.answers
            wards.cells.disturb = None
            if told in NOTHING_STANDS:
                assert not stood
            await wards.at_rest()
            if told in NOTHING_STANDS:
                assert message[1].request_id not in wards.cells.answers
            answer = await wards.sent(*message)
            assert answer == wards.cells.answers[message[1].request_id]
            assert told in ("", answer, "OUTCOME_UNKNOWN", *NOTHING_STANDS)
            await wards.at_rest()


@pytest.mark.parametrize("act", STEPS)
async def test_what_was_lost_on_its_way_and_comes_when_all_is_at_rest_changes_nothing(wards: Wards, act: str) -> None:
    for step in STEPS[act][1:]:
        message = await ready(wards, act)
        wards.cells.late = []
        wards.cells.disturb = failing(step, BEFORE, dark())
        await wards.told(*message)
        wards.cells.disturb = None
        await wards.at_rest()
        for work in wards.cells.late:
            with suppress(Fault):
                work()
            wards.agree()
        wards.cells.late = None
        await wards.sent(*message)
        await wards.at_rest()


@pytest.mark.parametrize("act", STEPS)
async def test_what_the_place_of_care_refuses_leaves_nothing_behind(wards: Wards, act: str) -> None:
    message = await ready(wards, act)
    held = dict(wards.cells.held)
    step = "admit" if act == ADMIT else "change"
    for refusal in (precondition("NOT_REVERSIBLE", oinfno="2401"), precondition("FEES_PRESENT", mdtrt_id="M1")):
        wards.cells.refuse = {step: refusal}
        assert await wards.told(*message) == refusal.reason
        assert wards.cells.held == held
    wards.cells.refuse = {}
    await wards.sent(*message)
    await wards.at_rest()


@pytest.mark.parametrize("act", STEPS)
async def test_what_is_refused_though_an_attempt_is_still_on_its_way_is_closed(wards: Wards, act: str) -> None:
    step = "admit" if act == ADMIT else "change"
    message = await ready(wards, act)
    wards.cells.late, wards.cells.refuse = [], {step: precondition("FEES_PRESENT", mdtrt_id="M1")}
    wards.cells.disturb = failing(step, BEFORE, dark(), times=1)
    assert await wards.told(*message) == "FEES_PRESENT"
    await wards.at_rest()
    wards.cells.refuse = {}
    (work,) = wards.cells.late
    with pytest.raises(Fault, match="MESSAGE_VOIDED"):
        work()
    wards.agree()


@pytest.mark.parametrize("act", [ADMIT, UNDO_DISCHARGE])
async def test_a_reservation_whose_answer_is_lost_is_given_up_at_once(wards: Wards, act: str) -> None:
    message = await ready(wards, act)
    wards.cells.disturb = failing("reserve", AFTER, dark(), times=2)
    assert await wards.told(*message) == "CELL_UNAVAILABLE"
    assert wards.cells.held == {}
    await wards.at_rest()


async def test_what_is_decided_needs_the_place_of_care_no_more(wards: Wards) -> None:
    discharge = await ready(wards, DISCHARGE)
    wards.cells.disturb = failing("release", BEFORE, dark())
    await wards.sent(*discharge)
    refused = await ready(wards, ADMIT)
    wards.cells.refuse = {"admit": precondition("FEES_PRESENT", mdtrt_id="M1")}
    assert await wards.told(*refused) == "FEES_PRESENT"
    await wards.kept.sagas.idle()

    async def care_is_dark(step: str, phase: str) -> None:
        if step in ("end_change", "end_admission"):
            raise dark()

    wards.cells.disturb = care_is_dark
    await wards.at_rest()
    assert wards.cells.held == {}


async def test_there_is_one_open_stay_and_after_its_end_the_next(wards: Wards) -> None:
    who = wards.newcomer()
    first, second = await wards.admitted(who), wards.message(ADMIT, who)
    assert await wards.told(*second) == "STAY_OPEN"
    assert set(wards.cells.held) == {first}

    async def takes_a_moment(step: str, phase: str) -> None:
        await asyncio.sleep(0.01)

    wards.cells.disturb = takes_a_moment
    await wards.sent(*wards.message(DISCHARGE, who, first))
    assert wards.cells.held == {}
    other = await wards.sent(*second)
    assert await wards.told(*wards.message(UNDO_DISCHARGE, who, first)) == "STAY_OPEN"
    assert set(wards.cells.held) == {other}
    await wards.at_rest()


@pytest.mark.parametrize("act", STEPS)
async def test_the_same_message_many_times_at_once_is_done_once(wards: Wards, act: str) -> None:
    for _ in range(3):
        message = await ready(wards, act)
        answers = await asyncio.gather(*(wards.sent(*message, waits_s=5) for _ in range(4)))
        assert set(answers) == {wards.cells.answers[message[1].request_id]}
        await wards.at_rest()


async def test_a_repeat_that_missed_the_end_of_the_first_by_a_moment_gets_its_answer(wards: Wards) -> None:
    message = await ready(wards, ADMIT)
    admitted = await wards.sent(*message)
    await wards.kept.sagas.idle()
    # As if the place of care had been asked just before it was admitted there.
    answers, wards.cells.answers = wards.cells.answers, {}
    repeat = asyncio.create_task(wards.sent(*message))
    await asyncio.sleep(0)
    wards.cells.answers = answers
    assert await repeat == admitted
    await wards.at_rest()


async def test_a_repeat_that_comes_after_the_stay_has_ended_gets_its_answer_and_holds_nobody(wards: Wards) -> None:
    act, request = wards.message(ADMIT, wards.newcomer())
    mdtrt_id = await wards.sent(act, request)
    await wards.sent(*wards.message(DISCHARGE, request.psn_no, mdtrt_id))
    await wards.at_rest()
    assert await wards.sent(act, request, late=True) == mdtrt_id
    await wards.at_rest()
    assert await wards.admitted(request.psn_no) != mdtrt_id


@pytest.mark.parametrize("act", [ADMIT, DISCHARGE])
async def test_nobody_is_held_for_ever_to_a_stay_whose_end_routing_has_forgotten(wards: Wards, act: str) -> None:
    psn_no = wards.newcomer()
    mdtrt_id = await wards.admitted(psn_no)
    await wards.kept.sagas.idle()
    if act == ADMIT:
        # It was reserved and never registered.
        del wards.cells.stays[mdtrt_id]
    else:
        wards.cells.stays[mdtrt_id] = (DISCHARGED, psn_no)
    message = wards.message(ADMIT, psn_no)
    assert await wards.told(*message) == "OUTCOME_UNKNOWN"
    assert await wards.sent(*message) != mdtrt_id
    # Whoever does lie there stays there.
    assert await wards.told(*wards.message(ADMIT, psn_no)) == "STAY_OPEN"
    await wards.at_rest()


async def test_messages_of_several_at_once_leave_one_stay(wards: Wards) -> None:
    who = wards.newcomer()
    told = await asyncio.gather(*(wards.told(*wards.message(ADMIT, who), waits_s=5) for _ in range(4)))
    assert sorted(told)[1:] == ["STAY_OPEN"] * 3
    await wards.at_rest()
    (mdtrt_id,) = wards.cells.stays
    ends = [wards.message(act, who, mdtrt_id) for act in (DISCHARGE, CANCEL_ADMISSION, MESSAGE)]
    told = await asyncio.gather(*(wards.told(*each, waits_s=5) for each in ends))
    assert sorted(told)[:2] == ["ENCOUNTER_STATE"] * 2
    await wards.at_rest()


async def test_the_end_of_a_stay_is_told_though_the_insured_cell_is_dark_and_reaches_it_when_it_is_back(
    wards: Wards,
) -> None:
    discharge = await ready(wards, DISCHARGE)
    who, mdtrt_id = discharge[1].psn_no, discharge[1].mdtrt_id
    hanging = asyncio.Event()

    async def hang(step: str, phase: str) -> None:
        if step == "release":
            await hanging.wait()
            raise dark()

    wards.cells.disturb = hang
    assert await wards.sent(*discharge, waits_s=0.5) == f"discharge of {mdtrt_id}"
    # One saga runs for the stay: what follows waits as long as its caller does.
    undo = wards.message(UNDO_DISCHARGE, who, mdtrt_id)
    assert await wards.told(*undo, waits_s=0.5) == "OUTCOME_UNKNOWN"
    hanging.set()
    await wards.kept.sagas.idle()
    wards.cells.disturb = None
    assert set(wards.cells.held) == {mdtrt_id}
    await wards.at_rest()
    assert wards.cells.held == {}
    await wards.sent(*undo)
    await wards.at_rest()
    assert wards.cells.state(mdtrt_id) == OPEN


async def test_routing_that_stops_waits_for_no_cell_that_hangs_and_the_next_one_goes_on(wards: Wards) -> None:
    discharge = await ready(wards, DISCHARGE)

    async def hang(step: str, phase: str) -> None:
        if step == "release":
            await asyncio.Event().wait()

    wards.cells.disturb = hang
    await wards.sent(*discharge, waits_s=0.5)
    await asyncio.wait_for(wards.kept.sagas.idle(grace_s=0.01), 20)
    assert set(wards.cells.held) == {discharge[1].mdtrt_id}
    wards.restarted()
    wards.cells.disturb = None
    await wards.at_rest()
    assert wards.cells.held == {}


async def test_an_attempt_that_the_loop_has_closed_tells_that_nobody_knows(wards: Wards) -> None:
    for act, step in ((ADMIT, "admit"), (DISCHARGE, "change"), (UNDO_DISCHARGE, "change")):
        message = await ready(wards, act)
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def stand(
            at: str, phase: str, step: str = step, begun: asyncio.Event = begun, go_on: asyncio.Event = go_on
        ) -> None:
            if (at, phase) == (step, BEFORE):
                begun.set()
                await go_on.wait()

        wards.cells.disturb = stand
        slow = asyncio.create_task(wards.told(*message, waits_s=5))
        await begun.wait()
        wards.cells.disturb = None
        wards.kept.clock.pass_by(60)
        for saga in await wards.kept.books.take(9):
            await wards.loop.take_up(saga)
        go_on.set()
        assert await slow == "OUTCOME_UNKNOWN"
        await wards.at_rest()
        await wards.sent(*message)
        await wards.at_rest()


async def test_a_message_that_was_taken_back_before_it_came_is_refused_as_such(wards: Wards) -> None:
    message = await ready(wards, ADMIT)
    wards.cells.refuse = {"admit": precondition("MESSAGE_VOIDED", request_id=message[1].request_id)}
    assert await wards.told(*message) == "MESSAGE_VOIDED"
    await wards.at_rest()
    assert wards.cells.held == {}


async def test_other_content_under_the_number_of_a_running_message_is_refused(wards: Wards) -> None:
    act, request = await ready(wards, DISCHARGE)
    other = Request(request.request_id, request.psn_no, await wards.admitted(wards.newcomer()))
    wards.cells.disturb = failing("change", BEFORE, dark())
    assert await wards.told(act, request) == "OUTCOME_UNKNOWN"
    wards.cells.disturb = None
    wards.cells.stays[other.mdtrt_id] = (OPEN, other.psn_no)
    assert await wards.told(act, other) == "REQUEST_ID_REUSED"
