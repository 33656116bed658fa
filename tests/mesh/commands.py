"""The `yibao` command as tests type it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.mesh.harness import OPERATOR_KEY
from tests.mesh.world import Sandbox
from tools.cli.main import main


class Run(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


Yibao = Callable[..., "asyncio.Future[Run]"]


def typing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Runs the command as typed."""
    monkeypatch.delenv("YIBAO_KEY", raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    async def run(*words: object) -> Run:
        capsys.readouterr()
        code = await asyncio.to_thread(main, [str(word) for word in words])
        printed = capsys.readouterr()
        return Run(code, printed.out, printed.err)

    return run


def at(town: Sandbox) -> tuple[str, str, str, str]:
    """Where the mesh is, and the operator's key."""
    return "--url", town.mesh.url, "--key", OPERATOR_KEY
