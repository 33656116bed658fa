"""The outbox through a stream: each notice is published under its own name, and acknowledged once the stream keeps it."""

from __future__ import annotations

from typing import Final

from services.runtime.config import Config
from services.runtime.stream import NOTICES, Message, Stream
from services.settlement.domain.books.notices import Placed
from services.settlement.operations.books.notices import Notices
from services.settlement.servicer.notices import notice_message

AT_ONCE: Final = 100


class Publishing:
    """Publishes what has not arrived yet, in the order of the places."""

    every_s: Final = 0.5
    """How long the loop rests that publishes."""

    def __init__(self, notices: Notices, stream: Stream, cell: str) -> None:
        self._notices = notices
        self._stream = stream
        self._cell = cell

    async def step(self) -> bool:
        """Publishes the next notices; whether more wait. PEER_UNAVAILABLE where the stream does not take them."""
        placed, head = await self._notices.waiting_now(AT_ONCE)
        if not placed:
            return False
        kept = await self._stream.publish([self._message(each) for each in placed])
        acked = await self._notices.ack(placed[kept - 1].seq)
        return acked < head.last_seq

    async def close(self) -> None:
        """Ends the connection."""
        await self._stream.close()

    def _message(self, placed: Placed) -> Message:
        notice = placed.notice
        # A store that came back from an earlier day gives a place twice, to two settlements.
        name = f"{self._cell}:{placed.seq}:{notice.kind}:{notice.setl_id}"
        payload = notice_message(placed).SerializeToString(deterministic=True)
        return Message(NOTICES.of(self._cell), name, payload)


def publishing(config: Config, notices: Notices) -> Publishing:
    """What publishes this cell's notices by the settings; it connects when it is first used."""
    return Publishing(notices, Stream(config, NOTICES), config.cell)
