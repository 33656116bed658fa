"""What a stream keeps of the outbox is acknowledged, place after place, and nothing that it does not keep."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.runtime.stream import Message
from services.settlement.servicer.notice_stream import Publishing
from tests.settlement.test_outbox import away, head, notices, told, town
from tests.settlement.world import World, sqlite_url


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """With three bills of another city."""
    async with town(sqlite_url(tmp_path)) as made:
        for number in range(3):
            made.person(f"P{number}")
            await made.settle(await away(made, f"P{number}"))
        yield made


class Stopping:
    """A stream that keeps so many messages of a call."""

    def __init__(self, keeps: int) -> None:
        self._keeps = keeps
        self.kept: list[Message] = []

    async def publish(self, messages: Sequence[Message]) -> int:
        assert messages, "nothing is never published"
        self.kept += messages[: self._keeps]
        return min(self._keeps, len(messages))


@pytest.mark.parametrize("keeps", [1, 2, 100])
async def test_notices_are_published_once_in_their_order_and_acknowledged_as_far_as_they_are_kept(
    world: World, keeps: int
) -> None:
    placed, stream = await told(world), Stopping(keeps)
    publishing: Any = Publishing(notices(world), stream, "9900")  # type: ignore[arg-type]
    assert len(placed) == 3
    more = True
    while more:
        more = await publishing.step()
        assert (await head(world)).acked_seq == placed[len(stream.kept) - 1].seq
    assert [each.name for each in stream.kept] == [
        f"9900:{each.seq}:{each.notice.kind}:{each.notice.setl_id}" for each in placed
    ]
    assert not await publishing.step(), "nothing is left"
    assert len(stream.kept) == len(placed)
