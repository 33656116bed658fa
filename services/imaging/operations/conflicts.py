"""Conflicts: listed, and decided by an operator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from services.imaging.domain.conflicts import Conflict, judged, no_conflict
from services.imaging.store.unit import ImagingStore, Unit
from services.kernel.pages import Page, page_of
from services.kernel.requests import Entry, RequestStamp
from services.runtime.writes import Frame, as_it_stands

Encode: TypeAlias = Callable[[Conflict], bytes]


class ConflictOperations:
    """What ConflictService does."""

    def __init__(self, store: ImagingStore) -> None:
        self._store = store
        self._frame: Frame[Unit, Entry] = Frame(store.write, _find, "STORE_UNAVAILABLE")

    async def listed(self, after: str, size: int) -> Page[Conflict]:
        """Conflicts by study UID, behind one."""
        async with self._store.read() as work:
            found = await work.conflicts.after(after, size + 1)
        return page_of(found, size, lambda each: (each.uid,))

    async def decide(
        self, stamp: RequestStamp, uid: str, right_node_no: str, memo: str, by: str, now: datetime, encode: Encode
    ) -> bytes:
        """Decides which node is right, or that none is; CONFLICT_NOT_FOUND, INVALID_REQUEST, REQUEST_ID_REUSED."""

        async def act(work: Unit) -> Entry:
            await work.studies.hold()
            conflict = await work.conflicts.find(uid)
            if conflict is None:
                raise no_conflict()
            changed = judged(conflict, right_node_no)
            await work.studies.put(changed, {each.ref for each in changed})
            await work.conflicts.decide(uid, now, by, memo)
            decided = await work.conflicts.find(uid)
            if decided is None:
                raise no_conflict()
            entry = Entry(stamp, encode(decided), now)
            await work.journal.add(entry)
            return entry

        kept: Entry = await self._frame.once(stamp, act, as_it_stands)
        return kept.response


async def _find(work: Unit, stamp: RequestStamp) -> Entry | None:
    return await work.journal.find(stamp)
