"""The crash matrix of mobile payment: payment dies at a point of a deed, in half of the cells settlement or the channel's twin
with it; afterwards nobody was charged twice, no refund is lost, all is at rest, and money is the same everywhere.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from services.kernel.errors import Fault
from tests.torture.cells.matrix import Cell, Result
from tests.torture.cells.processes import Part
from tests.torture.cells.seams import Point
from tests.torture.paying.books import RESTING, Stand
from tests.torture.paying.deeds import Counter, Deed, Order
from tests.torture.paying.square import PAYMENT, SETTLEMENT
from tests.torture.victim import show

REACHED_S: Final = 15.0
REST_S: Final = 60.0
LOOK_S: Final = 0.05
FOUND_S: Final = 20.0
_REASON: Final = re.compile(r'"reason":"([A-Z_]+)"')


@dataclass(slots=True)
class PayMatrix:
    """Runs the cells of one deed at one channel."""

    counter: Counter
    deed: Deed
    missed: list[Cell] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What its cells are called."""
        return f"{self.counter.party.name} {self.deed.name}"

    async def recorded(self, part: Part = PAYMENT) -> list[Cell]:
        """The cells of a process: the deed is done once to warm up, and once more while the points are written down."""
        await self._undisturbed()
        victim, order = self.counter.square[part], await self._prepared()
        await victim.tell(do="begin", record=True)
        told = await self.deed.act(self.counter, order)
        if self.deed.name == "refund":
            await self._rests(order)
        if self.counter.books.stand(order.number).phase != "waiting":
            await self._told(order)
        points = await victim.tell(do="recorded")
        wrong = await self._ended(order)
        assert not wrong, (told, wrong)
        return [Cell(self.name, part, Point(*point)) for _, point in points]

    def companion(self, at: int) -> Part | None:
        """Who dies with payment in the cell of that number: in every second one, settlement and the twin by turns."""
        if at % 2 == 0:
            return None
        twin = self.counter.square.twins.get(self.counter.party.name)
        return SETTLEMENT if twin is None or at % 4 == 1 else twin

    async def killed(self, cell: Cell, companion: Part | None) -> Result | None:
        """The process dies at the point, is started again, and the hospital repeats its message meanwhile; None where the order
        took another way this time.
        """
        square, victim = self.counter.square, self.counter.square[cell.part]
        order = await self._prepared()
        await victim.arm(cell.point)
        acting = asyncio.ensure_future(self.deed.act(self.counter, order))
        try:
            async with asyncio.timeout(REACHED_S):
                await victim.ended()
        except TimeoutError:
            self.missed.append(cell)
            await square.mend()
            await acting
            await self._ended(order)
            return None
        if companion is not None:
            square[companion].process.kill()
            await square[companion].ended()
        await square.mend()
        mended = time.monotonic()
        told = await acting
        repeats = order.repeats
        wrong = await self._rests(order, mended)
        rest_s = time.monotonic() - mended
        wrong += await self._ended(order)
        stand = self.counter.books.stand(order.number)
        with_ = f" with {companion.name}" if companion else ""
        named = Cell(f"{self.name}{with_}", cell.part, cell.point)
        reason = _REASON.search(told)
        return Result(named, reason[1] if reason else told[:22] or stand.phase, rest_s, repeats, wrong)

    async def _prepared(self) -> Order:
        """What comes before the deed; who was started just now is not found by all at once."""
        until = time.monotonic() + FOUND_S
        while True:
            try:
                return await self.deed.prepare(self.counter)
            except (AssertionError, Fault, httpx.HTTPError):
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(LOOK_S)

    async def _undisturbed(self) -> None:
        order = await self._prepared()
        told = await self.deed.act(self.counter, order)
        wrong = await self._ended(order)
        assert not wrong, (told, wrong)

    async def _rests(self, order: Order, since: float | None = None) -> list[str]:
        """Waits until nothing moves the order but its person."""
        since = time.monotonic() if since is None else since
        while True:
            stand = self.counter.books.stand(order.number)
            still = stand.phase in RESTING or stand.phase == "waiting"
            if still and not stand.strays and (stand.phase == "waiting" or not self._pending(order)):
                return []
            if time.monotonic() - since > REST_S:
                return [f"not at rest: {stand}"]
            await asyncio.sleep(LOOK_S)

    def _pending(self, order: Order) -> int:
        return self.counter.books.settled(order.who.psn_no).pending

    async def _ended(self, order: Order) -> list[str]:
        """What follows the deed, and what is wrong at its end."""
        wrong = [said] if (said := await self.deed.then(self.counter, order)) else []
        stand = self.counter.books.stand(order.number)
        if stand.phase == "waiting":
            stand = await self.counter.comes_to(order, "paid")
        wrong += await self._rests(order)
        stand = self.counter.books.stand(order.number)
        if stand.phase not in self.deed.ends:
            wrong.append(f"it ends as {stand}")
        wrong += await self._unequal(order, stand)
        if self.deed.name == "refund":
            wrong += await self._refunded(order, stand)
        if stand.phase == "failed":
            wrong += await self._anew(order)
        return [*wrong, *await self._told(order)]

    async def _told(self, order: Order) -> list[str]:
        """Waits until the institution was told how it ended (6302)."""
        until = time.monotonic() + REST_S
        while self.deed.tells not in (told := self.counter.square.told(order.number)):
            if time.monotonic() > until:
                return [f"the institution was told {told}, not {self.deed.tells}"]
            await asyncio.sleep(LOOK_S)
        return []

    async def _unequal(self, order: Order, stand: Stand) -> list[str]:
        """Where payment, settlement and the channel do not say the same."""
        settled, party = self.counter.books.settled(order.who.psn_no), self.counter.party
        cash = round(float(order.split["ownPayAmt"]) * 100)
        paid = stand.phase == "paid"
        wanted = (cash,) if paid and not stand.insured_returned else ()
        wrong = [] if settled.standing == wanted else [f"settlement has {settled}, wanted {wanted}"]
        if settled.pending:
            wrong.append(f"settlement has {settled}")
        kept = stand.charged_fen - stand.refunded_fen if paid else 0
        if paid and stand.charged_fen != cash:
            wrong.append(f"{stand.charged_fen} fen were charged for {cash}")
        if self.counter.square.twins.get(party.name) is not None:
            there = [await party.kept_fen(each) for each in stand.charges]
            if sum(there) != kept or sum(fen > 0 for fen in there) > 1:
                wrong.append(f"the channel has {there}, payment {kept}: {stand}")
        return wrong

    async def _refunded(self, order: Order, stand: Stand) -> list[str]:
        whole = stand.insured_returned and stand.refunded_fen == stand.charged_fen and stand.refunds == ("done",)
        wrong = [] if whole else [f"not given back: {stand}"]
        told = await self.counter.refund(order)
        again = self.counter.books.stand(order.number)
        return wrong if (told, again) == ("", stand) else [*wrong, f"repeated: {told} {again}"]

    async def _anew(self, order: Order) -> list[str]:
        """What has failed for good stands in nobody's way: it is placed and paid again, once."""
        await self.counter.place_again(order)
        told = await self.counter.pay(order, f"anew-{order.number}")
        told = told or await self.counter.person_pays(order)
        if told:
            return [f"anew: {told}"]
        return await self._unequal(order, await self.counter.comes_to(order, "paid"))


async def played(matrix: PayMatrix, cells: Sequence[Cell], first: int = 0, *, alone: bool = False) -> list[Result]:
    """Cells one after the other; the number of the first decides who dies with payment, unless it dies `alone`."""
    results = []
    for at, cell in enumerate(cells, first):
        result = await matrix.killed(cell, None if alone else matrix.companion(at))
        if result is not None:
            show(f"{result}")
            results.append(result)
    return results
