"""What `make release` refuses: every reason at once, each with what to do."""

from __future__ import annotations

import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from tools import gen_protos, release
from tools.release_image import RELEASED
from tools.tidy import ROOT

DAY = date(2026, 11, 30)
GOOD = "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-11-30\n\n### Added\n\n- All of it.\n"


@pytest.fixture
def commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clean repository with a version and a changelog; its contract is this one's, as it was released."""
    # Compiling takes a second each time.
    monkeypatch.setattr(gen_protos, "write_image", lambda target, **_: shutil.copy(RELEASED, target))
    (tmp_path / "protos").mkdir()
    shutil.copy(RELEASED, tmp_path / "protos" / RELEASED.name)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.1.0"\n', encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(GOOD, encoding="utf-8")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=n@localhost"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *words], check=True)
    return tmp_path


def of_the_files(commit: Path) -> list[str]:
    """The reasons without that of the tree, which every change of a test makes."""
    return [each for each in release.reasons(commit, DAY) if "not committed" not in each]


def test_a_version_a_date_and_a_clean_tree_are_a_release(commit: Path) -> None:
    assert release.reasons(commit, DAY) == []


def test_a_tree_that_is_not_clean_is_refused_by_its_files(commit: Path) -> None:
    (commit / "stray.py").touch()
    (commit / "CHANGELOG.md").write_text(GOOD + "\n", encoding="utf-8")
    (told,) = (each for each in release.reasons(commit, DAY) if "not committed" in each)
    assert told == "2 files are not committed (CHANGELOG.md, stray.py); commit or remove them"


@pytest.mark.parametrize(
    ("changelog", "said"),
    [
        (GOOD.replace("[0.1.0] - 2026-11-30", "[0.0.9] - 2026-11-30"), "has no section of this version"),
        (GOOD.replace(" - 2026-11-30", ""), "the section has no date; write `## [0.1.0] - 2026-11-30`"),
        (GOOD.replace("2026-11-30", "2026-13-30"), "the section has no date"),
        (GOOD.replace("2026-11-30", "2026-12-01"), "2026-12-01 is not come yet"),
        (GOOD.replace("- All of it.\n", ""), "the section names no change"),
        (GOOD.replace("[Unreleased]\n", "[Unreleased]\n\n- Something else.\n"), "changes stand under [Unreleased]"),
    ],
)
def test_a_changelog_without_its_dated_section_is_refused(commit: Path, changelog: str, said: str) -> None:
    (commit / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
    (told,) = of_the_files(commit)
    assert said in told


def test_a_version_of_development_is_refused_with_all_else_that_is_wrong(commit: Path) -> None:
    (commit / "pyproject.toml").write_text('[project]\nversion = "0.1.0.dev0"\n', encoding="utf-8")
    told = of_the_files(commit)
    assert len(told) == 2
    assert "0.1.0.dev0 is none of a release" in told[0]
    assert "write `## [0.1.0.dev0]" not in told[1]


@pytest.mark.parametrize(("released", "said"), [(True, False), (False, True)])
def test_the_contract_must_be_the_one_that_is_kept(
    commit: Path, monkeypatch: pytest.MonkeyPatch, released: bool, said: bool
) -> None:
    kept = (commit / "protos" / RELEASED.name).read_bytes()

    def write(target: Path, *, comments: bool) -> None:
        assert not comments
        target.write_bytes(kept if released else kept + b"\0")

    monkeypatch.setattr(gen_protos, "write_image", write)
    found = any("python -m tools.release_image" in each for each in release.reasons(commit, DAY))
    assert found is said


def test_what_is_no_release_builds_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(release, "reasons", lambda _root: ["one reason", "another"])
    monkeypatch.setattr(release, "build", lambda *_: pytest.fail("it built"))
    assert release.main([]) == 1
    assert capsys.readouterr().err == "Not released:\n- one reason\n- another\n"
    assert not (ROOT / release.DIST).exists()
