"""The program itself, as a process: it explains what it cannot do, tells when it is ready, and stops when told."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from services import __main__ as program
from services import mesh
from services.runtime.children import Children
from services.runtime.config import Config
from services.runtime.embedded import store_held
from services.runtime.server import StartError

CHILD = """
import glob, signal, sys, time
name = sys.argv[1]
if name == "broken":
    sys.exit(3)
if name == "pair":
    open(sys.argv[0] + sys.argv[-1], "w").close()
    while len(glob.glob(sys.argv[0] + "YIBAO_CELL=*")) < 2:
        time.sleep(0.01)
signal.signal(signal.SIGTERM, lambda *_: (open(sys.argv[0] + ".log", "a").write(name + " "), sys.exit(0)))
print("noise before", flush=True)
print("yibao is ready: " + name + " 127.0.0.1:1", flush=True)
if name == "dying":
    sys.exit(4)
time.sleep(60)
"""


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("YIBAO_")}
    command = [sys.executable, "-m", "services", *arguments]
    return subprocess.run(command, env={**environ, **settings}, capture_output=True, text=True, check=False, timeout=60)


def test_a_wrong_setting_is_explained() -> None:
    result = run("identity", YIBAO_SANBOX="on")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "YIBAO_SANBOX: no such setting; did you mean YIBAO_SANDBOX?\n"


def test_production_without_a_key_does_not_start() -> None:
    result = run("identity")
    assert result.returncode == 2
    assert result.stderr.startswith("YIBAO_MESH_KEY must be set")


def test_workers_need_a_database_with_more_than_one_writer() -> None:
    result = run("identity", "--workers", "2", YIBAO_SANDBOX="on")
    assert result.returncode == 2
    assert "YIBAO_IDENTITY_DATABASE_URL" in result.stderr


def test_an_override_without_a_value_is_explained() -> None:
    result = run("--set", "YIBAO_SANDBOX")
    assert (result.returncode, result.stderr) == (2, "--set YIBAO_SANDBOX: expected NAME=VALUE\n")


def identity_in(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """A sandbox's identity that is expected to end by itself."""
    chosen = {"YIBAO_SANDBOX": "on", "YIBAO_DATA_DIR": str(folder), "YIBAO_IDENTITY_ADDRESS": "127.0.0.1:0"}
    return run("identity", **chosen, **settings)


def test_a_database_that_another_process_holds_is_named_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "identity.sqlite"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        result = identity_in(tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"identity cannot start: another process holds the database {file}; stop it, or choose another folder by "
        "YIBAO_DATA_DIR or another database by YIBAO_IDENTITY_DATABASE_URL\n"
    )


@pytest.mark.parametrize(
    ("setting", "url", "told"),
    [
        (
            "YIBAO_IDENTITY_DATABASE_URL",
            "postgresql://nobody:secret@127.0.0.1:9/nothing",
            "no PostgreSQL answers at 127.0.0.1:9/nothing; start it, or choose another database by",
        ),
        (
            "YIBAO_DATABASE_URL",
            "mysql://nobody:secret@127.0.0.1/nothing",
            "a database URL begins with sqlite:/// or postgresql://; choose another database by YIBAO_DATABASE_URL or",
        ),
    ],
)
def test_a_database_that_cannot_be_used_is_told_without_its_password(
    tmp_path: Path, setting: str, url: str, told: str
) -> None:
    result = identity_in(tmp_path, **{setting: url})
    assert (result.returncode, result.stderr) == (1, f"identity cannot start: {told} YIBAO_IDENTITY_DATABASE_URL\n")


def test_a_data_folder_that_cannot_be_made_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    result = identity_in(tmp_path / "file" / "data")
    assert result.returncode == 1
    assert result.stderr == (
        f"The folder {tmp_path}/file/data cannot be used (Not a directory): choose another by YIBAO_DATA_DIR\n"
    )


