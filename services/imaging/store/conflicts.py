"""Rows of conflicts: which nodes tell a study of several persons, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from services.imaging.domain.conflicts import Conflict, ConflictNotice, Side, Waiting
from services.imaging.domain.studies import KeptStudy, State
from services.imaging.store.packs import COLUMNS, study_of
from services.imaging.store.studies import among
from services.imaging.store.uids import packed_uid, unpacked_uid
from services.kernel.clock import from_micros, to_micros
from services.runtime.db import DriverConnection, sql

_MOST_NOTICES: Final = 100
_KEEP: Final = " ON CONFLICT (uid, node_ref) DO NOTHING"
_WAITING: Final = (State.CONFLICT, State.HELD)
_CONTESTED: Final = f"({int(State.CONFLICT)}, {int(State.WRONG)}, {int(State.HELD)})"
_OF_NODE: Final = sql(
    "SELECT c.uid, c.found_at, s.state FROM imaging_conflict c"
    " JOIN imaging_study s ON s.uid = c.uid AND s.node_ref = c.node_ref"
    f" WHERE c.node_ref = ?1 AND s.state IN {_CONTESTED} ORDER BY c.uid LIMIT {_MOST_NOTICES}"
)
_UIDS: Final = sql("SELECT DISTINCT uid FROM imaging_conflict WHERE uid > ?1 ORDER BY uid LIMIT ?2")
_DECIDE: Final = sql("UPDATE imaging_conflict SET decided_at = ?2, decided_by = ?3, memo = ?4 WHERE uid = ?1")
_COUNT: Final = sql(
    "SELECT s.state, count(DISTINCT c.uid) FROM imaging_conflict c"
    " JOIN imaging_study s ON s.uid = c.uid AND s.node_ref = c.node_ref"
    f" WHERE s.state IN ({int(State.CONFLICT)}, {int(State.HELD)}) GROUP BY s.state"
)
_STUDY: Final = ", ".join(f"s.{each.strip()}" for each in COLUMNS.split(","))
_SIDES: Final = (
    f"SELECT c.found_at, c.decided_at, c.decided_by, c.memo, n.node_no, {_STUDY} FROM imaging_conflict c"
    " JOIN imaging_node n ON n.node_ref = c.node_ref"
    " JOIN imaging_study s ON s.uid = c.uid AND s.node_ref = c.node_ref WHERE c.uid "
)
_OWN: Final = 5


class ConflictRows:
    """Conflicts, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert

    async def note(self, sides: Sequence[tuple[str, int]], now: datetime) -> None:
        """UID and node of each side of conflicts that are new; what stands of one stays."""
        rows = [(packed_uid(uid), node_ref, to_micros(now), None, "", "") for uid, node_ref in sides]
        await self._connection.insert(self._insert + _KEEP, rows)

    async def drop(self, uids: Sequence[str]) -> None:
        """Conflicts that are settled."""
        await among(
            self._connection, "DELETE FROM imaging_conflict WHERE uid ", [packed_uid(each) for each in uids], "bytea"
        )

    async def decide(self, uid: str, now: datetime, by: str, memo: str) -> None:
        """Keeps who decided about a conflict, and why."""
        await self._connection.run(_DECIDE, packed_uid(uid), to_micros(now), by, memo)

    async def after(self, uid: str, most: int) -> Sequence[Conflict]:
        """Conflicts by UID, behind one; the first ones where that is empty."""
        rows = await self._connection.run(_UIDS, packed_uid(uid), most)
        return await self._conflicts([bytes(each[0]) for each in rows])

    async def find(self, uid: str) -> Conflict | None:
        """The conflict about a study."""
        found = await self._conflicts([packed_uid(uid)])
        return found[0] if found else None

    async def of_node(self, node_ref: int) -> Sequence[ConflictNotice]:
        """What a node is told of its studies, at most a hundred of them."""
        rows = await self._connection.run(_OF_NODE, node_ref)
        return [
            ConflictNotice(unpacked_uid(uid), from_micros(at), state == int(State.WRONG)) for uid, at, state in rows
        ]

    async def waiting(self) -> Waiting:
        """How many wait for a decision."""
        counts = {State(state): int(count) for state, count in await self._connection.run(_COUNT)}
        return Waiting(counts.get(State.CONFLICT, 0), counts.get(State.HELD, 0))

    async def _conflicts(self, uids: Sequence[bytes]) -> Sequence[Conflict]:
        by_uid: dict[str, list[tuple[Any, KeptStudy]]] = {}
        for row in await among(self._connection, _SIDES, uids, "bytea"):
            kept = study_of(row[_OWN:])
            by_uid.setdefault(kept.uid, []).append((row, kept))
        return [_conflict(uid, by_uid[uid]) for uid in sorted(by_uid, key=packed_uid)]


def _conflict(uid: str, rows: Sequence[tuple[Any, KeptStudy]]) -> Conflict:
    ordered = sorted(rows, key=lambda each: str(each[0][_OWN - 1]))
    found_at = from_micros(min(row[0] for row, _ in rows))
    sides = [Side(row[_OWN - 1], kept) for row, kept in ordered]
    decided = [row for row, _ in ordered if row[1]]
    # One that a further node opened again waits for a decision, whatever was decided before.
    if not decided or any(kept.state in _WAITING for _, kept in rows):
        return Conflict(uid, found_at, None, "", "", sides)
    _, at, by, memo, *_ = max(decided, key=lambda row: row[1])
    return Conflict(uid, found_at, from_micros(at), by, memo, sides)
