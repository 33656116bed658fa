"""How late a loop is, and how little it costs to know that."""

from __future__ import annotations

import asyncio
import time

from services.runtime.loop_watch import EVERY_S, LoopWatch


async def test_what_holds_the_loop_is_seen_by_every_watch_on_it() -> None:
    watches = [LoopWatch(), LoopWatch()]
    for each in watches:
        each.start()
    await asyncio.sleep(2 * EVERY_S)
    time.sleep(5 * EVERY_S)  # noqa: ASYNC251  # what it is about
    assert all(each.late_s() > 3 * EVERY_S for each in watches)
    await asyncio.sleep(3 * EVERY_S)
    assert all(each.late_s() > 3 * EVERY_S for each in watches)
    for each in watches:
        each.stop()


async def test_watches_of_many_members_wake_their_loop_together() -> None:
    watches = [LoopWatch() for _ in range(4)]
    for each in watches:
        each.start()
        await asyncio.sleep(EVERY_S / 5)
    await asyncio.sleep(2 * EVERY_S)
    loop = asyncio.get_running_loop()
    due = {round((each._timer.when() - loop.time()) * 1000) for each in watches if each._timer}
    for each in watches:
        each.stop()
    assert max(due) - min(due) <= 1
