"""The mesh of the scenes: the sandbox as `make up` leaves it, a second cell beside it, and a clock that only messages move.

Whatever a hospital of it sends to the national face is taken down with its answer.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from services.cells import SANDBOX
from services.kernel.clock import BEIJING
from services.mesh import GATEWAY
from services.runtime.call import Caller, Role
from tests.goldens.letters import Names
from tests.mesh.harness import OPERATOR_KEY, Mesh, in_cell, started_mesh
from tests.mesh.hospital import NETWORK_S, Hospital
from tests.mesh.people import BALANCE_FEN
from tests.mesh.seeds import INSTITUTION
from tools.cli import seed
from tools.played.messages import Patient, patient_of
from tools.played.people import DIVISION, EMPLOYEE, person, person_record
from tools.running import HOST
from yibao.identity.v1 import person_pb2
from yibao.routing.v1 import registry_pb2
from yibao.settlement.v1 import ledger_pb2

OTHER_CELL: Final = "370000"
BEGIN: Final = datetime(2026, 6, 10, 10, 0, tzinfo=BEIJING)
BETWEEN: Final = timedelta(seconds=10)
"""From one message to the next, so that moments of two messages differ, and a code that is shown is scanned while it holds."""
MOST: Final = 200
"""More numbers than a scene uses."""
_REST: Final = "/v1/"


class Money(NamedTuple):
    """What is in an account, and which part of it came in this year."""

    balance_fen: int = BALANCE_FEN
    current_year_fen: int = 0


ONE_THOUSAND: Final = Money()


class StandingClock:
    """A clock that shows one moment until it is moved."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def __call__(self) -> datetime:
        return self._moment

    def move(self, to: datetime) -> None:
        """Shows another moment, not before this one."""
        assert to >= self._moment, f"{to} is before {self._moment}"
        self._moment = to


@dataclass(slots=True)
class Told:
    """The goldens of one scene by the name of their step: the transaction, and which of its answers where there are several."""

    names: Names
    answers: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, infno: str, response: httpx.Response) -> None:
        """Takes down an answer."""
        self.counts[infno] += 1
        number = self.counts[infno]
        step = infno if number == 1 else f"{infno}-{number}"
        self.answers[step] = self.names.kept(step, response)


@dataclass(slots=True)
class Town:
    """The mesh, the line of its hospitals, and what the scene that is played has told until now."""

    mesh: Mesh
    clock: StandingClock
    line: httpx.AsyncClient
    told: Told
    numbers: Iterator[int]

    def desk(self, who: Patient, code: str = INSTITUTION, name: str = "测试医院", place: str = DIVISION) -> Hospital:
        """A hospital of the sandbox's cell, whose messages say where the person is insured."""
        return Hospital(self.line, self.clock, code, name, place, numbers=self.numbers, home=who.home)

    async def person(
        self, number: int, place: str = DIVISION, *, owner: Patient | None = None, money: Money = ONE_THOUSAND
    ) -> Patient:
        """An employee of a pooling area of the sandbox's cell, with 1,000.00 yuan in the account unless said. With an owner: one
        who may use that one's account.
        """
        return await _insured(self.mesh, number, place, owner, money)

    async def resident(self, number: int) -> Patient:
        """An employee whom the other cell insures."""
        return await _insured(in_cell(self.mesh, OTHER_CELL), number, "370100", None, ONE_THOUSAND)

    async def told_to_routing(self) -> None:
        """Has routing know everybody: it hears of people a moment after they are registered, and at once where it is asked about
        somebody whom it does not know.
        """
        nobody = registry_pb2.InsuredQuery(psn_no=f"nobody{next(self.numbers)}", care_admdvs=DIVISION)
        request, asker = registry_pb2.ResolveRequest(query=nobody), Caller(Role.SERVICE, GATEWAY, sandbox=True)
        await self.mesh.call("yibao.routing.v1.RegistryService.Resolve", request, caller=asker)

    async def moves(self, request: httpx.Request) -> None:
        """Moves the clock for a message."""
        if _is_message(request):
            self.clock.move(self.clock() + BETWEEN)

    async def takes_down(self, response: httpx.Response) -> None:
        """Takes down the answer to a message."""
        if _is_message(response.request):
            await response.aread()
            sent = json.loads(response.request.content)
            self.told.add(sent.get("infno") or sent["transType"], response)

    def begin(self, number: int) -> Told:
        """Begins a scene: on a day, and with message numbers, of its own."""
        moment = BEGIN + timedelta(days=number)
        self.clock.move(moment)
        self.numbers = count(number * MOST + 1)
        self.told = Told(Names(moment, self.clock))
        return self.told


def _is_message(request: httpx.Request) -> bool:
    return not request.url.path.startswith(_REST)


async def _insured(mesh: Mesh, number: int, place: str, owner: Patient | None, money: Money) -> Patient:
    """Registers the invented person of a number and opens the account."""
    invented = person(number)
    record = person_record(invented)
    record.enrolments[0].insuplc_admdvs = place
    record.enrolments[0].facts["contracted"] = "false"
    if owner:
        since = record.enrolments[0].from_day
        link = person_pb2.FamilyLink(owner_psn_no=owner.psn_no, owner_insutype=owner.insutype, from_day=since)
        record.family_links.append(link)
    people = person_pb2.RegisterPersonsRequest(request_id=f"scene-{number}", persons=[record])
    await mesh.call("yibao.identity.v1.PersonService.RegisterPersons", people)
    opening = ledger_pb2.LedgerOpening(
        psn_no=invented.psn_no,
        insutype=EMPLOYEE,
        insuplc_admdvs=place,
        benefit_year=f"{BEGIN.year}",
        balance_fen=money.balance_fen,
        current_year_fen=money.current_year_fen,
    )
    request = ledger_pb2.OpenLedgerRequest(request_id=f"scene-{number}", openings=[opening])
    await mesh.call("yibao.settlement.v1.LedgerService.OpenLedger", request)
    return replace(patient_of(invented), home=place)


@asynccontextmanager
async def standing_town(folder: Path) -> AsyncIterator[Town]:
    """Starts it."""
    clock = StandingClock(BEGIN)
    async with started_mesh(folder, clock=clock, overrides={"YIBAO_CELLS": f"{SANDBOX},{OTHER_CELL}"}) as mesh:
        other = mesh.config.of_cell(OTHER_CELL).integer("YIBAO_GATEWAY_PORT")
        urls = {SANDBOX: mesh.url, OTHER_CELL: f"http://{HOST}:{other}"}
        await asyncio.to_thread(seed.load_cells, urls, OPERATOR_KEY)
        async with httpx.AsyncClient(base_url=mesh.url, timeout=NETWORK_S, trust_env=False) as line:
            town = Town(mesh, clock, line, Told(Names(BEGIN, clock)), count())
            line.event_hooks = {"request": [town.moves], "response": [town.takes_down]}
            yield town
