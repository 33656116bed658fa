"""Which mesh a command means when nobody says it: settings first, then the sandbox that runs here, then the table's port."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.cli import where
from tools.cli.main import main
from tools.tidy import ROOT


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def test_the_mesh_that_runs_here_is_found_at_its_own_port(tmp_path: Path) -> None:
    assert where.url_of({}) == "http://127.0.0.1:7400"
    (tmp_path / where.UP_FOLDER).mkdir(parents=True)
    (tmp_path / where.UP_FOLDER / where.ADDRESS_FILE).write_text("http://127.0.0.1:7555\n", encoding="ascii")
    assert where.url_of({}) == "http://127.0.0.1:7555"
    assert where.url_of({"YIBAO_DATA_DIR": "elsewhere"}) == "http://127.0.0.1:7400"


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"YIBAO_URL": "https://mesh.example:8443"}, "https://mesh.example:8443"),
        ({"YIBAO_URL": "http://a:1", "YIBAO_GATEWAY_PORT": "7500"}, "http://a:1"),
        ({"YIBAO_GATEWAY_PORT": "7500"}, "http://127.0.0.1:7500"),
        ({"YIBAO_GATEWAY_HOST": "10.0.0.7"}, "http://10.0.0.7:7400"),
        ({"YIBAO_GATEWAY_HOST": "0.0.0.0", "YIBAO_GATEWAY_PORT": "7500"}, "http://127.0.0.1:7500"),
        ({"YIBAO_GATEWAY_HOST": "::1"}, "http://[::1]:7400"),
    ],
)
def test_settings_name_the_mesh(environ: dict[str, str], url: str) -> None:
    assert where.url_of(environ) == url


def test_a_cell_that_is_named_is_found_at_its_own_address(tmp_path: Path) -> None:
    assert where.url_of({"YIBAO_URL": "http://a:1"}, "110000") == "http://127.0.0.1:7500"
    assert where.url_of({"YIBAO_110000_GATEWAY_PORT": "9000"}, "110000") == "http://127.0.0.1:9000"
    assert where.url_of({"YIBAO_URL": "http://a:1"}, "sandbox") == "http://127.0.0.1:7400"
    file = where.address_file(tmp_path / where.UP_FOLDER, "110000")
    file.parent.mkdir(parents=True)
    file.write_text("http://127.0.0.1:7555\n", encoding="ascii")
    (tmp_path / where.UP_FOLDER / where.KEY_FILE).write_text("the operator's\n", encoding="ascii")
    assert (where.url_of({}, "110000"), where.url_of({})) == ("http://127.0.0.1:7555", "http://127.0.0.1:7400")
    assert where.operator_key({}, "http://127.0.0.1:7555") == "the operator's"


@pytest.mark.parametrize("given", ["127.0.0.1:7400", "localhost", "ftp://127.0.0.1:7400"])
def test_an_address_without_scheme_says_what_to_write(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "verify", "--url", given]) == 1
    told = capsys.readouterr().err
    assert f"perhaps http://{given.removeprefix('ftp://')}" in told


@pytest.mark.parametrize("given", ["http://127.0.0.1:abc", "http://", "http://a b:1", "http://127.0.0.1:99999"])
def test_an_address_that_is_none_is_told_without_a_traceback(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["first-bill", "--url", given]) == 1
    assert "perhaps http://127.0.0.1:7400" in capsys.readouterr().err


def test_the_key_beside_the_address_is_used_for_that_address_only(tmp_path: Path) -> None:
    folder = tmp_path / where.UP_FOLDER
    folder.mkdir(parents=True)
    (folder / where.ADDRESS_FILE).write_text("http://127.0.0.1:7555\n", encoding="ascii")
    (folder / where.KEY_FILE).write_text("the key\n", encoding="ascii")
    assert where.operator_key({}, "http://127.0.0.1:7555/") == "the key"
    assert where.operator_key({}, "http://127.0.0.1:7400") == ""
    assert where.operator_key({"YIBAO_DATA_DIR": "elsewhere"}, "http://127.0.0.1:7555") == ""


def test_the_command_alone_shows_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "first-bill" in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"'{sys.executable}' -m tools.cli.main settings --language zh | head -n 1 >&2; echo ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert len(run.stderr.splitlines()) == 1
    assert run.stdout.strip() in ("0", "141")
