"""The months of clearing: closing with statements, answers of both sides, netting with payment orders, roll-back.

Nothing happens by itself: an operator, or a job of theirs, asks for what is due.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.kernel.clock import beijing_day
from services.kernel.requests import RequestStamp
from services.routing.domain.clearing import months as rules
from services.routing.domain.clearing.ledger import ALL_FUNDS, Tally
from services.routing.domain.clearing.months import CLOSED, NETTED, OPEN, PAID, Month, Step
from services.routing.domain.clearing.netting import Position, orders, positions
from services.routing.domain.clearing.payments import Payment, payment_no
from services.routing.domain.clearing.statements import SideAnswer, Statement, no_statement, outcomes, statements
from services.routing.domain.clearing.terms import ClearingTerms, following, open_from
from services.routing.operations.clearing_writes import Books
from services.routing.store.unit import Unit


@dataclass(frozen=True, slots=True)
class StandingMonth:
    """A month as it stands: of an open one what has come so far, of a closed one its statements and positions."""

    month: Month
    tallies: Sequence[Tally]
    statements: Sequence[Statement]
    positions: Sequence[Position]


@dataclass(frozen=True, slots=True)
class Months:
    """What an operator does with months."""

    books: Books
    terms: ClearingTerms

    async def close(
        self, stamp: RequestStamp, month: str, memo: str, now: datetime, encode: Callable[[Month], bytes]
    ) -> bytes:
        """Closes a month and makes its statements; one that is closed stays as it is. CLEARING_NOT_DUE, CLEARING_MONTH_EMPTY."""

        async def act(work: Unit) -> bytes:
            return encode(await closed(work, month, now, self.terms, memo))

        return await self.books.once(stamp, now, act)

    async def net(
        self,
        stamp: RequestStamp,
        month: str,
        memo: str,
        now: datetime,
        encode: Callable[[Month, Sequence[Payment]], bytes],
    ) -> bytes:
        """Nets a month and issues its orders, closing it first where that is still to be done; the month with its orders.

        CLEARING_NOT_DUE, CLEARING_MONTH_EMPTY.
        """

        async def act(work: Unit) -> bytes:
            found = await netted(work, month, now, self.terms, memo)
            return encode(found, await work.months.orders(found))

        return await self.books.once(stamp, now, act)

    async def roll_back(
        self, stamp: RequestStamp, month: str, memo: str, now: datetime, encode: Callable[[Month], bytes]
    ) -> bytes:
        """Opens a month again of which nothing was paid; CLEARING_MONTH_PAID, CLEARING_CARRIED_ON."""

        async def act(work: Unit) -> bytes:
            return encode(await rolled_back(work, month, now, memo))

        return await self.books.once(stamp, now, act)

    async def run(
        self, stamp: RequestStamp, memo: str, now: datetime, encode: Callable[[Sequence[Step]], bytes]
    ) -> bytes:
        """Does everything that is due by the calendar; answers which steps those were."""

        async def act(work: Unit) -> bytes:
            return encode(await run_due(work, now, self.terms, memo))

        return await self.books.once(stamp, now, act)

    async def answer(
        self,
        stamp: RequestStamp,
        month: str,
        pair: tuple[str, str],
        said: tuple[str, SideAnswer],
        now: datetime,
        encode: Callable[[Statement], bytes],
    ) -> bytes:
        """What a side says to a statement; CLEARING_MONTH_OPEN, CLEARING_MONTH_CLOSED, CLEARING_STATEMENT_NOT_FOUND."""

        async def act(work: Unit) -> bytes:
            return encode(await answered(work, month, pair, said))

        return await self.books.once(stamp, now, act)

    async def told(self, month: str) -> StandingMonth:
        """A month as it stands."""
        async with self.books.store.read() as work:
            found = await work.months.find(month)
            sums = [each for each in await work.books.tallies(month) if each.fund == ALL_FUNDS]
            made = [] if found.is_open else await work.months.statements(found)
            nets = await work.months.positions(found) if found.reached(NETTED) else []
        if found.is_open:
            nets = positions((each.pair, each.amount_fen) for each in sums)
        return StandingMonth(found, sums, made, nets)


async def closed(work: Unit, month: str, now: datetime, terms: ClearingTerms, memo: str = "") -> Month:
    """Closes a month in a transaction: what institutions left out moves on, then statements are made of the rest."""
    await work.books.lock()
    found = await work.months.find(month)
    if not found.is_open:
        return found
    rules.check_known(found)
    rules.check_due(rules.CLOSE, month, beijing_day(now), terms)
    later = open_from(following(month), await work.months.closed())
    if await work.books.leave_out(month, later):
        await work.months.begin([later], now)
    now_closed = replace(found, state=CLOSED, run=found.run + 1, changed_at=now, memo=memo)
    carried = await work.months.carried(month)
    made = statements(month, now_closed.run, await work.books.tallies(month), carried)
    await work.months.add_statements(made)
    await work.months.put(now_closed, now)
    return now_closed


async def netted(work: Unit, month: str, now: datetime, terms: ClearingTerms, memo: str = "") -> Month:
    """Nets a month in a transaction: disputes are carried on, the rest makes positions and orders."""
    await work.books.lock()
    found = await work.months.find(month)
    if found.reached(NETTED):
        return found
    rules.check_known(found)
    rules.check_due(rules.NET, month, beijing_day(now), terms)
    found = await closed(work, month, now, terms, memo)
    later = open_from(following(month), await work.months.closed())
    decided = outcomes(await work.months.statements(found), later)
    if any(each.disputed for each in decided):
        await work.months.begin([later], now)
    await work.months.net(found, later)
    nets = positions((each.pair, each.total_fen) for each in decided if not each.disputed)
    await work.months.add_positions(found, nets)
    issued = [
        Payment(
            payment_no(month, found.run, place),
            month,
            found.run,
            each.circle,
            each.payer_region,
            each.payee_region,
            each.amount_fen,
        )
        for place, each in enumerate(orders(nets), 1)
    ]
    await work.months.add_payments(issued, now)
    done = replace(found, state=NETTED if issued else PAID, changed_at=now, memo=memo)
    await work.months.put(done, now)
    return done


async def rolled_back(work: Unit, month: str, now: datetime, memo: str = "") -> Month:
    """Rolls a month back in a transaction; one that is open stays as it is."""
    await work.books.lock()
    found = await work.months.find(month)
    if found.is_open:
        return found
    rules.check_roll_back(found, await work.months.under_way(found), await work.months.closed_heirs(found))
    await work.months.void(found, now)
    opened = replace(found, state=OPEN, changed_at=now, memo=memo)
    await work.months.put(opened, now)
    return opened


async def run_due(work: Unit, now: datetime, terms: ClearingTerms, memo: str = "") -> list[Step]:
    """All steps that are due, in a transaction, in the order of months."""
    await work.books.lock()
    known = await work.months.all()
    steps = list(rules.due(known.values(), beijing_day(now), terms))
    for step in steps:
        await (closed if step.action == rules.CLOSE else netted)(work, step.month, now, terms, memo)
    return steps


async def answered(work: Unit, month: str, pair: tuple[str, str], said: tuple[str, SideAnswer]) -> Statement:
    """Keeps what a side says, in a transaction."""
    await work.books.lock()
    found = await work.months.find(month)
    rules.check_answerable(found)
    standing = await work.months.statement(found, pair)
    if standing is None:
        raise no_statement(month, pair)
    side, answer = said
    answered_now = standing.answered(side, answer)
    await work.months.answer(answered_now, side)
    return answered_now
