"""What the check of clearing reads: every journal in the order of its key, and what the books make of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from services.routing.domain.clearing.ledger import Tally
from services.routing.domain.clearing.parties import Pair
from services.routing.domain.clearing.verification import Line
from services.runtime.db import Database, DriverConnection, Within, sql

_PAGE: Final = 2_000
_JOURNALS: Final = sql(
    f"SELECT {', '.join(Line._fields)} FROM clearing_journal WHERE setl_id > ?1 OR setl_id = ?1 AND kind > ?2"
    " ORDER BY setl_id, kind LIMIT ?3"
)
_TALLIES: Final = sql(
    "SELECT month, circle, insured_region, care_region, fund, settled_count, reversed_count, amount_fen"
    " FROM clearing_tally"
)
_UNBALANCED: Final = sql(
    "SELECT source, CAST(SUM(amount_fen) AS BIGINT) FROM clearing_posting GROUP BY source"
    " HAVING SUM(amount_fen) <> 0 ORDER BY source LIMIT ?1"
)
_BALANCES: Final = sql(
    "SELECT account, region, CAST(SUM(amount_fen) AS BIGINT) FROM clearing_posting GROUP BY account, region"
    " ORDER BY account, region"
)
_PAID: Final = sql(
    "SELECT payer_region, payee_region, CAST(SUM(amount_fen) AS BIGINT) FROM clearing_payment WHERE state = 'paid'"
    " GROUP BY payer_region, payee_region"
)
_STATEMENTS: Final = sql(
    "SELECT s.month, s.circle, s.insured_region, s.care_region, s.amount_fen, s.carried_fen, s.outcome, s.carried_to"
    " FROM clearing_statement AS s JOIN clearing_month AS m ON m.month = s.month AND m.run = s.run"
    " WHERE s.outcome <> 'void' ORDER BY s.month, s.circle, s.insured_region, s.care_region"
)
_POSITIONS: Final = sql(
    "SELECT p.month, p.circle, p.region, p.net_fen FROM clearing_position AS p JOIN clearing_month AS m"
    " ON m.month = p.month AND m.run = p.run WHERE m.state IN ('netted', 'paid') ORDER BY p.month, p.circle, p.region"
)
_PAYMENTS: Final = sql(
    "SELECT payment_no, payer_region, payee_region, amount_fen FROM clearing_payment WHERE state <> 'void'"
    " ORDER BY payment_no"
)
_PREPAID: Final = sql(
    "SELECT insured_region, care_region, CAST(SUM(amount_fen) AS BIGINT) FROM clearing_movement"
    " GROUP BY insured_region, care_region"
)
_ACCOUNTS: Final = sql("SELECT insured_region, care_region, balance_fen FROM clearing_prepaid")


class VerifyReader:
    """The whole books as one snapshot shows them."""

    def __init__(self, connection: DriverConnection) -> None:
        self._connection = connection

    async def journals(self) -> AsyncIterator[list[Line]]:
        """All journals, page by page in the order of their keys."""
        place = ("", "")
        while rows := await self._connection.run(_JOURNALS, *place, _PAGE):
            yield [Line._make(row) for row in rows]
            place = (rows[-1][0], rows[-1][1])

    async def tallies(self) -> list[Tally]:
        """All tallies."""
        return [Tally(row[0], Pair(*row[1:4]), *row[4:8]) for row in await self._connection.run(_TALLIES)]

    async def unbalanced(self, most: int) -> list[tuple[str, int]]:
        """Sources whose postings do not sum to 0, with their sum."""
        return [(row[0], row[1]) for row in await self._connection.run(_UNBALANCED, most)]

    async def balances(self) -> dict[tuple[str, str], int]:
        """The sum of the postings by account and region."""
        return {(row[0], row[1]): row[2] for row in await self._connection.run(_BALANCES)}

    async def paid(self) -> list[tuple[str, str, int]]:
        """What payers have paid payees, by the orders."""
        return [(row[0], row[1], row[2]) for row in await self._connection.run(_PAID)]

    async def statements(self) -> list[tuple[str, Pair, int, int, str, str]]:
        """Statements that stand: month, pair, own and carried sum, outcome, month it is carried to."""
        rows = await self._connection.run(_STATEMENTS)
        return [(row[0], Pair(*row[1:4]), *row[4:8]) for row in rows]

    async def positions(self) -> list[tuple[str, str, str, int]]:
        """Positions of months that are netted: month, circle, region, net."""
        return [tuple(row) for row in await self._connection.run(_POSITIONS)]

    async def payments(self) -> list[tuple[str, str, str, int]]:
        """Orders that stand: number, payer, payee, sum."""
        return [tuple(row) for row in await self._connection.run(_PAYMENTS)]

    async def prepaid(self) -> list[tuple[str, str, int]]:
        """What movements of prepayments come to: who has prepaid whom, and how much."""
        return [(row[0], row[1], row[2]) for row in await self._connection.run(_PREPAID)]

    async def accounts(self) -> list[tuple[str, str, int]]:
        """Balances of prepayments."""
        return [(row[0], row[1], row[2]) for row in await self._connection.run(_ACCOUNTS)]


class VerifyRows:
    """The books of one database, as their check reads them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reading(self) -> Within[VerifyReader]:
        """A snapshot; statements run beside the loop."""
        return Within(self._database.driver_read(patient=True), VerifyReader)
