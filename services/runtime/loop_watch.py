"""How late the event loop is: a timer that should fire ten times a second, and by how much it was late.

A loop that is late answers nobody, whatever else is well. It measures; what follows from it is decided by who asks.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from services.runtime.loops import next_beat

EVERY_S: Final = 0.1
WINDOW_S: Final = 5.0


class LoopWatch:
    """The delays of the running loop over the last WINDOW_S; `start` and `stop` belong to one loop."""

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=round(WINDOW_S / EVERY_S))
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def start(self) -> None:
        """Begins to measure."""
        if self._timer is None:
            self._again(asyncio.get_running_loop())

    def stop(self) -> None:
        """Ends it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def late_s(self) -> float:
        """The largest delay of the last seconds, one that lasts on included."""
        now_s = 0.0 if self._timer is None else asyncio.get_running_loop().time() - self._due
        return max(0.0, now_s, *self._seen) if self._seen else max(0.0, now_s)

    def _again(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = next_beat(loop.time(), EVERY_S)
        self._timer = loop.call_at(self._due, self._fire, loop)

    def _fire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._seen.append(loop.time() - self._due)
        self._again(loop)
