"""Stores on both databases, operations on a real store, and the member itself as a server on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.identity.store.unit import IdentityStore
from services.runtime.db import Database
from tests.identity.member import Running, start
from tests.identity.people import Dice, Ticking


@pytest.fixture
def clock() -> Ticking:
    """Noon in Beijing, until it is moved."""
    return Ticking()


@pytest.fixture
def dice() -> Dice:
    """Foreseeable randomness."""
    return Dice()


@pytest.fixture(params=["sqlite", "postgresql"])
async def any_store(request: pytest.FixtureRequest, tmp_path: Path, clock: Ticking) -> AsyncIterator[IdentityStore]:
    """An empty store, on each database."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'identity.sqlite'}" if sqlite else request.getfixturevalue("postgres_database")
    database = Database(url, clock)
    store = IdentityStore(database)
    await store.start()
    yield store
    await database.close()


@pytest.fixture
async def store(tmp_path: Path, clock: Ticking) -> AsyncIterator[IdentityStore]:
    """An empty store on SQLite."""
    database = Database(f"sqlite:///{tmp_path / 'identity.sqlite'}", clock)
    made = IdentityStore(database)
    await made.start()
    yield made
    await database.close()


@pytest.fixture
async def running(tmp_path: Path, clock: Ticking) -> AsyncIterator[Running]:
    """The member in a sandbox, and callers of every role."""
    started = await start({"YIBAO_SANDBOX": "on", "YIBAO_DATA_DIR": str(tmp_path)}, clock)
    yield started
    await started.stop()
