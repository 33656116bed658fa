"""Routing between two played cells, in processes that may die, and what must be true once everything is at rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import text

from services.kernel.errors import Fault
from services.kernel.rests import LONGEST_REST_S
from services.routing.domain.bills import MESSAGE, STAY, VISIT, BegunBill
from services.routing.domain.filings import Filing
from services.routing.domain.sagas import SagaKind, State
from services.routing.operations.bills import Bills
from services.routing.operations.forgotten import Forgotten
from services.routing.operations.held_orders import HeldOrders
from services.routing.operations.reversals import Reversals
from services.routing.operations.saga_loop import SagaLoop
from services.routing.operations.sagas import LOOP_LEASE_S, Sagas
from services.routing.operations.steps import Message
from services.routing.peers.settlements import SettlementCells
from services.routing.store.unit import RoutingStore
from services.runtime.db import Database
from services.runtime.idempotency import content_hash
from tests.routing.played_cells import (
    CONFIRMED,
    PENDING,
    VOID,
    Care,
    PlayedCell,
    PlayedPeers,
)
from tests.routing.played_messages import (
    reverse_request,
    settle_request,
    take_back_request,
    trial_request,
)
from tests.routing.sagas import CARE, HOSPITAL, INSURED, NOON, Kept
from yibao.settlement.v1 import care_pb2

WAITS_S = 0.4
"""How long a caller waits: calls of played cells take no time."""


@dataclass
class NoFilings:
    """Nobody has filed, but who is named."""

    found: dict[str, Filing] = field(default_factory=dict)
    asked: list[tuple[str, str, date]] = field(default_factory=list)

    async def of_bill(self, care: BegunBill) -> Filing | None:
        """Which counts."""
        self.asked.append((care.psn_no, care.care_admdvs, care.day))
        return self.found.get(care.psn_no)


@dataclass
class Across:
    """Routing, the cell of care and the insured cell. `restarted` is routing after its process died."""

    store: RoutingStore
    filings: NoFilings = field(default_factory=NoFilings)
    numbers: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.care, self.insured = PlayedCell(CARE), PlayedCell(INSURED)
        self.peers = PlayedPeers({CARE: self.care, INSURED: self.insured})
        self.kept = Kept(self.store)
        self.restarted()

    def restarted(self) -> None:
        """A new process over the same store."""
        clock, saga_numbers = self.kept.clock, self.numbers
        self.kept = Kept(self.store, clock)
        self.sagas: Sagas = self.kept.sagas
        self.sagas._new_id = lambda: f"R{next(saga_numbers):05}"
        peers: Any = self.peers
        cells = SettlementCells(peers, (CARE, INSURED))
        self.bills, self.reversals = (
            Bills(self.sagas, cells, self.filings.of_bill),
            Reversals(self.sagas, cells, _no_stay),
        )
        self.held = HeldOrders(self.bills, cells)
        self.forgotten = Forgotten(self.sagas, cells, self.bills.end_again, (CARE, INSURED))
        ends = {SagaKind.SETTLE: self.bills.end, SagaKind.REVERSE: self.reversals.end, SagaKind.PAY: self.held.end}
        self.stuck: list[BaseException] = []
        self.loop = SagaLoop(self.sagas, ends, lambda _: nullcontext(), lambda error, _: self.stuck.append(error))

    async def forgets(self) -> None:
        """Routing's store comes back from a backup that is older than all sagas that run."""
        async with self.store._database.write() as connection:
            await connection.execute(text("DELETE FROM saga WHERE state = 'begun'"))
        self.restarted()

    def visit(self, insured_cell: str = INSURED, of: str = "") -> str:
        """A new visit with lines, of a new person or of the one of another visit; its number."""
        mdtrt_id = f"M{next(self.numbers)}"
        self.care.cares[mdtrt_id] = Care(f"P{of or mdtrt_id}", insured_cell)
        return mdtrt_id

    async def settled(
        self, msgid: str, mdtrt_id: str, *, stay: bool = False, waits_s: float = WAITS_S, told: bytes = b""
    ) -> Any:
        """2207 or 2304 as the gateway of the cell of care sends it: at home first. `told` is what that cell tells beside its
        refusal."""
        request = settle_request(msgid, mdtrt_id, HOSPITAL, self.care.cares[mdtrt_id].psn_no, stay)
        message = replace(self._message(STAY if stay else VISIT, request, waits_s), told=told)
        return await self._at_home_first(lambda: self.care.settle_at_home(request), lambda: self.bills.settle(message))

    async def tried(self, mdtrt_id: str, *, stay: bool = False) -> Any:
        """2206 or 2303 as routing is asked."""
        request = trial_request(mdtrt_id, HOSPITAL, self.care.cares[mdtrt_id].psn_no, stay)
        return await self.bills.trial(self._message(STAY if stay else VISIT, request, WAITS_S))

    async def reversed(
        self, msgid: str, setl_id: str, mdtrt_id: str, *, stay: bool = False, waits_s: float = WAITS_S
    ) -> Any:
        """2208 or 2305."""
        request = reverse_request(msgid, setl_id, mdtrt_id, HOSPITAL, self.care.cares[mdtrt_id].psn_no, stay)
        return await self.reversals.reverse(self._message(STAY if stay else VISIT, request, waits_s))

    async def opened(self, order_no: str, mdtrt_id: str, *, stay: bool = False, expires_s: int = 900) -> Any:
        """A bill as payment has it opened."""
        request = settle_request(f"{order_no}:settle", mdtrt_id, HOSPITAL, self.care.cares[mdtrt_id].psn_no, stay)
        return await self.held.open(self._message(STAY if stay else VISIT, request, WAITS_S), order_no, expires_s)

    async def taken_back(self, msgid: str, meant: str, mdtrt_id: str) -> Any:
        """2601."""
        request = take_back_request(msgid, meant, HOSPITAL, self.care.cares[mdtrt_id].psn_no)
        message = self._message(MESSAGE, request, WAITS_S)
        home: Callable[[], Any] = lambda: self.care.take_back_at_home(request)  # noqa: E731 - one of two ways
        return await self._at_home_first(home, lambda: self.reversals.reverse(message))

    async def at_rest(self) -> None:
        """Lets the loop end everything, as time goes by."""
        await self.sagas.idle()
        for _ in range(8):
            self.kept.clock.pass_by(max(LOOP_LEASE_S, LONGEST_REST_S) + 1)
            taken = await self.kept.books.take(64)
            await asyncio.gather(*(self.loop.take_up(saga) for saga in taken))
            if not taken:
                break
        assert not await self.kept.books.take(64)
        assert self.kept.failures == []
        assert self.stuck == []
        await self.check()

    async def check(self) -> None:
        """Both cells and routing agree on every order, and every fen on the ledger is of a settlement that stands."""
        numbers = {*self.care.orders, *self.insured.orders}
        async with self.store.read() as work:
            sagas = await work.sagas.find([*numbers])
        for order_no in numbers:
            here, there = self.care.orders.get(order_no), self.insured.orders.get(order_no)
            phases = {each.phase if each else VOID for each in (here, there)}
            assert phases in ({VOID}, {CONFIRMED}), (order_no, here, there)
            assert sagas[order_no].state is (State.DONE if phases == {CONFIRMED} else State.UNDONE)
            if here and there and phases == {CONFIRMED}:
                assert here.setl_id == there.setl_id
                assert (here.counter is None) == (there.counter is None)
                assert here.counter == there.counter
        standing = sum(
            each.fen for each in self.insured.orders.values() if each.phase == CONFIRMED and not each.counter
        )
        assert sum(fen for _, fen in self.insured.ledger) == standing
        assert PENDING not in {each.phase for each in self.insured.orders.values()}

    def standing(self, mdtrt_id: str) -> list[str]:
        """Settlements of a visit that stand in the cell of care."""
        orders = self.care.orders.values()
        mine = [each for each in orders if each.mdtrt_id == mdtrt_id and each.phase == CONFIRMED]
        return [each.setl_id for each in mine if each.counter is None]

    def told(self, msgid: str, mdtrt_id: str) -> bytes:
        """What the cell of care tells of the bill of a visit, as it travels beside its refusal."""
        request = settle_request(msgid, mdtrt_id, HOSPITAL, self.care.cares[mdtrt_id].psn_no)
        told: bytes = self.care.get_bill(care_pb2.GetBillRequest(visit=request)).SerializeToString()
        return told

    def message(self, msgid: str, mdtrt_id: str, told: bytes) -> Message:
        """2207 as it comes to routing, whatever stands in the cell of care."""
        request = settle_request(msgid, mdtrt_id, HOSPITAL, self.care.cares[mdtrt_id].psn_no)
        return replace(self._message(VISIT, request, WAITS_S), told=told)

    def _message(self, act: str, request: Any, waits_s: float) -> Message:
        until = asyncio.get_running_loop().time() + waits_s
        return Message(act, request, HOSPITAL, content_hash(request), CARE, until)

    async def _at_home_first(self, home: Callable[[], Any], routing: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return home()
        except Fault as fault:
            if fault.reason != "INSURED_ELSEWHERE":
                raise
        return await routing()


async def _no_stay(message: Message, insured_cell: str, mdtrt_id: str) -> Any:
    raise AssertionError(f"{message.key} admitted nobody to {mdtrt_id}")


@asynccontextmanager
async def across_cells(folder: Path) -> AsyncIterator[Across]:
    """Routing, on a store of its own, between two played cells."""
    database = Database(f"sqlite:///{folder / 'routing.sqlite'}", lambda: NOON)
    store = RoutingStore(database)
    await store.start()
    made = Across(store)
    yield made
    await made.sagas.idle()
    await database.close()
