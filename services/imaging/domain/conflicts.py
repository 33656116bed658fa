"""Conflicts: nodes that tell one study of several persons, and what an operator decides about them (I§6.8). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.imaging.domain.entries import Refused
from services.imaging.domain.studies import KeptStudy, State
from services.kernel.errors import Fault, invalid, not_found

MOST_CAUSED: Final = 100
"""Conflicts that one node may cause within an hour, which begins with the first of them (our decision). Who tells a study of
another person hides what others told: beyond the bound a node's own entry alone is hidden, so that none can blank the index. Two
nodes seldom tell one study, and less often of two persons: so many come of a fault, or of ill will, and are for people."""
HOUR: Final = timedelta(hours=1)

_SILENT: Final = (State.WITHDRAWN, State.WRONG, State.HELD)
_HEARD_AGAIN: Final = (State.WRONG, State.HELD)


@dataclass(frozen=True, slots=True)
class Caused:
    """How many conflicts a node has caused since a moment."""

    count: int = 0
    since: datetime | None = None

    def one_more(self, now: datetime) -> Caused | None:
        """After a further one; None where there may be none."""
        if self.since is None or not timedelta() <= now - self.since < HOUR:
            return Caused(1, now)
        return Caused(self.count + 1, self.since) if self.count < MOST_CAUSED else None


@dataclass(frozen=True, slots=True)
class ConflictNotice:
    """What a node is told of one of its studies: another node tells it of another person, and, where `wrong`, an operator
    decided that this node's is not right."""

    uid: str
    found_at: datetime
    wrong: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many conflicts wait for a decision: those of which all sides are hidden, and those of which a side is held."""

    open: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Side:
    """What one node tells."""

    node_no: str
    kept: KeptStudy


@dataclass(frozen=True, slots=True)
class Conflict:
    """One study with all who tell it; nobody has decided where `decided_at` is None."""

    uid: str
    found_at: datetime
    decided_at: datetime | None
    decided_by: str
    memo: str
    sides: Sequence[Side]

    def persons(self) -> Sequence[int]:
        """For each side a small number, the same where the person is; 0 of a withdrawn one."""
        numbers: dict[bytes, int] = {}
        keys = [each.kept.person_key for each in self.sides]
        return [0 if key is None else numbers.setdefault(key, len(numbers) + 1) for key in keys]


def is_contested(study: KeptStudy) -> bool:
    """Whether a study is hidden because of another node's."""
    return study.state in (State.CONFLICT, State.WRONG, State.HELD)


def why_held(study: KeptStudy) -> Refused | None:
    """What a node is told of a study of which nothing but its own entry is hidden; None of another."""
    if study.state is not State.HELD:
        return None
    return Refused("study_instance_uid", "entry.conflict_held", {"most": str(MOST_CAUSED)})


def hides(others: Sequence[KeptStudy], moved: Mapping[int, KeptStudy]) -> bool:
    """Whether a study of another node is found so far and in conflict by what moved."""
    return any(each.state is State.ACTIVE and moved.get(each.ref, each).state is State.CONFLICT for each in others)


def settled(rows: Sequence[KeptStudy]) -> Mapping[int, KeptStudy]:
    """Those of one study's rows, one for each node, whose state is another now, by ref (I§6.8).

    Where two of them name two persons all are in conflict, else none is. One that an operator found wrong, or that is held, is
    heard again where it names the person that the others name; and held ones where nobody is left whom they were held for.
    """
    live = [each for each in rows if each.state not in _SILENT]
    live = live or [each for each in rows if each.state is State.HELD]
    persons = {each.person_key for each in live}
    state = State.CONFLICT if len(persons) > 1 else State.ACTIVE
    agreeing = [each for each in rows if each.state in _HEARD_AGAIN and persons == {each.person_key}]
    return {each.ref: replace(each, state=state) for each in (*live, *agreeing) if each.state is not state}


def judged(conflict: Conflict, right_node_no: str) -> Sequence[KeptStudy]:
    """The studies whose state changes by a decision: right are the node's and those of the same person, none where the number is
    empty. INVALID_REQUEST where that node is no side that stands."""
    standing = [each for each in conflict.sides if each.kept.state is not State.WITHDRAWN]
    right = next((each.kept for each in standing if each.node_no == right_node_no), None)
    if right_node_no and right is None:
        raise invalid("right_node_no", "conflict.side", "a node that tells the study is expected")
    found = []
    for each in standing:
        is_right = right is not None and each.kept.person_key == right.person_key
        state = State.ACTIVE if is_right else State.WRONG
        if each.kept.state is not state:
            found.append(replace(each.kept, state=state))
    return found


def no_conflict() -> Fault:
    """NOT_FOUND CONFLICT_NOT_FOUND."""
    return not_found("CONFLICT_NOT_FOUND")
