"""Orders as statements read them: by when they were confirmed or reversed, and by number. Each begins at an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.runtime.db import Database, sql
from services.settlement.domain.books.detail_files import BookedLine
from services.settlement.domain.books.statements import Group, SettledOrder

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
_OF_DAYS: Final = (
    "?1 AND {0}.setl_at >= ?2 AND {0}.setl_at < ?3 AND s.insutype = ?4 AND {0}.state IN ('standing', 'reversed')"
)
# A counter-entry may be under the name of the member that asked for it: it is of the institution whose settlement it reverses.
_BOOKED: Final = (
    "SELECT s.med_type, s.insuplc_admdvs, s.medfee_sumamt_fen, s.fund_pay_sumamt_fen, s.acct_pay_fen FROM settlement AS s"
    f" WHERE s.scope = {_OF_DAYS.format('s')} AND s.kind = 'settle' AND ?5 <> 'reverse'"
    " UNION ALL"
    " SELECT c.med_type, c.insuplc_admdvs, c.medfee_sumamt_fen, c.fund_pay_sumamt_fen, c.acct_pay_fen"
    " FROM settlement AS c JOIN settlement AS s ON s.setl_id = c.reverses"
    f" WHERE s.scope = {_OF_DAYS.format('c')} AND c.kind = 'reverse' AND ?5 <> 'settle'"
)
_GROUPS: Final = sql(
    "SELECT med_type, insuplc_admdvs, COUNT(*), CAST(SUM(medfee_sumamt_fen) AS BIGINT),"
    f" CAST(SUM(fund_pay_sumamt_fen) AS BIGINT), CAST(SUM(acct_pay_fen) AS BIGINT) FROM ({_BOOKED}) AS kept"
    " GROUP BY med_type, insuplc_admdvs"
)
_ROW: Final = (
    "{0}.setl_at, {0}.setl_id, {0}.mdtrt_id, {0}.psn_no, {0}.msgid, {0}.med_type, {0}.insuplc_admdvs,"
    " {0}.medfee_sumamt_fen, {0}.fund_pay_sumamt_fen, {0}.acct_pay_fen"
)
_PAGE: Final = (
    "{0}.setl_at >= ?2 AND {0}.setl_at < ?3 AND {0}.state IN ('standing', 'reversed')"
    " AND ({0}.setl_at > ?2 OR {0}.setl_id > ?4) ORDER BY {0}.setl_at, {0}.setl_id LIMIT ?5"
)
_SETTLED: Final = sql(
    f"SELECT {_ROW.format('s')} FROM settlement AS s WHERE s.scope = ?1 AND s.kind = 'settle' AND {_PAGE.format('s')}"
)
_BACK: Final = sql(
    f"SELECT {_ROW.format('c')} FROM settlement AS c JOIN settlement AS s ON s.setl_id = c.reverses"
    f" WHERE s.scope = ?1 AND c.kind = 'reverse' AND {_PAGE.format('c')}"
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

    async def groups(self, fixmedins_code: str, span: tuple[int, int], insutype: str, kind: str) -> list[Group]:
        """An institution's settlements from a moment and before another, by kind of care and insured place."""
        async with self._database.driver_read() as connection:
            rows = await connection.run(_GROUPS, fixmedins_code, *span, insutype, kind)
        return [Group(*row) for row in rows]

    async def booked(
        self, fixmedins_code: str, span: tuple[int, int], after: tuple[int, str], limit: int, *, back: bool
    ) -> list[BookedLine]:
        """An institution's settlements from a moment and before another, behind a place; or their counter-entries."""
        first = max(span[0], after[0]), span[1], after[1]
        async with self._database.driver_read(patient=True) as connection:
            rows = await connection.run(_BACK if back else _SETTLED, fixmedins_code, *first, limit)
        return [BookedLine._make((*row, back)) for row in rows]
