"""Journals and steps of clearing, as its tests write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from services.kernel.clock import day_start
from services.kernel.requests import RequestStamp
from services.routing.domain.clearing.journals import REVERSE, SETTLE, Journal
from services.routing.domain.clearing.terms import DEFAULTS
from services.routing.operations.clearing_institutions import InstitutionClearing
from services.routing.operations.clearing_journals import Collecting
from services.routing.operations.clearing_months import Months
from services.routing.operations.clearing_payments import Payments
from services.routing.operations.clearing_writes import Books
from services.routing.store.unit import RoutingStore

MARCH: Final = "2026-03"
BEIJING, JINAN, QINGDAO, SHANGHAI = "110000", "370100", "370200", "310000"


def noon(month: int, day: int, year: int = 2026) -> datetime:
    """Noon of a day in Beijing."""
    return day_start(date(year, month, day)) + timedelta(hours=12)


def journal(
    setl_id: str,
    insured: str = JINAN,
    care: str = BEIJING,
    day: date = date(2026, 3, 10),
    parts: Sequence[tuple[str, int]] = (("310100", 70_000), ("310200", 5_000)),
    institution: str = "H11000000001",
) -> Journal:
    """A settlement of remote care."""
    return Journal(
        setl_id, SETTLE, f"O-{setl_id}", f"M-{setl_id}", institution, insured, care, "310", "11",
        day_start(day) + timedelta(hours=9), day, 100_000, tuple(parts),
    )  # fmt: skip


def reversal(of: Journal, day: date) -> Journal:
    """The reversal of a settlement, on a day."""
    return replace(
        of,
        kind=REVERSE,
        order_no=f"R-{of.setl_id}",
        setl_at=day_start(day) + timedelta(hours=10),
        setl_day=day,
        medfee_sumamt_fen=-of.medfee_sumamt_fen,
        parts=tuple((fund, -amount) for fund, amount in of.parts),
    )


class Scene:
    """Clearing on a store; `stamp` names each request anew."""

    def __init__(self, store: RoutingStore) -> None:
        self.store = store
        books = Books(store)
        self.collecting = Collecting(books, DEFAULTS)
        self.months = Months(books, DEFAULTS)
        self.payments = Payments(books, DEFAULTS)
        self.institutions = InstitutionClearing(books)
        self._count = 0

    def stamp(self, rpc: str = "/s/Any") -> RequestStamp:
        """A request that never came before."""
        self._count += 1
        return RequestStamp("operator:1", f"r{self._count}", rpc, "c")

    async def collect(self, *journals: Journal, now: datetime) -> int:
        """Files journals; how many were new."""
        return len((await self.collecting.collect(journals, now)).fresh)

    async def close(self, month: str, now: datetime) -> str:
        """Closes; the state."""
        return (await self.months.close(self.stamp(), month, "", now, lambda found: found.state.encode())).decode()

    async def net(self, month: str, now: datetime) -> str:
        """Nets; the state."""
        return (await self.months.net(self.stamp(), month, "", now, lambda found, _: found.state.encode())).decode()

    async def roll_back(self, month: str, now: datetime) -> str:
        """Rolls back; the state."""
        return (await self.months.roll_back(self.stamp(), month, "", now, lambda found: found.state.encode())).decode()

    async def advance(self, number: str, state: str, now: datetime) -> str:
        """Moves an order; its state."""
        wanted = (number, state, "")
        return (await self.payments.advance(self.stamp(), wanted, now, lambda found: found.state.encode())).decode()
