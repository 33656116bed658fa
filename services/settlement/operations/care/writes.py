"""The frame of writes to encounters and fees: one after the other for each person, and a repeat is told what came since.

What every visit needs (2201, 2203, 2204 and 2301) is decided and written together with what comes at the same time; the rest
has a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

from services.kernel.errors import Fault
from services.kernel.requests import Moved, RequestStamp, repeated
from services.runtime.writes import AGAIN, Again, Frame
from services.settlement.domain.care.ahead import Ahead, VisitName
from services.settlement.domain.care.encounters import Encounter, Entry
from services.settlement.domain.care.second_numbers import answering, second_id
from services.settlement.operations.care.lapsing import Lapsed, Lapsing
from services.settlement.operations.care.ports import CareBatchStore, EncounterStore, NewId
from services.settlement.operations.care.since import SinceMessages, told_since
from services.settlement.store.care_batches import Held, HeldWriter
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
class CareWrite:
    """A write that is decided together with others. `decide` reads and writes by what it is given alone."""

    stamp: RequestStamp
    psn_no: str
    now: datetime
    decide: Decide
    mdtrt_id: str = ""
    visit: VisitName | None = None

    @property
    def ahead(self) -> Ahead:
        """What is read ahead for it."""
        return Ahead(self.stamp, self.mdtrt_id, self.visit)


CareOutcome: TypeAlias = bytes | Again | Lapsed
Submit: TypeAlias = Callable[[CareWrite], Awaitable[CareOutcome]]
"""Hands a write to the committer and waits for its outcome; raises its Fault, and `Lapsed`."""


@dataclass(frozen=True, slots=True)
class Together:
    """Decides and keeps writes in batches: what the committer runs.

    The same person or the same request twice in a batch behaves as if one had come after the other. A refused write leaves
    nothing and harms no other.
    """

    store: CareBatchStore
    new_id: NewId
    since: SinceMessages

    async def commit(self, items: Sequence[CareWrite]) -> list[CareOutcome | Fault]:
        """The outcome of each, all in one transaction."""
        outcomes: list[CareOutcome | Fault] = [AGAIN] * len(items)
        try:
            async with self.store.writing() as work:
                await work.lock({item.psn_no for item in items})
                for places in _rounds(items):
                    known = await work.load([items[place].ahead for place in places])
                    held: list[Held] = []
                    for place in places:
                        writing = work.one(known)
                        outcomes[place] = outcome = await self._outcome(items[place], writing)
                        if isinstance(outcome, bytes):
                            held.append(writing.held)
                    await work.keep(held)
        except Moved:
            return [AGAIN] * len(items)
        return outcomes

    async def _outcome(self, item: CareWrite, writing: HeldWriter) -> CareOutcome | Fault:
        try:
            standing = repeated(item.stamp, await _find(writing, item.stamp))
            if standing is not None:
                return await _again(writing, standing, self.since)
            return await _accepted(writing, item, self.new_id)
        except (Fault, Lapsed) as refusal:
            return refusal


@dataclass(frozen=True, slots=True)
class Writes:
    """Accepts writes into one store."""

    store: EncounterStore
    new_id: NewId
    since: SinceMessages
    lapsing: Lapsing
    submit: Submit

    async def answered(self, stamp: RequestStamp) -> bytes | None:
        """The answer that a repeat gets, before anybody else is asked anything; REQUEST_ID_REUSED, MESSAGE_VOIDED."""
        async with self.store.looking() as look:
            if await look.entry(stamp.scope, stamp.request_id) is None:
                return None
        async with self.store.reading() as snapshot:
            return await self.answered_in(snapshot, stamp)

    async def answered_in(self, snapshot: FeeReader, stamp: RequestStamp) -> bytes | None:
        """The answer that a repeat gets, as a snapshot shows it, and behind it what has happened since."""
        entry = repeated(stamp, await _find(snapshot, stamp))
        return None if entry is None else await _again(snapshot, entry, self.since)

    async def once(self, stamp: RequestStamp, psn_no: str, now: datetime, decide: Decide) -> bytes:
        """Decides and keeps a write about the person; its answer, or its refusal."""
        item = CareWrite(stamp, psn_no, now, decide)

        async def act(writing: FeeWriter) -> bytes:
            return await _accepted(writing, item, self.new_id)

        async def again(writing: FeeWriter, entry: Entry) -> bytes:
            return await _again(writing, entry, self.since)

        frame = Frame(self.store.writing, _find, BUSY)
        return await self.lapsing.past(
            lambda: frame.once(stamp, act, again, hold=lambda writing: writing.lock(psn_no)), BUSY
        )

    async def together(self, item: CareWrite) -> bytes:
        """The same for a write that is decided and kept together with others."""

        async def attempt() -> bytes:
            outcome = await self.submit(item)
            if isinstance(outcome, bytes):
                return outcome
            raise Moved

        return await self.lapsing.past(lambda: Frame(self.store.writing, _find, BUSY).decided(attempt), BUSY)

    async def unasked(self, act: Callable[[FeeWriter], Awaitable[T]]) -> T:
        """What `act` decides and writes by itself; it has no request id, and its repeat finds what stands."""
        return await Frame(self.store.writing, _find, BUSY).written(act)

    async def check_unbilled(self, writing: FeeWriter, encounter: Encounter) -> None:
        """Raises ORDER_PENDING where the bill of a pending order is the encounter's."""
        self.lapsing.check_free(await writing.pending_order(encounter.mdtrt_id, encounter.psn_no))


def _rounds(items: Sequence[CareWrite]) -> Iterator[list[int]]:
    """The places of those that may be decided beside each other: each about a person, and under a request id, of its own."""
    rounds: list[list[int]] = []
    later: dict[object, int] = {}
    for place, item in enumerate(items):
        keys = item.psn_no, (item.stamp.scope, item.stamp.request_id)
        turn = max(later.get(key, 0) for key in keys)
        later |= dict.fromkeys(keys, turn + 1)
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(place)
    return iter(rounds)


async def _accepted(writing: FeeWriter, item: CareWrite, new_id: NewId) -> bytes:
    accepted = await item.decide(writing)
    mdtrt_id, kept = None, item.stamp
    if accepted.encounter is not None:
        mdtrt_id, kept = accepted.encounter.mdtrt_id, kept.resolved(accepted.encounter.regions)
    await writing.add_entry(Entry(new_id(""), kept, accepted.response, mdtrt_id, accepted.kind, item.now))
    return accepted.response


async def _again(snapshot: FeeReader, entry: Entry, since: SinceMessages) -> bytes:
    return entry.response + await told_since(snapshot, entry, since)


async def _find(snapshot: FeeReader, stamp: RequestStamp) -> Entry | None:
    found = await snapshot.entry(stamp.scope, stamp.request_id)
    if other := second_id(stamp, found):
        return answering(stamp, found, await snapshot.entry(stamp.scope, other))
    return found
