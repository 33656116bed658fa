"""Notices as they come through JetStream: the cell is that of the subject, whatever the message says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from services.kernel.errors import Fault
from services.routing.domain.clearing.notices import Notice
from services.routing.peers.notices import notice_of
from services.runtime.stream import Delivered, Stream
from yibao.settlement.v1 import notice_pb2

READER: Final = "routing"


@dataclass(frozen=True, slots=True)
class ArrivedNotice:
    """A message with the notice that it is, None for none."""

    cell: str
    notice: Notice | None
    delivered: Delivered

    async def ack(self) -> None:
        """It needs no more delivery."""
        await self.delivered.ack()


class NoticeStreamClient:
    """Reads the stream as one reader, however many processes routing has."""

    def __init__(self, stream: Stream, cells: Collection[str]) -> None:
        self._stream = stream
        self._cells = frozenset(cells)

    async def read(self, most: int, wait_s: float) -> list[ArrivedNotice]:
        """What has come; PEER_UNAVAILABLE."""
        return [self._arrived(each) for each in await self._stream.read(READER, most, wait_s)]

    def _arrived(self, delivered: Delivered) -> ArrivedNotice:
        cell = delivered.subject.rpartition(".")[2]
        return ArrivedNotice(cell, _notice(cell, delivered.payload) if cell in self._cells else None, delivered)


def _notice(cell: str, payload: bytes) -> Notice | None:
    try:
        return notice_of(cell, notice_pb2.Notice.FromString(payload))
    except (DecodeError, KeyError, ValueError, Fault):
        return None
