"""Filings: registration once, look-up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from services.kernel.requests import RequestStamp
from services.routing.domain.filings import Filing, Registered, found, registration
from services.routing.domain.journal import Entry
from services.routing.store.unit import RoutingStore, Unit
from services.runtime.writes import Frame, as_it_stands


class FilingOperations:
    """What RoutingService does."""

    def __init__(self, store: RoutingStore) -> None:
        self._store = store
        self._frame: Frame[Unit, Entry] = Frame(store.write, _find, "STORE_UNAVAILABLE")

    async def register(
        self, stamp: RequestStamp, wanted: Filing, now: datetime, encode: Callable[[Registered], bytes]
    ) -> bytes:
        """Registers a filing and answers what stands; FILING_EXISTS, REQUEST_ID_REUSED."""

        async def act(work: Unit) -> Entry:
            standing = await work.filings.hold(wanted.filing_no)
            registered = registration(wanted, standing, now)
            if standing is None:
                await work.filings.add(registered)
            entry = Entry(stamp, encode(registered), now)
            await work.journal.add(entry)
            return entry

        kept: Entry = await self._frame.once(stamp, act, as_it_stands)
        return kept.response

    async def find(self, filing_no: str) -> Registered:
        """The filing of a number; FILING_NOT_FOUND."""
        async with self._store.read() as work:
            return found(filing_no, await work.filings.find(filing_no))


async def _find(work: Unit, stamp: RequestStamp) -> Entry | None:
    return await work.journal.find(stamp)
