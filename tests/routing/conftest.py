"""Stores on both databases, and the member itself as a server on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest

from services.kernel.errors import Fault
from services.routing import wiring
from services.routing.store.unit import RoutingStore
from services.runtime import keys
from services.runtime.call import Caller, Role
from services.runtime.config import Config
from services.runtime.db import Database
from services.runtime.outbound import Peers
from services.runtime.telemetry import Telemetry
from tests.routing.across import Across
from tests.routing.sagas import NOON
from tests.tokens import Tokens

OPERATOR: Final = Caller(Role.OPERATOR, "OP1", sandbox=True)


@dataclass(frozen=True, slots=True)
class Running:
    """The running member, seen from the gateway."""

    peers: Peers
    tokens: Tokens
    folder: Path
    reached: Config
    telemetry: Telemetry

    def peers_of(self, name: str) -> Peers:
        """The same seen from another caller of the mesh table, who closes it."""
        return Peers(name, self.reached, self.tokens.signer(name), self.telemetry)

    async def call(self, method: Any, request: Any, caller: Caller = OPERATOR) -> Any:
        """Calls as that caller."""
        return await self.peers.call(method, request, as_caller=caller, timeout_s=10)

    async def reason(self, method: Any, request: Any, caller: Caller = OPERATOR) -> str:
        """The reason with which the call is refused, empty where it is not."""
        try:
            await self.call(method, request, caller)
        except Fault as fault:
            return fault.reason
        return ""


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RoutingStore]:
    """An empty store, on each database."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'routing.sqlite'}" if sqlite else request.getfixturevalue("postgres_database")
    database = Database(url, lambda: NOON)
    made = RoutingStore(database)
    await made.start()
    yield made
    await database.close()


@pytest.fixture
async def small_store(tmp_path: Path) -> AsyncIterator[RoutingStore]:
    """An empty store on SQLite."""
    database = Database(f"sqlite:///{tmp_path / 'routing.sqlite'}", lambda: NOON)
    made = RoutingStore(database)
    await made.start()
    yield made
    await database.close()


@pytest.fixture
async def across(small_store: RoutingStore) -> AsyncIterator[Across]:
    """Routing between two played cells."""
    made = Across(small_store)
    yield made
    await made.sagas.idle()


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    """The member in a sandbox, called through the gateway's edge."""
    address = "YIBAO_ROUTING_ADDRESS"
    settings = {"YIBAO_SANDBOX": "on", "YIBAO_DATA_DIR": str(tmp_path), "YIBAO_TRACE_EXPORTER": "none"}
    # Nobody listens there: the cells are away.
    away = dict.fromkeys(("YIBAO_IDENTITY_ADDRESS", "YIBAO_SETTLEMENT_ADDRESS"), "127.0.0.1:1")
    config = Config.load({**settings, **away, address: "127.0.0.1:0"})
    tokens = Tokens(keys.load(config), lambda: NOON)
    telemetry = Telemetry("routing", config)
    server = await wiring.build(config, lambda: NOON, telemetry, tokens.signer("routing"))
    await server.start()
    reached = replace(config, values={**config.values, address: server.address})
    peers = Peers("gateway", reached, tokens.signer("gateway"), telemetry)
    yield Running(peers, tokens, tmp_path, reached, telemetry)
    await peers.close()
    await server.stop(0)
    telemetry.stop()
