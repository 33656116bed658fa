"""Whole set-ups as users have them: two at once, a moved clone, a Chinese folder on a machine whose locale is not UTF-8."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tools.tidy import ROOT

pytestmark = pytest.mark.torture

SETUP_S: Final = 600
FOLDER: Final = "医保平台"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clones") / "first"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def gbk(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a machine on zh_CN.GBK; its locale is made here, so that none need be installed."""
    if shutil.which("localedef") is None:
        pytest.skip("localedef is not on this machine: apt-get install locales")
    folder = tmp_path_factory.mktemp("locales")
    subprocess.run(["localedef", "-f", "GBK", "-i", "zh_CN", str(folder / "zh_CN.GBK")], check=False)
    environment = {**os.environ, "LOCPATH": str(folder), "LC_ALL": "zh_CN.GBK"}
    asked = [sys.executable, "-c", "import sys; print(sys.getfilesystemencoding(), sys.stdout.encoding)"]
    told = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True).stdout
    assert told.split() == ["gbk", "gbk"]
    return environment


def run(words: list[str], folder: Path, environment: dict[str, str] | None = None) -> str:
    """What a command prints, in whichever encoding; it must succeed."""
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, timeout=SETUP_S, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:].decode(errors="replace")
    return done.stdout.decode("gbk" if environment else "utf-8")


def test_two_set_ups_at_once_wait_for_each_other(clone: Path) -> None:
    both = [subprocess.Popen(["make", "setup"], cwd=clone, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [each.communicate(timeout=SETUP_S)[0] for each in both]
    assert [each.returncode for each in both] == [0, 0]
    assert sorted("is ready" in each for each in said) == [False, True]
    assert "settings" in run([".venv/bin/yibao", "--help"], clone)


def test_a_moved_clone_is_set_up_again_and_works_in_a_chinese_folder_on_a_gbk_machine(
    clone: Path, gbk: dict[str, str]
) -> None:
    moved = clone.with_name(os.fsdecode(FOLDER.encode("gbk")))
    clone.rename(moved)
    asked = [str(moved / ".venv" / "bin" / "yibao"), "--help"]
    told = subprocess.run(asked, cwd=moved, env=gbk, capture_output=True, text=True, check=False)
    assert (told.returncode, "make setup" in told.stderr) == (1, True), told
    assert "is ready" in run(["make", "setup"], moved, gbk)
    assert "一次结算" in run(["make", "demo"], moved, gbk)
    # From another folder, as a link on the PATH would call it.
    assert "YIBAO_SANDBOX" in run([str(moved / ".venv" / "bin" / "yibao"), "settings"], moved.parent, gbk)
    assert "PUB-26" in run([".venv/bin/yibao", "case", "tests/settlement/cases/PUB-26.json"], moved, gbk)
