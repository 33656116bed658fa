"""A small HTTP receiver of the tests: it keeps what it was sent and answers what a test has laid ready, the last one for ever."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Reply = tuple[int, bytes] | Callable[[bytes], tuple[int, bytes]]


@dataclass
class Receiver:
    """`sent` are heads and bodies as they came; `replies` a status and a body each, or how they follow from what came; a status
    of 0 is none at all.
    """

    port: int = 0
    replies: list[Reply] = field(default_factory=lambda: [(200, b"{}")])
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    to: str = ""
    """Where a redirect leads."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of one connection."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(
                int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length")
            )
            body = await reader.readexactly(length)
            self.sent.append((head, body))
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
            status, told = reply if isinstance(reply, tuple) else reply(body)
            if not status:
                await asyncio.sleep(5)
            place = f"location: {self.to}\r\n" if self.to else ""
            writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(told)}\r\n{place}\r\n".encode() + told)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a port of its own at 127.0.0.1."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
