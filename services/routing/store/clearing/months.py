"""Rows of months, statements, positions and payment orders."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from services.kernel.clock import from_micros, to_micros
from services.routing.domain.clearing.months import Month
from services.routing.domain.clearing.netting import Position
from services.routing.domain.clearing.parties import Pair
from services.routing.domain.clearing.payments import UNDER_WAY, VOID, Payment
from services.routing.domain.clearing.statements import INSURED, SideAnswer, Statement
from services.runtime.db import DriverConnection, sql

_MONTH: Final = sql("SELECT month, state, run, changed_at, memo FROM clearing_month WHERE month = ?1")
_ALL: Final = sql("SELECT month, state, run, changed_at, memo FROM clearing_month ORDER BY month")
_SET: Final = sql(
    "INSERT INTO clearing_month (month, state, run, changed_at, memo) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (month)"
    " DO UPDATE SET state = excluded.state, run = excluded.run, changed_at = excluded.changed_at,"
    " memo = excluded.memo"
)
_BEGIN: Final = sql(
    "INSERT INTO clearing_month (month, state, run, changed_at, memo) VALUES (?1, 'open', 0, ?2, '')"
    " ON CONFLICT (month) DO NOTHING"
)
_STATEMENT: Final = (
    "month, run, circle, insured_region, care_region, settled_count, reversed_count, amount_fen, carried_fen, funds,"
    " insured_state, insured_reason, insured_memo, care_state, care_reason, care_memo, outcome, carried_to"
)
_STATEMENTS: Final = sql(
    f"SELECT {_STATEMENT} FROM clearing_statement WHERE month = ?1 AND run = ?2"
    " ORDER BY circle, insured_region, care_region"
)
_ONE: Final = sql(
    f"SELECT {_STATEMENT} FROM clearing_statement WHERE month = ?1 AND run = ?2 AND insured_region = ?3"
    " AND care_region = ?4"
)
_ANSWERS: Final = {
    side: sql(
        f"UPDATE clearing_statement SET {side}_state = ?5, {side}_reason = ?6, {side}_memo = ?7"
        " WHERE month = ?1 AND run = ?2 AND insured_region = ?3 AND care_region = ?4"
    )
    for side in ("insured", "care")
}
_OUTCOME: Final = sql(
    "UPDATE clearing_statement SET outcome = ?3, carried_to = ?4 WHERE month = ?1 AND run = ?2 AND outcome = 'pending'"
    " AND (?5 = 0 OR insured_state = 'disputed' OR care_state = 'disputed')"
)
_VOID: Final = sql("UPDATE clearing_statement SET outcome = 'void', carried_to = '' WHERE month = ?1 AND run = ?2")
_CARRIED: Final = sql(
    "SELECT circle, insured_region, care_region, CAST(SUM(amount_fen + carried_fen) AS BIGINT) FROM clearing_statement"
    " WHERE carried_to = ?1 AND outcome = 'carried' GROUP BY circle, insured_region, care_region"
)
_HEIRS: Final = sql(
    "SELECT DISTINCT s.carried_to FROM clearing_statement AS s JOIN clearing_month AS m ON m.month = s.carried_to"
    " WHERE s.month = ?1 AND s.run = ?2 AND s.outcome = 'carried' AND m.state <> 'open' ORDER BY s.carried_to"
)
_POSITIONS: Final = sql(
    "SELECT circle, region, receivable_fen, payable_fen FROM clearing_position WHERE month = ?1 AND run = ?2"
    " ORDER BY circle, region"
)
_PAYMENT: Final = "payment_no, month, run, circle, payer_region, payee_region, amount_fen, state, memo"
_PAYMENTS: Final = sql(
    f"SELECT {_PAYMENT} FROM clearing_payment WHERE month = ?1 AND payment_no > ?2 ORDER BY payment_no LIMIT ?3"
)
_ORDERS: Final = sql(f"SELECT {_PAYMENT} FROM clearing_payment WHERE month = ?1 AND run = ?2 ORDER BY payment_no")
_HOLD: Final = sql(f"SELECT {_PAYMENT} FROM clearing_payment WHERE payment_no = ?1 FOR UPDATE")
_MOVE: Final = sql("UPDATE clearing_payment SET state = ?2, memo = ?3, changed_at = ?4 WHERE payment_no = ?1")
_DROP: Final = sql("UPDATE clearing_payment SET state = ?3, changed_at = ?4 WHERE month = ?1 AND run = ?2")
_STATES: Final = sql("SELECT state, COUNT(*) FROM clearing_payment WHERE month = ?1 AND run = ?2 GROUP BY state")


class MonthRows:
    """Months with what came of them, in one transaction."""

    def __init__(self, connection: DriverConnection, inserts: Mapping[str, Mapping[str, str]]) -> None:
        self._connection = connection
        self._insert = {name: statement[connection.dialect] for name, statement in inserts.items()}

    async def find(self, month: str) -> Month:
        """A month; one in which nothing clears yet is open."""
        rows = await self._connection.run(_MONTH, month)
        return _month(rows[0]) if rows else Month(month)

    async def all(self) -> dict[str, Month]:
        """All in which something is to clear, or was."""
        return {row[0]: _month(row) for row in await self._connection.run(_ALL)}

    async def closed(self) -> set[str]:
        """All that are not open."""
        return {name for name, month in (await self.all()).items() if not month.is_open}

    async def begin(self, names: Iterable[str], now: datetime) -> None:
        """Sees that months in which something is to clear have a row."""
        for name in sorted(names):
            await self._connection.run(_BEGIN, name, to_micros(now))

    async def put(self, month: Month, now: datetime) -> None:
        """The state of a month."""
        await self._connection.run(_SET, month.month, month.state, month.run, to_micros(now), month.memo)

    async def add_statements(self, statements: Sequence[Statement]) -> None:
        """Those of a month that is closed."""
        await self._connection.insert(self._insert["clearing_statement"], [_row(each) for each in statements])

    async def statements(self, month: Month) -> list[Statement]:
        """Those of its last run, in the order of their pairs."""
        return [_statement(row) for row in await self._connection.run(_STATEMENTS, month.month, month.run)]

    async def statement(self, month: Month, pair: tuple[str, str]) -> Statement | None:
        """That of two regions."""
        rows = await self._connection.run(_ONE, month.month, month.run, *pair)
        return _statement(rows[0]) if rows else None

    async def answer(self, statement: Statement, side: str) -> None:
        """Keeps what a side says now."""
        said = statement.insured if side == INSURED else statement.care
        pair = statement.pair
        place = (statement.month, statement.run, pair.insured_region, pair.care_region)
        await self._connection.run(_ANSWERS[side], *place, said.state, said.reason, said.memo)

    async def net(self, month: Month, carried_to: str) -> None:
        """Writes what became of the statements: those in dispute are carried, the others netted."""
        await self._connection.run(_OUTCOME, month.month, month.run, "carried", carried_to, 1)
        await self._connection.run(_OUTCOME, month.month, month.run, "netted", "", 0)

    async def void(self, month: Month, now: datetime) -> None:
        """Takes back the statements and the orders of the last run."""
        await self._connection.run(_VOID, month.month, month.run)
        await self._connection.run(_DROP, month.month, month.run, VOID, to_micros(now))

    async def carried(self, month: str) -> dict[Pair, int]:
        """What earlier months left in dispute for this one, by pair."""
        return {Pair(*row[:3]): row[3] for row in await self._connection.run(_CARRIED, month)}

    async def closed_heirs(self, month: Month) -> list[str]:
        """Months that are no longer open and hold what this one left in dispute."""
        return [row[0] for row in await self._connection.run(_HEIRS, month.month, month.run)]

    async def add_positions(self, month: Month, positions: Sequence[Position]) -> None:
        """Those of a month that is netted."""
        rows = [
            (month.month, month.run, each.circle, each.region, each.receivable_fen, each.payable_fen, each.net_fen)
            for each in positions
        ]
        await self._connection.insert(self._insert["clearing_position"], rows)

    async def positions(self, month: Month) -> list[Position]:
        """Those of its last run."""
        return [Position(*row) for row in await self._connection.run(_POSITIONS, month.month, month.run)]

    async def add_payments(self, payments: Sequence[Payment], now: datetime) -> None:
        """New orders."""
        made = to_micros(now)
        rows = [
            (
                each.payment_no, each.month, each.run, each.circle, each.payer_region, each.payee_region,
                each.amount_fen, each.state, each.memo, made,
            )
            for each in payments
        ]  # fmt: skip
        await self._connection.insert(self._insert["clearing_payment"], rows)

    async def payments(self, month: str, after: str, limit: int) -> list[Payment]:
        """Orders of a month, of all runs, behind a number."""
        return [Payment(*row) for row in await self._connection.run(_PAYMENTS, month, after, limit)]

    async def orders(self, month: Month) -> list[Payment]:
        """Orders of the last run: fewer than there are regions."""
        rows = await self._connection.run(_ORDERS, month.month, month.run)
        return [Payment(*row) for row in rows]

    async def hold_payment(self, payment_no: str) -> Payment | None:
        """An order, held until the transaction ends."""
        rows = await self._connection.run(_HOLD, payment_no)
        return Payment(*rows[0]) if rows else None

    async def move_payment(self, payment: Payment, now: datetime) -> None:
        """The state of an order."""
        await self._connection.run(_MOVE, payment.payment_no, payment.state, payment.memo, to_micros(now))

    async def payment_states(self, month: Month) -> dict[str, int]:
        """How many orders of the last run are in which state."""
        return {row[0]: row[1] for row in await self._connection.run(_STATES, month.month, month.run)}

    async def under_way(self, month: Month) -> int:
        """How many orders were sent or paid."""
        states = await self.payment_states(month)
        return sum(count for state, count in states.items() if state in UNDER_WAY)


def _month(row: Sequence[Any]) -> Month:
    return Month(row[0], row[1], row[2], from_micros(row[3]) if row[2] else None, row[4], begun=True)


def _statement(row: Sequence[Any]) -> Statement:
    month, run, *pair = row[:5]
    settled, reversed_, amount, carried = row[5:9]
    insured, care, (outcome, carried_to) = SideAnswer(*row[10:13]), SideAnswer(*row[13:16]), row[16:18]
    funds = json.loads(row[9])
    return Statement(
        month, run, Pair(*pair), settled, reversed_, amount, carried, funds, insured, care, outcome, carried_to
    )


def _row(each: Statement) -> tuple[Any, ...]:
    counts = (each.settled_count, each.reversed_count, each.amount_fen, each.carried_fen)
    funds = json.dumps(dict(each.funds), sort_keys=True, separators=(",", ":"))
    insured, care = ((said.state, said.reason, said.memo) for said in (each.insured, each.care))
    return (each.month, each.run, *each.pair, *counts, funds, *insured, *care, each.outcome, each.carried_to)
