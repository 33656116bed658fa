"""The frame of clearing's writes: each request once, its answer kept beside what it did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from services.kernel.requests import Entry, RequestStamp
from services.routing.store.unit import RoutingStore, Unit
from services.runtime.writes import Frame, as_it_stands


class Books:
    """The store of clearing and how it is written."""

    def __init__(self, store: RoutingStore) -> None:
        self.store = store
        self.frame: Frame[Unit, Entry] = Frame(store.write, _find, "STORE_UNAVAILABLE")

    async def once(self, stamp: RequestStamp, now: datetime, act: Callable[[Unit], Awaitable[bytes]]) -> bytes:
        """The bytes that `act` answers, or answered before; REQUEST_ID_REUSED and the faults of `act`."""

        async def kept(work: Unit) -> Entry:
            entry = Entry(stamp, await act(work), now)
            await work.journal.add(entry)
            return entry

        entry: Entry = await self.frame.once(stamp, kept, as_it_stands)
        return entry.response


async def _find(work: Unit, stamp: RequestStamp) -> Entry | None:
    return await work.journal.find(stamp)
