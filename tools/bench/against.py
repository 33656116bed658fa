"""`python -m tools.bench --against REV`: today's tree beside an earlier revision, both asked the same in turn.

Three sandboxes run at once: today's, the revision's, and today's a second time, which tells how far two equal ones lie apart.
A round plays the same visits on each, transaction by transaction: all 1101 on one side, then on the next, and so on; the order
turns round from one transaction to the next, so that the revision always stands between the two of today. Everything goes
through the national envelope, made by today's messages. Every start anew has other processes and empty stores.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import uvloop

from tools.bench import against_report, sandbox
from tools.bench.against_report import OPEN
from tools.bench.figures import arrivals
from tools.bench.messages import VisitMessages
from tools.bench.plan import CHAIN
from tools.bench.preparation import FIRST_PERSON, PARTS, Unprepared
from tools.bench.revision import ROOT, Tree
from tools.bench.sandbox import Sandbox
from tools.bench.volley import Unanswered, volley
from tools.bench.world import SampleBill, bills, seed_documents
from tools.cli.seed import SAMPLES
from tools.played.people import person

TODAY, EARLIER, AGAIN = "today", "earlier", "again"
HOSPITALS: Final = ("H99010000002", "H99010000003")
"""Not the first one: `make up` signs in there, and a gateway keeps its profile for a minute."""
_CONNECTIONS: Final = 32
_FIRST_SERIAL: Final = 2_000_000_000
_WARM: Final = 1
_CATALOGUE: Final = SAMPLES.relative_to(ROOT)
_SETTINGS: Final = {"YIBAO_TRACE_RATIO": "0.05", "YIBAO_LOG_LEVEL": "info"}


@dataclass(frozen=True, slots=True)
class Terms:
    """How it is done: rounds in all and the starts they are spread over, visits a round, persons, rate of the open 2207."""

    rounds: int = 24
    starts: int = 3
    visits: int = 200
    persons: int = 2_000
    rate: float = 100.0
    settings: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds in {self.starts} starts, {self.visits} visits a round and side, half of their 2207 in a\n"
            f"             closed loop of {_CONNECTIONS} connections, half at {self.rate:g} a second (Poisson, latency from the\n"
            f"             moment it was due); SQLite, fsync on, 5 % of traces, {self.persons:,} persons, bills of 20 lines;\n"
            "             everything through the national envelope; load generator on the same cores"
        )


@dataclass(slots=True)
class Round:
    """One round of one side. Processor seconds and wall seconds of each transaction's volley, for one visit; all processor
    seconds of the round, what was put off included, for one visit; latencies of the open 2207."""

    cpu_s: dict[str, float] = field(default_factory=dict)
    wall_s: dict[str, float] = field(default_factory=dict)
    all_cpu_s: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)


class Side:
    """One sandbox and the visits that it holds now."""

    def __init__(self, name: str, at: Sandbox) -> None:
        self.name = name
        self.sandbox = at
        self.rounds: list[Round] = []
        self._visits: list[VisitMessages] = []
        self._ids: list[str] = []
        self._parts: list[Mapping[str, Any]] = []
        self._begun_s = 0.0

    def begin(self, visits: list[VisitMessages]) -> None:
        """A new round."""
        self.rounds.append(Round())
        self._visits = visits
        self._begun_s = self.sandbox.cpu_s()

    def finish(self) -> None:
        """The round's sum, work that came after its answers included."""
        self.rounds[-1].all_cpu_s = (self.sandbox.cpu_s() - self._begun_s) / len(self._visits)

    async def play(self, infno: str, moments: Sequence[float]) -> None:
        """One transaction of every visit; Unprepared where one is refused."""
        if infno == "2207":
            half = len(self._visits) - len(moments)
            await self._sent("2207", range(half), None)
            await self._sent(OPEN, range(half, len(self._visits)), moments)
            return
        outputs = await self._sent(infno, range(len(self._visits)), None)
        if infno == "2201":
            self._ids = [output["data"]["mdtrt_id"] for output in outputs]
        if infno == "2206":
            self._parts = [{name: output["setlinfo"][name] for name in PARTS} for output in outputs]

    async def _sent(self, what: str, places: Sequence[int], moments: Sequence[float] | None) -> list[Any]:
        requests = [self._request(what[:4], place) for place in places]
        try:
            answers = await volley(self.sandbox.port, requests, _CONNECTIONS, self.sandbox.cpu_s, moments)
        except Unanswered as error:
            raise Unprepared(f"{self.sandbox.tree.title}, {what}: {error}") from None
        found = self.rounds[-1]
        found.cpu_s[what] = answers.spent / len(requests)
        found.wall_s[what] = answers.lasted_s / len(requests)
        if moments is not None:
            found.latencies_ms = answers.latencies_ms
        return [self._output(what, body) for body in answers.bodies]

    def _output(self, what: str, body: bytes) -> Any:
        answer = json.loads(body)
        if str(answer.get("infcode")) != "0":
            raise Unprepared(f"{self.sandbox.tree.title} refuses {what} as it is sent today: {body.decode()[:600]}")
        return answer["output"]

    def _request(self, infno: str, place: int) -> bytes:
        visit = self._visits[place]
        if infno == "1101":
            return visit.insured()
        if infno == "2201":
            return visit.registration()
        if infno == "2207":
            return visit.settlement(self._ids[place], self._parts[place])
        made = {"2203": visit.description, "2204": visit.fees, "2206": visit.trial}
        return made[infno](self._ids[place])


