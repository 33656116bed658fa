"""`make up` where it cannot start: each cause is told in words that say what to do, and nothing is left running."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from services import mesh
from services.runtime.config import Config
from services.runtime.embedded import store_held
from tools import up
from tools.running import HOST


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own to type the command in, without settings."""
    for name in os.environ:
        if name.startswith("YIBAO_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    """What it says before it gives up."""
    assert up.main() == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


@pytest.mark.parametrize(("locale", "usage"), [("en_US.UTF-8", "usage: "), ("zh_CN.UTF-8", "用法： ")])
@pytest.mark.parametrize(("word", "code"), [("--help", 0), ("-h", 0), ("--port=7500", 2), ("down", 2)])
def test_any_argument_is_answered_by_usage_and_nothing_is_started(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    locale: str,
    usage: str,
    word: str,
    code: int,
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    with pytest.raises(SystemExit) as ended:
        up.main([word])
    printed = capsys.readouterr()
    assert ended.value.code == code
    assert (printed.err if code else printed.out).startswith(f"{usage}python -m tools.up [-h]")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("member", "setting"), [("identity", "YIBAO_IDENTITY_ADDRESS"), ("gateway", "YIBAO_GATEWAY_PORT")]
)
def test_a_port_that_is_taken_is_named_with_the_setting_that_chooses_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], member: str, setting: str
) -> None:
    monkeypatch.setenv("YIBAO_CELLS", "sandbox")
    for each in mesh.MESH:
        name = f"YIBAO_{each.name.upper()}_ADDRESS" if each.services else "YIBAO_GATEWAY_PORT"
        monkeypatch.setenv(name, f"{HOST}:0" if each.services else "0")
    with closing(socket.socket()) as other:
        other.bind((HOST, 0))
        port = other.getsockname()[1]
        monkeypatch.setenv(setting, str(port) if member == "gateway" else f"{HOST}:{port}")
        assert complaint(capsys) == (
            f"Port {port} of {member} is taken: is another mesh running here?\n"
            f"Stop it, or choose another port by {setting}.\n"
        )


def test_of_a_mesh_that_runs_in_the_folder_the_folder_is_told_and_no_port(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / up.DATA_DIR
    with store_held(mesh.member("catalogue"), Config.load({"YIBAO_DATA_DIR": str(folder)})):
        assert complaint(capsys) == (
            f"catalogue cannot start: another mesh keeps its data in {folder}; stop it, or choose another folder by "
            "YIBAO_DATA_DIR or another database by YIBAO_CATALOGUE_DATABASE_URL\n"
        )


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".yibao").write_text("no folder")
    assert complaint(capsys) == (
        f"The folder {tmp_path / up.DATA_DIR} cannot be written (Not a directory).\n"
        "Let this user write there, or choose another folder by YIBAO_DATA_DIR.\n"
    )


def test_so_is_one_that_a_setting_chose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("YIBAO_DATA_DIR", "file")
    assert complaint(capsys).startswith(f"The folder {tmp_path / 'file'} cannot be written (File exists).\n")
    assert not (tmp_path / up.DATA_DIR).exists()


def test_a_setting_that_is_wrong_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("YIBAO_GATEWAY_PORT", "http")
    assert complaint(capsys) == "YIBAO_GATEWAY_PORT: 'http' is not a port, 0 to 65535\n"
