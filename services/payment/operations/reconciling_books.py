"""The comparison of a day in four books: bills are read into the store, then each book is gone through page by page and looked up
in the others by lists of numbers. So memory is bounded, and no row costs a statement of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice
from typing import Any, Final

from services.kernel.clock import day_start, to_micros
from services.payment.domain import differences as domain
from services.payment.domain.charges import BillKind, BillLine
from services.payment.domain.compared import Billed, OurCharge, OurRefund
from services.payment.domain.differences import MARGIN_S, Difference, near_end
from services.payment.domain.numbers import mark, of_another_cell
from services.payment.domain.orders import SECOND
from services.payment.domain.runs import Run, Stage
from services.payment.operations.books import Books
from services.payment.operations.ports import BilledAccount, BillUnread, ChannelBills, StatementPort
from services.payment.store.unit import PaymentStore

PAGE: Final = 1000
KEPT_FOR: Final = timedelta(days=92)
"""For how long lines of bills are kept: as long as WeChat gives them (C§5.4)."""
_LOOKED_BACK: Final = 35
"""Over how many days before it is asked whether the bills stand here without a gap, so that an older refund is judged."""
_BEAT_S: Final = 2


@dataclass(frozen=True, slots=True)
class _Covered:
    """Since when the bills with an institution's money stand here without a gap, at one channel."""

    since: dict[str, int]

    def has(self, fixmedins_code: str, moment: int) -> bool:
        """Whether a bill of that moment stands here."""
        return fixmedins_code in self.since and moment >= self.since[fixmedins_code]


