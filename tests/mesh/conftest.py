"""One sandbox for every test that brings people of its own: as `make up` leaves it, on a clock that a test may move forward."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from tests.mesh.commands import typing
from tests.mesh.world import Sandbox, sandbox


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    async with sandbox(tmp_path_factory.mktemp("town")) as made:
        yield made


@pytest.fixture
def yibao(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Runs the command as typed."""
    return typing(capsys, monkeypatch)
