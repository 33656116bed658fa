"""Builds sdist and wheel of a commit, and shows the wheel to run in an empty environment and an empty folder."""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools import gen_protos
from tools.bench import sandbox
from tools.bench.revision import Tree
from tools.bench.sandbox import Sandbox
from tools.release.commit import NoRelease, run

DIST: Final = "dist"
_PACKAGES: Final = ("services/", "gateway/", "tools/", "deploy/", "protos/gen/")
_LEFT_OUT: Final = re.compile(r".*\.md|deploy/Dockerfile|tools/yibao\.sh|protos/gen/google/.*")
"""Of the packages' files those that nothing reads when it runs: what `make setup` and mypy read, and what people do."""


def build(root: Path, scratch: Path) -> list[Path]:
    """The sdist of the commit, and the wheel made from that sdist. NoRelease where a file of a package is missing in it.

    It is built from the commit alone: what lies about in a working tree (an old `build/` first of all) would go along.
    """
    source, out = scratch / "source", scratch / "built"
    source.mkdir()
    archive = scratch / "commit.tar"
    run(["git", "archive", "--format=tar", f"--output={archive}", "HEAD"], root)
    run(["tar", "-xf", str(archive), "-C", str(source)], root)
    run([sys.executable, "-m", "build", "--outdir", str(out), str(source)], scratch)
    built = sorted(out.iterdir())
    with zipfile.ZipFile(wheel_of(built)) as wheel:
        held = set(wheel.namelist())
    tracked = run(["git", "ls-tree", "-r", "--name-only", "HEAD", *_PACKAGES], root).splitlines()
    wanted = {name.removeprefix("protos/gen/") for name in tracked if not _LEFT_OUT.fullmatch(name)}
    if wanted - held:
        lacking = "\n".join(f"  {name}" for name in sorted(wanted - held)[:20])
        raise NoRelease(
            f"the wheel lacks files of its packages (tool.setuptools.package-data names their kinds):\n{lacking}"
        )
    return built


def wheel_of(built: Sequence[Path]) -> Path:
    """The wheel among what was built."""
    return next(file for file in built if file.suffix == ".whl")


def tried(wheel: Path, scratch: Path) -> str:
    """Installs the wheel into an empty environment, starts its sandbox in an empty folder and settles a bill there."""
    environment, folder = scratch / "environment", scratch / "nowhere"
    folder.mkdir()
    run([sys.executable, "-m", "venv", str(environment)], scratch)
    python = environment / "bin" / "python"
    pins = gen_protos.ROOT / "constraints.txt"
    run(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel), "-c", str(pins)],
        scratch,
    )
    with sandbox.running(Tree(wheel.name, folder, python), {}) as found:
        return _smoke(found)


def _smoke(found: Sandbox) -> str:
    version = found.command("--version").strip()
    settled = found.command("first-bill", "--url", found.url, "--print-setl-id").strip()
    if not settled.isdigit():
        raise NoRelease(f"the first bill was not settled: {settled}")
    books = found.command("ledger", "verify", "--url", found.url).strip().splitlines()[-1]
    return f"{version} from the wheel alone: settled {settled}; {books}"


def keep(built: Sequence[Path], folder: Path) -> list[Path]:
    """Copies what was built into a folder."""
    folder.mkdir(exist_ok=True)
    return [Path(shutil.copy2(file, folder / file.name)) for file in built]
