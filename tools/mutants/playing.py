"""A copy of the tree, and pytest in it: once to write the record, then against each fault.

A fault is caught where a test fails that passes as soon as the fault is gone. A test that does not end is stopped and counts for
nothing, the others go on; so does a process that dies without a failed test.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.mutants import plugin
from tools.mutants.record import Record, load
from tools.mutants.source import Fault

OWN_ROOT: Final = Path(__file__).resolve().parents[2]
_COLLECTING_S: Final = 120.0
_LOOK_S: Final = 0.05
_FIRST_FILES: Final = 2
_MORE_FILES: Final = 5
"""Most faults are found by the first files, and to collect all takes longer than to play those."""
_NO_CONFTEST: Final = 4
"""What pytest ends with where a conftest.py cannot be imported: no test says so, and none can be played."""
_KEPT: Final = (".venv", "node_modules")
"""What git does not know and tests need: linked, not copied."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds (our decision): the most that the tests of one fault take, and how long one test may be beside ten times what it
    takes without a fault, for a busy machine is no hang.
    """

    most_s: float = 120.0
    patience_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The test that found a fault, or None and why; `seconds` it took."""

    killer: str | None
    why: str
    seconds: float
    hung: tuple[str, ...] = ()


def copied(root: Path, target: Path) -> Path:
    """The files that git knows or would add, in another folder."""
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target / name)
    for name in _git(root, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory").split("\0"):
        if Path(name).name in _KEPT:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name.rstrip("/")).symlink_to(root / name, target_is_directory=True)
    return target


def recorded(tree: Path, folder: Path, files: Sequence[str], place: dict[str, str], processes: int = 2) -> Record:
    """Which tests of `make test` run what in the files. It is kept in the folder: tests are run again when their file changed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "files.json").write_text(json.dumps(sorted(files)), encoding="utf-8")
    kept = folder / "tests.json"
    before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    now = {path.relative_to(tree).as_posix(): _digest(path) for path in sorted(tree.glob("tests/**/test_*.py"))}
    changed = [name for name, digest in now.items() if before.get(name) != digest]
    if changed:
        spread = ("-n", str(processes), "--dist", "loadfile") if processes > 1 else ()
        environment = _environment(tree) | place | {plugin.RECORD: str(folder)}
        with (folder / "record.log").open("w", encoding="utf-8") as log:
            subprocess.run(
                _pytest("-q", *spread, *(() if not before else changed)),
                cwd=tree,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        kept.write_text(json.dumps(now), encoding="utf-8")
    return load(folder)


class Stage:
    """Plays faults in a copy; `place` are settings that say where its tests write."""

    def __init__(self, tree: Path, scratch: Path, record: Record, limits: Limits, place: dict[str, str]) -> None:
        self._tree = tree
        self._plan = scratch / "plan.json"
        self._log = scratch / "pytest.log"
        self._record = record
        self._limits = limits
        self._place = place

    def played(self, fault: Fault, tests: Sequence[str]) -> Verdict:
        """Plants a fault, plays the tests until one fails, and takes the fault away."""
        path = self._tree / fault.file
        whole, before = path.read_bytes(), path.stat()
        began = time.monotonic()
        until = began + self._limits.most_s
        left, hung, files = list(tests), list[str](), _FIRST_FILES
        while left and time.monotonic() < until:
            try:
                path.write_bytes(fault.planted(whole))
                batch = _of_files(left, files)
                failed, last, ended = self._run(batch, until)
            finally:
                path.write_bytes(whole)
                # What Python compiled of it is good again.
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            if failed is not None:
                if self._passes(failed, tests):
                    return Verdict(failed, "", time.monotonic() - began, tuple(hung))
                left = _behind(left, failed)
            elif ended:
                left, files = left[len(batch) :], files * _MORE_FILES
            elif time.monotonic() < until:
                hung += [last] if last else []
                left = _behind(left, last) if last else left[len(batch) :]
        return Verdict(None, self._why(tests, left, hung), time.monotonic() - began, tuple(hung))

    def _why(self, tests: Sequence[str], left: Sequence[str], hung: Sequence[str]) -> str:
        if not tests:
            return "no test runs it"
        if not left and not hung:
            return f"all {len(tests)} tests that come near it pass"
        words = (
            f"{len(left)} of {len(tests)} tests that come near it were not played, the time was over" if left else ""
        )
        stuck = f"{len(hung)} did not end: {hung[0]}" if hung else ""
        return "; ".join(filter(None, (words, stuck)))

    def _passes(self, failed: str, tests: Sequence[str]) -> bool:
        """Whether a test, or all of a file that could not be collected, passes without the fault."""
        again = [failed] if failed in tests else [each for each in tests if each.startswith(f"{failed}::")][:1]
        seen, _, ended = self._run(again, time.monotonic() + self._limits.most_s)
        return seen is None and ended

    def _run(self, tests: Sequence[str], until: float) -> tuple[str | None, str | None, bool]:
        """The test that failed, the last that began, and whether pytest came to an end by itself."""
        said = self._plan.with_suffix(".said")
        said.write_text("", encoding="utf-8")
        self._plan.write_text(json.dumps(list(tests)), encoding="utf-8")
        files = list(dict.fromkeys(test.split("::")[0] for test in tests))
        environment = _environment(self._tree) | self._place | {plugin.PLAN: str(self._plan)}
        with self._log.open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                _pytest("-q", "-x", "--tb=line", *files),
                cwd=self._tree,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                ended = self._watched(process, said, until)
            finally:
                _stopped(process)
        lines = [line.split("\t", 1) for line in said.read_text(encoding="utf-8").splitlines()]
        failed = next((name for word, name in lines if word == "failed"), None)
        if failed is None and process.returncode == _NO_CONFTEST:
            failed = tests[0]
        last = next((name for word, name in reversed(lines) if word == "began"), None)
        return failed, last, ended

    def _watched(self, process: subprocess.Popen[bytes], said: Path, until: float) -> bool:
        """Waits until pytest ends, a test takes far too long, or the time is over; whether it ended with a word of its own."""
        size, since = -1, time.monotonic()
        while process.poll() is None:
            now = time.monotonic()
            if (told := said.stat().st_size) != size:
                size, since = told, now
            last = said.read_text(encoding="utf-8").rsplit("\t", 1)[-1].strip() if size else ""
            patience = self._limits.patience_s + 10 * self._record.seconds.get(last, 0.0) if last else _COLLECTING_S
            if now > until or now - since > patience:
                return False
            time.sleep(_LOOK_S)
        # 0 all passed, 1 some failed, 2 collection failed; anything else is no word of a test.
        return process.returncode in (0, 1, 2)


def _of_files(tests: list[str], count: int) -> list[str]:
    """The tests of the first so many files."""
    files = list(dict.fromkeys(test.split("::")[0] for test in tests))[:count]
    return [test for test in tests if test.split("::")[0] in files]


def _behind(tests: list[str], last: str) -> list[str]:
    """What is left after a test, its file passed over: its fixtures hang as well."""
    file = last.split("::", maxsplit=1)[0]
    places = [place for place, test in enumerate(tests) if test.split("::")[0] == file]
    return tests[places[-1] + 1 :] if places else []


def _stopped(process: subprocess.Popen[bytes]) -> None:
    """Ends what the tests have left behind, too."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _pytest(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "pytest", "-p", "tools.mutants.plugin", "-p", "no:cacheprovider", *arguments)


def _environment(tree: Path) -> dict[str, str]:
    paths = (tree, tree / "protos" / "gen", OWN_ROOT)
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
        "CI": "1",
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _git(root: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=True).stdout
