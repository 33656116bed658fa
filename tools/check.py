"""Everything that continuous integration runs, in one command: `python -m tools.check`, or by name `… ruff mypy`.

Prints one line for each step with its time, the output of those that fail, and pytest's own report. All steps run even when
one fails; the exit code is 1 then. Reading steps run two at a time, then pytest on two processes, which write into memory where
it has room. A long step goes on behind all of them at a low priority, where tests wait for something, and is told of last.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools import gen_protos

ROOT = gen_protos.ROOT
SCRIPTS = Path(sys.executable).parent
AT_ONCE = 2
TIMEOUT_S = 1800
MEMORY = Path("/dev/shm")  # a folder of its own is made in it
ROOM_BYTES = 4 << 30
YIELDING = ("nice", "-n", "10") if shutil.which("nice") else ()


@dataclass(frozen=True, slots=True)
class Step:
    """A named command, run in the root of the repository; a `long` one takes more than all others that read."""

    name: str
    command: tuple[str, ...]
    long: bool = False


def reading_steps(image: Path, released: Path = gen_protos.RELEASED) -> tuple[Step, ...]:
    """The steps that only read, longest first; `image` holds the contract as it is, `released` as it was."""
    buf, config = _script("buf"), str(gen_protos.PROTOS / "buf.yaml")
    return (
        Step("mypy", (_script("mypy"), "--no-error-summary"), long=True),
        Step("generated", _module("gen_protos", "--check")),
        Step("contract", _module("contract_rules")),
        Step("imports", (_script("lint-imports"), "--no-cache", "--no-logo")),
        Step("buf-lint", (buf, "lint", str(image), "--config", config)),
        Step("buf-breaking", (buf, "breaking", str(image), "--against", str(released), "--config", config)),
        Step("ruff", (_script("ruff"), "check", "--quiet", "--output-format=concise", ".")),
        Step("format", (_script("ruff"), "format", "--check", "--quiet", "--output-format=concise", ".")),
        Step("tidy", _module("tidy")),
    )


# `tests/conftest.py` puts the files that take long first.
PYTEST = Step(
    "pytest", (sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the named steps, or all; 1 when one failed."""
    wanted = set(sys.argv[1:] if arguments is None else arguments)
    with _image() as image:
        steps = reading_steps(image)
        unknown = wanted - {step.name for step in (*steps, PYTEST)}
        if unknown:
            print(f"no step {', '.join(sorted(unknown))}; there are {', '.join(s.name for s in (*steps, PYTEST))}")
            return 2
        tests = not wanted or PYTEST.name in wanted
        chosen = [step for step in steps if not wanted or step.name in wanted]
        with ThreadPoolExecutor(AT_ONCE) as pool, ThreadPoolExecutor(AT_ONCE) as aside:
            behind = [aside.submit(_run, step, YIELDING) for step in chosen if tests and step.long]
            kept = [_told(*ran) for ran in pool.map(_run, (step for step in chosen if not (tests and step.long)))]
            tested = _tested() if tests else 0
            kept += [_told(*ran.result()) for ran in behind]
    if not all(kept):
        print("some steps failed, see above", flush=True)
    return 0 if all(kept) and tested == 0 else 1


def _tested() -> int:
    """Runs pytest; its exit code."""
    with scratch() as place:
        return subprocess.run(PYTEST.command, cwd=ROOT, env=_environment() | place, check=False).returncode


@contextmanager
def _image() -> Iterator[Path]:
    """The contract's descriptors in a temporary file; empty where it does not compile, which `generated` explains."""
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch) / "image.binpb"
        try:
            gen_protos.write_image(image)
        except gen_protos.CompileError:
            image.touch()
        yield image


@contextmanager
def scratch() -> Iterator[dict[str, str]]:
    """Where tests write: into memory where it has room, for a store waits for the disk at each commit, and a test cannot take the
    power away. Elsewhere by a TMPDIR of one's own.
    """
    if "TMPDIR" in os.environ or not _has_room(MEMORY):
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="yibao-test-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # below it PostgreSQL runs as another user
        yield {"TMPDIR": folder}


def _has_room(folder: Path) -> bool:
    """Whether a folder takes what the tests write, programs too."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize >= ROOM_BYTES and not found.f_flag & os.ST_NOEXEC


def _run(step: Step, before: tuple[str, ...] = ()) -> tuple[bool, str]:
    """Whether a step is kept, and what is told of it; `before` stands in front of its command."""
    began = time.monotonic()
    try:
        run = subprocess.run(
            (*before, *step.command),
            cwd=ROOT,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
        kept, said = run.returncode == 0, run.stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        kept, said = False, str(error)
    line = f"{'ok  ' if kept else 'FAIL'} {step.name:<12} {time.monotonic() - began:5.1f} s"
    return kept, line if kept else f"{line}\n{said.rstrip()}"


def _told(kept: bool, words: str) -> bool:
    print(words, flush=True)
    return kept


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"tools.{name}", *arguments)


def _script(name: str) -> str:
    return str(SCRIPTS / name)


def _environment() -> dict[str, str]:
    paths = os.pathsep.join((str(ROOT), str(gen_protos.GENERATED)))
    return {**os.environ, "PYTHONPATH": paths, "NO_COLOR": "1"}


if __name__ == "__main__":
    sys.exit(main())
