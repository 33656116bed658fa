"""What the plan gives its containers, given to real members: an empty mesh outside the sandbox gets its catalogue and keys."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Final

import httpx
import pytest
from sqlalchemy import MetaData

from deploy import cluster
from services import mesh
from services.kernel.clock import system_clock
from services.kernel.errors import Fault
from services.runtime.db import Database
from tests.mesh.harness import Mesh, started_mesh
from tools.cli import seed
from tools.cli.mesh_client import MeshClient, MeshRefusal
from tools.running import HOST
from yibao.identity.v1 import api_key_pb2
from yibao.options.v1 import options_pb2

README: Final = Path(cluster.__file__).with_name("README.md")
SECRETS: Final = cluster.Secrets("k" * 32, "o" * 32, "p@ss/w%rd:#$ 密码")
ITEM: Final = "/v1/items/XA10BAA901A001010199027?day=2026-11-20&admdvs=110101"
KEYS: Final = "yibao.identity.v1.PartnerService.IssueApiKey"
CLEARTEXT: Final = b"R" + (8).to_bytes(4, "big") + (3).to_bytes(4, "big")
ASKS_FOR_TLS: Final = (80877103).to_bytes(4, "big")


def settings_of(member: str) -> dict[str, str]:
    """What the plan sets for a member, less the places, which are this machine's here."""
    (entry,) = (each for each in cluster.plan(SECRETS).containers if each.name == member)
    places = ("_ADDRESS", "_HOST", "_URL")
    named = {name: value for name, value in entry.environment.items() if name.startswith("YIBAO_")}
    own = {name: value for name, value in named.items() if not name.endswith(places)}
    # The test's members share one process, which therefore holds what all the containers are given.
    keys = (
        entry.environment["YIBAO_MESH_KEY"] for entry in cluster.plan(SECRETS).containers if entry.name in mesh.names()
    )
    return own | {"YIBAO_MESH_KEY": " ".join(keys)}


def key_of_hospital(subject: str) -> api_key_pb2.IssueApiKeyRequest:
    return api_key_pb2.IssueApiKeyRequest(
        request_id="key-of-a-hospital", role=options_pb2.ROLE_INSTITUTION, subject=subject
    )


def first_steps(mesh: Mesh) -> tuple[seed.Loaded, object, str]:
    """What was loaded, an item as anybody sees it then, and a key for a hospital."""
    with MeshClient(mesh.url, SECRETS.operator_key) as operator:
        loaded = seed.load(
            operator, [seed.SAMPLES / name for name in ("divisions.csv", "institutions.csv", "items.csv")]
        )
        issued = operator.call(KEYS, key_of_hospital("H11010100901"))
    with MeshClient(mesh.url) as anybody:
        return loaded, anybody.get(ITEM), issued.api_key


async def test_the_first_operator_loads_the_catalogue_and_issues_keys(tmp_path: Path) -> None:
    overrides = {"YIBAO_SANDBOX": "off", **settings_of("identity")}
    async with started_mesh(tmp_path, overrides=overrides) as mesh:
        loaded, item, api_key = await asyncio.to_thread(first_steps, mesh)
        assert loaded.new["items"]
        assert item
        with pytest.raises(MeshRefusal, match="ROLE_NOT_ALLOWED"), MeshClient(mesh.url, api_key) as hospital:
            await asyncio.to_thread(hospital.call, KEYS, key_of_hospital("H11010100902"))


async def test_the_curl_line_of_the_readme_issues_a_key(tmp_path: Path) -> None:
    (body,) = re.findall(r"-d '(\{.*\})'", README.read_text(encoding="utf-8"))
    overrides = {"YIBAO_SANDBOX": "off", **settings_of("identity")}
    async with started_mesh(tmp_path, overrides=overrides) as mesh, httpx.AsyncClient(trust_env=False) as client:
        headers = {"Authorization": f"Bearer {SECRETS.operator_key}"}
        answer = await client.post(f"{mesh.url}/v1/api-keys", json=json.loads(body), headers=headers)
        assert answer.status_code == httpx.codes.OK, answer.text
        assert answer.json()["apiKey"]


async def test_a_password_of_any_characters_reaches_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def packet(reader: asyncio.StreamReader) -> bytes:
        return await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big") - 4)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A PostgreSQL as far as the password."""
        while (await packet(reader)).startswith(ASKS_FOR_TLS):
            writer.write(b"N")
        writer.write(CLEARTEXT)
        assert await reader.readexactly(1) == b"p"
        told.set_result((await packet(reader)).rstrip(b"\0").decode())
        writer.close()

    (identity,) = (each.environment for each in cluster.plan(SECRETS).containers if each.name == "identity")
    monkeypatch.setenv("PGPASSWORD", identity["PGPASSWORD"])
    async with await asyncio.start_server(serve, HOST, 0) as server:
        place = f"{HOST}:{server.sockets[0].getsockname()[1]}"
        store = Database(identity["YIBAO_DATABASE_URL"].replace(f"{cluster.DATABASE}:5432", place), system_clock)
        with pytest.raises(Fault):
            await store.start(MetaData())
        await store.close()
    assert await asyncio.wait_for(told, 5) == SECRETS.database_password
