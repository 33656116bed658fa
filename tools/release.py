"""`make release`: the commit as sdist and wheel in `dist/`, and the wheel shown to run where nothing else of yibao is.

    python -m tools.release          everything; refuses, with all its reasons, what is not a release
    python -m tools.release --try    builds and runs the commit as it is, release or not, and keeps nothing

It neither tags nor uploads. A release is prepared by hand: the version in pyproject.toml, a dated section in CHANGELOG.md,
`python -m tools.release_image` for the contract that later ones must not break; all committed.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final

from services.kernel.clock import BEIJING
from tools import gen_protos
from tools.bench import sandbox
from tools.bench.revision import Tree, Unavailable
from tools.bench.sandbox import Sandbox
from tools.release_image import RELEASED

ROOT: Final = gen_protos.ROOT
DIST: Final = "dist"
_RELEASE: Final = re.compile(r"\d+\.\d+\.\d+")
_PACKAGES: Final = ("services/", "gateway/", "tools/", "deploy/", "protos/gen/")
_LEFT_OUT: Final = re.compile(r".*\.md|deploy/Dockerfile|tools/yibao\.sh|protos/gen/google/.*")
"""Of the packages' files those that nothing reads when it runs: what `make setup` and mypy read, and what people do."""


class NoRelease(Exception):
    """The commit cannot be released; the text says every reason and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Builds and tries; 1 where something is in the way, told in full."""
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__)
    parser.add_argument("--try", action="store_true", dest="rehearsal", help="the commit as it is; nothing is kept")
    rehearsal = parser.parse_args(arguments).rehearsal
    try:
        if not rehearsal:
            refused = reasons(ROOT)
            if refused:
                raise NoRelease("\n".join(f"- {each}" for each in refused))
        with tempfile.TemporaryDirectory(prefix="yibao-release-") as scratch:
            built = build(ROOT, Path(scratch))
            print(f"built {', '.join(file.name for file in built)}", flush=True)
            print(tried(wheel_of(built), Path(scratch)))
            if not rehearsal:
                _keep(built, ROOT / DIST)
    except (NoRelease, Unavailable) as error:
        print(f"Not released:\n{error}", file=sys.stderr)
        return 1
    return 0


def reasons(root: Path, today: date | None = None) -> list[str]:
    """Why the commit is no release; empty where it is one."""
    version = version_of(root)
    found: list[str] = []
    if not _RELEASE.fullmatch(version):
        found.append(f"pyproject.toml: version {version} is none of a release; write it as 0.1.0")
    found += _of_changelog(
        (root / "CHANGELOG.md").read_text(encoding="utf-8"), version, today or datetime.now(BEIJING).date()
    )
    changed = _run(["git", "status", "--porcelain"], root).splitlines()
    if changed:
        named = ", ".join(line[3:] for line in changed[:5])
        found.append(f"{len(changed)} files are not committed ({named}); commit or remove them")
    if not _contract_is_released(root):
        found.append(f"protos/{RELEASED.name} is not this contract; run python -m tools.release_image and commit it")
    return found


def _of_changelog(text: str, version: str, today: date) -> list[str]:
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    wanted = f"## [{version.partition('.dev')[0]}] - {today:%Y-%m-%d}"
    mine = [each for each in sections if each.startswith(f"[{version}]")]
    if not mine:
        return [f"CHANGELOG.md has no section of this version; write `{wanted}` over what it changes"]
    heading, _, body = mine[0].partition("\n")
    found: list[str] = []
    dated = re.fullmatch(r"\[[^]]+\] - (\d{4}-\d{2}-\d{2})", heading.strip())
    try:
        day = date.fromisoformat(dated[1]) if dated else None
    except ValueError:
        day = None
    if day is None:
        found.append(f"CHANGELOG.md: the section has no date; write `{wanted}`")
    elif day > today:
        found.append(f"CHANGELOG.md: {day} is not come yet; write `{wanted}`")
    if not re.search(r"^- \S", body, re.MULTILINE):
        found.append("CHANGELOG.md: the section names no change")
    unreleased = next((each for each in sections if each.startswith("[Unreleased]")), "")
    if re.search(r"^- \S", unreleased, re.MULTILINE):
        found.append("CHANGELOG.md: changes stand under [Unreleased]; move them to the section of this version")
    return found


def _contract_is_released(root: Path) -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch) / RELEASED.name
        try:
            gen_protos.write_image(image, comments=False)
        except gen_protos.CompileError:
            return False
        return image.read_bytes() == (root / "protos" / RELEASED.name).read_bytes()


def version_of(root: Path) -> str:
    """The version that pyproject.toml names."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def build(root: Path, scratch: Path) -> list[Path]:
    """The sdist of the commit, and the wheel made from that sdist. NoRelease where a file of a package is missing in it.

    It is built from the commit alone: what lies about in a working tree (an old `build/` first of all) would go along.
    """
    source, out = scratch / "source", scratch / "built"
    source.mkdir()
    archive = scratch / "commit.tar"
    _run(["git", "archive", "--format=tar", f"--output={archive}", "HEAD"], root)
    _run(["tar", "-xf", str(archive), "-C", str(source)], root)
    _run([sys.executable, "-m", "build", "--outdir", str(out), str(source)], scratch)
    built = sorted(out.iterdir())
    with zipfile.ZipFile(wheel_of(built)) as wheel:
        held = set(wheel.namelist())
    tracked = _run(["git", "ls-tree", "-r", "--name-only", "HEAD", *_PACKAGES], root).splitlines()
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
    _run([sys.executable, "-m", "venv", str(environment)], scratch)
    python = environment / "bin" / "python"
    pins = ROOT / "constraints.txt"
    _run(
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


def _keep(built: Sequence[Path], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for file in built:
        shutil.copy2(file, folder / file.name)
        print(f"{DIST}/{file.name}")


def _run(words: list[str], folder: Path) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join(f"  {line}" for line in (done.stderr or done.stdout).strip().splitlines()[-12:])
        raise NoRelease(f"{' '.join(words[:4])} failed:\n{said}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
