"""Orders of persons of another cell, in separate processes: payment, routing and both settlements die at the points of paying and
giving back; afterwards all four agree. `-s` shows the matrix.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio

from services.kernel.clock import system_clock
from services.runtime.db import place_of
from tests.mesh import paying
from tests.mesh.hospital import hospital_at, national
from tests.mesh.people import Newcomers
from tests.mesh.world import ledger_findings
from tests.torture.cells.books import Books
from tests.torture.cells.processes import (
    CARE,
    CARE_PAYMENT,
    CARE_SETTLEMENT,
    INSURED,
    INSURED_SETTLEMENT,
    PARTS,
    ROUTING,
    Part,
    Town,
    town,
)
from tests.torture.cells.seams import RECEIVE, SEND, STORE, Point
from tests.torture.cells.transactions import FOUND_S, LOOK_S, PATIENCE_S, REPEAT_S, REST_S, Line
from tests.torture.victim import show
from tools.played.messages import Patient
from tools.sandbox_keys import key_of

pytestmark: Final = pytest.mark.torture

VICTIMS: Final = (CARE_PAYMENT, ROUTING, CARE_SETTLEMENT, INSURED_SETTLEMENT)
LEAST: Final = 12
REACHED_S: Final = 20.0
_ORDER: Final = "SELECT phase, setl_id, charged_fen, refunded_fen, insured_returned FROM pay_order WHERE pay_ord_id = ?"
_RESTS: Final = ("tried", "saved", "failed", "paid", "revoked")
_BACKGROUND: Final = ("Elsewhere.SeekFiling", "authorisations.", "loop.", "Telling", "telling.", "Reconcil")


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order that was placed; `split` is what 6202 told."""

    who: Patient
    saved: dict[str, Any]
    split: dict[str, Any]
    number: str


@dataclass(slots=True)
class Counter:
    """The institution's counter: asks again until it is told something definite."""

    town: Town
    line: Line
    repeats: int = field(default=0)

    async def placed(self) -> Ordered:
        """An order of a fresh person; who was started just now is not found by all at once."""
        until = time.monotonic() + FOUND_S
        while True:
            try:
                who = await self.line.people.one()
                mdtrt_id = await self.line.hospital.register(who)
                saved, split = await paying.placed_by(self.line.hospital, who, "", mdtrtId=mdtrt_id)
                return Ordered(who, saved, split, str(saved["payOrdId"]))
            except AssertionError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(LOOK_S)

    async def pays(self, order: Ordered) -> str:
        """What paying comes to."""
        hospital = self.line.hospital
        data = {"payOrdId": order.number, "payToken": order.saved["payToken"]} | paying.WINDOW
        body = {"requestId": f"pay-{order.number}", "desk": {"fixmedinsCode": hospital.code}, "data": data}
        headers = {"Authorization": f"Bearer {key_of('institution', hospital.code)}"}

        async def once() -> str | None:
            try:
                response = await hospital.http.post("/v1/pay-orders:pay", json=body, headers=headers)
            except httpx.HTTPError:
                return None
            if response.status_code == httpx.codes.OK:
                return "done"
            return None if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR else response.text[:120]

        return await self._definite(once)

    async def gives_back(self, order: Ordered) -> str:
        """What a refund comes to."""
        hospital = self.line.hospital
        node = {"data": paying.refund_of(order.saved, order.split, f"R-{order.number}")}

        async def once() -> str | None:
            # Each message is new; the refund's number says that it is the same.
            try:
                response = await hospital.post(hospital.envelope("6203", node))
            except httpx.HTTPError:
                return None
            if response.status_code != httpx.codes.OK:
                return None
            answer = national(response.text)
            if not answer.succeeded:
                return answer.message
            return "done" if answer.output["data"]["refStatus"] == "SUCC" else None

        return await self._definite(once)

    async def _definite(self, once: Callable[[], Awaitable[str | None]]) -> str:
        until, self.repeats = time.monotonic() + PATIENCE_S, 0
        while time.monotonic() < until:
            told = await once()
            if told is not None:
                return told
            self.repeats += 1
            await asyncio.sleep(REPEAT_S)
        raise AssertionError(f"no definite answer within {PATIENCE_S:.0f} s")

    async def at_rest(self, order: Ordered) -> list[str]:
        """Waits until nothing is under way; what still is, or is not the same everywhere, where that takes too long."""
        until = time.monotonic() + REST_S
        while found := self._unrest(order):
            if time.monotonic() > until:
                return found
            await asyncio.sleep(LOOK_S)
        return []

    def stands(self, order: Ordered) -> tuple[Any, ...]:
        """The order by payment's store."""
        file = Path(place_of(self.town.config.of_cell(CARE).database_url("payment")))
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5.0)) as rows:
            return tuple(rows.execute(_ORDER, (order.number,)).fetchone())

    def _unrest(self, order: Ordered) -> list[str]:
        found = list(self.line.books.unrest(order.who))
        phase, setl_id, charged, refunded, returned = self.stands(order)
        facts = self.line.books.facts(order.who)
        wanted = {"paid": (0, 1) if returned else (1, 0)}.get(phase, (0, 0))
        if phase not in _RESTS:
            found.append(f"order {phase}")
        elif (facts.standing, facts.reversed) != wanted:
            found.append(f"order {phase}, and {facts.standing} stand, {facts.reversed} are reversed")
        elif (phase == "paid") != bool(setl_id) and phase != "failed":
            found.append(f"order {phase} of settlement {setl_id!r}")
        if phase == "paid" and refunded != (charged if returned else 0):
            found.append(f"{charged} fen charged, {refunded} fen given back")
        if phase == "failed" and charged != refunded:
            found.append(f"{charged} fen of nothing, {refunded} fen given back")
        return found


