"""Routing between a place of care and an insured cell, both played, where everybody may fail at every call of a stay."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from types import SimpleNamespace
from typing import Any, Final

from services.kernel.errors import Fault, FaultKind, conflict, precondition
from services.kernel.rests import LONGEST_REST_S
from services.routing.domain.resolution import Query, Resolution, Where
from services.routing.domain.sagas import SagaKind
from services.routing.domain.stays import (
    ADMIT,
    CANCEL_ADMISSION,
    DISCHARGE,
    MESSAGE,
    UNDO_DISCHARGE,
    Admitted,
    BegunStay,
    Changed,
    Covered,
    Held,
)
from services.routing.operations.elsewhere import AskedPerson, Elsewhere
from services.routing.operations.saga_loop import SagaLoop
from services.routing.operations.sagas import LOOP_LEASE_S
from services.routing.operations.stays import Stays
from services.routing.operations.steps import Message
from services.routing.store.unit import RoutingStore
from tests.routing.feeds import place
from tests.routing.sagas import CARE, HOSPITAL, INSURED, NOON, Kept

OPEN, DISCHARGED, CANCELLED = "open", "discharged", "cancelled"
BEFORE, AFTER = "before", "after"
WAITS_S: Final = 0.4
_LEADS_TO: Final = {DISCHARGE: DISCHARGED, CANCEL_ADMISSION: CANCELLED, MESSAGE: CANCELLED, UNDO_DISCHARGE: OPEN}
_FROM: Final = {DISCHARGE: OPEN, CANCEL_ADMISSION: OPEN, MESSAGE: OPEN, UNDO_DISCHARGE: DISCHARGED}
_OF_CARE: Final = frozenset(("admit", "end_admission", "begun", "change", "end_change"))


class Died(BaseException):
    """The process of routing died."""


@dataclass(frozen=True, slots=True)
class Request:
    """A message of the hospital, whatever it is."""

    request_id: str
    psn_no: str
    mdtrt_id: str = ""


@dataclass
class PlayedStays:
    """What CareService and StayReservationService promise about stays, of both cells. `disturb` is told of every call as it comes
    in, and as its answer goes out, and may raise.
    """

    stays: dict[str, tuple[str, str]] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    held: dict[str, tuple[str, str]] = field(default_factory=dict)
    requests: dict[str, str] = field(default_factory=dict)
    refuse: dict[str, Fault] = field(default_factory=dict)
    disturb: Callable[[str, str], Awaitable[None]] | None = None
    calls: list[str] = field(default_factory=list)
    late: list[Callable[[], Any]] | None = None

    # The place of care.

    async def admit(self, cell: str, request: Request, told: Any, mdtrt_id: str) -> Admitted:
        """As the peer does it."""
        answer = await self._reached(cell, "admit", lambda: self._admit(request, told, mdtrt_id))
        return Admitted(answer, answer)

    async def end_admission(self, cell: str, mdtrt_id: str) -> bool:
        """As the peer does it."""

        def closed() -> bool:
            self.closed |= set() if mdtrt_id in self.stays else {mdtrt_id}
            return mdtrt_id in self.stays

        return bool(await self._reached(cell, "end_admission", closed))

    async def begun(self, cell: str, fixmedins_code: str, mdtrt_id: str, psn_no: str) -> BegunStay:
        """As the peer does it."""
        assert (self.stays[mdtrt_id][1], fixmedins_code) == (psn_no, HOSPITAL)
        found: BegunStay = await self._reached(cell, "begun", lambda: BegunStay(NOON, INSURED))
        return found

    async def change(self, cell: str, act: str, request: Request, order_no: str) -> Changed:
        """As the peer does it."""
        answer = await self._reached(cell, "change", lambda: self._change(act, request, order_no))
        return Changed(answer, self.state(request.mdtrt_id) == OPEN)

    async def end_change(self, cell: str, order_no: str, mdtrt_id: str) -> bool:
        """As the peer does it."""

        def closed() -> bool:
            self.closed.add(order_no)
            return self.state(mdtrt_id) == OPEN

        return bool(await self._reached(cell, "end_change", closed))

    def state(self, mdtrt_id: str) -> str:
        """That of a stay; "" where there is none."""
        return self.stays.get(mdtrt_id, ("", ""))[0]

    def _admit(self, request: Request, told: Any, mdtrt_id: str) -> str:
        if (stored := self.answers.get(request.request_id)) is not None:
            return str(stored)
        if fault := self.refuse.get("admit"):
            raise fault
        if mdtrt_id in self.closed:
            raise precondition("MESSAGE_VOIDED", request_id=request.request_id)
        self.stays[mdtrt_id] = (OPEN, told)
        self.answers[request.request_id] = mdtrt_id
        return mdtrt_id

    def _change(self, act: str, request: Request, order_no: str) -> str:
        if request.request_id not in self.answers:
            if fault := self.refuse.get("change"):
                raise fault
            state, psn_no = self.stays[request.mdtrt_id]
            if state != _FROM[act]:
                raise precondition("ENCOUNTER_STATE", mdtrt_id=request.mdtrt_id, state=state)
            if order_no in self.closed:
                raise precondition("MESSAGE_VOIDED", request_id=request.request_id)
            self.stays[request.mdtrt_id] = (_LEADS_TO[act], psn_no)
            self.answers[request.request_id] = f"{act} of {request.mdtrt_id}"
        return str(self.answers[request.request_id])

    # The insured cell.

    async def covered(self, cell: str, request: Request) -> Covered:
        """As the peer does it."""
        found: Covered = await self._reached(cell, "covered", lambda: Covered(INSURED, request.psn_no, request.psn_no))
        return found

    async def reserve(self, cell: str, request_id: str, held: Held) -> None:
        """As the peer does it."""
        await self._reached(cell, "reserve", lambda: self._reserve(request_id, held))

    async def release(self, cell: str, request_id: str, mdtrt_id: str, undoes: str = "") -> None:
        """As the peer does it."""
        await self._reached(cell, "release", lambda: self._release(request_id, mdtrt_id, undoes))

    def _reserve(self, request_id: str, held: Held) -> None:
        known = self.requests.get(request_id)
        if known == "void":
            raise precondition("MESSAGE_VOIDED", request_id=request_id)
        if known is not None:
            return
        if fault := self.refuse.get("reserve"):
            raise fault
        if held.mdtrt_id not in self.held:
            if there := next((no for no, (psn_no, _) in self.held.items() if psn_no == held.psn_no), ""):
                raise precondition("STAY_OPEN", mdtrt_id=there)
            self.held[held.mdtrt_id] = (held.psn_no, request_id)
        self.requests[request_id] = held.mdtrt_id

    def _release(self, request_id: str, mdtrt_id: str, undoes: str) -> None:
        content = f"{mdtrt_id} {undoes}"
        if (known := self.requests.get(request_id)) is not None:
            if known != content:
                raise conflict("REQUEST_ID_REUSED", request_id=request_id)
            return
        if undoes:
            self.requests.setdefault(undoes, "void")
        if undoes in ("", self.held.get(mdtrt_id, ("", ""))[1]):
            self.held.pop(mdtrt_id, None)
        self.requests[request_id] = content

    async def _reached(self, cell: str, step: str, work: Callable[[], Any]) -> Any:
        """A call: it comes in, is done, and its answer goes out. One that is lost on the way in may come late."""
        if step != "covered":
            assert cell == (CARE if step in _OF_CARE else INSURED)
        self.calls.append(step)
        if self.disturb is not None:
            try:
                await self.disturb(step, BEFORE)
            except BaseException:
                if self.late is not None:
                    self.late.append(work)
                raise
        answer = work()
        if self.disturb is not None:
            await self.disturb(step, AFTER)
        return answer


def dark(cell: str = INSURED) -> Fault:
    """A cell that does not answer."""
    return Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": f"{cell}/settlement"})


@dataclass
class Wards:
    """Routing and both cells; `restarted` is routing after its process died."""

    store: RoutingStore
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.cells = PlayedStays()
        self.kept = Kept(self.store)
        self.restarted()

    def restarted(self) -> None:
        """A new process over the same store."""
        self.kept = Kept(self.store, self.kept.clock)
        numbers = self.numbers
        self.kept.sagas._new_id = lambda: f"R{next(numbers):05}"
        registry: Any = SimpleNamespace(news=SimpleNamespace(cells=(CARE, INSURED)), resolve=_resolved)
        nobody: Any = None
        self.stays = Stays(Elsewhere(registry, nobody), self.cells, self.kept.sagas, lambda: f"M{next(numbers)}")
        ends = {SagaKind.ADMIT: self.stays.end_admission, SagaKind.CHANGE_STAY: self.stays.end_change}
        self.stuck: list[BaseException] = []
        self.loop = SagaLoop(self.kept.sagas, ends, lambda _: nullcontext(), lambda error, _: self.stuck.append(error))

    def newcomer(self) -> str:
        """Somebody."""
        return f"P{next(self.numbers)}"

    def message(self, act: str, psn_no: str, mdtrt_id: str = "") -> tuple[str, Request]:
        """A new message of the hospital."""
        return act, Request(f"{act}:{next(self.numbers)}", psn_no, mdtrt_id)

    async def sent(self, act: str, request: Request, waits_s: float = WAITS_S, *, late: bool = False) -> Any:
        """What the message is answered, as the gateway of the place of care asks: at home first, unless it was `late` on the way
        from there.
        """
        if (stored := self.cells.answers.get(request.request_id)) is not None and not late:
            return stored
        until = asyncio.get_running_loop().time() + waits_s
        message = Message(act, request, HOSPITAL, request.mdtrt_id, CARE, until)
        if act == ADMIT:
            who = AskedPerson(Query("", "E1", "", "", date(2026, 3, 5), care_cell=CARE), "mdtrtinfo.certno")
            return await self.stays.admit(message, who, NOON)
        if (state := self.cells.state(request.mdtrt_id)) != _FROM[act]:
            raise precondition("ENCOUNTER_STATE", mdtrt_id=request.mdtrt_id, state=state)
        if act == MESSAGE:
            return await self.stays.take_back(message, INSURED, request.mdtrt_id)
        return await self.stays.change(message, request.mdtrt_id, request.psn_no)

    async def told(self, act: str, request: Request, waits_s: float = WAITS_S) -> Any:
        """Its answer, or the reason of its refusal."""
        try:
            return await self.sent(act, request, waits_s)
        except Fault as fault:
            return fault.reason

    async def admitted(self, psn_no: str) -> str:
        """A stay that has begun."""
        return str(await self.sent(*self.message(ADMIT, psn_no)))

    async def at_rest(self) -> None:
        """Lets the loop end everything, as time goes by; then both cells agree."""
        await self.kept.sagas.idle()
        for _ in range(8):
            self.kept.clock.pass_by(max(LOOP_LEASE_S, LONGEST_REST_S) + 1)
            taken = await self.kept.books.take(64)
            await asyncio.gather(*(self.loop.take_up(saga) for saga in taken))
            if not taken:
                break
        assert not await self.kept.books.take(64)
        assert self.kept.failures == []
        assert self.stuck == []
        self.agree()

    def agree(self) -> None:
        """Whoever lies in a hospital there is held to that stay here, and nobody else is."""
        lying = {mdtrt_id: psn_no for mdtrt_id, (state, psn_no) in self.cells.stays.items() if state == OPEN}
        assert {mdtrt_id: psn_no for mdtrt_id, (psn_no, _) in self.cells.held.items()} == lying
        assert len(set(lying.values())) == len(lying)


async def _resolved(query: Query) -> Resolution:
    return Resolution(Where.OTHER_CELL, "OTHER_CELL", CARE, place("370102"), INSURED)
