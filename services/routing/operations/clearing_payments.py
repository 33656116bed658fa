"""Payment orders on their way, prepayments, and the warnings of these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from services.kernel.pages import Page, page_of
from services.kernel.requests import RequestStamp
from services.routing.domain.clearing.ledger import ALL_FUNDS, CLAIM, PREPAID, transfer
from services.routing.domain.clearing.months import PAID as MONTH_PAID
from services.routing.domain.clearing.parties import Pair, pair_of
from services.routing.domain.clearing.payments import PAID, Payment, check_step, no_payment
from services.routing.domain.clearing.prepaid import Account, Movement, Usage, moved, usage
from services.routing.domain.clearing.terms import ClearingTerms
from services.routing.operations.clearing_writes import Books
from services.routing.store.unit import Unit

Warning_ = tuple[str, Pair, str, int, int]
"""Day, pair, level, used and balance in fen."""


@dataclass(frozen=True, slots=True)
class Payments:
    """What an operator does with money."""

    books: Books
    terms: ClearingTerms

    async def advance(
        self, stamp: RequestStamp, wanted: tuple[str, str, str], now: datetime, encode: Callable[[Payment], bytes]
    ) -> bytes:
        """Moves an order: its number, the state, and a remark. CLEARING_PAYMENT_NOT_FOUND, CLEARING_PAYMENT_STATE."""

        async def act(work: Unit) -> bytes:
            return encode(await advanced(work, *wanted, now))

        return await self.books.once(stamp, now, act)

    async def listed(self, month: str, after: str, size: int) -> Page[Payment]:
        """A page of the orders of a month, void ones too."""
        async with self.books.store.read() as work:
            found = await work.months.payments(month, after, size + 1)
        return page_of(found, size, lambda each: (each.payment_no,))

    async def prepay(
        self,
        stamp: RequestStamp,
        areas: tuple[str, str],
        amount_fen: int,
        memo: str,
        now: datetime,
        encode: Callable[[Account], bytes],
    ) -> bytes:
        """A deposit of the insured region with the care region, or a withdrawal; CLEARING_PREPAYMENT_SHORT."""

        async def act(work: Unit) -> bytes:
            movement = Movement(f"prepay:{stamp.scope}:{stamp.request_id}", amount_fen, memo, now)
            return encode(await prepaid(work, pair_of(*areas), movement))

        return await self.books.once(stamp, now, act)

    async def accounts(self, after: tuple[str, str, str] | None, size: int) -> Page[Usage]:
        """A page of the prepayments with what of them is used now."""
        async with self.books.store.read() as work:
            found = await work.prepaid.used(after or ("", "", ""), size + 1)
        return page_of([usage(each, fen, self.terms) for each, fen in found], size, lambda each: each.account.pair)

    async def warnings(self, after: tuple[str, str, str, str, str] | None, size: int) -> Page[Warning_]:
        """A page of the warnings that daily checks wrote, by day."""
        async with self.books.store.read() as work:
            found = await work.prepaid.warnings(after or ("", "", "", "", ""), size + 1)
        return page_of(found, size, lambda each: (each[0], *each[1], each[2]))


async def advanced(work: Unit, number: str, state: str, memo: str, now: datetime) -> Payment:
    """Moves an order in a transaction. Paying it posts it; when all of its month are paid, the month is."""
    await work.books.lock()
    found = await work.months.hold_payment(number)
    if found is None:
        raise no_payment(number)
    if not check_step(found, state):
        return found
    now_there = replace(found, state=state, memo=memo)
    await work.months.move_payment(now_there, now)
    if state == PAID:
        sides = (found.payee_region, found.payer_region)
        await work.books.post(transfer(f"pay:{number}", CLAIM, *sides, ALL_FUNDS, found.amount_fen))
        month = await work.months.find(found.month)
        if set(await work.months.payment_states(month)) == {PAID}:
            await work.months.put(replace(month, state=MONTH_PAID, changed_at=now, memo=memo), now)
    return now_there


async def prepaid(work: Unit, pair: Pair, movement: Movement) -> Account:
    """Moves a prepayment in a transaction."""
    await work.books.lock()
    account = moved(await work.prepaid.hold(pair), movement.amount_fen)
    await work.prepaid.save(account, movement)
    sides = (pair.care_region, pair.insured_region)
    await work.books.post(transfer(movement.source, PREPAID, *sides, ALL_FUNDS, movement.amount_fen))
    return account
