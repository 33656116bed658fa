"""A person's own settlements, accounts and accumulators, page by page. Every statement begins at an index of the person."""

from __future__ import annotations

from typing import Final

from services.runtime.db import Database, DriverConnection, Within, sql
from services.settlement.domain.books.own_books import UNSETTLED, AccountMovement, Accumulation, OwnSettlement
from services.settlement.domain.books.reversal import BookedSettlement
from services.settlement.domain.care.carried import KeptLines
from services.settlement.domain.care.encounters import Encounter
from services.settlement.domain.care.fees import StandingLine
from services.settlement.store.carried import CarriedReader
from services.settlement.store.fees import FeeReader
from services.settlement.store.settlements import SettlementReader

_LATEST: Final = (1 << 63) - 1

_MONEY: Final = tuple(name for name in OwnSettlement._fields if name.endswith("_fen"))
_SETTLEMENTS: Final = sql(
    "SELECT s.setl_id, s.kind, s.mdtrt_id, s.insutype, s.insuplc_admdvs, s.benefit_year, s.med_type, s.setl_at,"
    " COALESCE(s.reverses, (SELECT c.setl_id FROM settlement AS c WHERE c.reverses = s.setl_id), ''), s.record,"
    f" {', '.join(f's.{name}' for name in _MONEY)} FROM settlement AS s"
    " WHERE s.psn_no = ?1 AND s.setl_at >= ?2 AND s.setl_at <= ?3 AND (s.setl_at < ?3 OR s.setl_id < ?4)"
    " AND s.state IN ('standing', 'reversed')"
    " ORDER BY s.setl_at DESC, s.setl_id DESC LIMIT ?5"
)
_ACCOUNTS: Final = sql(
    "SELECT p.owner_insutype, p.balance_after FROM posting AS p WHERE p.owner_psn_no = ?1 AND p.account_seq ="
    " (SELECT MAX(l.account_seq) FROM posting AS l WHERE l.owner_psn_no = ?1 AND l.owner_insutype = p.owner_insutype)"
    " ORDER BY p.owner_insutype"
)
_MOVEMENTS: Final = sql(
    "SELECT p.account_seq, p.amount_fen, p.balance_after, p.benefit_year, p.created_at, COALESCE(s.setl_id, ''),"
    " COALESCE(s.kind, ''), COALESCE(s.psn_no, ''), COALESCE(s.state, '') FROM posting AS p"
    " LEFT JOIN settlement AS s ON s.setl_id = p.source_id"
    " WHERE p.owner_psn_no = ?1 AND p.owner_insutype = ?2 AND p.account_seq < ?3 ORDER BY p.account_seq DESC LIMIT ?4"
)
_ACCUMULATORS: Final = sql(
    "SELECT benefit_year, insutype, insuplc_admdvs, key, CAST(SUM(delta) AS BIGINT) FROM accumulator_entry"
    " WHERE psn_no = ?1 AND (?2 = '' OR benefit_year < ?2 OR benefit_year = ?2"
    " AND (insutype > ?3 OR insutype = ?3 AND (insuplc_admdvs > ?4 OR insuplc_admdvs = ?4 AND key > ?5)))"
    " GROUP BY benefit_year, insutype, insuplc_admdvs, key HAVING SUM(delta) <> 0"
    " ORDER BY benefit_year DESC, insutype, insuplc_admdvs, key LIMIT ?6"
)


class OwnReader:
    """A person's books as one snapshot shows them."""

    def __init__(self, connection: DriverConnection) -> None:
        self._connection = connection
        self._fees = FeeReader(connection)
        self._settlements = SettlementReader(connection)
        self._carried = CarriedReader(connection)

    async def settlements(
        self, psn_no: str, first: int, last: int, after: tuple[int, str] | None, limit: int
    ) -> list[OwnSettlement]:
        """Settlements and counter-entries between two moments, in microseconds UTC, newest first, behind a place."""
        end, setl_id = (last + 1, "") if after is None or after[0] > last else after
        rows = await self._connection.run(_SETTLEMENTS, psn_no, first, end, setl_id, limit)
        return [OwnSettlement(*row) for row in rows]

    async def settlement(self, setl_id: str) -> BookedSettlement | None:
        """The settlement or counter-entry of that number, whoever's."""
        return await self._settlements.settlement(setl_id)

    async def encounter(self, mdtrt_id: str, setl_id: str) -> Encounter | None:
        """The encounter that a settlement is of, in another cell perhaps."""
        carried = await self._carried.encounter(setl_id)
        return await self._fees.encounter(mdtrt_id) if carried is None else carried

    async def lines(self, mdtrt_id: str, setl_id: str, after: int, limit: int) -> list[StandingLine]:
        """Lines that a settlement of care here held, in the order they came, behind the first `after` of them: they never
        change."""
        return await self._fees.settled_lines(mdtrt_id, setl_id, limit, after)

    async def carried_lines(self, setl_id: str) -> KeptLines | None:
        """The same of a settlement of care in another cell, as they came; None for any other."""
        return await self._carried.lines(setl_id)

    async def accounts(self, psn_no: str) -> list[tuple[str, int]]:
        """Insurance type and balance of each account."""
        return [(row[0], row[1]) for row in await self._connection.run(_ACCOUNTS, psn_no)]

    async def movements(self, psn_no: str, insutype: str, before: int | None, limit: int) -> list[AccountMovement]:
        """Movements of an account, newest first, before a place."""
        below = _LATEST if before is None else before
        rows = await self._connection.run(_MOVEMENTS, psn_no, insutype, below, limit)
        return [AccountMovement._make((*row[:7], row[7] == psn_no, row[8] in UNSETTLED)) for row in rows]

    async def accumulators(
        self, psn_no: str, after: tuple[str, str, str, str] | None, limit: int
    ) -> list[Accumulation]:
        """Accumulations that are not 0, latest year first, behind a place. It adds up all of the person's entries."""
        rows = await self._connection.run(_ACCUMULATORS, psn_no, *(after or ("", "", "", "")), limit)
        return [Accumulation(*row) for row in rows]


class OwnBookRows:
    """The books of one database, as persons read them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reading(self) -> Within[OwnReader]:
        """A snapshot."""
        return Within(self._database.driver_read(), OwnReader)
