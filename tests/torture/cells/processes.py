"""Processes of a mesh, each with one part of it, on SQLite files in a folder: started, armed, killed and started again.

It knows members by the mesh table, and reads no store.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from services.kernel.clock import Clock, ahead, system_clock
from services.runtime.children import READY
from services.runtime.config import Config
from services.runtime.contract import Contract
from services.runtime.keys import Keys
from tests.mesh.harness import MESH_KEY, OPERATOR_KEY, Mesh
from tests.mesh.seeds import seed_requests
from tests.tokens import Tokens
from tests.torture.cells.launcher import ANSWER, FIRST
from tests.torture.cells.namespaces import HERE as BESIDE
from tests.torture.cells.namespaces import THERE, Namespace, moved
from tests.torture.cells.proxy import Way, Wire, wired
from tests.torture.cells.seams import Point
from tools.running import HOST, ports_of
from tools.tidy import ROOT

CARE, INSURED = "110000", "370000"
"""The cell in which care is given, and the one that insures."""

EVERYWHERE: Final = "0.0.0.0"  # of a test, for as long as it lasts
START_S: Final = 60.0
ANSWER_S: Final = 10.0
_LOOK_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Part:
    """What one process runs: members, of one cell or national ones; or another `program`, which is told `words` and says
    `ready`.
    """

    name: str
    members: tuple[str, ...] = ()
    cell: str = ""
    program: str = "tests.torture.cells.launcher"
    words: tuple[str, ...] = ()
    ready: str = READY

    @property
    def command(self) -> tuple[str, ...]:
        """What it is started with."""
        told = (*self.members, "--single") if self.members else self.words
        return (sys.executable, "-m", self.program, *told)


CATALOGUE: Final = Part("catalogue", ("catalogue",))
ROUTING: Final = Part("routing", ("routing",))
CARE_FRONT: Final = Part("care identity and gateway", ("identity", "gateway"), CARE)
CARE_SETTLEMENT: Final = Part("care settlement", ("settlement",), CARE)
INSURED_IDENTITY: Final = Part("insured identity", ("identity",), INSURED)
INSURED_SETTLEMENT: Final = Part("insured settlement", ("settlement",), INSURED)
CARE_PAYMENT: Final = Part("care payment", ("payment",), CARE)
"""Started where a test names it among its parts."""
PARTS: Final = (CATALOGUE, CARE_FRONT, CARE_SETTLEMENT, INSURED_IDENTITY, INSURED_SETTLEMENT, ROUTING)
VICTIMS: Final = (CARE_SETTLEMENT, INSURED_SETTLEMENT, ROUTING)


class Between(StrEnum):
    """Between whom a wire leads, so that it can be cut."""

    ROUTING_AND_CARE = "routing and care"
    ROUTING_AND_INSURED = "routing and insured"
    COUNTER_AND_ROUTING = "counter and routing"


@dataclass(slots=True)
class Running:
    """One process; commands are answered in their order."""

    part: Part
    settings: Mapping[str, str]
    log: Path
    inside: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] = field(init=False)
    said: queue.Queue[str] = field(init=False)
    _listening: threading.Thread = field(init=False)

    def spawn(self, **first: Any) -> None:
        """Starts it, and does not wait until it is ready; `first` is a command for its first moment."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("YIBAO_")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        words = [*self.inside, *self.part.command]
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink, cwd=ROOT,
                env={**environment, **self.settings, FIRST: json.dumps(first)},
            )  # fmt: skip
        self.said = queue.Queue()
        self._listening = threading.Thread(target=_listen, args=(self.process, self.said), daemon=True)
        self._listening.start()

    async def ready(self) -> None:
        """Waits until it answers."""
        await asyncio.to_thread(self._line, self.part.ready, START_S)

    async def again(self, **first: Any) -> None:
        """Starts it once more, after its end; `first` as for `spawn`."""
        await self.respawn(**first)
        await self.ready()

    async def respawn(self, **first: Any) -> None:
        """The same without waiting until it is ready."""
        await self.ended()
        self._forget()
        self.spawn(**first)

    async def ended(self) -> None:
        """Waits until it is gone."""
        await asyncio.to_thread(self.process.wait, START_S)

    def kill(self) -> None:
        """Ends it at once, and lets go of it."""
        self.process.kill()
        self.process.wait()
        self._forget()

    def _forget(self) -> None:
        """Closes what leads to a process that is gone."""
        self._listening.join()
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()

    async def tell(self, **command: Any) -> Any:
        """A command, and its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads((await asyncio.to_thread(self._line, ANSWER, ANSWER_S)).removeprefix(ANSWER))

    async def arm(self, point: Point, number: int = signal.SIGKILL) -> None:
        """Ends, or stops, the process at this point from now on."""
        await self.tell(do="begin", armed=list(point), signal=int(number))

    async def stopped(self, limit_s: float) -> bool:
        """Whether it stops, by a signal, within a time."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            if _state(self.process.pid) == "T":
                return True
            await asyncio.sleep(_LOOK_S)
        return False

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def _line(self, beginning: str, limit_s: float) -> str:
        until = time.monotonic() + limit_s
        while True:
            line = self.said.get(timeout=max(0.0, until - time.monotonic()))
            if not line:
                raise AssertionError(f"{self.part.name} ended: {self.log.read_text(encoding='utf-8')[-2000:]}")
            if line.startswith(beginning):
                return line


