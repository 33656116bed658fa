"""The change feed of persons: pages of it, and what its readers have."""

from __future__ import annotations

from services.identity.domain.changes import Changes, page
from services.identity.operations.journal import written
from services.identity.store.unit import IdentityStore, Unit


class ChangeOperations:
    """What ChangeService does."""

    def __init__(self, store: IdentityStore) -> None:
        self._store = store

    async def after(self, reader: str, seq: int, limit: int) -> Changes:
        """At most `limit` persons that changed behind a place, all of one moment."""
        async with self._store.read() as work:
            places = await work.changes.after(seq, limit)
            found = await work.persons.find([psn_no for _, psn_no in places])
            last, acked = await work.changes.last(), await work.changes.acked(reader)
        return page(seq, places, {each.person.psn_no: each for each in found}, last, acked)

    async def ack(self, reader: str, upto: int) -> int:
        """Keeps that a reader has the feed up to a place, or to its end where that comes first; what was kept."""

        async def act(work: Unit) -> int:
            kept = min(upto, await work.changes.last())
            await work.changes.ack(reader, kept)
            return kept

        return await written(self._store, act)
