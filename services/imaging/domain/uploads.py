"""What an entry does to what stands: versions, corrections and tombstones. Pure.

A higher version of a study at a node replaces a lower one, in whatever order they come; the same version twice is the same
entry, or an error of the node, never last-writer-wins (I§6.3).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from services.imaging.domain.conflicts import is_contested, why_held
from services.imaging.domain.entries import EntryOutcome, EntryResult, IndexEntry, Operation, Refused
from services.imaging.domain.studies import KeptStudy, Series, State


@dataclass(frozen=True, slots=True)
class DecidedEntry:
    """The outcome of an entry and what stands of its study at the node afterwards: None where that did not change, `series` None
    where they did not."""

    outcome: EntryOutcome
    kept: KeptStudy | None = None
    series: tuple[Series, ...] | None = None


def decide(
    entry: IndexEntry, person_key: bytes | None, standing: KeptStudy | None, new_ref: int, now: datetime
) -> DecidedEntry:
    """What becomes of an entry, given what stands of its study at its node. Conflicts between nodes are settled afterwards."""
    if standing is not None:
        if entry.version < standing.version:
            return DecidedEntry(_told(entry, EntryResult.STALE))
        if entry.version == standing.version:
            return DecidedEntry(_again(entry, person_key, standing))
    match entry.operation:
        case Operation.UPSERT:
            kept = _upserted(
                entry, person_key, new_ref if standing is None else standing.ref, _state(standing, person_key)
            )
            return DecidedEntry(_told(entry, EntryResult.ACCEPTED), kept, entry.series)
        case Operation.WITHDRAW:
            kept = _withdrawn(entry, new_ref if standing is None else standing.ref, now)
            return DecidedEntry(_told(entry, EntryResult.ACCEPTED), kept, ())
        case Operation.MOVE_PERSON:
            if standing is None or standing.study is None:
                refused = Refused("study_instance_uid", "entry.not_standing")
                return DecidedEntry(_told(entry, EntryResult.REJECTED, refused))
            moved = replace(standing, version=entry.version, state=_state(standing, person_key), person_key=person_key)
            return DecidedEntry(_told(entry, EntryResult.ACCEPTED), moved)


def _told(entry: IndexEntry, result: EntryResult, refused: Refused | None = None) -> EntryOutcome:
    return EntryOutcome(entry.source_seq, result, refused, entry.entry_hash)


def _again(entry: IndexEntry, person_key: bytes | None, standing: KeptStudy) -> EntryOutcome:
    """The outcome of an entry whose version stands already."""
    if entry.operation is Operation.WITHDRAW:
        same = standing.state is State.WITHDRAWN and standing.reason is entry.reason
    elif entry.operation is Operation.MOVE_PERSON:
        same = standing.study is not None and standing.person_key == person_key
    else:
        same = (standing.entry_hash, standing.person_key) == (entry.entry_hash, person_key)
    if not same:
        return _told(entry, EntryResult.REJECTED, Refused("version", "entry.version_reused"))
    return _told(entry, EntryResult.CONFLICT if is_contested(standing) else EntryResult.UNCHANGED, why_held(standing))


def _state(standing: KeptStudy | None, person_key: bytes | None) -> State:
    """One that an operator found wrong stays so until it names another person (our decision)."""
    wrong = standing is not None and standing.state is State.WRONG and standing.person_key == person_key
    return State.WRONG if wrong else State.ACTIVE


def _ref_of_node(ref: int) -> int:
    return ref >> 32


def _upserted(entry: IndexEntry, person_key: bytes | None, ref: int, state: State) -> KeptStudy:
    return KeptStudy(
        ref,
        _ref_of_node(ref),
        entry.uid,
        entry.version,
        state,
        person_key,
        entry.entry_hash,
        entry.study,
    )


def _withdrawn(entry: IndexEntry, ref: int, now: datetime) -> KeptStudy:
    return KeptStudy(
        ref,
        _ref_of_node(ref),
        entry.uid,
        entry.version,
        State.WITHDRAWN,
        reason=entry.reason,
        withdrawn_at=now,
    )


def study_ref(node_ref: int, number: int) -> int:
    """Number of a node's study in the store: the node's, then its own of 32 bits."""
    return node_ref << 32 | number
