"""One twin for all tests of this folder: a number, or an amount, is used by one test alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.twins.alipay.merchant import Letterbox, Merchant
from tools.twins.alipay.provider import twin
from tools.twins.twin import Settings


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def merchant() -> AsyncIterator[Merchant]:
    """A merchant and its twin, where a minute is 6 ms and a request without an answer ends after 50 ms."""
    running = twin(Settings(time_scale=0.0001, hang_s=0.05))
    await running.start()
    asker = Merchant(running)
    yield asker
    await asker.client.aclose()
    await running.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def letterbox() -> AsyncIterator[Letterbox]:
    """An address for notifies."""
    async with Letterbox() as box:
        yield box