def _state(pid: int) -> str:
    """A process's state as the kernel tells it; T for stopped."""
    told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return told.rpartition(")")[2].split()[0]


def _listen(process: subprocess.Popen[bytes], said: queue.Queue[str]) -> None:
    """Hands on what a process says; an empty line is its end."""
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            said.put(line.decode())
    said.put("")


@dataclass(slots=True)
class Town:
    """The processes of two cells and of what is national, and how each cell is called."""

    folder: Path
    config: Config
    running: dict[Part, Running]
    cells: dict[str, Mesh]
    wires: dict[Between, list[Wire]]

    @property
    def url(self) -> str:
        """The gateway of the cell of care."""
        return f"http://{HOST}:{self.config.of_cell(CARE).integer('YIBAO_GATEWAY_PORT')}"

    def __getitem__(self, part: Part) -> Running:
        return self.running[part]

    async def record(self, parts: Sequence[Part] = VICTIMS) -> None:
        """Records the points of some parts from now on."""
        for part in parts:
            await self[part].tell(do="begin", record=True)

    async def recorded(self, parts: Sequence[Part] = VICTIMS) -> list[tuple[Part, Point]]:
        """Those points, in the order in which they were passed."""
        found = []
        for part in parts:
            found += [(at, part, Point(*point)) for at, point in await self[part].tell(do="recorded")]
        return [(part, point) for _, part, point in sorted(found, key=lambda each: each[0])]

    def cut(self, between: Between, way: Way) -> None:
        """Cuts a wire, or mends it (`Way.OPEN`)."""
        for wire in self.wires[between]:
            wire.set(way)

    async def mend(self) -> None:
        """Starts again whatever has ended, lets go on whatever was stopped, and arms nothing any more."""
        for each in self.running.values():
            if not each.alive:
                await each.again()
            else:
                each.process.send_signal(signal.SIGCONT)
                await each.tell(do="begin")


@asynccontextmanager
async def town(
    folder: Path,
    *,
    overrides: Mapping[str, str] | None = None,
    clock: Clock = system_clock,
    apart: Namespace | None = None,
    parts: Sequence[Part] = PARTS,
) -> AsyncIterator[Town]:
    """Starts all parts at once and seeds both cells; `apart` is a network for the insured cell."""
    settings = _settings(folder) | dict(overrides or {})
    settings |= _insured_at(settings, THERE) if apart else {}
    config = Config.load({}, settings)
    made = Town(folder, config, {}, {}, {each: [] for each in Between})
    async with AsyncExitStack() as wires:
        own = await _wired(made, wires)
        if apart:
            # Who listens is found by several addresses.
            catalogue = {"YIBAO_CATALOGUE_ADDRESS": settings["YIBAO_CATALOGUE_ADDRESS"]}
            own[CATALOGUE] = moved(catalogue, EVERYWHERE)
            own[INSURED_SETTLEMENT] = moved(catalogue, BESIDE)
        try:
            await _started(made, settings, own, clock, apart, parts)
            yield made
        finally:
            for mesh in made.cells.values():
                for channel in mesh.channels.values():
                    await channel.close()
            for each in made.running.values():
                each.kill()


