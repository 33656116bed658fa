"""What a newcomer types first: the targets exist, an unfit Python explains itself, and every package is pinned."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from tools.tidy import ROOT


def make(target: str, **variables: str) -> subprocess.CompletedProcess[str]:
    settings = [f"{name}={value}" for name, value in variables.items()]
    return subprocess.run(
        ["make", target, *settings], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30
    )


def interpreter(folder: Path, script: str) -> str:
    program = folder / "python-of-the-test"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("target", ["help", "setup", "demo", "up", "test", "torture", "mutants", "bench", "release"])
def test_the_makefile_has_the_target(target: str) -> None:
    run = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_make_alone_says_what_there_is() -> None:
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[1] for line in said.splitlines()} == {
        "demo",
        "up",
        "test",
        "torture",
        "mutants",
        "bench",
        "release",
        "setup",
    }


@pytest.mark.parametrize(("made_in", "again"), [(str(ROOT), False), ("/somewhere/else", True), ("", True)])
def test_an_environment_made_in_another_folder_is_made_anew(tmp_path: Path, made_in: str, again: bool) -> None:
    venv = tmp_path / "venv"
    venv.mkdir()
    (venv / ".installed").write_text(f"{made_in}\n", encoding="utf-8")
    planned = subprocess.run(
        ["make", "--dry-run", "setup", f"VENV={venv}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ("pip install" in planned.stdout) == again


@pytest.mark.parametrize(
    ("locale", "said"),
    [("C.UTF-8", "Run in the folder of the project: make setup"), ("zh_CN.UTF-8", "请在这个目录里运行")],
)
def test_the_command_of_a_moved_clone_says_what_to_do(tmp_path: Path, locale: str, said: str) -> None:
    made = Path(sys.executable).parent
    for name in ("yibao", "yibao.made-in"):
        shutil.copy(made / name, tmp_path / name)
    # It would find the packages of the folder it was made in, which are somebody else's now.
    (tmp_path / "python").symlink_to(sys.executable)
    environment = os.environ | {"LC_ALL": locale}
    moved = subprocess.run(
        [tmp_path / "yibao", "settings"], env=environment, capture_output=True, text=True, check=False
    )
    assert (moved.returncode, moved.stdout) == (1, "")
    assert said in moved.stderr
    assert moved.stderr.count("\n") == 1


def test_the_command_runs_by_a_link_on_the_path(tmp_path: Path) -> None:
    link = tmp_path / "yibao"
    link.symlink_to(Path(sys.executable).with_name("yibao"))
    run = subprocess.run([link, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.startswith("yibao ")


def test_a_missing_python_says_what_to_install(tmp_path: Path) -> None:
    run = make("setup", VENV=str(tmp_path / "venv"), PYTHON=str(tmp_path / "no-python"))
    assert run.returncode != 0
    assert "yibao needs Python 3.11" in run.stderr
    assert "make setup PYTHON=" in run.stderr


def test_a_python_of_another_version_is_named(tmp_path: Path) -> None:
    other = interpreter(tmp_path, '[ "$1" = --version ] && echo "Python 3.9.2" && exit 0; exit 1')
    run = make("setup", VENV=str(tmp_path / "venv"), PYTHON=other)
    assert run.returncode != 0
    assert "is Python 3.9.2, but yibao needs Python 3.11" in run.stderr


def test_the_pythons_that_are_accepted_are_those_that_are_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    first, last = re.findall(r"\((3), (\d+)\)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    minors = range(int(first[1]), int(last[1]) + 1)
    assert project["project"]["requires-python"] == f">=3.{minors[0]},<3.{minors[-1] + 1}"
    named = [
        re.fullmatch(r"Programming Language :: Python :: 3\.(\d+)", each) for each in project["project"]["classifiers"]
    ]
    assert [int(each[1]) for each in named if each] == list(minors)
    assert project["tool"]["mypy"]["python_version"] == f"3.{minors[0]}"
    assert project["tool"]["ruff"]["target-version"] == f"py3{minors[0]}"
    for readme, words in (("README.md", "Python 3.{} to 3.{}"), ("README.zh-CN.md", "Python 3.{} 至 3.{}")):
        assert words.format(minors[0], minors[-1]) in (ROOT / readme).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("version", "accepted"), [((3, 10), False), ((3, 11), True), ((3, 14), True), ((3, 15), False)]
)
def test_a_python_is_accepted_by_its_version(tmp_path: Path, version: tuple[int, int], accepted: bool) -> None:
    # The Makefile's own question, asked of this interpreter under another version.
    asked = f'import sys; sys.version_info = {version}; exec(sys.argv[1].partition("; ")[2])'
    other = interpreter(
        tmp_path, f'case "$2" in *version_info*) exec {sys.executable} -c \'{asked}\' "$2";; esac; exit 1'
    )
    run = make("setup", VENV=str(tmp_path / "venv"), PYTHON=other)
    assert ("but yibao needs Python 3.11 to 3.14" in run.stderr) is not accepted
    assert ("no working venv module" in run.stderr) is accepted


def test_a_python_without_venv_names_the_debian_package(tmp_path: Path) -> None:
    bare = interpreter(tmp_path, 'case "$2" in *ensurepip*) exit 1;; esac; exit 0')
    run = make("setup", VENV=str(tmp_path / "venv"), PYTHON=bare)
    assert run.returncode != 0
    assert "apt-get install python3-venv" in run.stderr


def test_every_named_package_is_pinned_and_nothing_else_stands_in_the_constraints() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []
    pinned = {normal(pin.partition("==")[0]) for pin in pins}
    named = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    assert {normal(re.split(r"[\[<>=]", name)[0]) for name in named} - pinned == set()


def normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def test_continuous_integration_runs_what_a_developer_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert script.read_text(encoding="utf-8").rstrip().endswith("make test")
    assert script.stat().st_mode & 0o111
