"""`python -m services store`: what it says, what it does, and what it refuses."""

from __future__ import annotations

import re
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, Literal, NamedTuple

import pytest

from services import mesh
from services.identity.store.schema import HEAD
from services.runtime import store_command as command
from services.runtime.config import Config
from services.runtime.embedded import store_held
from services.runtime.stores import backups
from services.runtime.stores.schema import release
from services.runtime.texts.stores import texts
from tests.runtime.spoiling import spoil
from tests.wording import CHINESE

MEMBER: Final = mesh.member("identity")
PERSON: Final = (
    "INSERT INTO person VALUES ('p1', '测甲', '01', '990000198102114013', '1', '01', '1980-01-01', NULL, '')"
)


class Ran(NamedTuple):
    """How a command ended and what it said."""

    result: int
    said: str
    complained: str


Run = Callable[..., Ran]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config.load({}, {"YIBAO_SANDBOX": "on", "YIBAO_DATA_DIR": str(tmp_path / "data")})


@pytest.fixture
def run(config: Config) -> Run:
    def run(*words: str, settings: dict[str, str] | None = None, language: Literal["zh", "en"] = "en") -> Ran:
        said: list[str] = []
        complained: list[str] = []
        chosen = Config.load({}, {"YIBAO_SANDBOX": "on", **settings}) if settings else config
        result = command.main(words, lambda _: chosen, said.append, complained.append, language)
        return Ran(result, "\n".join(said), "\n".join(complained))

    return run


@pytest.fixture
def file(run: Run, config: Config) -> Path:
    """A store of identity with a person."""
    assert run("upgrade", "identity").result == 0
    file = config.data_dir / "identity.sqlite"
    with closing(sqlite3.connect(file)) as store, store:
        store.execute(PERSON)
    return file


def people(file: Path) -> int:
    with closing(sqlite3.connect(file)) as store:
        count: int = store.execute("SELECT count(*) FROM person").fetchone()[0]
    return count


def test_check_tells_revision_and_differences_and_makes_nothing(run: Run, config: Config) -> None:
    ran = run("check")
    assert (ran.result, ran.said.count("does not exist")) == (0, len([each for each in mesh.MESH if each.has_store]))
    assert not config.data_dir.exists()
    run("upgrade", "identity")
    assert ": in order" in run("check", "identity").said
    with closing(sqlite3.connect(config.data_dir / "identity.sqlite")) as store:
        store.execute("DROP INDEX ec_code_one_shown")
    ran = run("check", "identity")
    assert (ran.result, "differs: index ec_code_one_shown of ec_code" in ran.said) == (1, True)
    ran = run("upgrade", "identity")
    assert ran.result == 1
    assert "index ec_code_one_shown of ec_code" in ran.complained


def test_a_copy_is_private_whole_and_put_back_with_what_stood_there_beside(
    run: Run, file: Path, tmp_path: Path
) -> None:
    assert run("backup", "identity", "--to", str(tmp_path / "copies")).result == 0
    (copy,) = (tmp_path / "copies").iterdir()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(file)) as store, store:
        store.execute("DELETE FROM person")
    before = copy.read_bytes()
    ran = run("restore", "identity", str(copy))
    assert (ran.result, people(file)) == (0, 1)
    (aside,) = file.parent.glob("*.replaced")
    assert str(aside) in ran.said
    assert people(aside) == 0
    assert copy.read_bytes() == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_damaged_store_gives_way_to_its_copy(run: Run, file: Path, tmp_path: Path) -> None:
    run("backup", "identity", "--to", str(tmp_path))
    (copy,) = tmp_path.glob("identity-*.backup")
    file.write_bytes(b"damaged " * 1000)
    assert "damaged" in run("check", "identity").complained
    assert (run("restore", "identity", str(copy)).result, people(file)) == (0, 1)


def test_damage_of_which_sqlite_tells_in_no_text_is_damage_too(run: Run, file: Path, tmp_path: Path) -> None:
    run("backup", "identity", "--to", str(tmp_path))
    (copy,) = tmp_path.glob("identity-*.backup")
    spoil(file)
    assert "damaged" in run("check", "identity").complained
    failed = run("backup", "identity", "--to", str(tmp_path / "more"))
    assert (failed.result, f"{file} is no whole SQLite store" in failed.complained) == (1, True)
    assert list((tmp_path / "more").iterdir()) == []
    spoilt = Path(shutil.copyfile(file, tmp_path / "spoilt.backup"))
    assert f"{spoilt} is no whole SQLite store" in run("restore", "identity", str(spoilt)).complained
    assert (run("restore", "identity", str(copy)).result, people(file)) == (0, 1)


def test_damage_that_a_start_does_not_meet_is_found_and_nothing_of_a_copy_is_left(
    run: Run, file: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(file)) as store:
        (page,) = store.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'person'").fetchone()
        (size,) = store.execute("PRAGMA page_size").fetchone()
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(b"\xff" * size)
    for words in (("check", "identity"), ("backup", "identity", "--to", str(tmp_path / "copies"))):
        ran = run(*words)
        assert (ran.result, ran.complained) == (1, f"identity: {file} is no whole SQLite store")
        assert "不是完整的SQLite库" in run(*words, language="zh").complained
    assert list((tmp_path / "copies").iterdir()) == []


