"""What loops of members have in common that look at their work again and again, until they are told to stop."""

from __future__ import annotations

import asyncio


async def rest(stopping: asyncio.Event, seconds: float) -> None:
    """Waits between two looks; ends at once where the loop is to stop."""
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
