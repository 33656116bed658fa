"""Rows of the daily check: the lists of both places beside the journals, and every difference between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from services.kernel.clock import from_micros, to_micros
from services.routing.domain.clearing.checks import DayCheck, ListDifference, ListEntry
from services.runtime.db import DriverConnection, sql

_LISTED: Final = sql(
    "SELECT setl_id, kind, region, amount_fen FROM clearing_listed WHERE setl_day = ?1 AND side = ?2"
    " AND AMONG(setl_id, ?3)"
)
_COUNTS: Final = sql(
    "SELECT (SELECT COUNT(*) FROM clearing_journal WHERE setl_day = ?1),"
    " (SELECT COUNT(*) FROM clearing_listed WHERE setl_day = ?1 AND side = 'insured'),"
    " (SELECT COUNT(*) FROM clearing_listed WHERE setl_day = ?1 AND side = 'care'),"
    " (SELECT COUNT(*) FROM clearing_difference WHERE setl_day = ?1)"
)
_FORGET: Final = sql("DELETE FROM clearing_difference WHERE setl_day = ?1")
_INTO: Final = (
    "INSERT INTO clearing_difference (setl_day, setl_id, kind, side, difference, national_fen, listed_fen) SELECT "
)
_SIDES: Final = "(SELECT 'insured' AS side UNION ALL SELECT 'care') AS s"
_SAME: Final = "l.setl_day = j.setl_day AND l.side = s.side AND l.setl_id = j.setl_id AND l.kind = j.kind"
_REGION: Final = "CASE s.side WHEN 'insured' THEN j.insured_region ELSE j.care_region END"
_COMPARED: Final = (
    sql(
        f"{_INTO} j.setl_day, j.setl_id, j.kind, s.side, 'missing', j.total_fen, 0"
        f" FROM clearing_journal AS j CROSS JOIN {_SIDES} LEFT JOIN clearing_listed AS l ON {_SAME}"
        " WHERE j.setl_day = ?1 AND l.setl_id IS NULL"
    ),
    sql(
        f"{_INTO} j.setl_day, j.setl_id, j.kind, s.side, 'amount', j.total_fen, l.amount_fen"
        f" FROM clearing_journal AS j CROSS JOIN {_SIDES} JOIN clearing_listed AS l ON {_SAME}"
        " WHERE j.setl_day = ?1 AND l.amount_fen <> j.total_fen"
    ),
    sql(
        f"{_INTO} j.setl_day, j.setl_id, j.kind, s.side, 'region', j.total_fen, l.amount_fen"
        f" FROM clearing_journal AS j CROSS JOIN {_SIDES} JOIN clearing_listed AS l ON {_SAME}"
        f" WHERE j.setl_day = ?1 AND l.region <> {_REGION}"
    ),
    sql(
        f"{_INTO} l.setl_day, l.setl_id, l.kind, l.side, 'unknown', 0, l.amount_fen FROM clearing_listed AS l"
        " LEFT JOIN clearing_journal AS j ON j.setl_id = l.setl_id AND j.kind = l.kind AND j.setl_day = l.setl_day"
        " WHERE l.setl_day = ?1 AND j.setl_id IS NULL"
    ),
)
_KEEP: Final = sql(
    "INSERT INTO clearing_check (setl_day, national_count, insured_count, care_count, difference_count, checked_at,"
    " memo) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (setl_day) DO UPDATE SET national_count = excluded.national_count,"
    " insured_count = excluded.insured_count, care_count = excluded.care_count,"
    " difference_count = excluded.difference_count, checked_at = excluded.checked_at,"
    " memo = excluded.memo"
)
_LAST: Final = sql(
    "SELECT national_count, insured_count, care_count, difference_count, checked_at, memo FROM clearing_check"
    " WHERE setl_day = ?1"
)
_DIFFERENCES: Final = sql(
    "SELECT setl_id, kind, side, difference, national_fen, listed_fen FROM clearing_difference WHERE setl_day = ?1"
    " AND (setl_id > ?2 OR setl_id = ?2 AND (kind > ?3 OR kind = ?3 AND (side > ?4 OR side = ?4 AND difference > ?5)))"
    " ORDER BY setl_id, kind, side, difference LIMIT ?6"
)


class CheckRows:
    """Lists, checks and differences, in one transaction. Days are `yyyy-MM-dd`."""

    def __init__(self, connection: DriverConnection, inserts: Mapping[str, Mapping[str, str]]) -> None:
        self._connection = connection
        self._insert = {name: statement[connection.dialect] for name, statement in inserts.items()}

    async def listed(self, day: str, side: str, setl_ids: Sequence[str]) -> list[ListEntry]:
        """What a side has listed of these settlements."""
        rows = await self._connection.run(_LISTED, day, side, sorted(set(setl_ids)), patient=True)
        return [ListEntry(*row) for row in rows]

    async def add_listed(self, day: str, side: str, entries: Sequence[ListEntry]) -> None:
        """More of the list of a side."""
        rows = [(day, side, *each) for each in entries]
        await self._connection.insert(self._insert["clearing_listed"], rows, patient=True)

    async def check(self, day: str, now: datetime, memo: str) -> DayCheck:
        """Compares the three lists of a day anew and keeps every difference; counts of all."""
        await self._connection.run(_FORGET, day)
        for statement in _COMPARED:
            await self._connection.run(statement, day, patient=True)
        ((national, insured, care, differences),) = await self._connection.run(_COUNTS, day, patient=True)
        await self._connection.run(_KEEP, day, national, insured, care, differences, to_micros(now), memo)
        return DayCheck(national, insured, care, differences, now, memo)

    async def last(self, day: str) -> DayCheck | None:
        """What the last check of a day counted."""
        for national, insured, care, differences, checked_at, memo in await self._connection.run(_LAST, day):
            return DayCheck(national, insured, care, differences, from_micros(checked_at), memo)
        return None

    async def differences(self, day: str, after: tuple[str, str, str, str], limit: int) -> list[ListDifference]:
        """Differences that the last check of a day found, behind a place."""
        rows = await self._connection.run(_DIFFERENCES, day, *after, limit)
        return [ListDifference(*row) for row in rows]
