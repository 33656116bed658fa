"""How every write to encounters and fees is accepted: once for each request id, one after the other for each person.

A repeat gets the stored answer, and behind it what has happened since; a refusal stores nothing, so that its repeat is
decided again. A write that has begun ends in a task of its own, whatever becomes of the caller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from services.settlement.domain.encounters import Encounter, Entry, RequestStamp, repeated_answer
from services.settlement.domain.entries import Moved
from services.settlement.operations.ports import NewId
from services.settlement.operations.rows import EncounterStore, Snapshot, Writing
from services.settlement.operations.since import SinceMessages, told_since

TRIES: Final = 4


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a decided write answers, and the kind of entry that it leaves on which encounter."""

    response: bytes
    kind: str
    encounter: Encounter | None


Decide = Callable[[Writing], Awaitable[Accepted]]


@dataclass(frozen=True, slots=True)
class Writes:
    """Accepts writes into one store."""

    store: EncounterStore
    new_id: NewId
    since: SinceMessages
    running: set[asyncio.Task[bytes]] = field(default_factory=set)

    async def answered(self, stamp: RequestStamp) -> bytes | None:
        """The answer that a repeat gets, before anybody else is asked anything; faults as `repeated_answer`."""
        async with self.store.reading() as snapshot:
            return await self.answered_in(snapshot, stamp)

    async def answered_in(self, snapshot: Snapshot, stamp: RequestStamp) -> bytes | None:
        """The answer that a repeat gets, as a snapshot shows it, and behind it what has happened since."""
        entry = await snapshot.entry(stamp.scope, stamp.request_id)
        if entry is None:
            return None
        return repeated_answer(stamp, entry) + await told_since(snapshot, entry, self.since)

    async def once(self, stamp: RequestStamp, psn_no: str, now: datetime, decide: Decide) -> bytes:
        """Decides and keeps a write inside one transaction; its answer, or its refusal."""
        task = asyncio.create_task(self._until_decided(stamp, psn_no, now, decide))
        self.running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def stop(self) -> None:
        """Waits for the writes that have begun."""
        while self.running:
            await asyncio.wait(set(self.running))

    def _ended(self, task: asyncio.Task[bytes]) -> None:
        self.running.discard(task)
        if not task.cancelled():
            # Read here, so that a refusal whose caller has left is nobody's forgotten error.
            task.exception()

    async def _until_decided(self, stamp: RequestStamp, psn_no: str, now: datetime, decide: Decide) -> bytes:
        """Where another one wrote first, looks again and decides anew."""
        for _ in range(TRIES - 1):
            try:
                return await self._decided(stamp, psn_no, now, decide)
            except Moved:
                continue
        return await self._decided(stamp, psn_no, now, decide)

    async def _decided(self, stamp: RequestStamp, psn_no: str, now: datetime, decide: Decide) -> bytes:
        async with self.store.writing() as writing:
            await writing.lock(psn_no)
            answered = await self.answered_in(writing, stamp)
            if answered is not None:
                return answered
            accepted = await decide(writing)
            mdtrt_id, kept = None, stamp
            if accepted.encounter is not None:
                mdtrt_id, kept = accepted.encounter.mdtrt_id, stamp.resolved(accepted.encounter.regions)
            await writing.add_entry(Entry(self.new_id(""), kept, accepted.response, mdtrt_id, accepted.kind, now))
            return accepted.response
