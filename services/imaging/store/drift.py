"""Rows of drift, and which nodes somebody should look at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.imaging.domain.drift import Drift, Totals
from services.imaging.domain.nodes import StandingNode
from services.imaging.store.nodes import NODE_COLUMNS, node_of
from services.kernel.clock import from_micros, to_micros
from services.runtime.db import DriverConnection, sql

_DAYS: Final = "day, node_count, index_count, found_at"
_OF_NODE: Final = sql(f"SELECT {_DAYS} FROM imaging_drift WHERE node_ref = ?1 ORDER BY day LIMIT ?2")
_COUNT: Final = sql("SELECT count(*) FROM imaging_drift WHERE node_ref = ?1")
_DROP: Final = {
    "sqlite": "DELETE FROM imaging_drift WHERE node_ref = ?1 AND day IN (SELECT value FROM json_each(?2))",
    "postgresql": "DELETE FROM imaging_drift WHERE node_ref = $1 AND day = ANY($2::int[])",
}
_BEHIND: Final = "last_seq > watermark"
_LOOKED_AT: Final = sql(
    f"SELECT {NODE_COLUMNS} FROM imaging_node n WHERE node_no > ?1 AND ({_BEHIND}"
    " OR (watermark > 0 AND coalesce(compared_at, registered_at) < ?2)"
    " OR EXISTS (SELECT 1 FROM imaging_drift d WHERE d.node_ref = n.node_ref)) ORDER BY node_no LIMIT ?3"
)
_TOTALS: Final = sql(
    "SELECT (SELECT count(*) FROM imaging_drift),"
    f" (SELECT count(*) FROM imaging_node WHERE {_BEHIND}),"
    " (SELECT count(*) FROM imaging_node WHERE watermark > 0 AND coalesce(compared_at, registered_at) < ?1)"
)
_ALL: Final = 100_000


class DriftRows:
    """Drift, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert

    async def of_node(self, node_ref: int, most: int = _ALL) -> Sequence[Drift]:
        """Days of a node that differ, the first ones."""
        rows = await self._connection.run(_OF_NODE, node_ref, most)
        return [Drift(day, node, index, from_micros(at)) for day, node, index, at in rows]

    async def count(self, node_ref: int) -> int:
        """How many days of a node differ."""
        return int((await self._connection.run(_COUNT, node_ref))[0][0])

    async def replace(self, node_ref: int, gone: Sequence[int], rows: Sequence[Drift]) -> None:
        """Takes days out and writes others."""
        if gone:
            await self._connection.run(_DROP, node_ref, list(gone))
        await self._connection.insert(
            self._insert,
            [(node_ref, each.day, each.node_count, each.index_count, to_micros(each.found_at)) for each in rows],
        )

    async def nodes(self, node_no: str, silent_before: datetime, most: int) -> Sequence[StandingNode]:
        """Nodes that somebody should look at, by their numbers, behind one."""
        rows = await self._connection.run(_LOOKED_AT, node_no, to_micros(silent_before), most)
        return [node_of(row) for row in rows]

    async def totals(self, silent_before: datetime) -> Totals:
        """Of all nodes."""
        return Totals(*(await self._connection.run(_TOTALS, to_micros(silent_before)))[0])
