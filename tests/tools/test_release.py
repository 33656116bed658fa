"""What `make release` refuses, every reason at once and each with what to do; and what preparing one writes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tests.tools.test_gen_protos import NOTE, write
from tools import gen_protos, release_image
from tools.gen_protos import RELEASED
from tools.release import __main__ as program
from tools.release import changelog, preparing
from tools.release.building import DIST
from tools.release.commit import NoRelease, reasons, version_of

DAY = date(2026, 11, 30)
GOOD = "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-11-30\n\n### Added\n\n- All of it.\n"
OPEN = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- All of it.\n"
NEXT = OPEN.replace("All of it", "More") + GOOD.partition("[Unreleased]\n")[2]

Git = Callable[..., str]


@pytest.fixture
def commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clean repository with a version and a changelog; its contract is this one's, as it was released."""
    # Compiling takes a second each time.
    monkeypatch.setattr(gen_protos, "write_image", lambda target, **_: shutil.copy(RELEASED, target))
    (tmp_path / "protos").mkdir()
    shutil.copy(RELEASED, tmp_path / "protos" / RELEASED.name)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.1.0"\n', encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(GOOD, encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    committed(tmp_path)
    return tmp_path


def git(root: Path, *words: str) -> str:
    who = ("-c", "user.name=n", "-c", "user.email=n@localhost")
    return subprocess.run(["git", "-C", str(root), *who, *words], check=True, capture_output=True, text=True).stdout


def committed(root: Path, **files: str) -> None:
    """Writes files (`pyproject` and `changelog`) and commits all."""
    for name, text in files.items():
        place = {"pyproject": "pyproject.toml", "changelog": "CHANGELOG.md"}[name]
        (root / place).write_text(text, encoding="utf-8")
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "all")


def of_the_files(commit: Path) -> list[str]:
    """The reasons without that of the tree, which every change of a test makes."""
    return [each for each in reasons(commit, DAY) if "not committed" not in each]


def test_a_version_a_date_and_a_clean_tree_are_a_release(commit: Path) -> None:
    assert reasons(commit, DAY) == []


def test_a_tree_that_is_not_clean_is_refused_by_its_files(commit: Path) -> None:
    (commit / "stray.py").touch()
    (commit / "CHANGELOG.md").write_text(GOOD + "\n", encoding="utf-8")
    (told,) = (each for each in reasons(commit, DAY) if "not committed" in each)
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
        (GOOD + "\n## [0.1.1] - 2026-11-01\n\n- Before.\n", "0.1.0 does not come after 0.1.1, which is released"),
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

    def written(target: Path, *, comments: bool) -> None:
        assert not comments
        target.write_bytes(kept if released else kept + b"\0")

    monkeypatch.setattr(gen_protos, "write_image", written)
    found = any("is not this contract" in each for each in reasons(commit, DAY))
    assert found is said


def test_a_version_is_released_once(commit: Path) -> None:
    git(commit, "tag", "-a", "v0.1.0", "-m", "yibao 0.1.0")
    assert reasons(commit, DAY) == []
    committed(commit, changelog=GOOD + "\n")
    (told,) = reasons(commit, DAY)
    assert "v0.1.0 is the tag of another commit" in told


def test_what_is_no_release_builds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "ROOT", tmp_path)
    monkeypatch.setattr(program, "reasons", lambda _root: ["one reason", "another"])
    monkeypatch.setattr(program, "build", lambda *_: pytest.fail("it built"))
    assert program.main([]) == 1
    assert capsys.readouterr().err == "Not released:\n- one reason\n- another\n"
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(("words", "tags"), [([], ""), (["--tag"], "v0.1.0\n")])
def test_a_tag_is_made_only_where_it_is_asked(
    commit: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], tags: str
) -> None:
    git(commit, "config", "user.name", "n")
    git(commit, "config", "user.email", "n@localhost")
    monkeypatch.setattr(program, "ROOT", commit)
    monkeypatch.setattr(program, "reasons", lambda _root: [])
    monkeypatch.setattr(program, "build", lambda _root, scratch: [scratch / "a.whl"])
    monkeypatch.setattr(program, "tried", lambda wheel, _scratch: wheel.touch() or "settled")
    assert program.main(words) == 0
    assert git(commit, "tag") == tags
    said = capsys.readouterr().out
    assert ("To tag it: git tag -a v0.1.0 -m 'yibao 0.1.0'" in said) == (not tags)
    assert (commit / DIST / "a.whl").exists()


