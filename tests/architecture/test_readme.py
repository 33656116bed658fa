"""The READMEs against the program: their commands run, their tables are those of the code, and both languages say the same."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import httpx
import pytest

from gateway.national.transactions import known_titles
from services import cells, mesh
from services.runtime.config import settings_markdown
from tools import transactions_table
from tools.running import HOST
from tools.tidy import ROOT, tracked
from tools.twins.together import PORTS

ENGLISH: Final = ROOT / "README.md"
CHINESE: Final = ROOT / "README.zh-CN.md"
BOTH: Final = [pytest.param(path, id=path.stem) for path in (ENGLISH, CHINESE)]
FENCE: Final = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"\]\((?!https?://|#)([^)]+)\)")
RUNNABLE: Final = "bash run"
SETTINGS: Final = re.compile(r"<!-- settings -->\n(.*?)<!-- /settings -->", re.DOTALL)
TRANSACTIONS: Final = re.compile(r"<!-- transactions -->\n(.*?)<!-- /transactions -->", re.DOTALL)
GATEWAY_PORT: Final = mesh.member(mesh.GATEWAY).port
URL: Final = f"http://{HOST}:{GATEWAY_PORT}"
START_S: Final = 60.0
COMMAND_S: Final = 60.0


def blocks(path: Path) -> list[tuple[str, str]]:
    """Every fenced block: what stands behind the fence, and its text."""
    return [(kind.strip(), text) for kind, text in FENCE.findall(path.read_text(encoding="utf-8"))]


def commands(path: Path) -> list[str]:
    """What the README tells the reader to run, in its order."""
    return [text.strip() for kind, text in blocks(path) if kind == RUNNABLE]


def prose(path: Path) -> list[str]:
    """The lines outside of fenced blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8")).splitlines()


def headings(path: Path) -> list[int]:
    """The level of each heading, in order."""
    return [len(line) - len(line.lstrip("#")) for line in prose(path) if re.match(r"#{1,6} ", line)]


def tables(path: Path) -> list[list[list[str]]]:
    """Every table as rows of cells, the rule below the heading left out."""
    found: list[list[list[str]]] = [[]]
    for line in prose(path):
        if line.startswith("|"):
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [[row for row in table if not set("".join(row)) <= set("-: ")] for table in found if table]


@pytest.mark.parametrize("path", BOTH)
def test_the_table_of_settings_is_that_of_the_program(path: Path) -> None:
    (told,) = SETTINGS.findall(path.read_text(encoding="utf-8"))
    assert told.strip() == settings_markdown("en" if path == ENGLISH else "zh").strip()


@pytest.mark.parametrize("path", BOTH)
def test_the_table_of_transactions_is_that_of_the_contract(path: Path) -> None:
    (told,) = TRANSACTIONS.findall(path.read_text(encoding="utf-8"))
    assert told == transactions_table.table("en" if path == ENGLISH else "zh")


def test_every_known_transaction_stands_in_the_table_once() -> None:
    cells = [cell for line in transactions_table.table("en").splitlines()[2:] for cell in line.split("|")[3:6]]
    numbers = [number for cell in cells for number in transactions_table.expanded(cell)]
    assert sorted(numbers) == sorted(known_titles())


@pytest.mark.parametrize("path", BOTH)
def test_the_table_of_members_is_the_mesh_table(path: Path) -> None:
    (rows,) = (
        found for table in tables(path) if (found := {row[0]: row for row in table[1:]}).keys() >= set(mesh.names())
    )
    assert rows.keys() == set(mesh.names())
    for member in mesh.MESH:
        _, port, keeps, calls = rows[member.name]
        assert port == f"{member.port} ({'gRPC' if member.services else 'HTTP'})"
        assert (keeps in ("nothing", "不保存")) is not member.has_store
        assert calls == (", ".join(member.calls) or "–")


@pytest.mark.parametrize("path", BOTH)
def test_every_file_that_it_links_is_there(path: Path) -> None:
    links = LINK.findall(path.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link.partition("#")[0]).exists()] == []


