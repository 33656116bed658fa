"""Long work on the loop rests between its pieces; short work does not give way at all."""

from __future__ import annotations

import asyncio
import time

import pytest

from services.runtime import pieces
from services.runtime.pieces import FEW, each_in_pieces, in_pieces


async def turns_during(work: asyncio.Task[object]) -> list[float]:
    """The longest waits of somebody who wants a turn again and again meanwhile."""
    waits: list[float] = []
    while not work.done():
        begun = time.perf_counter()
        await asyncio.sleep(0)
        waits.append(time.perf_counter() - begun)
    return sorted(waits)


def slow(row: int) -> int:
    until = time.perf_counter() + 0.0005
    while time.perf_counter() < until:
        pass
    return row * 2


async def test_many_rows_come_out_in_their_order_and_others_have_most_of_the_turns() -> None:
    work = asyncio.create_task(in_pieces(slow, range(200)))
    waits = await turns_during(work)
    assert await work == [row * 2 for row in range(200)]
    # A piece is sixteen rows here, eight milliseconds; between two of them there are many turns, not one.
    assert len(waits) > 10 * 200 / 16


async def test_each_row_is_done_once_in_its_order() -> None:
    done: list[int] = []
    await each_in_pieces(lambda row: done.append(slow(row)), range(100))
    assert done == [row * 2 for row in range(100)]


async def test_few_rows_are_done_without_giving_way() -> None:
    with pytest.raises(StopIteration) as ended:
        in_pieces(slow, range(FEW)).send(None)
    assert ended.value.value == [row * 2 for row in range(FEW)]
    assert pieces.PIECE_S < FEW * 0.0005


async def test_of_heavy_rows_few_are_enough_to_rest_behind() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    beside = asyncio.create_task(others())
    assert await in_pieces(slow, range(10), heavy=True) == [slow(row) for row in range(10)]
    beside.cancel()
    assert turns > 1
