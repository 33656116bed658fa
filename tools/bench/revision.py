"""An earlier revision as a folder that can be run: its files in a git worktree, its packages in an environment of its own.

Both stand outside the tree, in `~/.cache/yibao/bench` (XDG_CACHE_HOME), and are used again: a revision never changes. `--discard`
removes them. What the revision pins is installed, not what this tree pins.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
_READY: Final = ".ready"


class Unavailable(Exception):
    """The revision cannot be run here; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Files and the interpreter that runs them."""

    title: str
    folder: Path
    python: Path


def today(root: Path = ROOT) -> Tree:
    """The files as they are now, changes that are not committed included."""
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return Tree(
        f"{_described(root, 'HEAD')}{' and what is not committed' if changed else ''}", root, Path(sys.executable)
    )


def earlier(name: str, interpreter: str, root: Path = ROOT, cache: Path | None = None) -> Tree:
    """A revision by any name that git knows, made ready if need be; Unavailable otherwise.

    `interpreter` makes its environment: a revision may refuse the Python of this one.
    """
    try:
        commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except subprocess.CalledProcessError:
        raise Unavailable(f"git knows no revision {name}; `git log --oneline` lists those there are") from None
    home = (cache or _cache()) / commit[:12]
    tree = Tree(_described(root, commit), home / "tree", home / "environment" / "bin" / "python")
    if not (home / _READY).exists():
        _forget(home, root)
        try:
            _make(tree, commit, interpreter, root)
        except subprocess.CalledProcessError as error:
            _forget(home, root)
            raise Unavailable(_why(error, interpreter)) from None
        (home / _READY).touch()
    return tree


def discard(tree: Tree, root: Path = ROOT) -> None:
    """Removes what `earlier` made."""
    _forget(tree.folder.parent, root)


def _make(tree: Tree, commit: str, interpreter: str, root: Path) -> None:
    tree.folder.parent.mkdir(parents=True, exist_ok=True)
    _git(root, "worktree", "add", "--quiet", "--force", "--detach", str(tree.folder), commit)
    environment = tree.python.parents[1]
    _run([interpreter, "-m", "venv", "--clear", str(environment)], tree.folder)
    pins = tree.folder / "constraints.txt"
    packages = ["-e", str(tree.folder), *(("-c", str(pins)) if pins.exists() else ())]
    _run([str(tree.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages], tree.folder)


def _forget(home: Path, root: Path) -> None:
    if home.exists():
        shutil.rmtree(home)
        _git(root, "worktree", "prune")


def _why(error: subprocess.CalledProcessError, interpreter: str) -> str:
    said = "\n".join(f"  {line}" for line in f"{error.stdout or ''}{error.stderr or ''}".strip().splitlines()[-6:])
    return (
        f"The revision could not be made ready with {interpreter}:\n{said}\n"
        "Is the package registry (PyPI) reachable? A revision that refuses this Python wants another: --python PATH"
    )


def _described(root: Path, commit: str) -> str:
    return _git(root, "log", "-1", "--abbrev=7", "--format=%h of %cs", commit)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "yibao" / "bench"


def _git(root: Path, *words: str) -> str:
    return _run(["git", "-C", str(root), *words], root).strip()


def _run(words: list[str], folder: Path) -> str:
    # What steers Python or git here is not meant for the other tree.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "YIBAO_", "GIT_"))}
    return subprocess.run(words, cwd=folder, env=kept, capture_output=True, text=True, check=True).stdout
