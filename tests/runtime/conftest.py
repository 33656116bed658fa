"""Compiles the runtime's own test services once, and starts them as a real member on loopback or beside the caller."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from protovalidate._gen.buf.validate import validate_pb

from services.runtime.config import Config
from services.runtime.logs import configure_logging
from tests.runtime import desk
from tools import gen_protos

PROTOS = Path(__file__).parent / "protos"


@pytest.fixture(scope="session", autouse=True)
def _test_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Makes `runtimetest.v1` and `runtimebad.v1` importable for the run."""
    target = tmp_path_factory.mktemp("generated")
    rules = target / "rules.binpb"
    rules.write_bytes(gen_protos._descriptor_set(validate_pb._DESC.proto.to_binary()))
    sources = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    includes = [PROTOS, gen_protos.PROTOS, *gen_protos._include_folders()]
    places = [f"--proto_path={folder}" for folder in includes]
    outputs = [f"--python_out={target}", f"--grpc_python_out={target}"]
    compiler = [sys.executable, "-m", "grpc_tools.protoc", *places, f"--descriptor_set_in={rules}"]
    subprocess.run([*compiler, *outputs, *sources], check=True)
    for folder in {parent for path in target.rglob("*.py") for parent in path.relative_to(target).parents}:
        (target / folder / "__init__.py").touch()
    sys.path.insert(0, str(target))
    yield
    sys.path.remove(str(target))


@pytest.fixture
def settings(short_folder: Path) -> dict[str, str]:
    """Settings of a sandbox in a folder of its own, whose members call each other over loopback."""
    own = {"YIBAO_DATA_DIR": str(short_folder), "YIBAO_IDENTITY_ADDRESS": "127.0.0.1:0"}
    return {"YIBAO_SANDBOX": "on", "YIBAO_PLACEMENT": "grpc", **own}


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket in it, wherever tests write."""
    with tempfile.TemporaryDirectory(prefix="n") as folder:
        yield Path(folder)


@pytest.fixture
def config(settings: dict[str, str]) -> Config:
    """The sandbox's configuration."""
    return Config.load(settings)


@pytest.fixture
async def running(settings: dict[str, str]) -> AsyncIterator[desk.Running]:
    """The desk as the member `identity`, called over loopback by the member `settlement`."""
    started = await desk.start(settings)
    yield started
    await started.stop()


@pytest.fixture(params=["grpc", "local"])
async def placed(request: pytest.FixtureRequest, settings: dict[str, str]) -> AsyncIterator[desk.Running]:
    """The desk, over loopback and in the caller's own process."""
    started = await desk.start({**settings, "YIBAO_PLACEMENT": request.param})
    yield started
    await started.stop()


@pytest.fixture
def log_lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What was logged until now, by line."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("info", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = kept
    root.setLevel(level)
