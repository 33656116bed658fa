"""Frames of a POS line: two bytes of length, five of TPDU, six of header, then the message (C§3.2). It reads within a limit and
understands nothing of the message.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from services.runtime.pos.messages import MOST_BYTES, Malformed

TPDU: Final = bytes.fromhex("6000030000")
HEADER: Final = bytes.fromhex("602200000000")
_AROUND: Final = len(TPDU) + len(HEADER)


@dataclass(frozen=True, slots=True)
class PosFrame:
    """A message with its addresses: `tpdu` is an identifier, destination and source, `header` class, version and states."""

    payload: bytes
    tpdu: bytes = TPDU
    header: bytes = HEADER

    def packed(self) -> bytes:
        """The bytes of the line."""
        body = self.tpdu + self.header + self.payload
        return len(body).to_bytes(2, "big") + body

    def answer(self, payload: bytes) -> PosFrame:
        """The frame of an answer: destination and source change places."""
        return PosFrame(payload, self.tpdu[:1] + self.tpdu[3:5] + self.tpdu[1:3], self.header)


async def read_frame(reader: asyncio.StreamReader) -> PosFrame | None:
    """The next frame; None where the line ends between two. `Malformed` for a length outside of the limits, IncompleteReadError
    where the line breaks within a frame.
    """
    first = await reader.read(1)
    if not first:
        return None
    length = int.from_bytes(first + await reader.readexactly(1), "big")
    if not _AROUND < length <= _AROUND + MOST_BYTES:
        raise Malformed(f"a frame of {length} bytes; between {_AROUND + 1} and {_AROUND + MOST_BYTES}")
    body = await reader.readexactly(length)
    return PosFrame(body[_AROUND:], body[: len(TPDU)], body[len(TPDU) : _AROUND])