Act = Callable[[Counter, Ordered], Coroutine[Any, Any, str]]


async def before_paying(counter: Counter) -> Ordered:
    return await counter.placed()


async def before_giving_back(counter: Counter) -> Ordered:
    order = await counter.placed()
    assert await counter.pays(order) == "done"
    return order


ACTS: Final[dict[str, tuple[Callable[[Counter], Awaitable[Ordered]], Act]]] = {
    "pay": (before_paying, Counter.pays),
    "refund": (before_giving_back, Counter.gives_back),
}
ENDS: Final = {"pay": {"paid", "failed"}, "refund": {"paid"}}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    parts = (*PARTS, CARE_PAYMENT)
    async with (
        town(tmp_path_factory.mktemp("payment"), parts=parts) as made,
        hospital_at(made.url, system_clock) as hospital,
    ):
        await paying.has_a_key(hospital)
        line = Line(hospital, Newcomers(made.cells[INSURED], 6000), Books(made.config))
        yield Counter(made, line)


async def recorded(counter: Counter, name: str) -> list[tuple[Part, Point]]:
    """The points of an act that lie on the way of the order itself."""
    before, act = ACTS[name]
    warm = await before(counter)
    assert await act(counter, warm) == "done"
    order = await before(counter)
    await counter.town.record(VICTIMS)
    assert await act(counter, order) == "done"
    assert await counter.at_rest(order) == []
    found = await counter.town.recorded(VICTIMS)
    return [
        (part, point)
        for part, point in found
        if point.seam in (STORE, SEND, RECEIVE) and not any(word in point.label for word in _BACKGROUND)
    ]


async def killed(counter: Counter, name: str, part: Part, point: Point) -> str:
    """The process dies at the point and is started again; a line of the matrix."""
    before, act = ACTS[name]
    order = await before(counter)
    victim = counter.town[part]
    await victim.arm(point)
    acting = asyncio.create_task(act(counter, order))
    wrong = []
    try:
        async with asyncio.timeout(REACHED_S):
            await victim.ended()
    except TimeoutError:
        wrong.append("the point was not reached")
    await counter.town.mend()
    mended = time.monotonic()
    told = await acting
    repeats = counter.repeats
    wrong += await counter.at_rest(order)
    rest_s = time.monotonic() - mended
    phase = counter.stands(order)[0]
    if phase not in ENDS[name] or (told == "done") != (phase == "paid"):
        wrong.append(f"told {told}, ended {phase}")
    if phase == "failed":
        # Nothing is in its way: the same order is placed and paid.
        node = paying.order_of(counter.line.hospital, order.saved) | {"payAuthNo": "", "orgBizSer": "2"}
        await counter.line.hospital.done("6202", {"data": node})
        await paying.paid(counter.line.hospital, order.saved, f"again-{order.number}")
        wrong += await counter.at_rest(order)
    seam, label, side, nth = point
    told_as = "ok" if not wrong else "WRONG: " + "; ".join(wrong)
    return f"{name:7} {part.name:18} {side:6} {seam:7} {label} #{nth}: {told[:40]} {rest_s:.1f} s {repeats} {told_as}"


@pytest.mark.parametrize("name", ACTS)
async def test_an_order_survives_the_death_of_any_process_at_any_point(counter: Counter, name: str) -> None:
    points = await recorded(counter, name)
    lines = [await killed(counter, name, *each) for each in points]
    show("\n".join([*lines, f"{len(lines)} cells of {name}"]))
    assert len(lines) >= LEAST
    assert [each for each in lines if "WRONG" in each] == []
    for cell in counter.town.cells.values():
        assert await ledger_findings(cell) == []
