"""Large bodies and answers beside the loop: small ones never go there, one partner's wait for each other, others do not."""

from __future__ import annotations

import asyncio
import threading
import time
from itertools import pairwise

import pytest

from gateway import aside
from gateway.aside import LARGE_BYTES, LARGE_ROWS, MOST_BYTES, UNDER_WAY, Aside
from services.kernel.errors import Fault, FaultKind
from yibao.settlement.v1 import fee_pb2

SMALL, LARGE = LARGE_BYTES, LARGE_BYTES + 1
METHOD = "yibao.settlement.v1.FeeService.ListFees"


def here() -> bool:
    """Whether this runs in the thread of the loop."""
    return threading.current_thread() is threading.main_thread()


async def test_a_large_body_is_read_beside_the_loop_and_a_small_one_in_it() -> None:
    way = Aside()
    assert await way.read(SMALL, here)
    assert not await way.read(LARGE, here)


async def test_the_loop_goes_on_while_a_large_body_is_read() -> None:
    way = Aside()

    def busy() -> int:
        until, turns = time.perf_counter() + 0.2, 0
        while time.perf_counter() < until:
            turns += 1
        return turns

    reading, turns_of_loop = asyncio.create_task(way.read(LARGE, busy)), 0
    while not reading.done():
        await asyncio.sleep(0.005)
        turns_of_loop += 1
    assert turns_of_loop > 5


async def test_what_reading_refuses_is_refused() -> None:
    def refuse() -> None:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST")

    with pytest.raises(Fault):
        await Aside().read(LARGE, refuse)


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

    await asyncio.gather(*(way.read(LARGE, work) for _ in range(3)))
    assert all(later - earlier >= 0.055 for earlier, later in pairwise(begun))


class TestPlaces:
    async def entered(self, way: Aside, partner: str, size: int, leave: asyncio.Event, seen: list[str]) -> None:
        async with way.place(partner, METHOD, size):
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
        async with way.place("H1", METHOD, LARGE):
            pass

    def test_bodies_have_a_number_of_bytes_together(self) -> None:
        way = Aside()
        with way.holding(MOST_BYTES):
            with pytest.raises(Fault), way.holding(LARGE):
                pass
            with way.holding(SMALL):
                pass
        with way.holding(MOST_BYTES):
            pass
