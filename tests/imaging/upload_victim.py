"""A mesh with the imaging index in a process of its own, to be killed while a node uploads: it prints how it is reached."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from services.runtime.call import Caller, Role
from tests.imaging.test_rpc import registering
from tests.mesh.harness import started_mesh
from yibao.identity.v1 import api_key_pb2
from yibao.options.v1 import options_pb2

API_KEY = "node-key-of-tests-only-0000000001"
NODES = ("SD01", "SD02")
"""The first one has the key."""


async def main(folder: Path, database: str) -> None:
    """Runs until it is killed."""
    overrides = {"YIBAO_IMAGING_DATABASE_URL": database} if database else {}
    members = ("identity", "routing", "imaging", "gateway")
    async with started_mesh(folder, members=members, overrides=overrides) as mesh:
        for node_no in NODES:
            await mesh.call("yibao.imaging.v1.NodeService.RegisterNode", registering(node_no, node_no=node_no))
        key = api_key_pb2.IssueApiKeyRequest(
            request_id="k1", role=options_pb2.ROLE_NODE, subject=NODES[0], api_key=API_KEY
        )
        await mesh.call("yibao.identity.v1.PartnerService.IssueApiKey", key)
        callers = {each: Caller(Role.NODE, each, sandbox=True) for each in NODES}
        told = {
            "url": mesh.url,
            "address": mesh.config.address("imaging"),
            "metadata": {each: mesh.metadata("imaging", caller) for each, caller in callers.items()},
        }
        print(json.dumps(told), flush=True)  # noqa: T201 - what it is started for
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
