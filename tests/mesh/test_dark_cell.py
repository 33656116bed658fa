"""A cell that takes calls and never answers: its own people wait for it, once, and nobody else at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from services.runtime import circuits
from services.runtime.embedded import EmbeddedMesh
from tests.mesh.hospital import Hospital
from tests.mesh.test_cells import THERE, WITHOUT_ROUTING
from tests.mesh.test_elsewhere import Two, asked, two_cells
from tools.played.messages import Patient

READ_S = 20.0
# Far enough from each other that a busy machine does not take one for the other.
DEADLINE_S, REST_S, AT_ONCE_S, BACK_S = 2.0, 4.0, 1.5, 20.0
SETTLEMENT = f"YIBAO_{THERE}_SETTLEMENT_ADDRESS"


@dataclass
class Hanging:
    """Stands between routing and a member; while its gate is closed it takes all and hands on nothing."""

    port: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    to: tuple[str, int] = ("", 0)
    routing: EmbeddedMesh | None = None

    @asynccontextmanager
    async def before(self, address: str) -> AsyncIterator[str]:
        """Listens for callers of the address; the address to call instead."""
        host, _, port = address.rpartition(":")
        self.to = (host, int(port))
        self.gate.set()
        server = await asyncio.start_server(self._taken, host, 0)
        try:
            yield f"{host}:{server.sockets[0].getsockname()[1]}"
        finally:
            self.gate.set()
            server.close()

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(*self.to)
        await asyncio.gather(self._pumped(reader, there[1]), self._pumped(there[0], writer))

    async def _pumped(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while some := await reader.read(65_536):
                await self.gate.wait()
                writer.write(some)
        writer.close()


@asynccontextmanager
async def hanging_cell(folder: Path, deadline_s: float = DEADLINE_S) -> AsyncIterator[tuple[Two, Hanging]]:
    """Two cells, of which routing reaches the settlement of one through a gate, and waits so long for whoever it asks."""
    gate = Hanging()
    async with two_cells(folder, WITHOUT_ROUTING) as two:
        config = two.mesh.config
        async with gate.before(config.of_cell(THERE).address("settlement")) as address:
            values: dict[str, Any] = {SETTLEMENT: address, "YIBAO_PEER_TIMEOUT_S": deadline_s}
            routing = EmbeddedMesh(
                replace(config, values={**config.values, **values}), ("routing",), two.mesh.clock, keys=two.mesh.keys
            )
            gate.routing = routing
            await routing.start()
            try:
                # Its first readings open its connections, for which so short a time may not do.
                async with asyncio.timeout(READ_S):
                    while True:
                        if (await asks(two.here, two.resident))[0] != "CELLS_UNREAD":
                            break
                        await asyncio.sleep(0.1)
                yield two, gate
            finally:
                gate.gate.set()
                await routing.stop(1.0)


async def asks(hospital: Hospital, who: Patient) -> tuple[str, float]:
    """What a hospital is told of a person, "" for an answer, and how long that takes."""
    begun = time.monotonic()
    answer = await hospital.send("5206", asked(hospital, who)["5206"])
    reason = "" if answer.succeeded else answer.message[1:].partition("]")[0]
    return reason, time.monotonic() - begun


async def test_people_of_a_cell_that_hangs_are_told_at_once_and_others_notice_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuits, "REST_S", REST_S)
    async with hanging_cell(tmp_path) as (two, hanging):
        assert (await asks(two.here, two.resident))[0] == ""
        hanging.gate.clear()
        first = await asyncio.gather(*(asks(two.here, two.resident) for _ in range(circuits.FAILURES)))
        assert {reason for reason, _ in first} == {"CELL_UNAVAILABLE"}
        assert max(waited for _, waited in first) < DEADLINE_S + 3
        reason, waited = await asks(two.here, two.resident)
        assert reason == "CELL_UNAVAILABLE"
        assert waited < AT_ONCE_S
        for hospital in (two.here, two.there):
            # Here without routing, there through it: the cell of this person answers.
            reason, waited = await asks(hospital, two.local)
            assert (reason, waited < AT_ONCE_S) == ("", True)
        hanging.gate.set()
        begun = time.monotonic()
        while (await asks(two.here, two.resident))[0]:
            assert time.monotonic() - begun < BACK_S
            await asyncio.sleep(0.05)
