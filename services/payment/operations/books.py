"""The rows of orders, charges and refunds, read one by one and written by lists: a write names the version that it saw, and one
that comes second is told so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from services.kernel.authorisations import Authorisation
from services.kernel.clock import MICROSECOND, Clock, to_micros
from services.kernel.errors import Fault
from services.kernel.requests import Entry, Moved, RequestStamp, repeated
from services.payment.domain import refusals
from services.payment.domain.deposits import left_fen
from services.payment.domain.held import Decided
from services.payment.domain.notices import OrderNotice
from services.payment.domain.orders import LEASE_S, SECOND, Charge, PayOrder, Refund
from services.payment.domain.told import ToldRequest
from services.payment.store.unit import PaymentStore, Unit

HEARD_FOR: Final = timedelta(days=2)
"""For how long what was heard is remembered: longer than any channel repeats a notify (C§5.3)."""
TOLD_FOR: Final = timedelta(days=180)
"""For how long it is remembered what channels were told, unless set (our decision)."""
_MOST_UNWRITTEN: Final = 10_000
"""Of what channels were told: a store that takes no more for so long has stopped all orders before."""
_FORGOTTEN_AT_ONCE: Final = 2_000
_MOST_FORGOTTEN: Final = 100 * _FORGOTTEN_AT_ONCE
NEW: Final = -1
"""The version that a new order has come from."""


@dataclass(frozen=True, slots=True)
class Write:
    """What one decision changes. `seen` is the version of the order that it saw; `notices` are new, `marked` changed; `takes_fen`
    is what it takes of the deposits of the order's stay.
    """

    order: PayOrder | None = None
    seen: int = NEW
    charges: tuple[Charge, ...] = ()
    refunds: tuple[Refund, ...] = ()
    authorisations: tuple[Authorisation, ...] = ()
    events: tuple[str, ...] = ()
    decided: tuple[Decided, ...] = ()
    entry: Entry | None = None
    notices: tuple[OrderNotice, ...] = ()
    marked: tuple[OrderNotice, ...] = ()
    takes_fen: int = 0


Submit = Callable[[Write], Awaitable[bool]]
"""Hands a write to the committer, whose batches `Books.commit` decides; False where it saw an older version, or heard twice."""


class Stale(Exception):
    """Another one has changed the order since it was read: read it again."""


class Books:
    """What payment's operations read and write. `submit` is set once the committer stands.

    What channels are told is noted, and written by the next transaction, whoever's it is: it needs none of its own.
    """

    def __init__(self, store: PaymentStore, clock: Clock, told_for: timedelta = TOLD_FOR) -> None:
        self._store = store
        self._clock = clock
        self._told_for = told_for
        self._told: deque[ToldRequest] = deque()
        self.submit: Submit = self._alone

    def now(self) -> int:
        """This moment by payment's clock."""
        return to_micros(self._clock())

    async def keep(self, write: Write) -> None:
        """Writes it, and waits until that is durable; `Stale`, DEPOSITS_SHORT."""
        if not await self.submit(write):
            raise Stale

    async def commit(self, writes: Sequence[Write]) -> list[bool | Fault]:
        """Keeps a list in one transaction; of each whether it was written. `Moved` where one of several was second in a row
        that must be unique: each is tried alone then, so that it alone is refused.
        """
        try:
            async with self._writing() as work:
                return [*await self._decided(work, writes)]
        except Moved:
            if len(writes) > 1:
                raise
            return [False]

    def note(self, told: ToldRequest) -> bool:
        """Keeps in mind what a channel is about to be told; False where too much of that waits to be written."""
        if len(self._told) >= _MOST_UNWRITTEN:
            return False
        self._told.append(told)
        return True

    async def write_told(self) -> None:
        """Writes what was noted and came into no transaction yet."""
        if self._told:
            async with self._writing():
                pass

    async def told(self, pay_ord_id: str, after: tuple[int, str], most: int) -> list[ToldRequest]:
        """What channels were told for an order, behind a place (moment, key)."""
        async with self._store.read() as work:
            return await work.egress.of_order(pay_ord_id, after, most)

    async def charges_of(self, pay_ord_id: str, most: int) -> list[Charge]:
        """An order's charges, the latest first."""
        async with self._store.read() as work:
            return await work.money.charges_of(pay_ord_id, most)

    async def order(self, pay_ord_id: str) -> PayOrder | None:
        """One as it stands."""
        async with self._store.read() as work:
            return (await work.orders.find([pay_ord_id])).get(pay_ord_id)

    async def order_of(self, fixmedins_code: str, med_org_ord: str) -> PayOrder | None:
        """The one under an institution's number."""
        async with self._store.read() as work:
            return await work.orders.of_institution(fixmedins_code, med_org_ord)

    async def known_order(self, pay_ord_id: str) -> PayOrder:
        """One that another row names, as it stands: orders are never taken away."""
        found = await self.order(pay_ord_id)
        if found is None:
            raise AssertionError("an order is never taken away")
        return found

    async def known_charge(self, charge_no: str) -> Charge:
        """The same of a charge."""
        found = await self.charge(charge_no)
        if found is None:
            raise AssertionError("a charge is never taken away")
        return found

    async def known_refund(self, refund_no: str) -> Refund:
        """The same of a refund."""
        found = await self.refund(refund_no)
        if found is None:
            raise AssertionError("a refund is never taken away")
        return found

    async def charge(self, charge_no: str) -> Charge | None:
        """A charge."""
        async with self._store.read() as work:
            return (await work.money.charges([charge_no])).get(charge_no)

    async def charge_of_return(self, return_no: str) -> Charge | None:
        """The charge that goes back under a number."""
        async with self._store.read() as work:
            return await work.money.charge_of_return(return_no)

    async def refunds(self, pay_ord_id: str) -> list[Refund]:
        """An order's refunds."""
        async with self._store.read() as work:
            return await work.money.refunds(pay_ord_id)

    async def refund(self, refund_no: str) -> Refund | None:
        """A refund."""
        async with self._store.read() as work:
            return await work.money.refund(refund_no)

    async def authorisation(self, auth: str) -> Authorisation | None:
        """An authorisation by its digest."""
        async with self._store.read() as work:
            return await work.money.authorisation(auth)

    async def known(self, events: Sequence[str]) -> bool:
        """Whether one of these was heard before."""
        async with self._store.read() as work:
            return bool(await work.money.heard(events))

    async def standing(self, stamp: RequestStamp) -> bytes | None:
        """What the request left before; REQUEST_ID_REUSED."""
        async with self._store.read() as work:
            entry = repeated(stamp, await work.journal.find(stamp))
            return None if entry is None else entry.response

    def entry(self, stamp: RequestStamp, response: bytes) -> Entry:
        """What a request leaves."""
        return Entry(stamp, response, self._clock())

    def read(self) -> AbstractAsyncContextManager[Unit]:
        """A snapshot of the rows."""
        return self._store.read()

    async def take(self, most: int) -> list[PayOrder]:
        """Orders at which nobody is, with a lease from now on."""
        now = self.now()
        async with self._store.read() as work:
            if not await work.orders.any_due(now):
                return []
        async with self._store.write() as work:
            due = [_leased(each, now) for each in await work.orders.due(now, most)]
            await work.orders.keep(due)
        return due

    async def late(self, most: int) -> list[Charge]:
        """Charges that nobody waits for and about which the channel is asked again."""
        async with self._store.read() as work:
            return await work.money.late(self.now(), most)

    async def strays(self, most: int) -> list[Charge]:
        """Charges that go back and whose orders do not wait."""
        async with self._store.read() as work:
            return await work.money.strays(self.now(), most)

    async def take_notices(self, most: int) -> list[OrderNotice]:
        """Notices that are due, with a lease from now on."""
        now = self.now()
        async with self._store.read() as work:
            if not await work.notices.any_due(now):
                return []
        async with self._store.write() as work:
            due = [replace(each, due_at=now + LEASE_S * SECOND) for each in await work.notices.due(now, most)]
            await work.notices.keep(due)
        return due

    async def keep_notice(self, notice: OrderNotice) -> None:
        """What came of telling."""
        await self.keep(Write(marked=(notice,)))

    async def release(self) -> None:
        """Takes every lease away: for the one process that holds the store, as it begins."""
        async with self._store.write() as work:
            await work.orders.release(self.now())

    async def forget(self) -> None:
        """What was heard, and what was told, long ago."""
        async with self._store.write() as work:
            await work.money.forget(self.now() - HEARD_FOR // MICROSECOND)
        before = self.now() - self._told_for // MICROSECOND
        for _ in range(0, _MOST_FORGOTTEN, _FORGOTTEN_AT_ONCE):
            async with self._store.write() as work:
                gone = await work.egress.forget(before, _FORGOTTEN_AT_ONCE)
            if gone < _FORGOTTEN_AT_ONCE:
                break

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[Unit]:
        """A transaction that writes what was noted too, last."""
        told: list[ToldRequest] = []
        try:
            async with self._store.write() as work:
                yield work
                told = [*self._told]
                self._told.clear()
                await work.egress.keep(told)
        except BaseException:
            self._told.extendleft(reversed(told))
            raise

    async def _alone(self, write: Write) -> bool:
        (kept,) = await self.commit([write])
        if isinstance(kept, Fault):
            raise kept
        return kept

    async def _decided(self, work: Unit, writes: Sequence[Write]) -> list[bool | Fault]:
        versions = await work.orders.versions([each.order.pay_ord_id for each in writes if each.order is not None])
        users = await work.money.users([one.auth for each in writes for one in each.authorisations])
        events = [event for each in writes for event in each.events]
        heard = set(await work.money.heard(events)) if events else set()
        taken: list[Write] = []
        outcomes: list[bool | Fault] = []
        stays: dict[tuple[str, str], int] = {}
        for each in writes:
            fresh = each.order is None or versions.get(each.order.pay_ord_id, NEW) == each.seen
            fresh = fresh and heard.isdisjoint(each.events)
            fresh = fresh and all(users.get(one.auth, "") in ("", one.used_by) for one in each.authorisations)
            short = await self._short(work, each, stays) if fresh and each.takes_fen else None
            outcomes.append(short or fresh)
            if fresh and short is None:
                taken.append(each)
                heard.update(each.events)
                users.update({one.auth: one.used_by for one in each.authorisations})
                if each.order is not None:
                    versions[each.order.pay_ord_id] = each.order.version
        await self._written(work, taken)
        return outcomes

    async def _short(self, work: Unit, write: Write, stays: dict[tuple[str, str], int]) -> Fault | None:
        """Why a stay's deposits cannot bear it; `stays` are what writes of the same batch took before it."""
        order = write.order
        if order is None:
            return None
        stay = (order.fixmedins_code, order.bill.mdtrt_id)
        left = left_fen(await work.orders.of_stay(*stay), order.pay_ord_id) - stays.get(stay, 0)
        if left < write.takes_fen:
            return refusals.deposits_short(order.bill.mdtrt_id, left)
        stays[stay] = stays.get(stay, 0) + write.takes_fen
        return None

    async def _written(self, work: Unit, writes: Sequence[Write]) -> None:
        orders = {each.order.pay_ord_id: each.order for each in writes if each.order is not None}
        charges = {charge.charge_no: charge for each in writes for charge in each.charges}
        refunds = {refund.refund_no: refund for each in writes for refund in each.refunds}
        shown = {one.auth: one for each in writes for one in each.authorisations}
        heard = [event for each in writes for event in each.events]
        entries = [each.entry for each in writes if each.entry is not None]
        if orders:
            await work.orders.keep([*orders.values()])
        if charges:
            await work.money.keep_charges([*charges.values()])
        if refunds:
            await work.money.keep_refunds([*refunds.values()])
        if shown:
            await work.money.keep_authorisations([*shown.values()])
        if heard:
            await work.money.hear(heard, self.now())
        if decided := [one for each in writes for one in each.decided]:
            await work.held.keep(decided)
        if entries:
            await work.journal.add_all(entries)
        if notices := [one for each in writes for one in each.notices]:
            await work.notices.add(notices)
        if marked := [one for each in writes for one in each.marked]:
            await work.notices.keep(marked)


def _leased(order: PayOrder, now: int) -> PayOrder:
    return replace(order, due_at=now + LEASE_S * SECOND, version=order.version + 1)
