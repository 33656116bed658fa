"""Bills of people of another cell, many at once in the trunks between the processes of a mesh, on sockets and on gRPC, while one
process is killed and another is told to stop: each bill is settled once, and those that come after it are answered in time. `-s`
shows how soon.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Final

import pytest
import pytest_asyncio

from services.kernel.clock import system_clock
from tests.mesh.hospital import NETWORK_S, hospital_at
from tests.mesh.people import Newcomers
from tests.mesh.world import ledger_findings
from tests.torture.cells.books import Books, Facts
from tests.torture.cells.processes import (
    CARE,
    CARE_SETTLEMENT,
    INSURED,
    INSURED_SETTLEMENT,
    ROUTING,
    Part,
    Running,
    Town,
    town,
)
from tests.torture.cells.seams import AFTER, BEFORE, RECEIVE, SEND, Point
from tests.torture.cells.transactions import Line, Message, settle
from tests.torture.victim import show
from tools.cli.mesh_client import NationalAnswer

pytestmark: Final = pytest.mark.torture

BILLS: Final = 24
LATER: Final = 8
"""Bills that are sent when all processes run again."""
REACHED_S: Final = 30.0
DEADLINE_S: Final = NETWORK_S
"""How long a bill may take, repeats included, once all processes run again: as long as a client waits for one answer."""

OPEN, CONFIRM = "OrderService.BatchOpen", "OrderService.BatchConfirm"
POINTS: Final = {
    CARE_SETTLEMENT: Point(RECEIVE, OPEN, AFTER, 2),
    INSURED_SETTLEMENT: Point(RECEIVE, CONFIRM, BEFORE, 2),
    ROUTING: Point(SEND, f"{CARE}/settlement {CONFIRM}", BEFORE, 2),
}
"""Where each ends: its second list, when a first one has filled the trunk and others are under way in it."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The processes, a line in the cell of care, and what stands of a person after a bill."""

    town: Town
    line: Line
    after: Facts


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["on", "grpc"])
async def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    in_trunks = {"YIBAO_PLACEMENT": "grpc", "YIBAO_TRUNKS": request.param}
    async with (
        town(tmp_path_factory.mktemp("trunks"), overrides=in_trunks) as made,
        hospital_at(made.url, system_clock) as hospital,
    ):
        line = Line(hospital, Newcomers(made.cells[INSURED], 5000), Books(made.config))
        first = await line.prepared(settle)
        await line.done(first)
        assert await line.at_rest(first) == []
        yield Stage(made, line, line.books.facts(first.who))


@pytest.mark.parametrize(
    ("killed", "stopped"),
    [(CARE_SETTLEMENT, ROUTING), (ROUTING, INSURED_SETTLEMENT), (INSURED_SETTLEMENT, CARE_SETTLEMENT)],
    ids=lambda part: part.name.replace(" ", "_"),
)
async def test_bills_in_trunks_are_settled_once_whoever_dies_or_stops(
    stage: Stage, killed: Part, stopped: Part
) -> None:
    messages = await asyncio.gather(*(stage.line.prepared(settle) for _ in range(BILLS + LATER)))
    dead, gone = stage.town[killed], stage.town[stopped]
    await dead.arm(POINTS[killed])
    await gone.arm(POINTS[stopped], signal.SIGTERM)
    sending = [asyncio.create_task(_settled(stage, each)) for each in messages[:BILLS]]
    ends = await asyncio.gather(_back(dead), _back(gone))
    later = await asyncio.gather(*(_settled(stage, each) for each in messages[BILLS:]))
    during = await asyncio.gather(*sending)

    slowest = max(each.took_s for each in later)
    repeated = sum(each.repeats > 0 for each in during)
    show(f"{killed.name} killed, {stopped.name} stopped: {repeated} of {BILLS} repeated, then slowest {slowest:.2f} s")
    assert list(ends) == [-signal.SIGKILL, 0], "killed, and stopped in order"
    assert repeated > 0, "nothing was under way"
    assert [wrong for each in (*during, *later) for wrong in await _wrong(stage, each)] == []
    assert slowest < DEADLINE_S
    for cell in stage.town.cells.values():
        assert await ledger_findings(cell) == []


async def _back(running: Running) -> int:
    """Waits until a process has ended at its point and runs again, for the other may need it; what it ended with."""
    async with asyncio.timeout(REACHED_S):
        await running.ended()
    end = running.process.returncode
    await running.again()
    return end


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a bill: the message under whose number it was settled, its answer, the client's repeats and seconds."""

    message: Message
    answer: NationalAnswer
    repeats: int
    took_s: float


async def _settled(stage: Stage, message: Message) -> Outcome:
    """Sends a bill until it is settled, under another number where this one was taken back."""
    line, began = replace(stage.line, repeats=0), time.monotonic()
    answer = await line.until_definite(message)
    repeats = line.repeats
    if not answer.succeeded:
        message, answer = await line.done(replace(message, msgid=line.hospital.next_msgid()))
        repeats += 1 + line.repeats
    return Outcome(message, answer, repeats, time.monotonic() - began)


async def _wrong(stage: Stage, outcome: Outcome) -> list[str]:
    """What of a bill is lost, double, still under way, or answered another way the second time."""
    wrong = await stage.line.at_rest(outcome.message)
    if (facts := stage.line.books.facts(outcome.message.who)) != stage.after:
        wrong.append(f"stands {facts}, wanted {stage.after}")
    again = await stage.line.until_definite(outcome.message)
    if again.output_text != outcome.answer.output_text:
        wrong.append(f"repeat: {again.text[:200]}")
    return wrong
