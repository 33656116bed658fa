"""A copy of the tree in a folder of its own, with an environment that imports it: for programs that change the tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.tidy import ROOT

TIMEOUT_S: Final = 1800


@dataclass(frozen=True, slots=True)
class Scratch:
    """The root of the copy; `python` is that of its environment."""

    root: Path

    @property
    def python(self) -> str:
        """Its interpreter: what is installed where the tests run, with the copy in front."""
        return str(self.root / ".venv" / "bin" / "python")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs Python in the copy; what it says is kept."""
        return self.command(self.python, *arguments)

    def script(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a program of the environment in the copy."""
        return self.command(str(self.root / ".venv" / "bin" / name), *arguments)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs a program in the copy."""
        paths = os.pathsep.join((str(self.root), str(self.root / "protos" / "gen")))
        return subprocess.run(
            words,
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": paths, "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )


def copied(folder: Path) -> Scratch:
    """The files that git knows or would add, committed in a repository of their own."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    root = folder / "tree"
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
            if target.suffix == ".py":
                _compiled(ROOT / name, target)
    _environment(root / ".venv")
    scratch = Scratch(root)
    who = ("-c", "user.name=tests", "-c", "user.email=tests@example.invalid")
    for words in (("init", "-q"), ("add", "-A"), (*who, "commit", "-q", "-m", "A copy of the tree")):
        made = scratch.command("git", *words)
        assert made.returncode == 0, made.stdout
    return scratch


def _compiled(source: Path, target: Path) -> None:
    """Copies what the interpreter made of a file: of the same time and size it is taken as it is, and need not be made anew."""
    for each in (source.parent / "__pycache__").glob(f"{source.stem}.*.pyc"):
        cache = target.parent / "__pycache__"
        cache.mkdir(exist_ok=True)
        shutil.copy2(each, cache / each.name)


def _environment(place: Path) -> None:
    """An environment that installs nothing: the interpreter and the programs of this one, and its packages behind the copy."""
    here = Path(sys.prefix)
    packages = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    (place / "bin").mkdir(parents=True)
    (place / packages).mkdir(parents=True)
    shutil.copyfile(here / "pyvenv.cfg", place / "pyvenv.cfg")
    (place / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    for program in (here / "bin").iterdir():
        if not (place / "bin" / program.name).exists():
            (place / "bin" / program.name).symlink_to(program)
    # A copy of a copy finds the packages where the first one does.
    behind = [each for each in sys.path if Path(each).name == "site-packages"]
    lines = (place.parent, place.parent / "protos" / "gen", *behind)
    (place / packages / "copy.pth").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
