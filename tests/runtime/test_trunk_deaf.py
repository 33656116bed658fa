"""A member that lives and takes nothing more from its socket, as one that was stopped by a debugger does: who calls it waits no
longer than for any other, and keeps nothing of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from services.runtime.call import CALLER_KEY
from services.runtime.trunk_socket import SocketLine, framed
from tests.runtime import desk
from tests.runtime.desk import look
from tests.runtime.test_trunk_socket import place_of
from yibao.runtime.v1.trunk_pb2 import Answer, Answers

LOOK: Final = f"/{desk.SERVICE}/Look"


class Deaf:
    """A member that lets a trunk stand, and then takes nothing more."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One caller."""
        await reader.read(1)
        transport: Any = writer.transport
        transport.pause_reading()
        writer.write(framed(Answers(answers=[Answer(number=0)]).SerializeToString()))
        await self.let_go.wait()
        transport.abort()


@asynccontextmanager
async def deaf(place: Path) -> AsyncIterator[SocketLine]:
    """A line to a member that takes nothing."""
    member = Deaf()
    server = await asyncio.start_unix_server(member, str(place))
    line = SocketLine(place, "identity", lambda: ((CALLER_KEY, "some"),), 1 << 22)
    try:
        yield line
    finally:
        line.cut()
        member.let_go.set()
        server.close()


async def given_up(line: SocketLine, calls: int) -> None:
    """Calls that nobody answers, until all have waited long enough."""
    asked = (line.unary(LOOK, b"x" * 60_000, (), 0.2) for _ in range(calls))
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert {getattr(each, "reason", each) for each in found} == {"DEADLINE_EXCEEDED"}


async def test_what_nobody_waits_for_does_not_pile_up_before_a_member_that_takes_nothing(short_folder: Path) -> None:
    async with deaf(short_folder / "s") as line:
        await given_up(line, 50)
        waiting = [frame for frame, _ in line._outbox._waiting.values()]
        assert [each for each in waiting if not each.left] == []
        sent = len(waiting)
        await given_up(line, 50)
        assert len(line._outbox._waiting) == sent, "calls of which the member never heard"


async def test_a_caller_that_ends_is_not_held_up_by_a_member_that_takes_nothing(running: desk.Running) -> None:
    place = place_of(running)
    await running.server.stop(0)
    async with deaf(place):
        asked = (running.peers.call(running.stub.Look, look(setl_id="x" * 60_000), timeout_s=0.2) for _ in range(50))
        await asyncio.gather(*asked, return_exceptions=True)
        await asyncio.wait_for(running.peers.close(), 5)