@pytest.fixture
def real(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts the real program with the members named, in a sandbox of its own."""

    def start(*arguments: str) -> subprocess.Popen[str]:
        settings = {
            "YIBAO_SANDBOX": "on",
            "YIBAO_DATA_DIR": str(tmp_path),
            "YIBAO_IDENTITY_ADDRESS": "127.0.0.1:0",
            "YIBAO_GATEWAY_PORT": "0",
            "PATH": os.environ["PATH"],
        }
        command = [sys.executable, "-m", "services", *arguments]
        return subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


@pytest.mark.parametrize("arguments", [(), ("--split",)])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_says_when_it_is_ready_and_stops_when_told(
    real: Callable[..., subprocess.Popen[str]], arguments: tuple[str, ...], number: signal.Signals
) -> None:
    with real("identity", *arguments) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    assert re.fullmatch(r"yibao is ready: identity 127\.0\.0\.1:[1-9]\d*\n", ready), said
    assert process.returncode == 0, said


def gone(place: str) -> bool:
    """Whether nobody listens any more at `host:port`, within ten seconds."""
    host, _, port = place.rpartition(":")
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) != 0:
                return True
        time.sleep(0.1)
    return False


def processes_of(process: subprocess.Popen[str]) -> int:
    """How many processes it is, with its children."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return 1 + len(children.split())


def placed(codes: Sequence[str], *names: str, split: bool = False, single: bool = False) -> tuple[list[str], list[str]]:
    """Members in the program's own process, and in others in the order of their start."""
    members = [each.name for each in mesh.start_order() if not names or each.name in names]
    return program._places(members, 1, codes, split=split, single=single)


SERVED: Final = ("catalogue", "identity", "settlement", "payment", "routing", "imaging", "gateway")
"""The services of today: a further one is no affair of these tests."""


def test_of_several_cells_each_has_a_process_and_what_is_between_them_one() -> None:
    own, others = placed(("sandbox", "110000", "370000"), *SERVED)
    assert (sorted(own), others[2:]) == (
        ["catalogue", "identity", "payment", "settlement"],
        ["routing+imaging", "gateway"],
    )
    assert others[:2] == ["110000/identity+settlement+payment", "370000/identity+settlement+payment"]
    seats = [program._seats(each, ("sandbox", "110000", "370000")) for each in others]
    assert seats[0] == ["110000/identity", "110000/settlement", "110000/payment"]
    assert seats[2] == ["routing", "imaging"]
    assert seats[3] == ["gateway", "110000/gateway", "370000/gateway"]


def test_a_mesh_of_one_cell_has_the_processes_that_it_had() -> None:
    assert placed(("sandbox",))[1] == ["gateway"]
    assert placed(("sandbox", "110000"), single=True)[1] == []
    assert placed(("sandbox", "110000"), "identity", "gateway") == (["identity"], ["gateway"])


@pytest.mark.parametrize("arguments", [("identity", "--split"), ("identity", "gateway")])
def test_children_do_not_outlive_a_parent_that_was_killed(
    real: Callable[..., subprocess.Popen[str]], arguments: tuple[str, ...]
) -> None:
    with real(*arguments) as process:
        assert process.stdout is not None
        place = process.stdout.readline().split()[-1]
        process.kill()
        process.wait(10)
        assert gone(place), "the child still listens"


@pytest.mark.parametrize(("option", "processes"), [((), 2), (("--single",), 1), (("--split",), 3)])
def test_the_gateway_has_a_process_beside_the_members(
    real: Callable[..., subprocess.Popen[str]], option: tuple[str, ...], processes: int
) -> None:
    with real("identity", "gateway", *option) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        counted = processes_of(process)
        process.terminate()
        _, said = process.communicate(timeout=20)
    assert re.fullmatch(r"yibao is ready: identity 127\.0\.0\.1:\d+, gateway (http://)?127\.0\.0\.1:\d+\n", ready), said
    assert (counted, process.returncode) == (processes, 0), said


def test_a_gateway_that_ends_by_itself_takes_the_members_down(real: Callable[..., subprocess.Popen[str]]) -> None:
    with real("identity", "gateway") as process:
        assert process.stdout is not None
        identity = process.stdout.readline().split()[4].rstrip(",")
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(child), signal.SIGKILL)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "gateway ended by itself; the others were stopped" in said
    assert gone(identity)


