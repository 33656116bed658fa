"""Takes in notices that come through a stream: at least once, perhaps in another order, and told to the stream when they are
filed. A place that is left out is asked of the cell itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from services.routing.domain.clearing.notices import Notice
from services.routing.operations.notices import Noticing

AT_ONCE: Final = 100
WAIT_S: Final = 0.5
"""How long a look at the stream waits where nothing is in it."""
STREAM_REST_S: Final = 0.1
"""Between two such looks: each waits by itself."""

BESIDE_S: Final = 3600.0
"""Between two looks at the outbox of a cell beside the stream (our decision)."""

UNREADABLE: Final = "NOTICE_UNREADABLE"
"""Told of a message that is no notice of a cell of this mesh: it is left, and asked of the cell as a place left out."""


class Arrived(Protocol):
    """A message of the stream."""

    @property
    def cell(self) -> str:
        """The cell that its subject names."""
        ...

    @property
    def notice(self) -> Notice | None:
        """What it tells; None where it is no notice of a cell that is known."""
        ...

    async def ack(self) -> None:
        """Says that it needs no more delivery."""
        ...


class NoticeStream(Protocol):
    """The stream."""

    async def read(self, most: int, wait_s: float) -> Sequence[Arrived]:
        """What has come and was not acknowledged; PEER_UNAVAILABLE."""
        ...


@dataclass(frozen=True, slots=True)
class Arriving:
    """Reads the stream, which is read by one name like a cell."""

    noticing: Noticing
    stream: NoticeStream
    cells: tuple[str, ...] = ("nats",)

    async def pull(self, cell: str) -> int:
        """Takes in what has come until nothing more does; how many there were. PEER_UNAVAILABLE where the stream is away."""
        told = 0
        while arrived := await self.stream.read(AT_ONCE, WAIT_S):
            notices = [each.notice for each in arrived if each.notice is not None]
            await self.noticing.arrive(notices)
            for each in arrived:
                if each.notice is None:
                    self.noticing.troubled(each.cell, UNREADABLE, 1)
                await each.ack()
            told += len(notices)
        return told