class Comparing:
    """Compares days. `new_no` makes numbers of differences; `own_cell` is the one whose settlements are asked."""

    def __init__(
        self,
        store: PaymentStore,
        books: Books,
        bills: ChannelBills,
        statements: StatementPort,
        new_no: Callable[[], str],
        own_cell: str = "",
    ) -> None:
        self._store = store
        self._books = books
        self._bills = bills
        self._statements = statements
        self._new_no = new_no
        self._own_cell = own_cell
        self._mark = mark(own_cell)

    async def compare(self, run: Run) -> Run:
        """All books of the run's day; the run with what it counted."""
        run, read = await self._read(run)
        run = await self.told(run, stage=Stage.LINES)
        for account in read:
            run = await self._lines(run, account)
        run = await self.told(run, stage=Stage.CHARGES)
        for channel in sorted({each.channel for each in read}):
            run = await self._charges(run, channel, [each for each in read if each.channel == channel])
        run = await self.told(run, stage=Stage.ORDERS)
        run = await self._orders(run)
        run = await self.told(run, stage=Stage.SETTLEMENTS)
        run = await self._statements_of(await self._settlements(run))
        unread = sorted({each.partition(" ")[0] for each in run.unread})
        if run.unasked:
            # What differs between orders and settlements has no channel; some settlements were not told.
            unread.append("")
        async with self._store.write() as work:
            await work.recon.gone(run, self._books.now(), unread)
            await work.recon.forget_bills(run.day - KEPT_FOR)
        return run

    async def told(self, run: Run, **changes: Any) -> Run:
        """Keeps how far it is."""
        after = replace(run, beat_at=self._books.now(), **changes)
        async with self._store.write() as work:
            await work.recon.keep_run(after)
        return after

    async def beat(self, run: Run) -> None:
        """Keeps that it is not gone."""
        await self.told(run)

    async def _counted(self, run: Run, **counts: int) -> Run:
        """How far it is, kept now and then."""
        after = replace(run, **{name: getattr(run, name) + count for name, count in counts.items()})
        return await self.told(after) if self._books.now() - run.beat_at > _BEAT_S * SECOND else after

    async def _read(self, run: Run) -> tuple[Run, list[BilledAccount]]:
        """Reads all bills into the store; an account whose bill does not come is named, and the others are compared."""
        read: list[BilledAccount] = []
        for account in self._bills.accounts():
            bill = run.day, account.channel, account.merchant_no
            try:
                lines = await self._bills.bill(account, run.day)
            except BillUnread as unread:
                name = f"{account.channel} {account.merchant_no} {unread.reason}"
                run = await self.told(run, unread=(*run.unread, name))
                continue
            async with self._store.write() as work:
                await work.recon.drop_bill(bill)
            for at, some in enumerate(_pages(lines)):
                async with self._store.write() as work:
                    await work.recon.add_lines(
                        [Billed(*bill, at * PAGE + place, line) for place, line in enumerate(some, 1)]
                    )
            async with self._store.write() as work:
                await work.recon.bill_is_read(bill, self._books.now())
            read.append(account)
            run = await self.told(run)
        return run, read

    async def _lines(self, run: Run, account: BilledAccount) -> Run:
        """A bill's lines in our charges and refunds."""
        bill, after = (run.day, account.channel, account.merchant_no), 0
        while True:
            async with self._store.read(patient=True) as work:
                lines = await work.recon.lines(bill, after, PAGE)
                numbers = [each.line.number for each in lines]
                back = [each.line.number for each in lines if each.line.kind is BillKind.REFUND]
                others = await work.recon.lines_of(numbers, beside=(bill, after, PAGE))
                charges = await work.compared.charges(numbers)
                returned = await work.compared.returned(back) if back else {}
                refunds = await work.compared.refunds(back) if back else {}
            for each in lines:
                others.setdefault(each.line.number, []).append(each)
            found = [
                _of_line(each, others[each.line.number], charges, returned, refunds, account.owners) for each in lines
            ]
            told = [each for each in found if not self._of_another_cell(each)]
            await self._keep(run, told, seen=numbers)
            run = await self._counted(run, lines=len(lines), other_lines=len(found) - len(told))
            if len(lines) < PAGE:
                return run
            after = lines[-1].line_no

    def _of_another_cell(self, found: Difference | None) -> bool:
        """Whether it is a line that another cell knows: one of a merchant that cells share, or of a file that they do."""
        return found is not None and found.kind in domain.UNKNOWN and of_another_cell(found.number, self._mark)

    async def _charges(self, run: Run, channel: str, accounts: Sequence[BilledAccount]) -> Run:
        """A channel's charges and refunds in the bills. The last hour of a day is left to the next, whose bill may have it."""
        covered = await self._covered(run.day, channel, accounts)
        begins, ends = _span(run.day)
        span = begins - MARGIN_S * SECOND, ends - MARGIN_S * SECOND

        def of_charge(ours: OurCharge) -> tuple[str, str, int]:
            return ours.charge_no, ours.fixmedins_code, ours.created_at

        def of_return(ours: OurCharge) -> tuple[str, str, int]:
            return ours.return_no, ours.fixmedins_code, ours.paid_at or ours.created_at

        def of_refund(ours: OurRefund) -> tuple[str, str, int]:
            return ours.refund_no, ours.fixmedins_code, ours.created_at

        for read, key, judge in (
            ("charges_made", of_charge, domain.of_charge),
            ("charges_sent_back", of_return, domain.of_return),
            ("refunds_done", of_refund, domain.of_refund),
        ):
            run = await self._missing(run, (channel, span, read), covered, key, judge)
        return run

    async def _missing(
        self,
        run: Run,
        listed: tuple[str, tuple[int, int], str],
        covered: _Covered,
        key: Callable[[Any], tuple[str, str, int]],
        judge: Callable[[Any, Sequence[Billed]], Difference | None],
    ) -> Run:
        """What a list of ours has and the bills lack. `key` is the number, whose it is, and the first moment at which the channel
        may have booked it."""
        channel, span, read = listed
        after = (0, "")
        while True:
            async with self._store.read(patient=True) as work:
                rows = await getattr(work.compared, read)(channel, span, after, PAGE)
                ours = [each for _, each in rows if covered.has(*key(each)[1:])]
                numbers = [key(each)[0] for each in ours]
                billed = await work.recon.billed(channel, numbers) if ours else frozenset()
                doubtful = undecided(ours)
                lines = await work.recon.lines_of(doubtful) if doubtful else {}
            left = [
                (each, number)
                for each, number in zip(ours, numbers, strict=True)
                if number not in billed or number in lines
            ]
            await self._keep(run, [judge(each, lines.get(number, ())) for each, number in left])
            run = await self._counted(run, charges=len(rows))
            if len(rows) < PAGE:
                return run
            after = rows[-1][0]

    async def _covered(self, day: date, channel: str, accounts: Sequence[BilledAccount]) -> _Covered:
        since: dict[str, int] = {}
        open_ones = [*accounts]
        async with self._store.read(patient=True) as work:
            for back in range(_LOOKED_BACK):
                bills = await work.recon.bills_read(day - timedelta(days=back))
                open_ones = [each for each in open_ones if (channel, each.merchant_no) in bills]
                begins, _ = _span(day - timedelta(days=back))
                since.update({owner: begins for each in open_ones for owner in each.owners})
                if not open_ones:
                    break
        return _Covered(since)

    async def _orders(self, run: Run) -> Run:
        """Paid orders beside their charges, refunds and settlements."""
        span, after = _span(run.day), (0, "")
        while True:
            async with self._store.read(patient=True) as work:
                rows = await work.compared.orders_paid(span, after, PAGE)
            here = [each.open_no for _, each in rows if each.insured_cell in ("", self._own_cell)]
            settled, asked = await self._statements.found(here), {*here}
            # What another cell settles stands in that one's books.
            far, told = await self._statements.found_elsewhere(
                {each.open_no: each.insured_cell for _, each in rows if each.open_no not in asked}
            )
            settled, asked = settled | far, asked | told
            found = [
                domain.of_sums(each)
                or (domain.of_order(each, settled.get(each.open_no)) if each.open_no in asked else None)
                for _, each in rows
            ]
            await self._keep(run, found)
            run = await self._counted(run, orders=len(rows), unasked=len(rows) - len(asked))
            if len(rows) < PAGE:
                return run
            after = rows[-1][0]

    async def _settlements(self, run: Run) -> Run:
        """Settlements beside their orders: confirmed that day, and reversed that day."""
        for reversed_ones in (False, True):
            async for page in self._statements.settled(_span(run.day), reversed_ones=reversed_ones):
                async with self._store.read(patient=True) as work:
                    orders = await work.compared.orders([_order_no(each.order_no) for each in page])
                await self._keep(
                    run, [domain.of_settlement(each, orders.get(_order_no(each.order_no))) for each in page]
                )
                run = await self._counted(run, settlements=len(page))
        return run

    async def _statements_of(self, run: Run) -> Run:
        """What institutions have listed and compared themselves, on that day; what they compare anew replaces what was found."""
        async for page in self._statements.compared(_span(run.day)):
            if page:
                async with self._store.write() as work:
                    await work.recon.listed_again({each.number: each.file_qury_no for each in page}, self._books.now())
                await self._keep(run, [domain.of_statement(each) for each in page])
                run = await self._counted(run, statements=len(page))
        return run

    async def _keep(self, run: Run, found: Sequence[Difference | None], seen: Sequence[str] = ()) -> None:
        """Keeps what was found, and that numbers stand in a bill which earlier ones lacked."""
        told = {each.key: each for each in found if each is not None}
        if not told and not seen:
            return
        now = self._books.now()
        async with self._store.write() as work:
            if seen:
                await work.recon.found_later(seen, run.day, now)
            await work.recon.keep(run, [(self._new_no(), each) for each in told.values()], now)


