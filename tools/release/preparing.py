"""Prepares a release: the version, the dated section and the contract that later ones must not break, as one change to commit.

It refuses a tree with changes, so that git shows all of it and can take it back, and a contract that breaks callers of the
release before.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from datetime import date
from pathlib import Path
from typing import Final

from tools import check, gen_protos
from tools.release import changelog
from tools.release.commit import (
    CHANGELOG,
    FINAL,
    IMAGE,
    PYPROJECT,
    NoRelease,
    not_after,
    tag_of,
    tagged,
    this_day,
    uncommitted,
    version_of,
)

_VERSION: Final = re.compile(r'(?m)^version = "[^"]*"$')


def prepare(root: Path, wanted: str = "", today: date | None = None) -> str:
    """Writes what makes the tree a release, and its version; NoRelease with all that is in the way, then nothing is written.

    `wanted` is the version; without it the one that the development version names.
    """
    version = wanted or version_of(root).partition(".dev")[0]
    text = (root / CHANGELOG).read_text(encoding="utf-8")
    found = [*_of_version(root, version, text), *uncommitted(root)]
    if not changelog.has_unreleased(text):
        found.append(f"{CHANGELOG}: no change stands under [Unreleased]")
    _none(found)
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch) / gen_protos.RELEASED.name
        _none(_kept(root, image) if changelog.released(text) else _written(image))
        (root / IMAGE).write_bytes(image.read_bytes())
    project = (root / PYPROJECT).read_text(encoding="utf-8")
    (root / PYPROJECT).write_text(_VERSION.sub(f'version = "{version}"', project, count=1), encoding="utf-8")
    (root / CHANGELOG).write_text(changelog.closed(text, version, today or this_day()), encoding="utf-8")
    return version


def _kept(root: Path, image: Path) -> list[str]:
    """Writes the contract to `image`; how it breaks callers of the one that the root keeps as released, if it does."""
    if found := _written(image):
        return found
    steps = check.reading_steps(image, root / IMAGE)
    command = next(each.command for each in steps if each.name == "buf-breaking")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = (done.stdout or done.stderr).strip().splitlines()
    return [f"the contract breaks callers of the release before: {each}" for each in said] if done.returncode else []


def _none(found: list[str]) -> None:
    if found:
        raise NoRelease("\n".join(f"- {each}" for each in found))


def _written(image: Path) -> list[str]:
    try:
        gen_protos.write_image(image, comments=False)
    except gen_protos.CompileError as error:
        return [f"the contract does not compile: {error}"]
    return []


def _of_version(root: Path, version: str, text: str) -> list[str]:
    if not FINAL.fullmatch(version):
        return [f"{version} is no version of a release; it is written as 0.1.0"]
    if version in changelog.released(text) or tagged(root, version):
        return [
            f"{version} is released or prepared already ({CHANGELOG}, {tag_of(version)}); name the next: --prepare 0.2.0"
        ]
    return not_after(version, changelog.released(text))
