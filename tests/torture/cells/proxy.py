"""A wire between two processes that a test can cut: a TCP proxy on a port of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

from tools.running import HOST

_BYTES = 65_536


class Way(StrEnum):
    """What the wire does: it carries, it swallows (nothing comes through and nobody is told), or it refuses and breaks off."""

    OPEN = "open"
    SILENT = "silent"
    BROKEN = "broken"


@dataclass(slots=True)
class Wire:
    """One wire to an address; `address` is where callers are sent to."""

    target: str
    address: str = ""
    way: Way = Way.OPEN
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    ends: set[asyncio.StreamWriter] = field(default_factory=set)
    carrying: set[asyncio.Task[None]] = field(default_factory=set)

    def set(self, way: Way) -> None:
        """Changes it. What was swallowed comes late, as a network gives it; what was broken off is gone."""
        self.way = way
        if way is Way.OPEN:
            self.opened.set()
            return
        self.opened.clear()
        if way is Way.BROKEN:
            for end in self.ends:
                end.transport.abort()

    async def accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A caller."""
        if self.way is Way.BROKEN:
            writer.transport.abort()
            return
        self.ends.add(writer)
        try:
            host, _, port = self.target.rpartition(":")
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.transport.abort()
            self.ends.discard(writer)
            return
        self.ends.add(far_writer)
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._carry(source, sink))
            self.carrying.add(task)
            task.add_done_callback(self.carrying.discard)

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(_BYTES):
                if self.way is Way.SILENT:
                    await self.opened.wait()
                sink.write(data)
                await sink.drain()
        sink.transport.abort()
        self.ends.discard(sink)


@asynccontextmanager
async def wired(target: str) -> AsyncIterator[Wire]:
    """A wire to an address, for a block."""
    wire = Wire(target)
    wire.set(Way.OPEN)
    server = await asyncio.start_server(wire.accepted, HOST, 0)
    wire.address = f"{HOST}:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()
        wire.set(Way.BROKEN)
        for task in tuple(wire.carrying):
            task.cancel()
