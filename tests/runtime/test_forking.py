"""Processes that tests start by the event loop, while calls of gRPC are under way."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc
import pytest

TRUE: Final = "/bin/true"


@asynccontextmanager
async def calls_under_way() -> AsyncIterator[None]:
    """Four callers who ask one after the other, and a server that answers."""

    async def echo(message: bytes, _: Any) -> bytes:
        return message

    server = grpc.aio.server()
    handler = grpc.method_handlers_generic_handler("a.B", {"C": grpc.unary_unary_rpc_method_handler(echo)})
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call: Any = channel.unary_unary("/a.B/C")
        ending = asyncio.Event()

        async def ask() -> None:
            while not ending.is_set():
                await call(b"x")

        asking = [asyncio.create_task(ask()) for _ in range(4)]
        yield
        ending.set()
        await asyncio.gather(*asking)
    await server.stop(None)


@pytest.mark.parametrize("times", [50, pytest.param(1_500, marks=pytest.mark.torture)])
async def test_each_process_that_a_test_starts_comes_to_its_program(
    times: int, capfd: pytest.CaptureFixture[str]
) -> None:
    codes: Counter[int] = Counter()
    async with calls_under_way():
        for _ in range(times):
            process = await asyncio.create_subprocess_exec(TRUE)
            codes[await process.wait()] += 1
    assert codes == {0: times}
    # With its handlers gRPC says here of each fork that it left them out; of an earlier test's connection it may say more.
    assert "fork" not in capfd.readouterr().err