def test_preparing_writes_all_that_makes_a_release_and_a_commit_makes_it_one(commit: Path) -> None:
    committed(commit, pyproject='[project]\nname = "n"\nversion = "0.1.0.dev0"\n', changelog=OPEN)
    (commit / "protos" / RELEASED.name).write_bytes(b"an earlier sketch")
    committed(commit)
    assert preparing.prepare(commit, today=DAY) == "0.1.0"
    assert version_of(commit) == "0.1.0"
    assert (commit / "CHANGELOG.md").read_text(encoding="utf-8") == GOOD
    assert git(commit, "diff", "--name-only").split() == ["CHANGELOG.md", "protos/released.binpb", "pyproject.toml"]
    committed(commit)
    assert reasons(commit, DAY) == []


def test_the_next_release_is_named_and_keeps_the_one_before(commit: Path) -> None:
    committed(commit, changelog=NEXT)
    with pytest.raises(NoRelease, match="is released or prepared already"):
        preparing.prepare(commit, today=DAY)
    assert preparing.prepare(commit, "0.2.0", DAY) == "0.2.0"
    assert changelog.released((commit / "CHANGELOG.md").read_text(encoding="utf-8")) == ["0.2.0", "0.1.0"]
    committed(commit)
    assert reasons(commit, DAY) == []


@pytest.mark.parametrize(
    ("wanted", "text", "stray", "said"),
    [
        ("0.2", NEXT, False, "0.2 is no version of a release"),
        ("0.0.9", NEXT, False, "0.0.9 does not come after 0.1.0"),
        ("0.2.0", GOOD, False, "no change stands under"),
        ("0.2.0", NEXT, True, "1 files are not committed"),
    ],
)
def test_what_cannot_be_prepared_is_refused_and_nothing_is_written(
    commit: Path, wanted: str, text: str, stray: bool, said: str
) -> None:
    committed(commit, changelog=text)
    if stray:
        (commit / "stray.py").touch()
    with pytest.raises(NoRelease, match=said):
        preparing.prepare(commit, wanted, DAY)
    assert git(commit, "diff", "--name-only") == ""


def test_a_contract_that_breaks_callers_of_the_release_before_is_not_prepared(
    commit: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    compiled = gen_protos.write_image
    protos = write(tmp_path_factory.mktemp("protos"), NOTE)
    shutil.copytree(gen_protos.PROTOS / "yibao" / "options", protos / "yibao" / "options")
    compiled(commit / "protos" / RELEASED.name, protos, comments=False)
    committed(commit, changelog=NEXT)
    write(protos, NOTE.replace("string text = 1", "bytes text = 1"))
    monkeypatch.setattr(gen_protos, "write_image", lambda target, **_: compiled(target, protos, comments=False))
    with pytest.raises(NoRelease, match="breaks callers of the release before") as refused:
        preparing.prepare(commit, "0.2.0", DAY)
    assert "changed type" in str(refused.value)
    assert version_of(commit) == "0.1.0"


@pytest.mark.parametrize(("text", "result"), [(OPEN, 0), (NEXT, 1)])
def test_the_kept_contract_is_written_anew_only_before_the_first_release(
    commit: Path, monkeypatch: pytest.MonkeyPatch, text: str, result: int
) -> None:
    (commit / "CHANGELOG.md").write_text(text, encoding="utf-8")
    (commit / "protos" / RELEASED.name).write_bytes(b"before")
    monkeypatch.setattr(gen_protos, "ROOT", commit)
    image = RELEASED.read_bytes()
    monkeypatch.setattr(gen_protos, "RELEASED", commit / "protos" / RELEASED.name)
    monkeypatch.setattr(gen_protos, "write_image", lambda target, **_: target.write_bytes(image))
    assert release_image.main() == result
    assert ((commit / "protos" / RELEASED.name).read_bytes() == b"before") is bool(result)
