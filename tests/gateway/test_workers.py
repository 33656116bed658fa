"""Several processes of one member behind one port: the gateway finds each of them and keeps a connection to it."""

from __future__ import annotations

import pytest

from gateway.workers import Workers
from services.runtime.config import Config
from services.runtime.server import MemberServer
from services.runtime.telemetry import Telemetry
from tests.runtime.desk import clock
from tests.tokens import Tokens
from yibao.runtime.v1 import runtime_pb2

KEY = "k" * 32


@pytest.fixture
def settings(tmp_path: object) -> dict[str, str]:
    return {
        "YIBAO_SANDBOX": "on",
        "YIBAO_MESH_KEY": KEY,
        "YIBAO_DATA_DIR": str(tmp_path),
        "YIBAO_TRACE_EXPORTER": "none",
        "YIBAO_IDENTITY_ADDRESS": "127.0.0.1:0",
        "YIBAO_CATALOGUE_ADDRESS": "127.0.0.1:1",
        "YIBAO_SETTLEMENT_ADDRESS": "127.0.0.1:1",
        "YIBAO_WORKERS": "3",
    }


async def started(settings: dict[str, str], process: int, address: str = "") -> MemberServer:
    """One process of identity, as it would be with this number."""
    config = Config.load(settings | ({"YIBAO_IDENTITY_ADDRESS": address} if address else {}))
    signer = Tokens(KEY, clock).signer("identity")
    server = MemberServer("identity", config, Telemetry("identity", config), [], signer=signer, clock=clock)
    server._report.worker = lambda: runtime_pb2.Worker(process=process, workers=3)  # type: ignore[method-assign]
    await server.start()
    return server


async def test_every_process_answers_and_one_that_was_replaced_is_found_again(settings: dict[str, str]) -> None:
    servers = [await started(settings, 1)]
    address = servers[0].address
    servers += [await started(settings, number, address) for number in (2, 3)]
    config = Config.load(settings | {"YIBAO_IDENTITY_ADDRESS": address})
    workers = Workers(config, Tokens(KEY, clock).signer("gateway"))
    try:
        for _ in range(2):
            found = await workers.metrics()
            assert [each.worker.process for each in found["identity"]] == [1, 2, 3]
            assert found["settlement"] == []
        kept = {id(link) for link in workers._links["identity"]}
        await workers.statuses()
        assert {id(link) for link in workers._links["identity"]} == kept
        await servers.pop(1).stop(0)
        servers.append(await started(settings, 4, address))
        answers = (await workers.statuses())["identity"]
        assert [each.worker.process for each in answers] == [1, 3, 4]
        assert [fact.name for fact in answers[0].facts] == ["loop"]
    finally:
        await workers.close()
        for server in servers:
            await server.stop(0)
