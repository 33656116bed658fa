"""What takes long of stores: whole meshes on dumped PostgreSQL stores, and the words that are printed for its own programs."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Final

import pytest

from services.runtime import store_command as command
from services.runtime.config import Config
from tests.mesh.dump_stores import MEMBERS
from tests.mesh.test_stores import RELEASES, tables_of
from tests.mesh.test_upgraded import answers_as_before, differences, loaded, rows_of, schema_of, upgraded
from tools.postgres import Server

pytestmark: Final = pytest.mark.torture


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
