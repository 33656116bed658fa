"""Uploads: a batch is checked entry by entry, its persons are keyed, and what it changes is written in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Protocol, TypeVar

from services.imaging.domain.checking import ToldEntry, checked
from services.imaging.domain.conflicts import Caused, hides, is_contested, settled, why_held
from services.imaging.domain.digests import changes
from services.imaging.domain.entries import EntryOutcome, EntryResult, IndexEntry, Poison
from services.imaging.domain.nodes import StandingNode, check_may_upload, check_sequence, found
from services.imaging.domain.own_lists import list_changes
from services.imaging.domain.studies import KeptStudy, Series, State
from services.imaging.domain.upload_accesses import of_batch
from services.imaging.domain.uploads import decide, study_ref
from services.imaging.operations.auditing import Append
from services.imaging.store.changes import Change
from services.imaging.store.unit import ImagingStore, Unit
from services.kernel.requests import Entry, RequestStamp
from services.runtime.pieces import in_pieces
from services.runtime.writes import Frame


class Sent(Protocol):
    """An entry as it was sent."""

    @property
    def source_seq(self) -> int:
        """Its place among all that the node tells."""
        ...


S = TypeVar("S", bound=Sent)


class Keys(Protocol):
    """Who knows persons' keys."""

    async def keys(self, psn_nos: Sequence[str]) -> Sequence[bytes]:
        """The key of each of up to 1,000 numbers, in their order; PEER_UNAVAILABLE."""
        ...


class Logging(Protocol):
    """The audit log."""

    async def appending(self) -> Append:
        """What adds entries in a transaction that is yet to open; STORE_UNAVAILABLE, SECRETS_SEALED."""
        ...


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The outcome of each entry in its order, and up to where everything of the node is decided and kept."""

    outcomes: Sequence[EntryOutcome]
    watermark: int


@dataclass(slots=True)
class _Batch:
    """What a batch does to what stands, entry by entry: what stood at the node and elsewhere, what stands now, which rows of
    others it moves, all rows of studies that are or were contested, and which series were told."""

    node: StandingNode
    keys: dict[str, bytes]
    now: datetime
    before: dict[str, KeptStudy] = field(default_factory=dict)
    after: dict[str, KeptStudy] = field(default_factory=dict)
    elsewhere: dict[str, list[KeptStudy]] = field(default_factory=dict)
    moved: dict[int, KeptStudy] = field(default_factory=dict)
    sides: dict[str, Sequence[KeptStudy]] = field(default_factory=dict)
    series: dict[int, Sequence[Series]] = field(default_factory=dict)
    outcomes: list[EntryOutcome] = field(default_factory=list)
    log: list[Change] = field(default_factory=list)
    last_ref: int = 0
    caused: Caused = field(init=False)

    def __post_init__(self) -> None:
        self.caused = self.node.caused

    def read(self, rows: Sequence[KeptStudy]) -> None:
        """What stands under the UIDs of the batch."""
        for each in rows:
            if each.node_ref == self.node.ref:
                self.before[each.uid] = each
            else:
                self.elsewhere.setdefault(each.uid, []).append(each)

    def take(self, entry: IndexEntry | Poison) -> None:
        """Decides one entry on what the ones before it left."""
        if isinstance(entry, Poison):
            self._note(EntryOutcome(entry.source_seq, EntryResult.REJECTED, entry.refused), 0, None)
            return
        standing = self.after.get(entry.uid) or self.before.get(entry.uid)
        new_ref = study_ref(self.node.ref, self.last_ref + 1)
        decided = decide(entry, self.keys.get(entry.psn_no), standing, new_ref, self.now)
        outcome = decided.outcome
        if decided.kept is not None:
            kept = self._settle(decided.kept, standing)
            if is_contested(kept):
                outcome = replace(outcome, result=EntryResult.CONFLICT, refused=why_held(kept))
            self.last_ref += decided.kept.ref == new_ref
            if decided.series is not None:
                self.series[kept.ref] = decided.series
        self._note(outcome, int(entry.operation), self.after.get(entry.uid) or standing)

    def _settle(self, kept: KeptStudy, standing: KeptStudy | None) -> KeptStudy:
        """The row with the state that it has beside those of other nodes, whose states move too."""
        others = self.elsewhere.get(kept.uid, [])
        if not others and (standing is None or not is_contested(standing)):
            self.after[kept.uid] = kept
            return kept
        kept, moved = self._weighed(kept, others)
        self.elsewhere[kept.uid] = changed = [moved.get(each.ref, each) for each in others]
        self.moved |= {ref: each for ref, each in moved.items() if ref != kept.ref}
        self.after[kept.uid] = own = moved.get(kept.ref, kept)
        if kept.uid in self.sides or any(map(is_contested, (own, *others, *changed, standing or own))):
            self.sides[kept.uid] = (own, *changed)
        return own

    def _weighed(self, kept: KeptStudy, others: Sequence[KeptStudy]) -> tuple[KeptStudy, Mapping[int, KeptStudy]]:
        """The row and what moves by it; it is held where it would hide others' and its node has done so too often."""
        moved = settled([kept, *others])
        if not hides(others, moved):
            return kept, moved
        caused = self.caused.one_more(self.now)
        if caused is None:
            held = replace(kept, state=State.HELD)
            return held, settled([held, *others])
        self.caused = caused
        return kept, moved

    def _note(self, outcome: EntryOutcome, operation: int, kept: KeptStudy | None) -> None:
        self.outcomes.append(outcome)
        of_study = (None, None) if kept is None else (kept.ref, kept.version)
        at = int(self.now.timestamp())
        self.log.append((self.node.ref, outcome.source_seq, operation, int(outcome.result), *of_study, at))


