"""Two members on one PostgreSQL, whose orders are opened, ended, lapsed, settled beside and reversed at the same moment."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from services.kernel.errors import Fault
from services.settlement.domain.books import orders as domain
from services.settlement.domain.books.orders import Order, Verb
from tests.settlement.ordering import open_bill, take
from tests.settlement.world import Still, World, world_on

pytestmark = pytest.mark.torture

PEOPLE = ("P0", "P1", "P2")
BALANCE, AMOUNT = 10_000_000, 1_000
ROUNDS, AT_ONCE = 12, 16
VERBS = (Verb.CONFIRM, Verb.CONFIRM, Verb.VOID, Verb.RENEW, Verb.LAPSE)


class Town:
    """Both members, what stands by the answers that were given, and what each order was told."""

    def __init__(self, members: tuple[World, World], random: Random) -> None:
        self.members, self.random = members, random
        self.standing: Counter[str] = Counter()
        self.told: dict[str, tuple[str, set[str]]] = {}

    def member(self) -> World:
        """One of them."""
        return self.random.choice(self.members)

    async def event(self, number: str) -> None:
        """A bill, settled or opened, and what comes of it; a refusal is an answer too."""
        world, psn_no = self.member(), self.random.choice(PEOPLE)
        mdtrt_id = await self.members[0].visit_with_fees(psn_no, AMOUNT)
        bill = world.order(psn_no, mdtrt_id, AMOUNT, f"2207:{number}", use_own=True)
        with suppress(Fault):
            if self.random.random() < 0.6:
                await open_bill(world, bill, number, expires=self.random.choice((5, 20, 60)))
                self.told[number] = psn_no, set()
                await self.ends(number)
                return
            settled = await world.settle(bill)
            self.standing[psn_no] += 1
            if self.random.random() < 0.3:
                await self.member().reverse(settled, f"2208:{number}")
                self.standing[psn_no] -= 1

    async def ends(self, number: str) -> None:
        """Some steps of an order at the same moment, at either member."""
        await asyncio.sleep(self.random.random() * 0.05)
        steps: list[Awaitable[Any]] = []
        for _ in range(self.random.randrange(1, 4)):
            verb, world = self.random.choice(VERBS), self.member()
            if verb is Verb.LAPSE:
                steps.append(world.orders.lapse([number]))
            else:
                steps.append(take(world, verb, number, expires_after_s=30 if verb is Verb.RENEW else 0))
        for answer in await asyncio.gather(*steps, return_exceptions=True):
            if isinstance(answer, Order):
                self.told[number][1].add(answer.phase)
            elif isinstance(answer, BaseException) and not isinstance(answer, Fault):
                raise answer

    async def check(self) -> None:
        """Every order is in one phase, the one that was told, and the books are the sum of what stands."""
        world = self.members[0]
        for number, (psn_no, phases) in self.told.items():
            phase = (await world.orders.order(number)).phase
            assert phase in (domain.CONFIRMED, domain.VOID)
            assert phases <= {phase, domain.PENDING}
            self.standing[psn_no] += phase == domain.CONFIRMED
        for psn_no in PEOPLE:
            assert (await world.accumulators(psn_no)).get("op_inscp", 0) == self.standing[psn_no] * AMOUNT
            assert (await world.balance(psn_no))[0] == BALANCE - self.standing[psn_no] * AMOUNT
        assert await world.findings() == ()


@asynccontextmanager
async def town_on(url: str, seed: int) -> AsyncIterator[Town]:
    """Two members with numbers of their own, on one clock that runs."""
    clock = Still()
    async with world_on(url, 3, clock) as one, world_on(url, 3, clock) as other:
        for place, world in enumerate((one, other)):
            world.number_from(Random(2 * seed + place))
            for psn_no in PEOPLE:
                world.person(psn_no)

        async def run() -> None:
            while True:
                await asyncio.sleep(0.05)
                clock.at += timedelta(seconds=3)

        running = asyncio.create_task(run())
        try:
            yield Town((one, other), Random(seed))
        finally:
            running.cancel()


@pytest.mark.parametrize("seed", range(6))
async def test_two_members_that_act_at_once_end_each_order_once(seed: int, postgres_database: str) -> None:
    async with town_on(postgres_database, seed) as town:
        one, other = town.members
        for psn_no in PEOPLE:
            await one.open_ledger(psn_no, balance=BALANCE)
        for turn in range(ROUNDS):
            await asyncio.gather(*(town.event(f"{turn}-{place}") for place in range(AT_ONCE)))
        one.clock.at += timedelta(hours=2)
        await asyncio.gather(*(world.orders.lapse(list(town.told)) for world in (one, other)))
        await town.check()