def test_every_link_of_every_page_leads_to_a_file() -> None:
    pages = [ROOT / each for each in tracked() if each.endswith(".md")]
    links = [(page, link) for page in pages for link in LINK.findall(page.read_text(encoding="utf-8"))]
    assert {page.relative_to(ROOT).parts[0] for page, _ in links} >= {"README.md", "docs", "deploy", "protos"}
    assert [(page, link) for page, link in links if not (page.parent / link.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("path", BOTH)
def test_what_is_served_is_listed_as_it_is_served(path: Path) -> None:
    from services.runtime.contract import Contract  # noqa: PLC0415  # the other tests need no generated code

    served = {
        each.infno
        for method in Contract.of_mesh().methods.values()
        for each in method.transactions
        if each.wrapper == "INFNO"
    }
    (told,) = TRANSACTIONS.findall(path.read_text(encoding="utf-8"))
    cells = [line.split("|")[3] for line in told.splitlines()[2:]]
    listed = {number for cell in cells for number in transactions_table.expanded(cell)}
    assert listed == served


class TestBothLanguages:
    def test_they_have_the_same_headings(self) -> None:
        assert headings(CHINESE) == headings(ENGLISH)
        assert len(headings(ENGLISH)) > 5

    def test_they_have_the_same_blocks_and_tell_the_reader_to_run_the_same(self) -> None:
        assert [kind for kind, _ in blocks(CHINESE)] == [kind for kind, _ in blocks(ENGLISH)]
        assert commands(CHINESE) == commands(ENGLISH)
        plain = [[text for kind, text in blocks(path) if kind == "bash"] for path in (CHINESE, ENGLISH)]
        assert plain[0] == plain[1]

    def test_their_tables_have_the_same_shape(self) -> None:
        shapes = [[[len(row) for row in table] for table in tables(path)] for path in (CHINESE, ENGLISH)]
        assert shapes[0] == shapes[1]

    def test_they_link_the_same_files(self) -> None:
        other = {ENGLISH.name, CHINESE.name}
        links = [set(LINK.findall(path.read_text(encoding="utf-8"))) - other for path in (CHINESE, ENGLISH)]
        assert links[0] == links[1]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that looks like the repository to whoever types the README's commands, with its sandbox running in it.

    It is a folder of its own, so that nobody's `.yibao/up` is touched; the ports are those of the README.
    """
    ports = {**{seat.name: seat.port for seat in mesh.seats(cells.codes())}, **PORTS}
    for name, port in ports.items():
        with closing(socket.socket()) as probe:
            assert probe.connect_ex((HOST, port)), (
                f"The README's commands are run on port {port} ({name}), which is in use: "
                "stop the program that listens there (a sandbox of `make up`?) and run the test again"
            )
    folder = tmp_path_factory.mktemp("clone")
    for name in (".venv", "tests", "tools", "services"):
        (folder / name).symlink_to(ROOT / name)
    environment = clean_environment() | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'protos' / 'gen'}"}
    log = folder / "up.log"
    with log.open("wb") as sink:
        up = subprocess.Popen([sys.executable, "-m", "tools.up"], cwd=folder, env=environment, stdout=sink, stderr=sink)
    try:
        wait_until_seeded(up, log)
        yield folder
    finally:
        up.terminate()
        up.wait(30)


def clean_environment() -> dict[str, str]:
    """The environment without settings of a mesh."""
    return {name: value for name, value in os.environ.items() if not name.startswith("YIBAO_")}


def wait_until_seeded(up: subprocess.Popen[bytes], log: Path) -> None:
    """Returns when the sandbox has printed its addresses."""
    until = time.monotonic() + START_S
    while URL not in log.read_text(encoding="utf-8"):
        assert up.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < until, log.read_text(encoding="utf-8")
        time.sleep(0.1)


class TestCommands:
    def test_there_are_some(self) -> None:
        assert len(commands(ENGLISH)) >= 5

    @pytest.mark.parametrize("command", commands(ENGLISH), ids=lambda text: text.splitlines()[0][:60])
    def test_a_command_of_the_readme_does_what_it_says(self, clone: Path, command: str) -> None:
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=clone,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_S,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert ran.stdout.strip()
        assert '"error"' not in ran.stdout, ran.stdout
        if command.endswith("first-bill"):
            assert re.search(r"= pooled funds [1-9]\d*\.\d\d \+ personal account ", ran.stdout), ran.stdout
        if "/v1/own/" in command:
            *_, accounts, movements, accumulators = map(json.loads, ran.stdout.splitlines())
            assert accounts["accounts"]
            assert movements["movements"]
            assert accumulators["accumulators"]
        if "/rendered" in command:
            assert "1 redirect, 200 image/jpeg" in ran.stdout, ran.stdout
        if '"infno"' in command:
            assert '"infcode":0' in ran.stdout, ran.stdout
            assert '"warn_msg":null' in ran.stdout, ran.stdout

    def test_the_lines_that_make_up_prints_can_be_pasted(self, clone: Path) -> None:
        printed = (clone / "up.log").read_text(encoding="utf-8").replace("\\\n", " ")
        pasted = [line.strip() for line in printed.splitlines() if line.strip().startswith("curl ")]
        assert len(pasted) == 3
        for line in pasted:
            ran = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, timeout=COMMAND_S)
            assert ran.returncode == 0, ran.stderr
            assert '"error"' not in ran.stdout
            assert '"infcode":-1' not in ran.stdout
            assert "[LENIENT]" not in ran.stdout

    def test_an_order_is_paid_by_the_lines_that_make_up_prints(self, clone: Path) -> None:
        printed = (clone / "up.log").read_text(encoding="utf-8")
        _, _, after = printed.partition("\n  Pay an order: ")
        lines, _, _ = after.partition("\n\n")
        _, *pasted = lines.splitlines()
        script = "\n".join(line.strip() for line in pasted)
        ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, timeout=COMMAND_S)
        assert ran.returncode == 0, ran.stderr
        tried, paid, found = map(json.loads, ran.stdout.splitlines())
        assert (tried["data"]["ordStas"], paid["self_pay_status"]) == ("1", "SELF_PAY_SUCCESS")
        assert found["order"]["phase"] == "ORDER_PHASE_PAID"
        assert int(found["order"]["chargedFen"]) == int(tried["data"]["ownPayAmtFen"])

    def test_the_reference_needs_no_network(self, clone: Path) -> None:
        page = httpx.get(f"{URL}/docs", trust_env=False)
        assert page.status_code == httpx.codes.OK
        assert re.findall(r"""(?:src|href)=["']https?://""", page.text) == []
        document = httpx.get(f"{URL}/openapi.json", trust_env=False).json()
        assert document["openapi"].startswith("3.1")
