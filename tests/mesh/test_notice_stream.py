"""Notices through NATS JetStream, a real server: by setting, and what the stream brings twice is cleared once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.kernel.clock import BEIJING
from services.runtime.stream import NOTICES, Message, Stream
from tests.mesh.brokers import brokers
from tests.mesh.hospital import DRUG
from tests.mesh.world import Sandbox, sandbox
from tools.played.messages import Row
from yibao.routing.v1 import clearing_pb2
from yibao.settlement.v1 import notice_pb2

BILL = [Row(DRUG, 1, 400_000)]


async def counted(town: Sandbox) -> int:
    """Settlements that are cleared in the present month."""
    request = clearing_pb2.GetMonthRequest(month=f"{town.clock().astimezone(BEIJING):%Y-%m}")
    found = await town.mesh.call("yibao.routing.v1.ClearingService.GetMonth", request)
    return sum(each.settled_count for each in found.statements)


async def cleared(town: Sandbox, count: int, wait_s: float = 60) -> None:
    """Waits until so many are, and no more."""
    async with asyncio.timeout(wait_s):
        while await counted(town) < count:  # noqa: ASYNC110  # the loop under test tells nobody when it has read
            await asyncio.sleep(0.05)
    assert await counted(town) == count


async def test_bills_are_cleared_through_the_stream_once_whatever_comes_twice_or_is_none(tmp_path: Path) -> None:
    async with brokers(tmp_path / "nats") as servers:
        settings = {"YIBAO_NOTICES": "nats", "YIBAO_NATS_URL": servers.urls}
        async with sandbox(tmp_path / "mesh", settings) as town:
            away = town.hospital.at("H11010100901", "京华示范医院", "110101")
            first = await away.visit(await town.newcomers.one(), BILL)
            await cleared(town, 1)
            stream = Stream(town.mesh.config, NOTICES)
            twice = notice_pb2.Notice(seq=1, kind=notice_pb2.NOTICE_KIND_SETTLE, setl_id=first.info["setl_id"])
            (told,) = await stream.read("test", 10, 30)
            assert twice.setl_id == notice_pb2.Notice.FromString(told.payload).setl_id
            again = [Message(NOTICES.of("sandbox"), f"again-{number}", told.payload) for number in range(3)]
            foreign = Message(NOTICES.of("110000"), "of a cell that is none of this mesh", told.payload)
            broken = Message(NOTICES.of("sandbox"), "broken", b"\xff\xff")
            assert await stream.publish([*again, foreign, broken]) == 5
            await away.visit(await town.newcomers.one(), BILL)
            await cleared(town, 2)
            await stream.close()