def compare(today: Tree, earlier: Tree, terms: Terms) -> None:
    """Measures and prints."""
    measured: dict[str, list[Round]] = {TODAY: [], EARLIER: [], AGAIN: []}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for start in range(terms.starts):
            share = terms.rounds // terms.starts + (start < terms.rounds % terms.starts)
            for name, rounds in runner.run(_started(today, earlier, terms, share, start)).items():
                measured[name] += rounds
    print(against_report.table(measured[TODAY], measured[EARLIER], measured[AGAIN], today.title, earlier.title))


async def _started(today: Tree, earlier: Tree, terms: Terms, rounds: int, start: int) -> dict[str, list[Round]]:
    """The rounds of one start, by side; those that warm up are left out."""
    with ExitStack() as stack:
        trees = {TODAY: today, EARLIER: earlier, AGAIN: today}
        sides = [
            Side(name, stack.enter_context(sandbox.running(tree, _SETTINGS | dict(terms.settings))))
            for name, tree in trees.items()
        ]
        for side in sides:
            sandbox.seed(side.sandbox, seed_documents(side.sandbox.tree.folder, HOSPITALS, FIRST_PERSON, terms.persons))
        samples = [
            replace(bill, hospital=HOSPITALS[place % len(HOSPITALS)])
            for place, bill in enumerate(bills(earlier.folder / _CATALOGUE))
        ]
        serial = _FIRST_SERIAL + start * 10_000_000
        begun = time.perf_counter()
        for number in range(_WARM + rounds):
            await _round(sides, _visits(serial, samples, terms), terms, number)
            serial += terms.visits
        took = (time.perf_counter() - begun) / (_WARM + rounds)
        print(f"   start {start + 1} of {terms.starts}: {rounds} rounds of {took:.0f} s", flush=True)
        for side in sides:
            side.sandbox.command("ledger", "verify", "--url", side.sandbox.url)
        return {side.name: side.rounds[_WARM:] for side in sides}


async def _round(sides: Sequence[Side], visits: list[VisitMessages], terms: Terms, number: int) -> None:
    chance = Random(number)
    open_visits = len(visits) // 2
    moments = arrivals(terms.rate, 2 * open_visits / terms.rate, chance)[:open_visits]
    for side in sides:
        side.begin(visits)
    for place, infno in enumerate(CHAIN):
        for side in sides if (place + number) % 2 == 0 else reversed(sides):
            await side.play(infno, moments)
    for side in sides:
        side.finish()


def _visits(serial: int, samples: Sequence[SampleBill], terms: Terms) -> list[VisitMessages]:
    now = datetime.now(UTC)
    return [
        VisitMessages(person(FIRST_PERSON + each % terms.persons), samples[each % len(samples)], str(each), now)
        for each in range(serial, serial + terms.visits)
    ]
