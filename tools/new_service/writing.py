"""What a new service changes: first all of it in memory, then written, then what is made of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.gen_protos import GENERATED
from tools.new_service.edits import EDITS
from tools.new_service.names import Names, Refused
from tools.tidy import ROOT

FILES: Final = Path(__file__).parent / "files"
MADE: Final = ("tools.gen_protos", "tools.gen_comments", "tools.settings_table")
"""What makes the rest, in order."""

PLAYED: Final = "tests.examples"
"""Plays the examples of the reference page: the one part that starts a mesh."""


@dataclass(frozen=True, slots=True)
class Change:
    """New files and edited ones, by path below the root, with their text."""

    written: Mapping[Path, str]
    edited: Mapping[Path, str]


def change_of(names: Names) -> Change:
    """What is to be written; `Refused` where a file, a folder, a reason or a path stands already."""
    templates = sorted(FILES.rglob("*.template"))
    written = {
        names.path(each.relative_to(FILES)): names.filled(each.read_text(encoding="utf-8")) for each in templates
    }
    _free(names, list(written))
    before = {Path(file): (ROOT / file).read_text(encoding="utf-8") for file in EDITS}
    after = {file: EDITS[file.as_posix()](text, names) for file, text in before.items()}
    return Change(written, {file: text for file, text in after.items() if text != before[file]})


def _free(names: Names, files: list[Path]) -> None:
    for folder in (f"services/{names.service}", f"tests/{names.service}", f"protos/yibao/{names.service}"):
        if any((ROOT / folder).glob("*.p*")):
            raise Refused(f"{folder} exists; choose another name.")
    for file in files:
        if (ROOT / file).exists():
            raise Refused(f"{file.as_posix()} exists; choose another name.")
    contract = {each: each.read_text(encoding="utf-8") for each in (ROOT / "protos" / "yibao").rglob("*.proto")}
    for reason in names.reasons:
        if any(f"ERROR_REASON_{reason} " in text for text in contract.values()):
            raise Refused(f"The reason {reason} exists, so another service keeps {names.things}; choose another thing.")
    for file, text in contract.items():
        if f'"/v1/{names.route}' in text:
            raise Refused(f"{file.relative_to(ROOT)} serves /v1/{names.route}; choose another thing.")


def uncommitted() -> str:
    """What git has not committed, as it prints it; empty for a clean tree."""
    run = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode:
        raise Refused(f"git does not say whether everything is committed ({run.stderr.strip()}); --force does without.")
    return run.stdout


def write(change: Change, *, play: bool = True) -> None:
    """Writes the files in the house's layout, and makes what is made of them; CalledProcessError where that fails."""
    for file, text in (*change.written.items(), *change.edited.items()):
        (ROOT / file).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / file).write_text(text, encoding="utf-8")
    modules = [str(each) for each in (*change.written, *change.edited) if each.suffix == ".py"]
    ruff = str(Path(sys.executable).parent / "ruff")
    _run(ruff, "check", "--quiet", "--fix", "--select", "I,RUF023", *modules)
    _run(ruff, "format", "--quiet", *modules)
    for module in (*MADE, PLAYED) if play else MADE:
        _run(sys.executable, "-m", module)


def _run(*command: str) -> None:
    paths = os.pathsep.join((str(ROOT), str(GENERATED)))
    environment = {**os.environ, "PYTHONPATH": paths}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