class UploadOperations:
    """What UploadService does."""

    def __init__(self, store: ImagingStore, persons: Keys, log: Logging) -> None:
        self._store = store
        self._persons = persons
        self._log = log
        self._frame: Frame[Unit, Entry] = Frame(store.write, _none, "STORE_UNAVAILABLE")

    async def watermark(self, node_no: str) -> int:
        """Up to where everything of a node is decided and kept; NODE_NOT_FOUND."""
        async with self._store.read() as work:
            return found(node_no, await work.nodes.find(node_no)).watermark

    async def upload(
        self, node_no: str, sent: Sequence[S], told: Callable[[S], ToldEntry], now: datetime, today: date
    ) -> Uploaded:
        """Takes a batch as it was `sent`, of which `told` reads one entry. NODE_NOT_FOUND, NODE_SUSPENDED, SEQUENCE_GAP,
        PEER_UNAVAILABLE; nothing is kept then."""
        numbers = tuple(each.source_seq for each in sent)
        async with self._store.read() as work:
            node = found(node_no, await work.nodes.find(node_no))
        _check(node, numbers)
        # Each may be 32 KB of series.
        entries = await in_pieces(lambda each: checked(told(each), node.node, today), sent, heavy=True)
        keys = await self._keys(entries)
        append = await self._log.appending()

        async def act(work: Unit) -> Uploaded:
            held = found(node_no, await work.nodes.hold(node_no))
            _check(held, numbers)
            await work.studies.hold()
            batch = _Batch(held, keys, now, last_ref=held.last_ref)
            batch.read(await work.studies.of_uids({each.uid for each in entries if isinstance(each, IndexEntry)}))
            for each in entries:
                batch.take(each)
            uploaded = await _write(work, batch, max(held.watermark, numbers[-1]))
            await append(work, of_batch(node_no, batch.outcomes, batch.before, batch.after))
            return uploaded

        return await self._frame.written(act)

    async def _keys(self, entries: Sequence[IndexEntry | Poison]) -> dict[str, bytes]:
        named = {each.psn_no: None for each in entries if isinstance(each, IndexEntry) and each.psn_no}
        return dict(zip(named, await self._persons.keys(list(named)), strict=True))


def _check(node: StandingNode, numbers: tuple[int, ...]) -> None:
    check_may_upload(node)
    check_sequence(node.watermark, numbers)


async def _write(work: Unit, batch: _Batch, watermark: int) -> Uploaded:
    """Writes what a batch has decided."""
    stood = {each.ref: each for each in batch.before.values()}
    now = [*batch.after.values(), *batch.moved.values()]
    await work.studies.put(now, stood.keys() | batch.moved.keys())
    await work.studies.put_series(batch.series, stood.keys())
    await work.digests.change(batch.node.ref, changes((stood.get(each.ref), each) for each in batch.after.values()))
    await work.own.change(list_changes(batch.before, batch.after, batch.elsewhere))
    await work.changes.add(batch.log)
    await _note_conflicts(work, batch)
    node = replace(batch.node, watermark=watermark, last_ref=batch.last_ref, uploaded_at=batch.now)
    await work.nodes.replace(replace(node, caused=batch.caused))
    return Uploaded(batch.outcomes, watermark)


async def _note_conflicts(work: Unit, batch: _Batch) -> None:
    """A conflict is noted with all its sides, and gone once no side is hidden."""
    if not batch.sides:
        return
    contested = {uid: rows for uid, rows in batch.sides.items() if any(map(is_contested, rows))}
    await work.conflicts.drop([uid for uid in batch.sides if uid not in contested])
    await work.conflicts.note([(uid, each.node_ref) for uid, rows in contested.items() for each in rows], batch.now)


async def _none(work: Unit, stamp: RequestStamp) -> Entry | None:
    """Uploads have no request ids: their entries are known by their numbers and versions."""
    return None