async def _wired(made: Town, wires: AsyncExitStack) -> dict[Part, dict[str, str]]:
    """Puts wires between routing and everybody else; the settings by which their ends are found."""
    own: dict[Part, dict[str, str]] = {ROUTING: {}, CARE_FRONT: {}}
    for between, caller, member, cell in (
        (Between.ROUTING_AND_CARE, ROUTING, "settlement", CARE),
        (Between.ROUTING_AND_CARE, ROUTING, "identity", CARE),
        (Between.ROUTING_AND_INSURED, ROUTING, "settlement", INSURED),
        (Between.ROUTING_AND_INSURED, ROUTING, "identity", INSURED),
        (Between.COUNTER_AND_ROUTING, CARE_FRONT, "routing", CARE),
    ):
        config = made.config.of_cell(cell)
        wire = await wires.enter_async_context(wired(config.address(member)))
        made.wires[between].append(wire)
        own[caller][config.named(f"YIBAO_{member.upper()}_ADDRESS")] = wire.address
    return own


async def _started(
    made: Town,
    settings: Mapping[str, str],
    own: Mapping[Part, Mapping[str, str]],
    clock: Clock,
    apart: Namespace | None,
    parts: Sequence[Part],
) -> None:
    for part in parts:
        place = {"YIBAO_CELL": part.cell} if part.cell else {}
        named = {**settings, **place, **own.get(part, {})}
        inside = apart.words if apart and part.cell == INSURED else ()
        made.running[part] = Running(part, named, made.folder / f"{part.name}.log", inside)
        made.running[part].spawn()
    for each in made.running.values():
        await each.ready()
    for cell in (CARE, INSURED):
        config = made.config.of_cell(cell)
        made.cells[cell] = called(config, ahead(clock, config.clock_offset_s(national=False)))
    await _seed(made)


def _settings(folder: Path) -> dict[str, str]:
    codes = (CARE, INSURED)
    values = {
        "YIBAO_SANDBOX": "on",
        "YIBAO_DATA_DIR": str(folder),
        "YIBAO_MESH_KEY": MESH_KEY,
        "YIBAO_BOOTSTRAP_OPERATOR_KEY": OPERATOR_KEY,
        "YIBAO_CELLS": ",".join(codes),
        "YIBAO_LOG_LEVEL": "error",
        "YIBAO_TRACE_EXPORTER": "none",
    }
    return values | ports_of(codes)


def _insured_at(settings: Mapping[str, str], host: str) -> dict[str, str]:
    """The insured cell at another host, to which no certificates lead."""
    names = (f"YIBAO_{INSURED}_{member}_ADDRESS" for member in ("IDENTITY", "SETTLEMENT"))
    return moved({name: settings[name] for name in names}, host) | {"YIBAO_TLS": "off"}


def called(config: Config, clock: Clock) -> Mesh:
    """How the members of a cell are called by their interface."""
    keys = Keys.of_mesh_key(MESH_KEY)
    return Mesh(config, Tokens(keys, clock, config.cell), clock, "", Contract.of_mesh(), [], keys)


async def _seed(made: Town) -> None:
    """The small world: what is national once, institutions in both cells."""
    for method, request in seed_requests(0):
        member = made.cells[CARE].contract.method(method).member
        for code in (CARE,) if member == "catalogue" else (CARE, INSURED):
            await made.cells[code].call(method, request)
