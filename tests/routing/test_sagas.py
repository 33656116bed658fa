"""Sagas: every edge of the table and every forbidden one, one for a message, leases, and the loop that ends what is left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from itertools import product

import pytest

from services.kernel.clock import to_micros
from services.kernel.errors import Fault, FaultKind
from services.kernel.rests import LONGEST_REST_S
from services.routing.domain.sagas import (
    MOVES,
    RUNNING,
    Forbidden,
    Move,
    Saga,
    SagaKind,
    State,
    moved,
    rested,
)
from services.routing.operations.saga_loop import SagaLoop
from services.routing.operations.sagas import KEPT, LOOP_LEASE_S, SPARE_S
from services.routing.store.unit import RoutingStore
from tests.routing.sagas import CARE, HOSPITAL, INSURED, NOON, Kept

NOW = to_micros(NOON)
DARK = Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": "370000/settlement"})
ALLOWED = {
    (State.BEGUN, State.COMMITTED),
    (State.BEGUN, State.REVOKED),
    (State.BEGUN, State.DONE),
    (State.BEGUN, State.UNDONE),
    (State.COMMITTED, State.DONE),
    (State.REVOKED, State.UNDONE),
}


def saga(state: State = State.BEGUN, kind: SagaKind = SagaKind.SETTLE) -> Saga:
    """One that stands so."""
    return Saga("R1", kind, CARE, INSURED, HOSPITAL, "2207:1", "c", "visit", "", state, NOW, NOW, NOW)


@pytest.mark.parametrize("kind", SagaKind, ids=lambda kind: kind.value)
def test_every_edge_of_the_table_and_no_other_can_be_gone(kind: SagaKind) -> None:
    gone = set()
    for start, to in product(State, State):
        never = kind is SagaKind.REVERSE and State.REVOKED in (start, to)
        if start is to and not never:
            assert moved(saga(start, kind), Move("R1", to), NOW + 1) == saga(start, kind)
        elif (start, to) in ALLOWED and not never:
            after = moved(saga(start, kind), Move("R1", to, "WHY", "S1"), NOW + 1)
            assert (after.state, after.setl_id, after.changed_at) == (to, "S1", NOW + 1)
            assert after.reason == ("" if to is State.DONE else "WHY")
            gone.add((start, to))
        else:
            with pytest.raises(Forbidden):
                moved(saga(start, kind), Move("R1", to), NOW + 1)
    assert gone == {
        (start, to) for start, to in ALLOWED if not (kind is SagaKind.REVERSE and State.REVOKED in (start, to))
    }
    # Whatever runs can come to rest, and what is at rest stays there.
    assert all(MOVES[kind][state] - RUNNING for state in MOVES[kind])
    assert not any(MOVES[kind][state] & RUNNING for state in (State.DONE, State.UNDONE))


def test_it_rests_the_longer_the_oftener_but_never_so_long_that_all_would_not_be_at_rest_soon() -> None:
    rests, tried = [], saga()
    for _ in range(30):
        tried = rested(tried, "PEER_UNAVAILABLE", NOW)
        rests.append((tried.due_at - NOW) // 1_000_000)
    assert rests[:5] == [1, 2, 4, 8, LONGEST_REST_S]
    assert (max(rests), tried.attempts, tried.reason) == (LONGEST_REST_S, 30, "PEER_UNAVAILABLE")


@pytest.fixture
def kept(small_store: RoutingStore) -> Kept:
    """The operation over a store on SQLite."""
    return Kept(small_store)


@pytest.fixture
def any_kept(store: RoutingStore) -> Kept:
    """The operation, on each database."""
    return Kept(store)


async def test_one_saga_runs_for_a_message_and_its_repeat_finds_it(kept: Kept) -> None:
    sagas = kept.sagas
    first = await sagas.begin(kept.new())
    assert await sagas.begin(kept.new()) == first == await kept.books.find(first.order_no)
    with pytest.raises(Fault, match="REQUEST_ID_REUSED"):
        await sagas.begin(kept.new(content="other"))
    with pytest.raises(Fault, match="REQUEST_ID_REUSED"):
        await sagas.begin(kept.new(kind=SagaKind.REVERSE))
    other = kept.new("2207:2")
    assert await sagas.begin(other) == other
    await sagas.move(first.order_no, State.UNDONE, "BILL_CHANGED")
    again = kept.new(content="other")
    assert await sagas.begin(again) == again
    # What has settled a message is found for ever: who began before that was known does not settle it again.
    done = await sagas.move(again.order_no, State.DONE)
    assert await sagas.begin(kept.new(content="other")) == done
    reversal = await sagas.begin(kept.new("2208:1", SagaKind.REVERSE))
    await sagas.move(reversal.order_no, State.DONE)
    repeat = kept.new("2208:1", SagaKind.REVERSE)
    assert await sagas.begin(repeat) == repeat


async def test_of_a_store_that_one_process_holds_nobody_has_a_saga_when_that_begins(kept: Kept) -> None:
    begun = await kept.sagas.begin(kept.new(left_s=600))
    ended = await kept.sagas.begin(kept.new("2207:2", left_s=600))
    await kept.sagas.move(ended.order_no, State.DONE)
    assert await kept.books.take(9) == []
    await kept.books.release()
    assert [each.order_no for each in await kept.books.take(9)] == [begun.order_no]


async def test_one_saga_runs_for_a_target_whatever_the_message(any_kept: Kept) -> None:
    sagas = any_kept.sagas
    first = await sagas.begin(any_kept.new("2208:1", SagaKind.REVERSE, target="R7"))
    assert await sagas.begin(any_kept.new("2208:2", SagaKind.REVERSE, target="R7")) == first
    both = await asyncio.gather(
        *(sagas.begin(any_kept.new(f"2208:8{n}", SagaKind.REVERSE, target="R8")) for n in range(5))
    )
    assert len({each.order_no for each in both}) == 1
    await sagas.move(first.order_no, State.DONE)
    last = any_kept.new("2208:2", SagaKind.REVERSE, target="R7")
    assert await sagas.begin(last) == last


async def test_two_processes_that_begin_the_same_begin_one(any_kept: Kept) -> None:
    other = Kept(any_kept.store)
    other.sagas._new_id = lambda: "X"
    begun = await asyncio.gather(any_kept.sagas.begin(any_kept.new()), other.sagas.begin(other.new()))
    assert len({each.order_no for each in begun}) == 1


async def test_an_end_that_is_not_waited_for_is_written_and_a_wrong_one_is_told(kept: Kept) -> None:
    begun = await kept.sagas.begin(kept.new())
    kept.sagas.end(begun.order_no, State.DONE, setl_id="S1")
    await kept.sagas.idle()
    ended = await kept.books.find(begun.order_no)
    assert ended is not None
    assert (ended.state, ended.setl_id) == (State.DONE, "S1")
    kept.sagas.end(begun.order_no, State.UNDONE)
    await kept.sagas.idle()
    assert [type(each) for each in kept.failures] == [Forbidden]
    assert await kept.state(begun.order_no) is State.DONE


async def test_an_end_that_nobody_waits_for_is_written_with_what_begins_next(kept: Kept) -> None:
    first, second = kept.new(), kept.new("2207:2")
    await kept.sagas.begin(first)
    kept.sagas.end_soon(first.order_no, State.DONE, setl_id="S1")
    assert await kept.state(first.order_no) is State.BEGUN
    await kept.sagas.begin(second)
    ended = await kept.books.find(first.order_no)
    assert ended is not None
    assert (ended.state, ended.setl_id) == (State.DONE, "S1")


async def test_an_end_after_which_nothing_begins_is_written_a_moment_later(kept: Kept) -> None:
    begun = await kept.sagas.begin(kept.new())
    kept.sagas.end_soon(begun.order_no, State.DONE)
    ended = await kept.sagas.ended(begun.order_no, 5)
    assert ended is not None
    assert ended.state is State.DONE


async def test_who_waits_for_anothers_saga_is_told_its_end_or_that_the_time_is_over(kept: Kept) -> None:
    begun = await kept.sagas.begin(kept.new())
    assert await kept.sagas.ended(begun.order_no, 0.05) is None
    waiting = asyncio.create_task(kept.sagas.ended(begun.order_no, 5))
    await asyncio.sleep(0.05)
    kept.sagas.end(begun.order_no, State.UNDONE, "BILL_CHANGED")
    ended = await waiting
    assert ended is not None
    assert (ended.state, ended.reason) == (State.UNDONE, "BILL_CHANGED")
    # Nobody waits for what the loop cannot end.
    dark = await kept.sagas.begin(kept.new("2207:2"))
    for _ in range(2):
        await kept.books.rest(dark.order_no, "PEER_UNAVAILABLE")
    assert await asyncio.wait_for(kept.sagas.ended(dark.order_no, 60), 20) is None


async def test_who_waits_looks_again_soon_then_ever_more_seldom_but_four_times_a_second(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, rests, sleep = await kept.sagas.begin(kept.new()), list[float](), asyncio.sleep
    own = asyncio.current_task()

    async def resting(wait_s: float) -> None:
        if asyncio.current_task() is not own:
            # Whatever else of this process rests goes on as it does.
            await sleep(wait_s)
            return
        await sleep(0)
        if wait_s:
            rests.append(wait_s)
            if len(rests) == 7:
                kept.sagas.end(begun.order_no, State.DONE)

    monkeypatch.setattr(asyncio, "sleep", resting)
    ended = await kept.sagas.ended(begun.order_no, 5)
    assert ended is not None
    assert rests[:7] == [0.02, 0.04, 0.08, 0.16, 0.25, 0.25, 0.25]


async def test_a_saga_is_taken_by_one_and_only_when_its_lease_or_its_rest_is_over(any_kept: Kept) -> None:
    begun = await any_kept.sagas.begin(any_kept.new(left_s=10))
    any_kept.clock.pass_by(10 + SPARE_S)
    assert await any_kept.books.take(9) == []
    any_kept.clock.pass_by(2)
    took = await asyncio.gather(any_kept.books.take(9), Kept(any_kept.store, any_kept.clock).books.take(9))
    assert sorted([each.order_no for each in some] for some in took) == [[], [begun.order_no]]
    any_kept.clock.pass_by(LOOP_LEASE_S)
    assert [each.order_no for each in await any_kept.books.take(9)] == [begun.order_no]
    await any_kept.books.rest(begun.order_no, "PEER_UNAVAILABLE")
    assert await any_kept.books.take(9) == []
    any_kept.clock.pass_by(1)
    assert [each.reason for each in await any_kept.books.take(9)] == ["PEER_UNAVAILABLE"]
    await any_kept.sagas.move(begun.order_no, State.UNDONE)
    any_kept.clock.pass_by(1000)
    assert await any_kept.books.take(9) == []


def unseen(_: Saga) -> AbstractContextManager[object]:
    """No span."""
    return nullcontext()


async def within(true: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    """Waits until something is so."""
    for _ in range(int(seconds / 0.01)):
        if await true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to be so")


async def _told(told: list[str]) -> bool:
    return bool(told)


async def test_the_loop_ends_what_is_left_and_one_that_cannot_be_ended_keeps_no_other_waiting(kept: Kept) -> None:
    first, second, third = [await kept.sagas.begin(kept.new(f"2207:{n}")) for n in range(3)]
    for each in (first, second, third):
        kept.sagas.leave(each.order_no, "DEADLINE_EXCEEDED")
    await kept.sagas.idle()
    kept.clock.pass_by(2)
    trouble: dict[str, BaseException] = {first.order_no: DARK, second.order_no: ZeroDivisionError()}
    told: list[str] = []

    async def end(left: Saga) -> Move:
        if left.order_no in trouble:
            raise trouble[left.order_no]
        return Move(left.order_no, State.DONE)

    loop = SagaLoop(kept.sagas, {SagaKind.SETTLE: end}, unseen, lambda error, number: told.append(number), every_s=0.01)
    loop.start()

    async def stand(*states: State) -> bool:
        return [await kept.state(each.order_no) for each in (first, second, third)] == [*states]

    await within(lambda: stand(State.BEGUN, State.BEGUN, State.DONE))
    await within(lambda: _told(told))
    for _ in range(3):
        kept.clock.pass_by(LONGEST_REST_S)
        await asyncio.sleep(0.05)
    # A cell that is away is nobody's fault; a bug is told once.
    assert told == [second.order_no]
    trouble.clear()
    kept.clock.pass_by(LONGEST_REST_S)
    await within(lambda: stand(State.DONE, State.DONE, State.DONE))
    await loop.stop()


async def test_what_came_to_rest_long_ago_is_taken_away_little_by_little(
    any_kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.routing.operations.saga_loop.MOST_PRUNED", 2)
    sagas, clock = any_kept.sagas, any_kept.clock
    done, undone, running, late = [await sagas.begin(any_kept.new(f"2207:{n}")) for n in range(4)]
    more = [await sagas.begin(any_kept.new(f"2207:9{n}")) for n in range(3)]
    for each in (done, *more):
        await sagas.move(each.order_no, State.DONE)
    await sagas.move(undone.order_no, State.UNDONE, "BILL_CHANGED")
    clock.pass_by(1)
    await sagas.move(late.order_no, State.DONE)
    clock.now += KEPT
    loop = SagaLoop(sagas, {}, unseen, lambda error, number: None)

    async def left() -> int:
        return sum([await any_kept.books.find(each.order_no) is not None for each in (done, undone, *more)])

    # Five, two at a time, until there are no more; then not before a minute is over.
    counts = []
    for _ in range(3):
        await loop.prune()
        counts.append(await left())
    assert counts == [3, 1, 0]
    clock.pass_by(1)
    await loop.prune()
    assert await any_kept.state(late.order_no) is State.DONE
    monkeypatch.setattr(loop, "_prune_at", 0.0)
    await loop.prune()
    assert await any_kept.books.find(late.order_no) is None
    # What runs is never old, and a message that was settled then can be heard again: the place of care knows its answer.
    assert await any_kept.state(running.order_no) is State.BEGUN
    again = any_kept.new("2207:0")
    assert await sagas.begin(again) == again


async def test_the_loop_looks_for_old_rows_too(kept: Kept) -> None:
    begun = await kept.sagas.begin(kept.new())
    await kept.sagas.move(begun.order_no, State.DONE)
    kept.clock.now += KEPT + timedelta(seconds=1)
    loop = SagaLoop(kept.sagas, {}, unseen, lambda error, number: None, every_s=0.01)
    loop.start()

    async def gone() -> bool:
        return await kept.books.find(begun.order_no) is None

    await within(gone)
    await loop.stop()


async def test_more_than_can_be_worked_at_are_told_to_come_later(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.routing.operations.sagas.MOST", 1)
    with kept.sagas.room(), pytest.raises(Fault, match="QUEUE_FULL"), kept.sagas.room():
        pass
    with kept.sagas.room():
        pass
