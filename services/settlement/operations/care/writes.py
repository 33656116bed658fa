"""The frame of writes to encounters and fees: one after the other for each person, and a repeat is told what came since."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from services.kernel.requests import RequestStamp, repeated
from services.runtime.writes import Frame
from services.settlement.domain.care.encounters import Encounter, Entry
from services.settlement.domain.care.second_numbers import answering, second_id
from services.settlement.operations.care.lapsing import Lapsing
from services.settlement.operations.care.ports import EncounterStore, NewId
from services.settlement.operations.care.since import SinceMessages, told_since
from services.settlement.store.fees import FeeReader, FeeWriter

T = TypeVar("T")

BUSY: Final = "LEDGER_CONTENTION"
"""Of every write about a person that others were faster than, time after time."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a decided write answers, and the kind of entry that it leaves on which encounter."""

    response: bytes
    kind: str
    encounter: Encounter | None


Decide = Callable[[FeeWriter], Awaitable[Accepted]]


@dataclass(frozen=True, slots=True)
class Writes:
    """Accepts writes into one store."""

    store: EncounterStore
    new_id: NewId
    since: SinceMessages
    lapsing: Lapsing

    async def answered(self, stamp: RequestStamp) -> bytes | None:
        """The answer that a repeat gets, before anybody else is asked anything; REQUEST_ID_REUSED, MESSAGE_VOIDED."""
        async with self.store.reading() as snapshot:
            return await self.answered_in(snapshot, stamp)

    async def answered_in(self, snapshot: FeeReader, stamp: RequestStamp) -> bytes | None:
        """The answer that a repeat gets, as a snapshot shows it, and behind it what has happened since."""
        entry = repeated(stamp, await _find(snapshot, stamp))
        return None if entry is None else await self._again(snapshot, entry)

    async def once(self, stamp: RequestStamp, psn_no: str, now: datetime, decide: Decide) -> bytes:
        """Decides and keeps a write about the person; its answer, or its refusal."""

        async def act(writing: FeeWriter) -> bytes:
            accepted = await decide(writing)
            mdtrt_id, kept = None, stamp
            if accepted.encounter is not None:
                mdtrt_id, kept = accepted.encounter.mdtrt_id, stamp.resolved(accepted.encounter.regions)
            await writing.add_entry(Entry(self.new_id(""), kept, accepted.response, mdtrt_id, accepted.kind, now))
            return accepted.response

        frame = Frame(self.store.writing, _find, BUSY)
        return await self.lapsing.past(
            lambda: frame.once(stamp, act, self._again, hold=lambda writing: writing.lock(psn_no)), BUSY
        )

    async def unasked(self, act: Callable[[FeeWriter], Awaitable[T]]) -> T:
        """What `act` decides and writes by itself; it has no request id, and its repeat finds what stands."""
        return await Frame(self.store.writing, _find, BUSY).written(act)

    async def check_unbilled(self, writing: FeeWriter, encounter: Encounter) -> None:
        """Raises ORDER_PENDING where the bill of a pending order is the encounter's."""
        self.lapsing.check_free(await writing.pending_order(encounter.mdtrt_id, encounter.psn_no))

    async def _again(self, snapshot: FeeReader, entry: Entry) -> bytes:
        return entry.response + await told_since(snapshot, entry, self.since)


async def _find(snapshot: FeeReader, stamp: RequestStamp) -> Entry | None:
    found = await snapshot.entry(stamp.scope, stamp.request_id)
    if other := second_id(stamp, found):
        return answering(stamp, found, await snapshot.entry(stamp.scope, other))
    return found
