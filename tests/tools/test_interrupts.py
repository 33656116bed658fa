"""Ctrl-C and SIGTERM at any moment: programs end without a traceback, with the code that a shell expects, and leave nobody."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.runtime import interrupts
from tools.running import HOST, free_ports

HELD = ("env", "--block-signal=INT")
PROGRAMS = {
    "identity": ("services", "identity"),
    "identity --split": ("services", "identity", "--split"),
    "single": ("services", "--single"),
    "default": ("services",),
    "split": ("services", "--split"),
    "up": ("tools.up",),
    "demo": ("tools.demo",),
    "yibao settings": ("tools.cli.main", "settings"),
    "yibao case": ("tools.cli.main", "case", "tests/settlement/cases"),
}
CLEAN = 0
BY_SIGNAL = {signal.SIGINT: (-signal.SIGINT, 130), signal.SIGTERM: (-signal.SIGTERM, 143)}
WRONG = ("Traceback", "Exception", "never retrieved", "ended by itself", "ended before")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its code, all that it and its mesh said, and processes that it left."""

    code: int
    said: str
    left: list[int]


def sandbox(folder: Path) -> dict[str, str]:
    operations, gateway, *members = free_ports(5)
    addresses = zip(("IDENTITY", "CATALOGUE", "SETTLEMENT"), members, strict=True)
    return {
        "YIBAO_SANDBOX": "on",
        "YIBAO_CELLS": "sandbox",
        "YIBAO_DATA_DIR": str(folder),
        "YIBAO_GATEWAY_PORT": str(gateway),
        "YIBAO_OPERATIONS_PORT": str(operations),
        **{f"YIBAO_{name}_ADDRESS": f"{HOST}:{port}" for name, port in addresses},
    }


def interrupted(program: str, folder: Path, after_s: float, number: signal.Signals, times: int = 1) -> Ended:
    """Starts a program and signals it after a time: SIGINT goes to all that a terminal would send it to."""
    folder.mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("YIBAO_")} | sandbox(folder)
    if program.startswith(("yibao", "demo")):
        environ = {name: value for name, value in environ.items() if not name.startswith("YIBAO_")}
    command = [*HELD, sys.executable, "-m", *PROGRAMS[program]]
    with (folder / "said").open("w+") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environ, start_new_session=True)
        until = time.monotonic() + after_s
        while time.monotonic() < until and process.poll() is None:
            time.sleep(0.005)
        for _ in range(times):
            if process.poll() is None:
                (os.killpg if number is signal.SIGINT else os.kill)(process.pid, number)
                time.sleep(0.02)
        try:
            code = process.wait(30)
        finally:
            left = _session(process.pid)
            for each in left:
                os.kill(each, signal.SIGKILL)
    log = folder / "mesh.log"
    return Ended(code, (folder / "said").read_text() + (log.read_text() if log.exists() else ""), left)


def _session(leader: int) -> list[int]:
    """Processes of a session that still run a second after its leader has ended."""
    found: list[int] = []
    for _ in range(20):
        found = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit() and _of(each, leader)]
        if not found:
            return []
        time.sleep(0.05)
    return found


def _of(process: Path, leader: int) -> bool:
    try:
        words = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return int(words[3]) == leader and words[0] != "Z"


def well_ended(ended: Ended, number: signal.Signals) -> None:
    assert ended.left == []
    assert [wrong for wrong in WRONG if wrong in ended.said] == [], ended.said
    assert ended.code in (CLEAN, *BY_SIGNAL[number]), ended.said


@pytest.mark.parametrize(
    ("program", "after_s"), [("identity", 0.05), ("identity", 0.5), ("identity --split", 0.9), ("up", 0.6)]
)
def test_ctrl_c_while_a_program_starts_prints_no_traceback(program: str, after_s: float, tmp_path: Path) -> None:
    well_ended(interrupted(program, tmp_path / "data", after_s, signal.SIGINT, times=2), signal.SIGINT)


@pytest.mark.torture
@pytest.mark.parametrize("program", PROGRAMS)
def test_no_moment_prints_a_traceback(program: str, tmp_path: Path) -> None:
    chance = random.Random(program)
    longest_s = {"up": 6.0, "demo": 8.0, "split": 5.0, "yibao settings": 0.6}.get(program, 3.0)
    for attempt in range(12):
        number = chance.choice((signal.SIGINT, signal.SIGINT, signal.SIGTERM))
        moment_s, times = chance.random() * longest_s, chance.choice((1, 3))
        ended = interrupted(program, tmp_path / str(attempt), moment_s, number, times)
        well_ended(ended, number)


def test_a_first_signal_is_raised_once_and_what_follows_disturbs_nothing() -> None:
    done: list[str] = []

    def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("went on")
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("put away")

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(interrupts.Interrupted) as told, interrupts.raising():
        work()
    assert (told.value.code, done) == (143, ["put away"])
    assert signal.getsignal(signal.SIGTERM) is before
