"""What has happened since to what a stored answer tells: asked where an answer is repeated, and nowhere else.

Cancellations are final, so that their own answers stay true.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from services.settlement.domain.care.encounters import (
    ADMIT,
    CANCELLED,
    DESCRIBE,
    DISCHARGE,
    DISCHARGED,
    NOTHING_SINCE,
    REGISTER,
    UNDO_DISCHARGE,
    UPLOAD_FEES,
    Entry,
    Since,
)
from services.settlement.store.fees import FeeReader


class SinceMessages(Protocol):
    """Reads what an upload was answered, and writes what has happened since down."""

    def splits(self, response: bytes) -> Mapping[str, bytes]:
        """The splits that an upload was answered, by number of the line."""
        ...

    def told(self, kind: str, since: Since) -> bytes:
        """What is appended to the answer of an entry of that kind."""
        ...


async def told_since(snapshot: FeeReader, entry: Entry, messages: SinceMessages) -> bytes:
    """What is appended to the stored answer of an entry, as a snapshot shows it; nothing where it is true as it stands."""
    since = await _since(snapshot, entry, messages)
    return b"" if since == NOTHING_SINCE else messages.told(entry.kind, since)


async def _since(snapshot: FeeReader, entry: Entry, messages: SinceMessages) -> Since:
    mdtrt_id = entry.mdtrt_id
    if mdtrt_id is None:
        return NOTHING_SINCE
    if entry.kind == UPLOAD_FEES:
        splits = messages.splits(entry.response)
        standing = {each.line.feedetl_sn: each.line.answer for each in await snapshot.lines(mdtrt_id, splits)}
        return Since(cancelled_lines=sum(standing.get(number) != split for number, split in splits.items()))
    if entry.kind == DISCHARGE:
        return Since(undone=await snapshot.entry_after(mdtrt_id, UNDO_DISCHARGE, entry.entry_id))
    if entry.kind in (REGISTER, DESCRIBE, ADMIT, UNDO_DISCHARGE):
        encounter = await snapshot.encounter(mdtrt_id)
        state = "" if encounter is None else encounter.state
        return Since(cancelled=state == CANCELLED, discharged=entry.kind == UNDO_DISCHARGE and state == DISCHARGED)
    return NOTHING_SINCE
