"""A cluster of three NATS servers of which one after the other is killed while bills are settled: nothing is lost, and nothing
is cleared twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import nats
import pytest
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from services.kernel.errors import Fault
from services.runtime.config import Config
from services.runtime.stream import NOTICES, Message, Stream
from tests.mesh.brokers import Broker, Brokers, brokers
from tests.mesh.hospital import Hospital
from tests.mesh.test_notice_stream import BILL, cleared, counted
from tests.mesh.world import Sandbox, sandbox
from tests.runtime.test_transport import certificates
from tools.played.messages import Patient
from yibao.routing.v1 import clearing_pb2

pytestmark = pytest.mark.torture

WAVES, EACH = 4, 20


@asynccontextmanager
async def talking(servers: Brokers) -> AsyncIterator[JetStreamContext]:
    """The cluster as its operator speaks to it, with patience: it may just look for a new leader."""
    client = await nats.connect([node.url for node in servers.nodes])
    try:
        yield client.jetstream(timeout=60)
    finally:
        await client.close()


async def leader(servers: Brokers) -> Broker:
    """The server that leads the stream now, once one does."""
    async with talking(servers) as jetstream, asyncio.timeout(60):
        while True:
            with suppress(NatsError):
                info = await jetstream.stream_info(NOTICES.name)
                assert info.config.num_replicas == len(servers.nodes)
                for node in servers.nodes:
                    if info.cluster is not None and node.name == info.cluster.leader:
                        return node
            await asyncio.sleep(0.1)


async def settled(away: Hospital, people: list[Patient]) -> int:
    """What funds and accounts owe for a bill of each, in fen."""
    bills = [await away.visit(who, BILL) for who in people]
    return sum(round((float(each.info["fund_pay_sumamt"]) + float(each.info["acct_pay"])) * 100) for each in bills)


async def owed(town: Sandbox) -> int:
    """What the present month clears."""
    request = clearing_pb2.GetMonthRequest(month=f"{town.clock():%Y-%m}")
    found = await town.mesh.call("yibao.routing.v1.ClearingService.GetMonth", request)
    assert sum(each.net_fen for each in found.positions) == 0
    return sum(each.amount_fen for each in found.statements)


async def test_a_server_that_is_killed_again_and_again_loses_no_notice_and_doubles_none(tmp_path: Path) -> None:
    async with brokers(tmp_path / "nats", 3) as servers:
        settings = {"YIBAO_NOTICES": "nats", "YIBAO_NATS_URL": servers.urls, "YIBAO_NATS_REPLICAS": "3"}
        async with sandbox(tmp_path / "mesh", settings) as town:
            away = town.hospital.at("H11010100901", "京华示范医院", "110101")
            due = await settled(away, await town.newcomers.many(1))
            await cleared(town, 1, 120)
            for wave in range(WAVES):
                people = await town.newcomers.many(EACH)
                running = asyncio.create_task(settled(away, people))
                await asyncio.sleep(0.3)
                killed = await leader(servers)
                await killed.kill()
                due += await running
                await cleared(town, 1 + (wave + 1) * EACH, 120)
                assert await owed(town) == due
                await killed.start()
            # All of them at once: bills go on, and their notices wait.
            for node in servers.nodes:
                await node.kill()
            due += await settled(away, await town.newcomers.many(EACH))
            await asyncio.sleep(2)
            assert await counted(town) == 1 + WAVES * EACH
            await asyncio.gather(*(node.start() for node in servers.nodes))
            await cleared(town, 1 + (WAVES + 1) * EACH, 120)
            assert await owed(town) == due
            # A stream that somebody deletes is made again.
            async with talking(servers) as jetstream:
                await jetstream.delete_stream(NOTICES.name)
            due += await settled(away, await town.newcomers.many(EACH))
            await cleared(town, 1 + (WAVES + 2) * EACH, 120)
            assert await owed(town) == due
            assert await town.ledger_findings() == []


async def test_the_stream_speaks_tls_and_believes_the_authority_of_the_mesh_alone(tmp_path: Path) -> None:
    own, other = certificates(tmp_path / "own"), certificates(tmp_path / "other")
    shown = ("--tls", "--tlscert", own["YIBAO_TLS_CERTIFICATE"], "--tlskey", own["YIBAO_TLS_KEY"])
    async with brokers(tmp_path / "nats", 1, shown) as servers:
        url = servers.urls.replace("nats://", "tls://")
        nats_there = {"YIBAO_NOTICES": "nats", "YIBAO_NATS_URL": url, "YIBAO_SANDBOX": "on"}
        trusting, strange = (Stream(Config.load(nats_there | settings), NOTICES) for settings in (own, other))
        message = Message(NOTICES.of("sandbox"), "one", b"")
        assert await trusting.publish([message]) == 1
        with pytest.raises(Fault, match="PEER_UNAVAILABLE"):
            await strange.publish([message])
        for stream in (trusting, strange):
            await stream.close()