@pytest.mark.parametrize(
    ("code", "why", "chinese"),
    [
        (sqlite3.SQLITE_FULL, "No space left on device", "磁盘已满"),
        (sqlite3.SQLITE_IOERR_SHMSIZE, "No space left on device", "磁盘已满"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "Permission denied", "没有权限"),
        (sqlite3.SQLITE_CANTOPEN, "Permission denied", "没有权限"),
    ],
)
def test_what_keeps_a_copy_from_being_made_is_said_of_a_file_in_words(
    run: Run, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, why: str, chinese: str
) -> None:
    def fails(source: Path, partial: Path) -> None:
        partial.write_bytes(b"begun")
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = code
        raise error

    monkeypatch.setattr(backups, "_copy", fails)
    about = tmp_path if code == sqlite3.SQLITE_FULL else file
    ran = run("backup", "identity", "--to", str(tmp_path))
    assert ran.result == 1
    assert re.fullmatch(rf"identity: {about}\S*: {why}", ran.complained), ran
    assert chinese in run("backup", "identity", "--to", str(tmp_path), language="zh").complained
    assert list(tmp_path.glob("identity-*")) == []


def test_a_version_that_is_no_text_is_refused_in_words(run: Run, file: Path) -> None:
    with closing(sqlite3.connect(file)) as store, store:
        store.execute("DROP TABLE identity_version")
        store.execute("CREATE TABLE identity_version (version_num, release, compared)")
        store.execute("INSERT INTO identity_version VALUES (4, NULL, NULL)")
    assert "revision 4" in run("check", "identity").said
    assert "says revision 4 (of another program)" in run("upgrade", "identity").complained


def test_what_is_no_copy_of_the_member_is_refused_and_the_store_stays(run: Run, file: Path, tmp_path: Path) -> None:
    run("upgrade", "settlement")
    run("backup", "settlement", "--to", str(tmp_path))
    (other,) = tmp_path.glob("settlement-*.backup")
    (tmp_path / "text").write_text("no store " * 1000)
    with closing(sqlite3.connect(file)) as store, closing(sqlite3.connect(tmp_path / "newer")) as newer:
        store.backup(newer)
        newer.execute("UPDATE identity_version SET version_num = '0099', release = '9.0'")
        newer.commit()
    for copy, why in (
        (other, "holds no table of it"),
        (tmp_path / "text", "is no whole SQLite store"),
        (tmp_path / "newer", "made by yibao 9.0"),
        (tmp_path / "absent", "there is no copy"),
    ):
        ran = run("restore", "identity", str(copy))
        assert (ran.result, why in ran.complained) == (1, True), ran
    assert people(file) == 1


@pytest.mark.parametrize("as_told", ["itself", "link", "second name"])
def test_a_store_is_not_restored_from_itself(run: Run, file: Path, tmp_path: Path, as_told: str) -> None:
    copy = file if as_told == "itself" else tmp_path / "copy"
    if as_told == "link":
        copy.symlink_to(file)
    elif as_told == "second name":
        copy.hardlink_to(file)
    ran = run("restore", "identity", str(copy))
    assert (ran.result, "is the store itself, not a copy of it" in ran.complained) == (1, True), ran
    assert (people(file), list(file.parent.glob("*.re*"))) == (1, [])


def test_a_store_is_not_copied_onto_itself(run: Run, file: Path) -> None:
    ran = run("backup", "identity", "--to", str(file))
    assert (ran.result, "copies go to a folder" in ran.complained) == (1, True), ran
    assert (people(file), [each for each in file.parent.iterdir() if ".backup" in each.name]) == (1, [])


def test_a_store_in_use_is_neither_upgraded_nor_replaced(run: Run, config: Config, file: Path, tmp_path: Path) -> None:
    run("backup", "identity", "--to", str(tmp_path))
    (copy,) = tmp_path.glob("identity-*.backup")
    with store_held(MEMBER, config):
        for words in (("upgrade", "identity"), ("restore", "identity", str(copy))):
            ran = run(*words)
            assert (ran.result, "another mesh keeps its data in" in ran.complained) == (1, True), ran
        assert run("backup", "identity", "--to", str(tmp_path / "more")).result == 0


def test_the_words_for_postgresql_name_the_database_and_no_password(run: Run, tmp_path: Path) -> None:
    settings = {"YIBAO_DATABASE_URL": "postgresql://books:p%40ss@there:5433/{member}", "YIBAO_DATA_DIR": str(tmp_path)}
    ran = run("backup", settings=settings)
    where = "--host=there --port=5433 --username=books --dbname=settlement"
    assert f"pg_dump {where} --format=custom --file=settlement-" in ran.said
    ran = run("restore", "settlement", "its copy.dump", settings=settings)
    assert f"pg_restore {where} --clean --if-exists" in ran.said
    assert ran.said.endswith("'its copy.dump'")
    assert "p@ss" not in ran.said
    assert "p%40ss" not in ran.said


def test_everything_is_said_in_chinese_too(run: Run, config: Config, file: Path, tmp_path: Path) -> None:
    for english, chinese in texts().items():
        assert re.findall(r"{\w+}", english) == sorted(re.findall(r"{\w+}", chinese), key=english.index), english
        assert CHINESE.search(chinese) or "：" in chinese
    assert run("check", "identity", language="zh").said == (
        f"identity：{file}，修订{HEAD}，由yibao {release()}建立：正常"
    )
    with store_held(MEMBER, config):
        assert "另一个网格正在使用目录" in run("upgrade", "identity", language="zh").complained
    file.write_bytes(b"damaged " * 1000)
    assert "已损坏" in run("check", "identity", language="zh").complained
