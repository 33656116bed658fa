"""The end of a port: at once for who only waits, a grace for what is being answered, and no longer than that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway import listener
from gateway.connections import Connections
from gateway.listener import Listener

REQUEST = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"


@dataclass(slots=True)
class Slow:
    """An application that answers once it may, and says whether it was cut off."""

    may: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    cut: bool = False

    async def __call__(self, scope: object, receive: object, send: Any) -> None:
        self.asked.set()
        try:
            await self.may.wait()
        except asyncio.CancelledError:
            self.cut = True
            raise
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def connected(app: Slow) -> AsyncIterator[tuple[Listener, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A port of the application and one connection to it."""
    served = Listener(app, Connections(10, 1000), "127.0.0.1", 0, ("HOST", "PORT"))
    await served.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        yield served, reader, writer
    finally:
        writer.close()
        await served.stop(0)


async def test_a_client_that_only_waits_holds_no_port_open() -> None:
    took = []
    for _ in range(5):
        app = Slow()
        app.may.set()
        async with connected(app) as (served, reader, writer):
            writer.write(REQUEST)
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
            # Timers of one loop come in the order of their times, however late the loop is.
            moment = asyncio.create_task(asyncio.sleep(0.05))
            await served.stop(5)
            took.append(moment.done())
            assert await reader.read() == b""
    assert not all(took)


async def test_what_is_being_answered_has_its_grace_and_nobody_new_comes() -> None:
    app = Slow()
    async with connected(app) as (served, reader, writer):
        writer.write(REQUEST)
        await app.asked.wait()
        stopping = asyncio.create_task(served.stop(5))
        while True:
            try:
                _, other = await asyncio.open_connection("127.0.0.1", served.port)
            except OSError:
                break
            other.close()
        assert not stopping.done()
        app.may.set()
        assert (await reader.read()).endswith(b"ok")
        await stopping
    assert not app.cut


async def test_what_outlives_the_grace_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "LEAST_GRACE_S", 0.02)
    app = Slow()
    async with connected(app) as (served, _, writer):
        writer.write(REQUEST)
        await app.asked.wait()
        await served.stop(0)
        await asyncio.sleep(0)
        assert app.cut
