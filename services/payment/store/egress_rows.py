"""Rows of what channels were told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from services.payment.domain.told import ToldRequest, together
from services.runtime.db import DriverConnection, sql

_COLUMNS: Final = "pay_ord_id, channel, step, number, verb, target, content, first_at, last_at, times"
_AGAIN: Final = (
    " ON CONFLICT (pay_ord_id, told_key) DO UPDATE SET times = pay_egress.times + excluded.times,"
    " last_at = excluded.last_at"
)
_LIST: Final = sql(
    f"SELECT {_COLUMNS} FROM pay_egress WHERE pay_ord_id = ?1 AND (first_at > ?2 OR first_at = ?2 AND told_key > ?3)"
    " ORDER BY first_at, told_key LIMIT ?4"
)
_FORGET: Final = sql(
    "DELETE FROM pay_egress WHERE (pay_ord_id, told_key) IN"
    " (SELECT pay_ord_id, told_key FROM pay_egress WHERE last_at < ?1 ORDER BY last_at LIMIT ?2) RETURNING times"
)


class EgressRows:
    """What was told, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert + _AGAIN

    async def keep(self, told: Iterable[ToldRequest]) -> None:
        """Adds what was told; the last of a transaction, so that who waits for a row of it holds none that others wait for."""
        rows = [
            (
                *(*name, each.channel, each.step, each.number, each.verb, each.target, each.content),
                *(each.first_at, each.last_at, each.times),
            )
            for name, each in together(told).items()
        ]
        await self._connection.insert(self._insert, rows)

    async def of_order(self, pay_ord_id: str, after: tuple[int, str], most: int) -> list[ToldRequest]:
        """What was told for an order, behind a place (moment, key), the first told first."""
        return [_told(row) for row in await self._connection.run(_LIST, pay_ord_id, *after, most)]

    async def forget(self, before: int, most: int) -> int:
        """Forgets some of what was told last before a moment; how many."""
        return len(await self._connection.run(_FORGET, before, most))


def _told(row: Sequence[Any]) -> ToldRequest:
    return ToldRequest(*row)
