"""Lines to a bank: one frame there and one back, bounded in time. A line whose answer came is kept for the next message, for
seconds; a bank that ends it after each answer gets a new one for each. No retries: who calls knows what may be repeated.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from services.runtime.outgoing import TIMEOUT_S, SentRequest, Unanswered
from services.runtime.pos.frames import PosFrame, read_frame
from services.runtime.pos.messages import Malformed, PosMessage, without_card
from services.runtime.telemetry import SpanKind, Telemetry

CONNECT_S: Final = 3.0
KEPT_S: Final = 20.0
"""How long a line is kept that nobody uses: less than banks keep theirs (our decision)."""
_MOST_KEPT: Final = 16
"""Lines that are kept to one bank."""


class _Line(NamedTuple):
    """An open line, and since when nobody uses it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    idle_since: float

    @property
    def open(self) -> bool:
        """Whether nothing says that the bank has ended it."""
        return not self.reader.at_eof() and not self.writer.is_closing()


class PosLine:
    """Lines of a member. `told` hears of each message before it leaves, without the card's number."""

    def __init__(
        self, telemetry: Telemetry, told: Callable[[SentRequest], None] | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._telemetry = telemetry
        self._told = told
        self._timeout_s = timeout_s
        self._kept: dict[str, list[_Line]] = {}
        self._ends_each: set[str] = set()

    async def exchange(self, provider: str, address: str, message: PosMessage, raw: bytes) -> bytes:
        """Sends the bytes of a message to "host:port" and gives those of its answer; `Unanswered`."""
        frame = PosFrame(raw).packed()
        if self._told is not None:
            self._told(SentRequest(provider, message.mti, address, {}, without_card(frame, message), message.masked()))
        with self._telemetry.span(f"{provider} {message.mti}", kind=SpanKind.CLIENT):
            kept = self._taken(address)
            line = kept or await self._opened(address)
            answer: PosFrame | None = None
            try:
                async with asyncio.timeout(self._timeout_s):
                    line.writer.write(frame)
                    await line.writer.drain()
                    answer = await read_frame(line.reader)
            except (OSError, TimeoutError, asyncio.IncompleteReadError, Malformed) as error:
                raise Unanswered(type(error).__name__, sent=True) from None
            finally:
                self._left(address, line, usable=answer is not None)
            if answer is None:
                if kept is not None:
                    # It was ended while the message was on its way: nobody knows, and it shall not happen again.
                    self._ends_each.add(address)
                raise Unanswered("LINE_ENDED", sent=True)
            return answer.payload

    async def close(self) -> None:
        """Lets go of the lines that are kept."""
        lines = [line for each in self._kept.values() for line in each]
        self._kept.clear()
        for line in lines:
            line.writer.close()
            with contextlib.suppress(OSError):
                await line.writer.wait_closed()

    def _taken(self, address: str) -> _Line | None:
        """A kept line that is still open, the latest first; those that are not are closed."""
        kept, now = self._kept.get(address, []), time.monotonic()
        while kept:
            line = kept.pop()
            fresh = now - line.idle_since < KEPT_S
            if line.open and fresh:
                return line
            if fresh:
                self._ends_each.add(address)
            line.writer.close()
        return None

    def _left(self, address: str, line: _Line, *, usable: bool) -> None:
        """Keeps a line whose answer came, or closes it: one that was left in between may bring an older answer."""
        kept = self._kept.setdefault(address, [])
        if usable and line.open and address not in self._ends_each and len(kept) < _MOST_KEPT:
            kept.append(line._replace(idle_since=time.monotonic()))
        else:
            line.writer.close()

    async def _opened(self, address: str) -> _Line:
        host, _, port = address.rpartition(":")
        try:
            async with asyncio.timeout(min(CONNECT_S, self._timeout_s)):
                return _Line(*await asyncio.open_connection(host, int(port)), 0.0)
        except (OSError, TimeoutError, ValueError) as error:
            raise Unanswered(type(error).__name__, sent=False) from None
