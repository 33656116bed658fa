"""Collection of journals, and the daily check of three lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.kernel.clock import beijing_day
from services.kernel.pages import Page, page_of
from services.kernel.requests import RequestStamp
from services.routing.domain.clearing.checks import DayCheck, ListDifference, ListEntry, new_entries
from services.routing.domain.clearing.journals import FiledJournals, Journal, file
from services.routing.domain.clearing.months import check_open
from services.routing.domain.clearing.prepaid import usage
from services.routing.domain.clearing.terms import ClearingTerms, month_of
from services.routing.operations.clearing_writes import Books
from services.routing.store.unit import Unit


@dataclass(frozen=True, slots=True)
class Collecting:
    """Takes in what is to be cleared. Whoever settles remote bills calls `collect`, as often as it likes."""

    books: Books
    terms: ClearingTerms

    async def collect(self, journals: Sequence[Journal], now: datetime) -> FiledJournals:
        """Files journals, all or none; one that stands with the same content is counted as repeated. Faults of `file`."""

        async def act(work: Unit) -> FiledJournals:
            return await collected(work, journals, now)

        return await self.books.frame.written(act)

    async def collect_once(
        self, stamp: RequestStamp, journals: Sequence[Journal], now: datetime, encode: Callable[[FiledJournals], bytes]
    ) -> bytes:
        """The same as an answered write."""

        async def act(work: Unit) -> bytes:
            return encode(await collected(work, journals, now))

        return await self.books.once(stamp, now, act)

    async def submit(
        self,
        stamp: RequestStamp,
        day: date,
        side: str,
        entries: Sequence[ListEntry],
        now: datetime,
        encode: Callable[[int], bytes],
    ) -> bytes:
        """More of a side's list of a day; CLEARING_MONTH_CLOSED, CLEARING_JOURNAL_EXISTS. Answers how many were new."""

        async def act(work: Unit) -> bytes:
            check_open(await work.months.find(month_of(day)))
            return encode(await listed(work, day, side, entries))

        return await self.books.once(stamp, now, act)

    async def check(
        self, stamp: RequestStamp, day: date, memo: str, now: datetime, encode: Callable[[DayCheck], bytes]
    ) -> bytes:
        """Compares the lists of a day, and watches the prepayments; CLEARING_MONTH_CLOSED."""

        async def act(work: Unit) -> bytes:
            return encode(await checked(work, day, now, self.terms, memo))

        return await self.books.once(stamp, now, act)

    async def differences(
        self, day: date, after: tuple[str, str, str, str] | None, size: int
    ) -> tuple[Page[ListDifference], DayCheck | None]:
        """A page of what the last check of a day found, and that check, None where there was none."""
        async with self.books.store.read() as work:
            found = await work.checks.differences(day.isoformat(), after or ("", "", "", ""), size + 1)
            last = await work.checks.last(day.isoformat())
        return page_of(found, size, lambda each: each.place), last


async def collected(work: Unit, journals: Sequence[Journal], now: datetime) -> FiledJournals:
    """Files journals in a transaction."""
    await work.books.lock()
    standing = await work.books.standing(each.setl_id for each in journals)
    filing = file(journals, standing, await work.months.closed(), beijing_day(now))
    await work.months.begin({each.month for each in filing.fresh}, now)
    await work.books.add(filing.fresh)
    return filing


async def listed(work: Unit, day: date, side: str, entries: Sequence[ListEntry]) -> int:
    """Keeps what is new of a list, in a transaction; how many that are."""
    standing = await work.checks.listed(day.isoformat(), side, [each.setl_id for each in entries])
    fresh = new_entries(entries, standing)
    await work.checks.add_listed(day.isoformat(), side, fresh)
    return len(fresh)


async def checked(work: Unit, day: date, now: datetime, terms: ClearingTerms, memo: str = "") -> DayCheck:
    """Checks a day in a transaction: the lists, then the prepayments, whose level is kept with a warning where it rises."""
    await work.books.lock()
    check_open(await work.months.find(month_of(day)))
    found = await work.checks.check(day.isoformat(), now, memo)
    used = [usage(account, fen, terms) for account, fen in await work.prepaid.used()]
    await work.prepaid.tell([each for each in used if each.level != each.account.told], day)
    return found
