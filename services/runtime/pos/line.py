"""A line to a bank: one connection for each message, one frame there and one back, bounded in time. No retries: who calls knows
what may be repeated.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from services.runtime.outgoing import TIMEOUT_S, Sent, Unanswered
from services.runtime.pos.frames import Frame, read_frame
from services.runtime.pos.messages import Malformed, Message, without_card
from services.runtime.telemetry import SpanKind, Telemetry

CONNECT_S: Final = 3.0


class PosLine:
    """Lines of a member. `told` hears of each message before it leaves, without the card's number."""

    def __init__(
        self, telemetry: Telemetry, told: Callable[[Sent], None] | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._telemetry = telemetry
        self._told = told
        self._timeout_s = timeout_s

    async def exchange(self, provider: str, address: str, message: Message, raw: bytes) -> bytes:
        """Sends the bytes of a message to "host:port" and gives those of its answer; `Unanswered`."""
        frame = Frame(raw).packed()
        if self._told is not None:
            self._told(Sent(provider, message.mti, address, {}, without_card(frame, message), message.masked()))
        with self._telemetry.span(f"{provider} {message.mti}", kind=SpanKind.CLIENT):
            reader, writer = await self._opened(address)
            try:
                async with asyncio.timeout(self._timeout_s):
                    writer.write(frame)
                    await writer.drain()
                    answer = await read_frame(reader)
            except (OSError, TimeoutError, asyncio.IncompleteReadError, Malformed) as error:
                raise Unanswered(type(error).__name__, sent=True) from None
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
            if answer is None:
                raise Unanswered("LINE_ENDED", sent=True)
            return answer.payload

    async def _opened(self, address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, _, port = address.rpartition(":")
        try:
            async with asyncio.timeout(min(CONNECT_S, self._timeout_s)):
                return await asyncio.open_connection(host, int(port))
        except (OSError, TimeoutError, ValueError) as error:
            raise Unanswered(type(error).__name__, sent=False) from None
