"""The Pythons that pyproject.toml names: for each the pinned packages are there as wheels, and the types hold."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

from tools.check import SCRIPTS
from tools.tidy import ROOT

pytestmark: Final = pytest.mark.torture

PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAMED: Final = [
    found[1]
    for each in PROJECT["classifiers"]
    if (found := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", each))
]


def needed_by(version: str, requirement: str) -> str:
    """A requirement of one Python, "" where its condition leaves that one out: pip judges conditions by its own Python."""
    before = re.fullmatch(r"([^;]+); python_version < '3\.(\d+)'", requirement)
    if before is None:
        return requirement
    return before[1] if int(version.partition(".")[2]) < int(before[2]) else ""


@pytest.mark.parametrize("version", NAMED)
def test_every_pin_has_a_wheel(version: str, tmp_path: Path) -> None:
    """Nothing is compiled on a user's machine: a Debian without compilers sets up."""
    extras = (each for extra in PROJECT["optional-dependencies"].values() for each in extra)
    named = [name for each in (*PROJECT["dependencies"], *extras) if (name := needed_by(version, each))]
    words = [
        "install",
        "--dry-run",
        "--quiet",
        "--ignore-installed",
        "--only-binary=:all:",
        "--disable-pip-version-check",
    ]
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            *words,
            "--python-version",
            version,
            "--target",
            tmp_path,
            "-c",
            "constraints.txt",
            *named,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]


@pytest.mark.parametrize("version", NAMED)
def test_the_types_hold(version: str) -> None:
    command = [str(SCRIPTS / "mypy"), "--python-version", version, "--no-error-summary"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-2000:]