def undecided(ours: Sequence[Any]) -> list[str]:
    """Charges of a list of which not only whether they stand in a bill matters: not collected here, and begun so late that what
    undoes them may stand in the next bill.
    """
    charges = (each for each in ours if isinstance(each, OurCharge))
    return [each.charge_no for each in charges if each.state in domain.NOT_COLLECTED and near_end(each.created_at)]


def _of_line(
    billed: Billed,
    same: Sequence[Billed],
    charges: dict[str, OurCharge],
    returned: dict[str, OurCharge],
    refunds: dict[str, OurRefund],
    owners: frozenset[str],
) -> Difference | None:
    line = billed.line
    alike = [each for each in same if each.line.kind is line.kind and each.channel == billed.channel]
    if line.kind is BillKind.CHARGE:
        back = [each for each in same if each.line.kind is BillKind.REFUND and each.channel == billed.channel]
        back_fen = sum(each.line.amount_fen for each in back)
        return domain.of_charge_line(billed, alike, back_fen, charges.get(line.number), owners)
    charge = returned.get(line.number) or charges.get(line.number)
    return domain.of_refund_line(billed, alike, refunds.get(line.number), charge, owners)


def _span(day: date) -> tuple[int, int]:
    return to_micros(day_start(day)), to_micros(day_start(day + timedelta(days=1)))


def _order_no(number: str) -> str:
    """The order of a number in settlement, which has one for each attempt."""
    return number.rpartition("-")[0]


def _pages(lines: Sequence[BillLine]) -> Iterator[list[BillLine]]:
    rest = iter(lines)
    while page := list(islice(rest, PAGE)):
        yield page
