"""What loops of members have in common that look at their work again and again, until they are told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any


async def rest(stopping: asyncio.Event, seconds: float) -> None:
    """Waits between two looks; ends at once where the loop is to stop."""
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return


def next_beat(now_s: float, every_s: float) -> float:
    """When to look next: at a whole multiple, so that all that look so often on one loop wake it together."""
    return (round(now_s / every_s) + 1) * every_s


async def cut_off(tasks: Collection[asyncio.Task[Any]], grace_s: float) -> None:
    """Lets tasks end for a grace, then cancels those that are left and waits until they are gone."""
    if not tasks:
        return
    _, slow = await asyncio.wait(set(tasks), timeout=grace_s)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


async def repeat(
    stopping: asyncio.Event, look: Callable[[], Awaitable[bool]], failed: Callable[[Exception], None], every_s: float
) -> None:
    """Looks again and again, at once where a look says that more waits, else after a rest.

    `failed` is told why a look came to nothing: of several in a row that do, the first.
    """
    failing = False
    while not stopping.is_set():
        more = False
        try:
            more = await look()
            failing = False
        except Exception as error:  # noqa: BLE001  # a loop outlives a store that is away, and a bug too: told once
            if not failing:
                failed(error)
            failing = True
        if not more:
            await rest(stopping, every_s)
