"""What takes long of stores: whole meshes on dumped PostgreSQL stores, and the words that are printed for its own programs."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from services.runtime import store_command as command
from services.runtime.config import Config
from tests.mesh.test_stores import MEMBERS, RELEASES, tables_of
from tests.mesh.test_upgraded import answers_as_before, differences, load_sqlite, loaded, rows_of, schema_of, upgraded
from tests.torture.victim import show
from tools.postgres import Server

pytestmark: Final = pytest.mark.torture
KILLS: Final = 16


@pytest.mark.parametrize("release", RELEASES, ids=lambda each: each.name)
async def test_dumped_postgresql_stores_answer_as_before_and_come_back_by_the_printed_words(
    release: Path, tmp_path: Path, postgres_server: Server
) -> None:
    scripts = {each: (release / f"{each}.postgresql.sql").read_text(encoding="utf-8") for each in MEMBERS}
    for member, script in scripts.items():
        postgres_server.create(member)
        await loaded(postgres_server, member, script)
    journal = json.loads((release / "postgresql.journal.json").read_text(encoding="utf-8"))
    url = postgres_server.url("{member}", "postgresql")
    async with upgraded(tmp_path, {"YIBAO_DATABASE_URL": url}) as mesh:
        await answers_as_before(mesh, journal)
        config = mesh.config
    dumps = postgres_server.folder / "dumps"
    dumps.mkdir(mode=0o777)
    dumps.chmod(0o777)
    for words in printed(config, "backup", "--to", str(dumps)):
        postgres_server.run(*words)
    for member, script in scripts.items():
        rows = await rows_of(postgres_server, member, tables_of(script))
        await lose(postgres_server, member)
        (dump,) = dumps.glob(f"{member}-*.dump")
        (words,) = printed(config, "restore", member, str(dump))
        postgres_server.run(*words)
        assert await rows_of(postgres_server, member, tables_of(script)) == rows
        assert await differences(postgres_server.url(member), schema_of(member)) == ()
    async with upgraded(tmp_path, {"YIBAO_DATABASE_URL": url}) as mesh:
        await answers_as_before(mesh, journal)


@pytest.mark.parametrize("work", ["upgrade", "restore"])
def test_a_store_is_whole_whenever_its_upgrade_or_restore_is_killed(work: str, tmp_path: Path) -> None:
    """Kills come at moments spread over the time that the work takes, then closer around the end of it."""
    load_sqlite(RELEASES[0], tmp_path)
    names = tables_of((RELEASES[0] / "settlement.sqlite.sql").read_text(encoding="utf-8"))
    copy = tmp_path / "copy"
    words = ["upgrade", "settlement"]
    if work == "restore":
        ended(begun(tmp_path, "backup", "settlement", "--to", str(copy)), 0)
        words = ["restore", "settlement", str(next(copy.iterdir()))]
    before = told(tmp_path, names)
    took = measured(tmp_path, words)
    found: list[int] = []
    for kill in range(KILLS):
        load_again(tmp_path)
        process = begun(tmp_path, *words)
        time.sleep(took * (0.4 + 0.7 * kill / KILLS))
        process.kill()
        found.append(process.wait())
        assert told(tmp_path, names) == before
        if work == "upgrade":
            # Whatever is left is taken up by the next start.
            ended(begun(tmp_path, *words), 0)
            assert told(tmp_path, names) == before
    show(f"{work}: {found.count(-signal.SIGKILL)} of {KILLS} killed, {took:.1f} s undisturbed")
    assert -signal.SIGKILL in found


def load_again(folder: Path) -> None:
    """The old store anew, as if nothing had been done to it."""
    for each in folder.glob("settlement.sqlite*"):
        each.unlink()
    load_sqlite(RELEASES[0], folder, ["settlement"])


def told(folder: Path, tables: Sequence[str]) -> list[int]:
    """How many rows each table has, in a store that SQLite finds whole."""
    with closing(sqlite3.connect(folder / "settlement.sqlite")) as store:
        assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [store.execute(f'SELECT count(*) FROM "{each}"').fetchone()[0] for each in tables]


def measured(folder: Path, words: Sequence[str]) -> float:
    began = time.monotonic()
    ended(begun(folder, *words), 0)
    return time.monotonic() - began


def begun(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "YIBAO_SANDBOX": "on", "YIBAO_DATA_DIR": str(folder)}
    silent = subprocess.DEVNULL
    command = [sys.executable, "-m", "services", "store", *words]
    return subprocess.Popen(command, env=environ, stdout=silent, stderr=silent)


def ended(process: subprocess.Popen[bytes], result: int) -> None:
    assert process.wait() == result


def printed(config: Config, *words: str) -> list[list[str]]:
    """The commands that `store` prints, as a shell reads them."""
    said: list[str] = []
    assert command.main(words, lambda _: config, said.append, pytest.fail) == 0
    return [shlex.split(each) for each in said if each.startswith("  ")]


async def lose(server: Server, member: str) -> None:
    """Empties what is to come back."""
    server.drop(member)
    server.create(member)
    assert await differences(server.url(member), schema_of(member)) == ()
