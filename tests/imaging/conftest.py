"""Stores on both databases, and the member itself with routing beside it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from services.imaging.operations.nodes import NodeOperations
from services.imaging.operations.uploads import Uploaded, UploadOperations
from services.imaging.servicer.entries import told_entry
from services.imaging.store.unit import ImagingStore
from services.kernel.clock import beijing_day
from services.kernel.errors import Fault
from services.kernel.requests import RequestStamp
from services.runtime.call import Caller, Role
from services.runtime.db import Database
from tests.imaging.auditing import Audited
from tests.imaging.entries import NODE, NOON, OTHER_NODE
from tests.mesh.harness import Mesh, started_mesh
from yibao.imaging.v1 import entry_pb2

OPERATOR: Final = Caller(Role.OPERATOR, "OP1", sandbox=True)


class PlayedKeys:
    """Makes keys of persons as routing would, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def keys(self, psn_nos: Sequence[str]) -> Sequence[bytes]:
        """A hash of each."""
        self.asked.append(len(psn_nos))
        return [key_of(each) for each in psn_nos]


def key_of(psn_no: str) -> bytes:
    """The key that is played for a person."""
    return hashlib.sha256(psn_no.encode()).digest()[:16]


@dataclass(slots=True)
class House:
    """Operations on a store, with two nodes registered."""

    store: ImagingStore
    keys: PlayedKeys = field(default_factory=PlayedKeys)
    audited: Audited = field(init=False)
    uploads: UploadOperations = field(init=False)

    def __post_init__(self) -> None:
        self.audited = Audited(self.store)
        self.uploads = UploadOperations(self.store, self.keys, self.audited.books)

    async def registered(self) -> House:
        """Itself, once both nodes stand."""
        nodes = NodeOperations(self.store)
        for each in (NODE, OTHER_NODE):
            stamp = RequestStamp("operator:1", each.node_no, "/s/RegisterNode", "c")
            await nodes.register(stamp, each, NOON, lambda standing: b"")
        return self

    async def upload(self, *entries: entry_pb2.Entry, node_no: str = NODE.node_no, at: datetime = NOON) -> Uploaded:
        """A batch of a node."""
        return await self.uploads.upload(node_no, entries, told_entry, at, beijing_day(at))

    async def results(self, *entries: entry_pb2.Entry, node_no: str = NODE.node_no, at: datetime = NOON) -> list[str]:
        """What becomes of a batch, each by the name of its result and the rule that it breaks."""
        uploaded = await self.upload(*entries, node_no=node_no, at=at)
        return [f"{each.result.name} {each.refused.rule if each.refused else ''}".strip() for each in uploaded.outcomes]


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ImagingStore]:
    """An empty store, on each database."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'imaging.sqlite'}" if sqlite else request.getfixturevalue("postgres_database")
    async with opened(url) as made:
        yield made


@pytest.fixture
async def house(store: ImagingStore) -> House:
    """Operations on an empty store, on each database."""
    return await House(store).registered()


@pytest.fixture
async def small_house(tmp_path: Path) -> AsyncIterator[House]:
    """The same on SQLite."""
    async with opened(f"sqlite:///{tmp_path / 'imaging.sqlite'}") as made:
        yield await House(made).registered()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[ImagingStore]:
    """The store at an address."""
    database = Database(url, lambda: NOON)
    made = ImagingStore(database)
    try:
        await made.start()
        yield made
    finally:
        await database.close()


@dataclass(frozen=True, slots=True)
class Running:
    """The running member, seen from the gateway."""

    mesh: Mesh

    async def call(self, method: str, request: Any, caller: Caller = OPERATOR) -> Any:
        """Calls `NodeService.GetNode` as that caller."""
        return await self.mesh.call(f"yibao.imaging.v1.{method}", request, caller=caller)

    async def reason(self, method: str, request: Any, caller: Caller = OPERATOR) -> str:
        """The reason with which the call is refused, empty where it is not."""
        try:
            await self.call(method, request, caller)
        except Fault as fault:
            return fault.reason
        return ""


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    """The member in a sandbox, with routing beside it."""
    async with started_mesh(tmp_path, members=("routing", "imaging")) as mesh:
        yield Running(mesh)
