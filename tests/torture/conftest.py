"""A sandbox as `make up` leaves it, in processes of its own, for tests that attack it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.cli import seed
from tools.cli.mesh_client import MeshClient
from tools.running import RunningMesh, settings, start, stop


@pytest.fixture
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    values = settings(tmp_path_factory.mktemp("attacked"), "the operator's key of a torture", own_ports=True)
    # What is refused is logged; spans are kept as outside a sandbox, or their file would be what grows.
    mesh = start(values | {"YIBAO_LOG_LEVEL": "error", "YIBAO_TRACE_RATIO": "0.05"})
    try:
        with MeshClient(mesh.url, mesh.operator_key) as operator:
            seed.load_samples(operator)
        yield mesh
    finally:
        stop(mesh.process)
