"""Files of a mesh are readable by its own user only, under any umask, and those left open by an earlier one are closed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.kernel.errors import Fault
from services.runtime.private import private_file, private_folder
from tests.mesh.harness import started_mesh
from tools import running, up
from yibao.identity.v1.partner_pb2 import GetPartnerRequest


@pytest.fixture(autouse=True)
def umask_of_most_machines() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> dict[str, str]:
    """What stands in a folder, itself included, that others than its user may touch."""
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*")) if not path.is_socket()}
    return {path.name: oct(mode) for path, mode in modes.items() if mode & 0o077}


def test_no_file_of_a_running_mesh_is_open_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for begun_before in (False, True):
        if begun_before:
            for path in folder.iterdir():
                path.chmod(0o644)
        up._operator_key(folder)
        mesh = running.start(running.settings(folder, "k" * 32, own_ports=True))
        try:
            names = {path.name for path in folder.iterdir()}
            assert {"identity.sqlite", "identity.sqlite-wal", "mesh.key", "mesh.log", "operator.key"} <= names
            assert open_to_others(folder) == {}
        finally:
            running.stop(mesh.process)
        assert open_to_others(folder) == {}


async def test_members_of_another_program_keep_their_files_to_themselves_too(tmp_path: Path) -> None:
    async with started_mesh(tmp_path / "data", members=["identity"]) as mesh:
        with pytest.raises(Fault):
            await mesh.call("yibao.identity.v1.PartnerService.GetPartner", GetPartnerRequest(partner_code="X"))
        mesh.traces()
        names = {path.name for path in (tmp_path / "data").iterdir()}
        assert {"identity.sqlite-wal", "identity.sqlite-shm", "traces.sqlite", "traces.sqlite-wal"} <= names
        assert open_to_others(tmp_path / "data") == {}


def test_a_folder_that_stands_is_left_as_it_is_and_what_is_no_file_too(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    private_folder(shared)
    private_file(shared)
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755
