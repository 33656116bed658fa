"""An entry of a node, and what is wrong with one. One bad entry harms no other: what is wrong is a value. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from services.imaging.domain.studies import Series, Study, WithdrawReason


class Operation(IntEnum):
    """What an entry does."""

    UPSERT = 1
    WITHDRAW = 2
    MOVE_PERSON = 3


class EntryResult(IntEnum):
    """What became of an entry."""

    ACCEPTED = 1
    UNCHANGED = 2
    STALE = 3
    CONFLICT = 4
    REJECTED = 5


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an entry is not kept, or is held: the field's path in the entry, the rule that it breaks, and values that the rule's
    text names."""

    field: str
    rule: str
    values: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One entry that was checked. `psn_no` is empty for a withdrawal; `entry_hash` is of its content less the person."""

    source_seq: int
    operation: Operation
    uid: str
    version: int
    entry_hash: bytes
    psn_no: str = dataclasses.field(default="", repr=False)
    study: Study | None = None
    series: tuple[Series, ...] = ()
    reason: WithdrawReason | None = None


@dataclass(frozen=True, slots=True)
class Poison:
    """An entry that cannot be kept."""

    source_seq: int
    refused: Refused


@dataclass(frozen=True, slots=True)
class EntryOutcome:
    """What became of the entry of a source sequence; `refused` of one that is rejected or held, `entry_hash` of one that could be
    read."""

    source_seq: int
    result: EntryResult
    refused: Refused | None = None
    entry_hash: bytes = b""
