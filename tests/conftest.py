"""What every test may use: the event loop of production, Hypothesis profiles, a real PostgreSQL, empty databases."""

from __future__ import annotations

import asyncio
import gc
import os
import ssl
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
import uvloop
from cryptography.hazmat.primitives.serialization import load_der_private_key
from hypothesis import HealthCheck, settings

from tests.refusals import record_faults
from tests.wording import assert_fault_is_worded
from tools import postgres

# uvloop starts a process by a fork, and a fork while calls are under way lost one child in some fifty: gRPC begins its threads
# anew in the copy, and they met memory that was none. gRPC, which nothing above imports, reads this as it is imported. (The mesh
# starts its processes otherwise.)
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

HERE: Final = Path(__file__).parent
LONG: Final = (
    "contract/test_contract.py",
    "mesh/test_killed_cells.py",
    "tools/test_new_service.py",
    "architecture/test_readme.py",
    "runtime/test_main.py",
    "tools/test_demo.py",
    "mesh/test_exactly_once.py",
    "mesh/test_failures.py",
    "browser/test_reference_page.py",
    "browser/test_viewer.py",
    "mesh/test_upgraded.py",
    "runtime/test_keys.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Runs every coroutine on uvloop, as the members do, and lets CI draw the same examples each time."""
    gc.disable()  # Until all tests are collected: looking for garbage was a third of that time.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("ci", settings.get_profile("here"), derandomize=True)
    settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first: one that began last would leave the other process without work."""
    places = {HERE / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish() -> None:
    """What is loaded by now stays until the end: the garbage collector need not walk it again and again, as in the members."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _certificates_are_read_once() -> Iterator[None]:
    """Each HTTP client reads the certificates that the world trusts: 30 ms, a thousand times in a run, mostly for plain HTTP."""
    made = ssl.create_default_context
    trusting = cache(lambda file: made(cafile=file))

    def context(*given: Any, **named: Any) -> ssl.SSLContext:
        return made(*given, **named) if given or named.keys() != {"cafile"} else trusting(named["cafile"])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", context)
        yield


@pytest.fixture(scope="session", autouse=True)
def _keys_are_read_once() -> Iterator[None]:
    """Reading an RSA key proves its primes: 40 ms, and each payment that starts reads those of its channels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.runtime.rsa.load_der_private_key", cache(load_der_private_key))
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL of this run's own; it need not survive a power cut, so it skips the disk's flush."""
    with postgres.running({"fsync": "off", "max_connections": "200"}) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: postgres.Server) -> str:
    """SQLAlchemy address of the server's maintenance database, for tests that make no tables."""
    return postgres_server.url()


@pytest.fixture(scope="session")
def _database_names() -> Iterator[str]:
    return (f"test_{number}" for number in count(1))


@pytest.fixture
def postgres_database(postgres_server: postgres.Server, _database_names: Iterator[str]) -> Iterator[str]:
    """SQLAlchemy address of an empty database that is removed after the test."""
    name = next(_database_names)
    postgres_server.create(name)
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture(autouse=True)
def _every_refusal_can_be_told(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever code refuses in a test has its texts in both languages, with the values that it really has."""
    raised = record_faults(monkeypatch)
    yield
    for fault in raised:
        assert_fault_is_worded(fault)
