"""Large bodies and answers beside the loop: small ones never go there, one partner's wait for each other, others do not."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from contextlib import suppress
from functools import partial
from itertools import pairwise

import pytest

from gateway import aside
from gateway.aside import LARGE_BYTES, LARGE_ROWS, UNDER_WAY, Aside
from services.kernel.errors import Fault, FaultKind
from yibao.settlement.v1 import fee_pb2

SMALL, LARGE = LARGE_BYTES, LARGE_BYTES + 1
METHOD = "yibao.settlement.v1.FeeService.ListFees"


def here() -> bool:
    """Whether this runs in the thread of the loop."""
    return threading.current_thread() is threading.main_thread()


async def test_a_large_body_is_read_beside_the_loop_and_a_small_one_in_it() -> None:
    way = Aside()
    assert await way.read("H1", SMALL, here)
    assert not await way.read("H1", LARGE, here)


async def test_the_loop_goes_on_while_a_large_body_is_read() -> None:
    way = Aside()

    there, went_on = threading.Event(), threading.Event()

    def busy() -> bool:
        there.set()
        return went_on.wait(20)

    reading = asyncio.create_task(way.read("H1", LARGE, busy))
    while not reading.done():
        await asyncio.sleep(0.005)
        # In the loop's own thread it would wait in vain.
        if there.is_set():
            went_on.set()
    assert await reading


async def test_what_reading_refuses_is_refused() -> None:
    def refuse() -> None:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST")

    with pytest.raises(Fault):
        await Aside().read("H1", LARGE, refuse)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_what_was_refused_is_free_as_soon_as_the_refusal_is(size: int) -> None:
    """Without anybody who looks for garbage: bodies of megabytes must not wait for that."""

    class Body:
        """What somebody sent."""

    async def refused() -> weakref.ref[Body]:
        body = Body()

        def refuse() -> None:
            raise Fault(FaultKind.INVALID, f"{type(body)}")

        with suppress(Fault):
            await way.read("H1", size, refuse)
        return weakref.ref(body)

    way = Aside()
    gc.disable()
    try:
        sent = await refused()
        async with asyncio.timeout(20):
            while sent() is not None:  # noqa: ASYNC110  # the thread lets go of it a moment later
                await asyncio.sleep(0.005)
    finally:
        gc.enable()


async def test_a_long_answer_is_written_beside_the_loop() -> None:
    way, long = Aside(), fee_pb2.ListFeesResponse()
    for _ in range(LARGE_ROWS + 1):
        long.data.add()
    assert await way.written("H1", METHOD, fee_pb2.ListFeesResponse(), here)
    assert not await way.written("H1", METHOD, long, here)


async def test_the_thread_rests_as_long_as_it_worked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "LONGEST_REST_S", 0.05)
    way, begun = Aside(), list[float]()

    def work() -> None:
        begun.append(time.monotonic())
        time.sleep(0.03)

    await asyncio.gather(*(way.read("H1", LARGE, work) for _ in range(3)))
    assert all(later - earlier >= 0.055 for earlier, later in pairwise(begun))


class TestPlaces:
    async def entered(self, way: Aside, partner: str, size: int, leave: asyncio.Event, seen: list[str]) -> None:
        async with way.place(partner, METHOD, size, 5.0):
            seen.append(partner)
            await leave.wait()

    async def test_one_partner_has_one_large_request_under_way_and_others_have_theirs(self) -> None:
        way, leave, seen = Aside(), asyncio.Event(), list[str]()
        wanted = [("H1", LARGE), ("H1", LARGE), ("H2", LARGE), ("H1", SMALL)]
        tasks = [asyncio.create_task(self.entered(way, partner, size, leave, seen)) for partner, size in wanted]
        await asyncio.sleep(0.01)
        assert sorted(seen) == ["H1", "H1", "H2"]
        leave.set()
        await asyncio.gather(*tasks)
        assert len(seen) == 4

    async def test_whose_last_answer_was_long_waits_for_its_turn_as_a_large_request_does(self) -> None:
        way, leave, seen = Aside(), asyncio.Event(), list[str]()
        long = fee_pb2.ListFeesResponse()
        for _ in range(LARGE_ROWS + 1):
            long.data.add()
        await way.written("H1", METHOD, long, here)
        tasks = [asyncio.create_task(self.entered(way, "H1", SMALL, leave, seen)) for _ in range(2)]
        await asyncio.sleep(0.01)
        assert seen == ["H1"]
        leave.set()
        await asyncio.gather(*tasks)
        await way.written("H1", METHOD, fee_pb2.ListFeesResponse(), here)
        leave.clear()
        tasks = [asyncio.create_task(self.entered(way, "H1", SMALL, leave, seen)) for _ in range(2)]
        await asyncio.sleep(0.01)
        assert len(seen) == 4
        leave.set()
        await asyncio.gather(*tasks)

    async def test_all_together_have_few_and_who_waits_too_long_is_told_to_come_later(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(aside, "WAIT_S", 0.05)
        way, leave, seen = Aside(), asyncio.Event(), list[str]()
        names = [f"H{number}" for number in range(UNDER_WAY + 1)]
        tasks = [asyncio.create_task(self.entered(way, name, LARGE, leave, seen)) for name in names]
        with pytest.raises(Fault) as caught:
            await tasks[-1]
        assert (caught.value.reason, caught.value.retry_after_s) == ("TOO_MANY_CALLS", 1.0)
        leave.set()
        await asyncio.gather(*tasks[:-1])
        assert len(seen) == UNDER_WAY
        async with way.place("H1", METHOD, LARGE, 5.0):
            pass

    @pytest.mark.parametrize(("longest_s", "left_s"), [(0.1, 5.0), (5.0, 0.1)])
    async def test_both_turns_have_one_deadline_which_is_never_behind_that_of_the_answer(
        self, monkeypatch: pytest.MonkeyPatch, longest_s: float, left_s: float
    ) -> None:
        monkeypatch.setattr(aside, "WAIT_S", longest_s)
        way, leave, own, seen = Aside(), asyncio.Event(), asyncio.Event(), list[str]()
        names = [f"H{number}" for number in range(UNDER_WAY)]
        tasks = [asyncio.create_task(self.entered(way, name, LARGE, leave, seen)) for name in names]
        tasks.append(asyncio.create_task(self.entered(way, "OWN", LARGE, own, seen)))
        await asyncio.sleep(0)
        # Timers of one loop come in the order of their times, however late the loop is.
        both = asyncio.create_task(asyncio.sleep(0.18))
        with pytest.raises(Fault):
            # Behind its own partner's first, which waits for a place: the lane alone would take the time of both.
            async with way.place("OWN", METHOD, LARGE, left_s):
                raise AssertionError("it got in")
        assert not both.done()
        both.cancel()
        leave.set()
        own.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert way._lanes == {}

    async def test_who_leaves_while_it_waits_takes_no_place_with_it(self) -> None:
        way, leave, seen = Aside(), asyncio.Event(), list[str]()
        first = asyncio.create_task(self.entered(way, "H1", LARGE, leave, seen))
        second = asyncio.create_task(self.entered(way, "H1", LARGE, leave, seen))
        await asyncio.sleep(0.01)
        second.cancel()
        leave.set()
        await asyncio.gather(first, second, return_exceptions=True)
        async with way.place("H1", METHOD, LARGE, 0.1):
            assert seen == ["H1"]


class TestTurns:
    async def test_who_sends_much_that_proves_nothing_keeps_the_thread_from_nobody(self) -> None:
        way, made = Aside(), list[str]()
        works = [partial(made.append, f"flood {number}") for number in range(20)]
        flood = [asyncio.create_task(way.read("192.0.2.9", LARGE, work)) for work in works]
        await asyncio.sleep(0)
        await way.read("H1", LARGE, lambda: made.append("honest"))
        # One of the flood was under way, one was next.
        assert "honest" in made[:3]
        await asyncio.gather(*flood)
        assert [each for each in made if each != "honest"] == [f"flood {number}" for number in range(20)]

    async def test_what_nobody_waits_for_any_more_is_not_made(self) -> None:
        way, made = Aside(), list[str]()
        first = asyncio.create_task(way.read("H1", LARGE, lambda: time.sleep(0.02)))
        left = asyncio.create_task(way.read("H1", LARGE, lambda: made.append("left")))
        await asyncio.sleep(0)
        left.cancel()
        await first
        await way.read("H1", LARGE, lambda: made.append("last"))
        assert made == ["last"]
        assert way._jobs == {}


async def test_signatures_of_sm2_are_made_and_compared_beside_the_loop() -> None:
    way = Aside()

    def where() -> str:
        return threading.current_thread().name.rpartition("_")[0]

    assert await way.proven("H1", SMALL, where) == "yibao-sm2"
    assert await way.proven("H1", LARGE, where) == "yibao-large"

    def refused() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await way.proven("H1", SMALL, refused)
