"""A tree's own sandbox, started as its `make up` starts it, seeded by its own `yibao seed`, and known by its gateway alone.

So any revision can be asked, whatever its stores, keys and settings are like: what is used of it is the command line, the
settings of ports that it makes itself, and the national envelope.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools.bench import processes
from tools.bench.revision import Tree, Unavailable
from tools.running import stop

_START_S: Final = 120.0
_SEED_S: Final = 300.0
# The ports of its own mesh table, which may hold other members than ours.
_PORTS: Final = (
    "import json, pathlib, sys; from tools.running import settings; "
    "print(json.dumps(settings(pathlib.Path(sys.argv[1]), '', own_ports=True)))"
)
_URL: Final = re.compile(r"http://127\.0\.0\.1:(\d+)/")
_OPERATOR: Final = re.compile(r"^\s*operator\s+(\S+)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox that runs: its gateway's port, its operator's key, its processes."""

    tree: Tree
    port: int
    key: str
    process: subprocess.Popen[bytes]
    pids: tuple[int, ...]

    @property
    def url(self) -> str:
        """Where its gateway answers."""
        return f"http://127.0.0.1:{self.port}"

    def cpu_s(self) -> float:
        """Processor seconds of all its processes until now."""
        return processes.cpu_s(self.pids)

    def command(self, *words: str) -> str:
        """What its own `yibao` command prints; Unavailable where it fails."""
        return _run(self.tree, ["-m", "tools.cli.main", *words], {"YIBAO_KEY": self.key}, _SEED_S)


@contextmanager
def running(tree: Tree, settings: Mapping[str, str]) -> Iterator[Sandbox]:
    """A sandbox of the tree with data of its own for the length of a block; Unavailable where it does not start."""
    folder = Path(tempfile.mkdtemp(prefix="yibao-bench-"))
    try:
        told = _run(tree, ["-c", _PORTS, str(folder / "data")], {}, _START_S)
        own = json.loads(told.splitlines()[-1])
        # Its `make up` makes the key.
        own.pop("YIBAO_BOOTSTRAP_OPERATOR_KEY", None)
        log = folder / "up.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [str(tree.python), "-m", "tools.up"],
                cwd=tree.folder,
                env=_environment(tree) | own | dict(settings),
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        try:
            printed = _printed(process, log, tree)
            pids = tuple(processes.tree(process.pid))
            yield Sandbox(tree, int(_one(_URL, printed)), _one(_OPERATOR, printed), process, pids)
        finally:
            stop(process, grace_s=30.0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def seed(sandbox: Sandbox, documents: list[Mapping[str, Any]]) -> None:
    """Loads rows by the tree's own command, a document at a time: older ones bound the size of one."""
    with tempfile.TemporaryDirectory(prefix="yibao-bench-") as folder:
        for number, document in enumerate(documents):
            file = Path(folder) / f"{number}.json"
            file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
            sandbox.command("seed", str(file), "--url", sandbox.url)


def _printed(process: subprocess.Popen[bytes], log: Path, tree: Tree) -> str:
    """What it printed when it was ready."""
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        text = log.read_text(encoding="utf-8", errors="replace")
        if _URL.search(text) and _OPERATOR.search(text):
            return text
        if process.poll() is not None:
            raise Unavailable(f"The sandbox of {tree.title} ended while it started:\n{text.strip()}")
        time.sleep(0.1)
    raise Unavailable(f"The sandbox of {tree.title} was not ready after {_START_S:.0f} s.")


def _one(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    assert found is not None
    return found[1]


def _run(tree: Tree, words: list[str], more: Mapping[str, str], within_s: float) -> str:
    try:
        done = subprocess.run(
            [str(tree.python), *words],
            cwd=tree.folder,
            env=_environment(tree) | dict(more),
            capture_output=True,
            text=True,
            check=False,
            timeout=within_s,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{tree.title}: {' '.join(words[1:3])} took more than {within_s:.0f} s") from None
    if done.returncode:
        raise Unavailable(f"{tree.title}: {' '.join(words[1:3])} failed:\n{(done.stderr or done.stdout).strip()}")
    return done.stdout


def _environment(tree: Tree) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("YIBAO_", "PYTHON"))}
    # What it prints is read: in English, whoever runs this.
    english = {"LC_ALL": "C.UTF-8", "LANGUAGE": "en"}
    return kept | english | {"PYTHONPATH": os.pathsep.join((str(tree.folder), str(tree.folder / "protos" / "gen")))}
