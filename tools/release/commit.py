"""What makes a commit a release: its version, its section of the changelog, its contract, and that nothing is uncommitted.

The version stands in pyproject.toml and nowhere else; stores, the command and the reference page read it from what is
installed.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Final

from services.kernel.clock import BEIJING
from tools import gen_protos
from tools.release import changelog

FINAL: Final = re.compile(r"\d+\.\d+\.\d+")
CHANGELOG: Final = "CHANGELOG.md"
PYPROJECT: Final = "pyproject.toml"
IMAGE: Final = f"protos/{gen_protos.RELEASED.name}"


class NoRelease(Exception):
    """The commit cannot be released; the text says every reason and what to do."""


def reasons(root: Path, today: date | None = None) -> list[str]:
    """Why the commit is no release; empty where it is one."""
    version = version_of(root)
    text = (root / CHANGELOG).read_text(encoding="utf-8")
    found: list[str] = []
    if not FINAL.fullmatch(version):
        found.append(
            f"{PYPROJECT}: version {version} is none of a release; `python -m tools.release --prepare` writes it"
        )
    found += changelog.problems(text, version, today or this_day())
    if FINAL.fullmatch(version):
        found += not_after(version, changelog.released(text))
    found += uncommitted(root)
    found += _tagged_otherwise(root, version)
    if not _contract_is_kept(root):
        found.append(
            f"{IMAGE} is not this contract: it changed after the release was prepared; take that commit back and prepare again"
        )
    return found


def version_of(root: Path) -> str:
    """The version that pyproject.toml names."""
    project = tomllib.loads((root / PYPROJECT).read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def this_day() -> date:
    """The day on which a release is made, in Beijing."""
    return datetime.now(BEIJING).date()


def not_after(version: str, released: list[str]) -> list[str]:
    """That a version is not behind the others that were released, where it is so."""
    late = [each for each in released if each != version and _parts(each) >= _parts(version)]
    return [f"{PYPROJECT}: version {version} does not come after {late[0]}, which is released"] if late else []


def uncommitted(root: Path) -> list[str]:
    """Which files are not committed, where there are any."""
    changed = run(["git", "status", "--porcelain"], root).splitlines()
    if not changed:
        return []
    named = ", ".join(line[3:] for line in changed[:5])
    return [f"{len(changed)} files are not committed ({named}); commit or remove them"]


def tag_of(version: str) -> str:
    """What git calls the commit of a release."""
    return f"v{version}"


def tagged(root: Path, version: str) -> str:
    """The commit that has the tag of a version; "" for none."""
    ref = f"refs/tags/{tag_of(version)}"
    return run(
        ["git", "for-each-ref", "--format=%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)", ref],
        root,
    ).strip()


def run(words: list[str], folder: Path) -> str:
    """What a program prints; NoRelease with its last lines where it fails. What steers this Python steers no other."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(words, cwd=folder, env=kept, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join(f"  {line}" for line in (done.stderr or done.stdout).strip().splitlines()[-12:])
        raise NoRelease(f"{' '.join(words[:4])} failed:\n{said}")
    return done.stdout


def _parts(version: str) -> list[int]:
    return [int(each) for each in re.findall(r"\d+", version.partition(".dev")[0])]


def _tagged_otherwise(root: Path, version: str) -> list[str]:
    commit = tagged(root, version)
    if commit in ("", run(["git", "rev-parse", "HEAD"], root).strip()):
        return []
    return [
        f"{tag_of(version)} is the tag of another commit ({commit[:12]}): that version is released; prepare the next one"
    ]


def _contract_is_kept(root: Path) -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch) / gen_protos.RELEASED.name
        try:
            gen_protos.write_image(image, comments=False)
        except gen_protos.CompileError:
            return False
        return image.read_bytes() == (root / IMAGE).read_bytes()
