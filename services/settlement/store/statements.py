"""Orders as statements read them: by when they were confirmed or reversed, and by number. Each begins at an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.runtime.db import Database, sql
from services.settlement.domain.statements import SettledOrder

_SUMS: Final = ", ".join(f"s.{name}" for name in SettledOrder._fields if name.endswith("_fen"))
_COLUMNS: Final = f"o.order_no, o.setl_id, o.fixmedins_code, o.phase, s.state, {_SUMS}"
_CONFIRMED: Final = sql(
    f"SELECT o.ended_at, {_COLUMNS} FROM settle_order AS o JOIN settlement AS s ON s.setl_id = o.setl_id"
    " WHERE o.opener = ?1 AND o.phase = 'confirmed' AND o.ended_at >= ?2 AND o.ended_at < ?3"
    " AND (o.ended_at > ?2 OR o.order_no > ?4) ORDER BY o.ended_at, o.order_no LIMIT ?5"
)
_REVERSED: Final = sql(
    f"SELECT c.setl_at, {_COLUMNS} FROM settlement AS c JOIN settle_order AS o ON o.setl_id = c.reverses"
    " JOIN settlement AS s ON s.setl_id = o.setl_id"
    " WHERE c.kind = 'reverse' AND c.setl_at >= ?2 AND c.setl_at < ?3 AND o.opener = ?1 AND o.phase = 'confirmed'"
    " AND (c.setl_at > ?2 OR o.order_no > ?4) ORDER BY c.setl_at, o.order_no LIMIT ?5"
)
_FOUND: Final = sql(
    f"SELECT COALESCE(o.ended_at, 0), {_COLUMNS} FROM settle_order AS o JOIN settlement AS s ON s.setl_id = o.setl_id"
    " WHERE o.opener = ?1 AND AMONG(o.order_no, ?2)"
)


class StatementRows:
    """The orders of one database, as statements read them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def settled(
        self, opener: str, span: tuple[int, int], after: tuple[int, str] | None, limit: int, *, reversed_ones: bool
    ) -> list[SettledOrder]:
        """Orders that were confirmed from a moment and before another, or reversed, behind a place."""
        at, order_no = (span[0], "") if after is None else (max(after[0], span[0]), after[1])
        statement = _REVERSED if reversed_ones else _CONFIRMED
        async with self._database.driver_read() as connection:
            rows = await connection.run(statement, opener, at, span[1], order_no, limit)
        return [SettledOrder(*row) for row in rows]

    async def found(self, opener: str, order_nos: Sequence[str]) -> list[SettledOrder]:
        """Those of these numbers."""
        async with self._database.driver_read() as connection:
            return [SettledOrder(*row) for row in await connection.run(_FOUND, opener, sorted(set(order_nos)))]
