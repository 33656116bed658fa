"""Notifies that wait for their moment, are sent, and sent again until they are accepted or given up.

They stand on the shelf: a twin that was killed goes on with them. Delays are the provider's, times the twin's time scale.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from tools.twins.shelf import Document, Shelf

KIND: Final = "notify"
_LONGEST_SLEEP_S: Final = 60.0

Send = Callable[[Document], Awaitable[bool]]
"""Sends one notify by its payload; True where the receiver accepted it. It raises nothing."""


class Notifies:
    """The notifies of a twin. `send` builds, signs and posts one; one that waits never holds up another."""

    def __init__(self, shelf: Shelf, send: Send, time_scale: float) -> None:
        self._shelf, self._send, self._scale = shelf, send, time_scale
        self._woken = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}
        # When which is due; one that the shelf no longer has, or has for later, is passed over.
        self._due = [(float(document["due"]), key) for key, document in shelf.each(KIND)]
        heapq.heapify(self._due)

    def plan(self, key: str, delays_s: Sequence[float], payload: Document, *, at_least: int = 1) -> None:
        """The notify `key` is sent after each of `delays_s` in turn until it is accepted; at least `at_least` times in any case.

        Called within the change that makes the event, so that no event is without its notify.
        """
        due = time.time() + delays_s[0] * self._scale
        document = {"payload": payload, "delays_s": list(delays_s), "sent": 0, "at_least": at_least, "due": due}
        self._keep(key, document)

    async def run(self) -> None:
        """Sends what is due, until it is cancelled."""
        try:
            while True:
                self._woken.clear()
                next_due = self._start_due()
                wait_s = min(_LONGEST_SLEEP_S, max(0.0, next_due - time.time()))
                try:
                    async with asyncio.timeout(wait_s):
                        await self._woken.wait()
                except TimeoutError:
                    pass
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    def waiting(self) -> list[Document]:
        """What is planned and not yet done, for the control door."""
        return [{"key": key, **document} for key, document in self._shelf.each(KIND)]

    def _start_due(self) -> float:
        """Starts every notify that is due; when the next one is."""
        now = time.time()
        while self._due and self._due[0][0] <= now:
            _, key = heapq.heappop(self._due)
            document = self._shelf.get(KIND, key)
            if document is not None and document["due"] <= now and key not in self._running:
                self._running[key] = asyncio.create_task(self._attempt(key, document))
        return self._due[0][0] if self._due else now + _LONGEST_SLEEP_S

    def _keep(self, key: str, document: Document) -> None:
        self._shelf.put(KIND, key, document)
        heapq.heappush(self._due, (document["due"], key))
        self._woken.set()

    async def _attempt(self, key: str, document: Document) -> None:
        try:
            accepted = await self._send(document["payload"])
        finally:
            del self._running[key]
        document["sent"] += 1
        sent, delays_s = document["sent"], document["delays_s"]
        if (accepted and sent >= document["at_least"]) or sent >= max(len(delays_s), document["at_least"]):
            self._shelf.remove(KIND, key)
            return
        document["due"] = time.time() + delays_s[min(sent, len(delays_s) - 1)] * self._scale
        self._keep(key, document)
