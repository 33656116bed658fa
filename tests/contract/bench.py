"""The running mesh with everything that the checks need: seeded world, both faces, recipes, and what the members logged."""

from __future__ import annotations

import io
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from services.runtime.contract import MethodContract
from services.runtime.logs import JsonLines
from tests.contract.explore import Explorer, Recipe
from tests.contract.faces import Faces, GrpcFace, RestFace, Watched
from tests.contract.world import Names, World
from tests.mesh.harness import Mesh, seed_world, started_mesh
from tests.mesh.seeds import seed_requests

PERSONS = 3200


@dataclass(frozen=True, slots=True)
class Bench:
    """One mesh, ready to be checked."""

    mesh: Mesh
    explorer: Explorer
    grpc: GrpcFace
    rest: RestFace
    watched: Watched
    log: io.StringIO

    def faces(self, name: str) -> Faces:
        """The faces with the one of that name under test."""
        return Faces(self.grpc if name == "grpc" else self.rest, self.grpc, self.rest)


@asynccontextmanager
async def started_bench(data_dir: Path, *, recipes: Mapping[str, Recipe] | None = None) -> AsyncIterator[Bench]:
    """A seeded sandbox mesh of all members, whose recipes are found unless they are given."""
    with captured_log() as log:
        async with (
            started_mesh(data_dir) as mesh,
            httpx.AsyncClient(trust_env=False) as client,
        ):
            await seed_world(mesh, PERSONS)
            watched = Watched()
            grpc, rest = GrpcFace(mesh, watched), RestFace(mesh, watched, client)
            world = World(
                [request for _, request in seed_requests(1)],
                mesh.clock,
                PERSONS,
                names=Names.of(mesh.contract.methods.values()),
            )
            explorer = Explorer(grpc, world, dict(recipes or {}))
            if recipes is None:
                await explorer.explore(mesh.contract.methods.values())
            yield Bench(mesh, explorer, grpc, rest, watched, log)


@contextmanager
def captured_log() -> Iterator[io.StringIO]:
    """Everything that is logged meanwhile, as the members would write it."""
    sink = io.StringIO()
    handler = logging.StreamHandler(sink)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    quiet = [logging.getLogger(name) for name in ("asyncio", "httpx", "httpcore", "sqlalchemy", "aiosqlite")]
    levels = [each.level for each in quiet]
    for each in quiet:
        each.setLevel(logging.WARNING)
    try:
        yield sink
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        for each, before in zip(quiet, levels, strict=True):
            each.setLevel(before)


def title(method: MethodContract) -> str:
    """The method's name in test ids."""
    return method.full_name.removeprefix("yibao.").replace(".v1.", ".")
