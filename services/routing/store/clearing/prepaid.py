"""Rows of prepayment accounts and warnings, and what of them is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from services.kernel.clock import to_micros
from services.routing.domain.clearing.parties import Pair
from services.routing.domain.clearing.prepaid import Account, Movement, Usage
from services.runtime.db import DriverConnection, sql

_KEY: Final = "circle, insured_region, care_region"
_OPEN: Final = sql(
    f"INSERT INTO clearing_prepaid ({_KEY}, balance_fen, told) VALUES (?1, ?2, ?3, 0, 'normal')"
    f" ON CONFLICT ({_KEY}) DO NOTHING"
)
_HOLD: Final = sql(
    f"SELECT {_KEY}, balance_fen, told FROM clearing_prepaid"
    " WHERE circle = ?1 AND insured_region = ?2 AND care_region = ?3 FOR UPDATE"
)
_BALANCE: Final = sql(
    "UPDATE clearing_prepaid SET balance_fen = ?4 WHERE circle = ?1 AND insured_region = ?2 AND care_region = ?3"
)
_TOLD: Final = f" ON CONFLICT ({_KEY}) DO UPDATE SET told = excluded.told"
# A pair's claims that nobody has paid: what its months that are not paid hold, with disputes that came to them from months
# that are, without those that went on to such a month.
_PAID: Final = "(SELECT month FROM clearing_month WHERE state = 'paid')"
_CARRIED: Final = "SUM(amount_fen + carried_fen)"
_USED: Final = (
    f"WITH open AS (SELECT {_KEY}, SUM(amount_fen) AS fen FROM clearing_tally WHERE fund = ''"
    " AND month IN (SELECT month FROM clearing_month WHERE state <> 'paid')"
    f" GROUP BY {_KEY} UNION ALL SELECT {_KEY}, {_CARRIED} FROM clearing_statement WHERE carried_to > ''"
    f" AND month IN {_PAID} AND carried_to NOT IN {_PAID} GROUP BY {_KEY}"
    f" UNION ALL SELECT {_KEY}, -{_CARRIED} FROM clearing_statement WHERE carried_to > ''"
    f" AND month NOT IN {_PAID} AND carried_to IN {_PAID} GROUP BY {_KEY}),"
    f" used AS (SELECT {_KEY}, SUM(fen) AS fen FROM open GROUP BY {_KEY})"
    " SELECT p.circle, p.insured_region, p.care_region, p.balance_fen, p.told, CAST(COALESCE(u.fen, 0) AS BIGINT)"
    " FROM clearing_prepaid AS p LEFT JOIN used AS u ON u.circle = p.circle AND u.insured_region = p.insured_region"
    " AND u.care_region = p.care_region"
)
_USAGE: Final = sql(
    f"{_USED} WHERE p.circle > ?1 OR p.circle = ?1 AND (p.insured_region > ?2"
    " OR p.insured_region = ?2 AND p.care_region > ?3) ORDER BY p.circle, p.insured_region, p.care_region LIMIT ?4"
)
_ALL: Final = 1 << 40
_WARNINGS: Final = sql(
    f"SELECT warned_day, {_KEY}, level, used_fen, balance_fen FROM clearing_warning WHERE warned_day > ?1"
    " OR warned_day = ?1 AND (circle > ?2 OR circle = ?2 AND (insured_region > ?3 OR insured_region = ?3"
    " AND (care_region > ?4 OR care_region = ?4 AND level > ?5)))"
    f" ORDER BY warned_day, {_KEY}, level LIMIT ?6"
)


class PrepaidRows:
    """Prepayment accounts, in one transaction."""

    def __init__(self, connection: DriverConnection, inserts: Mapping[str, Mapping[str, str]]) -> None:
        self._connection = connection
        self._insert = {name: statement[connection.dialect] for name, statement in inserts.items()}

    async def hold(self, pair: Pair) -> Account:
        """The account of a pair, held until the transaction ends; one that there was not has no balance."""
        await self._connection.run(_OPEN, *pair)
        ((*_, balance, told),) = await self._connection.run(_HOLD, *pair)
        return Account(pair, balance, told)

    async def save(self, account: Account, movement: Movement) -> None:
        """The new balance, and the movement that made it."""
        row = (movement.source, *account.pair, movement.amount_fen, movement.memo, to_micros(movement.moved_at))
        await self._connection.insert(self._insert["clearing_movement"], [row])
        await self._connection.run(_BALANCE, *account.pair, account.balance_fen)

    async def used(self, after: tuple[str, str, str] = ("", "", ""), limit: int = _ALL) -> list[tuple[Account, int]]:
        """Accounts behind a place, with what is used of them."""
        rows = await self._connection.run(_USAGE, *after, limit, patient=True)
        return [(Account(Pair(*row[:3]), row[3], row[4]), row[5]) for row in rows]

    async def tell(self, found: Sequence[Usage], day: date) -> None:
        """Keeps the level that is told of each account now, and a warning for each that has risen."""
        told = [(*each.account.pair, each.account.balance_fen, each.level) for each in found]
        await self._connection.insert(self._insert["clearing_prepaid"] + _TOLD, told, patient=True)
        rows = [
            (day.isoformat(), *each.account.pair, each.level, each.used_fen, each.account.balance_fen)
            for each in found
            if each.rises
        ]
        await self._connection.insert(self._insert["clearing_warning"], rows)

    async def warnings(
        self, after: tuple[str, str, str, str, str], limit: int
    ) -> list[tuple[str, Pair, str, int, int]]:
        """Warnings by day and pair, behind a place: day, pair, level, used and balance in fen."""
        rows = await self._connection.run(_WARNINGS, *after, limit)
        return [(row[0], Pair(*row[1:4]), *row[4:7]) for row in rows]
