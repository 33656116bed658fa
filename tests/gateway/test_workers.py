"""Several processes of one member behind one port: the gateway finds each of them and keeps a connection to it."""

from __future__ import annotations

import asyncio

import pytest

from gateway import workers as module
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


async def test_a_question_that_is_cancelled_half_way_leaves_no_connection_open(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_links, asked, hang = set[int](), asyncio.Event(), list[bool]()

    class Link:
        """A connection that counts itself, and answers nothing once it hangs."""

        def __init__(self, *_: object, **__: object) -> None:
            self.process = len(open_links) + 1
            open_links.add(id(self))

        async def unary(self, *_: object) -> bytes:
            if hang:
                asked.set()
                await asyncio.Event().wait()
            worker = runtime_pb2.Worker(process=self.process, workers=3)
            return runtime_pb2.GetStatusResponse(worker=worker).SerializeToString()

        async def close(self) -> None:
            open_links.discard(id(self))

    monkeypatch.setattr(module, "GrpcTransport", Link)
    workers = Workers(Config.load(settings), Tokens(KEY, clock).signer("gateway"))
    names = len(workers._links)
    await workers.statuses()
    assert len(open_links) == 3 * names
    hang.append(True)
    question = asyncio.create_task(workers.statuses())
    await asyncio.wait_for(asked.wait(), 5)
    await asyncio.sleep(0)
    question.cancel()
    with pytest.raises(asyncio.CancelledError):
        await question
    await asyncio.sleep(0)
    kept = {id(link) for links in workers._links.values() for link in links}
    assert kept == open_links
    assert len(kept) == 2 * names
    await workers.close()
    assert open_links == set()