@pytest.mark.parametrize("arguments", [(), ("--split",)])
def test_a_folder_is_one_meshs_alone_until_that_ends(
    real: Callable[..., subprocess.Popen[str]], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    with real("identity", *arguments) as process:
        assert process.stdout is not None
        place = process.stdout.readline().split()[-1]
        try:
            second = identity_in(tmp_path)
        finally:
            process.kill()
    assert gone(place)
    assert second.returncode == 1
    assert second.stderr == (
        f"identity cannot start: another mesh keeps its data in {tmp_path}; stop it, or choose another folder by "
        "YIBAO_DATA_DIR or another database by YIBAO_IDENTITY_DATABASE_URL\n"
    )
    with real("identity", *arguments) as again:
        assert again.stdout is not None
        ready = again.stdout.readline()
        again.terminate()
        _, said = again.communicate(timeout=20)
    assert ready.startswith("yibao is ready: identity"), said


def test_members_of_one_folder_may_each_have_a_process(real: Callable[..., subprocess.Popen[str]]) -> None:
    with real("identity") as one, real("catalogue", "--set", "YIBAO_CATALOGUE_ADDRESS=127.0.0.1:0") as other:
        assert one.stdout is not None
        assert other.stdout is not None
        ready = [one.stdout.readline(), other.stdout.readline()]
        for process in (one, other):
            process.terminate()
    assert [line.split()[3] for line in ready] == ["identity", "catalogue"]


def test_on_postgresql_several_processes_may_run_a_member() -> None:
    config = Config.load({"YIBAO_SANDBOX": "on", "YIBAO_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing"})
    with store_held(mesh.member("settlement"), config), store_held(mesh.member("settlement"), config):
        pass


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "child.py"
    file.write_text(CHILD)
    return file


def stopped(script: Path) -> list[str]:
    """Names of the children in the order in which they were told to stop."""
    return Path(f"{script}.log").read_text().split()


def children(script: Path) -> Children:
    return Children(os.environ, 2.0, (sys.executable, str(script)))


async def test_children_start_in_order_and_stop_in_reverse(script: Path) -> None:
    family = children(script)
    assert await family.start(["a", "b"]) == ["a 127.0.0.1:1", "b 127.0.0.1:1"]
    await family.stop()
    assert stopped(script) == ["b", "a"]


async def test_the_children_of_several_cells_start_side_by_side(script: Path) -> None:
    family = children(script)
    async with asyncio.timeout(10):
        assert await family.start(["a", "110000/pair", "370000/pair"]) == [
            f"{name} 127.0.0.1:1" for name in ("a", "pair", "pair")
        ]
    await family.stop()
    assert sorted(stopped(script)[:2]) == ["pair", "pair"]


async def test_a_cell_that_does_not_come_up_takes_the_others_down(script: Path) -> None:
    with pytest.raises(StartError, match="370000/broken ended before it was ready"):
        await children(script).start(["a", "110000/broken", "370000/broken"][::2])
    assert stopped(script) == ["a"]


async def test_a_child_that_does_not_come_up_takes_the_others_down(script: Path) -> None:
    with pytest.raises(StartError, match="broken ended before it was ready"):
        await children(script).start(["a", "broken", "c"])
    assert stopped(script) == ["a"]


async def test_a_child_that_ends_by_itself_is_noticed(script: Path) -> None:
    family = children(script)
    await family.start(["a", "dying"])
    assert await asyncio.wait_for(family.watch(), 5) == "dying"
    await family.stop()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this system does not tell of an end")
async def test_the_end_of_a_child_is_told_and_not_looked_for(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.runtime.children._LOOK_EVERY_S", 60.0)
    family = children(script)
    await family.start(["a", "dying"])
    assert await asyncio.wait_for(family.watch(), 5) == "dying"
    monkeypatch.undo()
    await family.stop()


async def test_where_no_end_is_told_children_are_looked_at(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    family = children(script)
    await family.start(["a", "dying"])
    assert await asyncio.wait_for(family.watch(), 5) == "dying"
    await family.stop()


LONG_NUMBERS = """
import sys
import time

import msgspec

from gateway import reading
from services import __main__ as program

program.main(["--set", "nothing"])
decoder = msgspec.json.Decoder(float_hook=str)
print(reading.leniently(decoder, b'{"x": ' + b"1" * 600 + b"}")["x"] > 0)
begun = time.process_time()
try:
    reading.leniently(decoder, b'{"x": [' + b",".join([b"1" * 4_200] * 900) + b"]}")
except reading.Unreadable as refused:
    print(refused.rule, time.process_time() - begun < 0.1)
"""


def test_whole_numbers_of_thousands_of_digits_hold_nothing_up() -> None:
    found = subprocess.run([sys.executable, "-c", LONG_NUMBERS], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["True", "body.number", "True"]
