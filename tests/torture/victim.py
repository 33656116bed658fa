"""Another partner, who asks who a person is (1101) at a steady pace, and how long its answers take. Also: memory of a mesh."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Final

from tests.torture.attacker import Client
from tests.torture.bodies import envelope

CODE: Final = "H11010100901"
PERSON: Final = {"mdtrt_cert_type": "02", "mdtrt_cert_no": "990000198003151011"}
PACE_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Waits:
    """How long answers took, in milliseconds, from the moment at which each request was due."""

    ms: tuple[float, ...]
    failed: int

    def at(self, share: float) -> float:
        """The wait that so large a share stayed below."""
        ordered = sorted(self.ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    def __str__(self) -> str:
        return f"p50 {self.at(0.5):.0f} ms, p99 {self.at(0.99):.0f} ms, worst {self.at(1):.0f} ms of {len(self.ms)}"


async def ask(url: str, seconds: float) -> Waits:
    """Asks for so long, each request at its own time whether the last one was answered or not."""
    waits: list[float] = []
    failed = 0
    free: list[Client] = []
    began = time.monotonic()

    async def one(number: int, due: float) -> None:
        nonlocal failed
        body = json.dumps(envelope("1101", {"data": PERSON}, number, CODE, "110000")).encode()
        client = free.pop() if free else Client(url)
        answer = await client.post(body)
        free.append(client)
        waits.append((time.monotonic() - due) * 1_000)
        failed += not answer.startswith(b'{"infcode":0')

    async with asyncio.TaskGroup() as tasks:
        for number in range(int(seconds / PACE_S)):
            due = began + number * PACE_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            tasks.create_task(one(number, due))
    for client in free:
        client.close()
    return Waits(tuple(waits), failed)


def show(figure: str) -> None:
    """A figure, for whoever runs the tests: pytest shows it with -s."""
    print(f"\n{figure}", flush=True)  # noqa: T201  # figures are what these tests are for
