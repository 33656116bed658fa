"""A client that a public generator makes of the OpenAPI document: whole, and able to call."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.mesh.harness import OPERATOR_KEY
from tests.mesh.world import Sandbox

PACKAGE: Final = "generated_yibao_client"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [each for each in sys.modules if each.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


async def described(town: Sandbox) -> dict[str, Any]:
    """The document as the mesh serves it."""
    async with httpx.AsyncClient(base_url=town.mesh.url, trust_env=False) as http:
        found: dict[str, Any] = (await http.get("/openapi.json")).json()
        return found


def generated(document: dict[str, Any], folder: Path) -> str:
    """Makes the client; what the generator said."""
    file = folder / "openapi.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    made = subprocess.run(
        [Path(sys.executable).with_name("openapi-python-client"), "generate", "--path", file, "--meta", "none",
         "--output-path", folder / PACKAGE, "--fail-on-warning"],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "PATH": programs},
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout


def module(path: str) -> Any:
    """A module of the generated client."""
    return importlib.import_module(f"{PACKAGE}.{path}")


async def test_every_operation_is_generated_and_can_be_called(town: Sandbox, folder: Path) -> None:
    document = await described(town)
    said = await asyncio.to_thread(generated, document, folder)
    assert "Skipping" not in said
    operations = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    # One module an operation, beside the openings of the packages.
    made = [file for file in (folder / PACKAGE / "api").rglob("*.py") if file.stem != "__init__"]
    assert len(made) == len(operations) > 40

    who = await town.newcomers.one(12_300)
    asked = module("models").SettlementV1GetAccountRequest(psn_no=who.psn_no, insutype=who.insutype)
    get_account = module("api.ledger_service.ledger_service_get_account").asyncio
    async with module("client").AuthenticatedClient(base_url=town.mesh.url, token=OPERATOR_KEY) as operator:
        account = await get_account(client=operator, body=asked)
        assert str(account.balance_fen) == "12300"
    async with module("client").Client(base_url=town.mesh.url) as anybody:
        head = await module("api.catalogue_service.catalogue_service_get_head").asyncio(client=anybody)
        assert len(head.head) == 64
        assert (await get_account(client=anybody, body=asked)).error.status == "UNAUTHENTICATED"
