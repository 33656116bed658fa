"""A running catalogue for tests: the real server on loopback with all its interceptors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from services.catalogue.wiring import build
from services.runtime.call import CALLER_KEY, Caller, Role
from services.runtime.config import Config
from services.runtime.telemetry import Telemetry
from tests.catalogue.builders import NOW
from tests.tokens import Tokens
from yibao.catalogue.v1.catalogue_pb2_grpc import CatalogueServiceStub

KEY = b"a key for tests only, thirty-two bytes"


@dataclass(frozen=True, slots=True)
class Member:
    """A running catalogue and how to call it."""

    stub: CatalogueServiceStub
    tokens: Tokens

    def as_role(self, role: Role, subject: str = "1") -> tuple[tuple[str, str], ...]:
        """Metadata of a caller."""
        named = "settlement" if role is Role.SERVICE else subject
        return ((CALLER_KEY, self.tokens.sign(Caller(role, named, True), "catalogue")),)


@asynccontextmanager
async def running(folder: Path, **settings: str) -> AsyncIterator[Member]:
    """A catalogue on a free port of loopback, with its store in the folder."""
    overrides = {
        "YIBAO_SANDBOX": "on",
        "YIBAO_DATA_DIR": str(folder),
        "YIBAO_CATALOGUE_ADDRESS": "127.0.0.1:0",
        "YIBAO_TRACE_EXPORTER": "none",
        "YIBAO_MESH_KEY": KEY.decode(),
        **settings,
    }
    config = Config.load({}, overrides)
    tokens = Tokens(KEY, lambda: NOW)
    telemetry = Telemetry("catalogue", config)
    server = await build(config, lambda: NOW, telemetry, tokens.signer("catalogue"))
    await server.start()
    try:
        async with grpc.aio.insecure_channel(server.address) as channel:
            yield Member(CatalogueServiceStub(channel), tokens)
    finally:
        await server.stop(0)
        telemetry.stop()
