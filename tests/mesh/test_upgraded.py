"""The dumped stores of earlier releases come up with this program: same rows, same answers, and nothing beyond today's tables."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import pytest

from services import mesh as table
from services.kernel.clock import system_clock
from services.runtime import store_command as command
from services.runtime.config import Config
from services.runtime.db import Database
from services.runtime.stores.opening import State, look
from services.runtime.stores.schema import Schema
from services.runtime.stores.upgrading import scripts
from tests.mesh import dump_stores
from tests.mesh.dump_stores import BILL
from tests.mesh.harness import BEGIN, Mesh, MovableClock, started_mesh
from tests.mesh.hospital import hospital_at
from tests.mesh.people import Newcomers
from tests.mesh.replay import looked_up, otherwise, writes
from tests.mesh.test_stores import EACH_RELEASE, MEMBERS, tables_of
from tests.mesh.world import ledger_findings
from tools.postgres import Server

LATER: Final = BEGIN + timedelta(seconds=20)
"""Soon after the last message of a journal."""

SOME: Final = [
    pytest.param(each, marks=() if each == "settlement" else (pytest.mark.torture,), id=each) for each in MEMBERS
]
"""Members on PostgreSQL: the one with the money at once, the others where there is time."""

CHANGED: Final = (
    # A settlement that was taken back says so.
    (".output.setlinfo.refd_setl_flag", "'0' ≠ '1'"),
    # A message that never came is no success.
    (".infcode", "0 ≠ -1"),
    (".err_msg", "None ≠ '[MESSAGE_NOT_ARRIVED]"),
    # What was given out once is made again of keys that follow from the mesh key in another way since.
    (".err_msg", "None ≠ '[ANSWER_NOT_REPEATABLE]"),
    (".apiKey", "≠ None"),
    (".output", "≠ None"),
)
"""Answers that are meant to be other than they were, by path and what they begin or end with."""


CUMULATED: Final[Mapping[str, Mapping[str, str]]] = {
    "11000000000000000102": {"Q000011": "1300", "TS31010111": "15000"},
    "33010000000000000401": {"cii_base": "787.2", "op_dedc": "600"},
    "9901000000001000": {},
    "9901000000001001": {},
    "9901000000001002": {"Q000011": "1800", "TS31010111": "6000"},
    "9901000000001003": {"Q000011": "1054", "TS31010111": "1054"},
    "9901000000001004": {"adm_count": "1", "D31010121": "26945"},
}
"""What the release that was dumped answered to 5206 at the end, in yuan, by accumulator (the codes as they are written now)."""


def schema_of(member: str) -> Schema:
    return command.schema_of(table.member(member))


def unmeant(differences: Sequence[str]) -> list[str]:
    """Differences that nobody meant; what was empty and is filled now is none."""

    def meant(text: str) -> bool:
        path, _, values = text.partition(": ")
        name = path.split(" ")[-1]
        return (values.startswith("None ≠ ") and name != ".err_msg") or any(
            name == each and said in values for each, said in CHANGED
        )

    return [each for each in differences if not meant(each)]


def load_sqlite(release: Path, folder: Path, members: Sequence[str] = MEMBERS) -> None:
    """The dumped stores as files."""
    for member in members:
        with closing(sqlite3.connect(folder / f"{member}.sqlite")) as store:
            store.executescript((release / f"{member}.sqlite.sql").read_text(encoding="utf-8"))


def counted(folder: Path, release: Path) -> dict[str, int]:
    """How many rows each table of the dumps has."""
    rows: dict[str, int] = {}
    for member in MEMBERS:
        names = tables_of((release / f"{member}.sqlite.sql").read_text(encoding="utf-8"))
        with closing(sqlite3.connect(folder / f"{member}.sqlite")) as store:
            rows |= {name: store.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}
    return rows


async def answers_as_before(mesh: Mesh, journal: Sequence[Mapping[str, Any]]) -> None:
    """Asserts that every message of a journal is answered as it was, and that nothing was booked for it."""
    async with httpx.AsyncClient(base_url=mesh.url, timeout=30) as http:
        for messages in (looked_up(journal), writes(journal), looked_up(journal)):
            assert unmeant(await otherwise(http, messages)) == []
    async with hospital_at(mesh.url, mesh.clock) as hospital:
        for psn_no, amounts in CUMULATED.items():
            answer = await hospital.done("5206", {"data": {"psn_no": psn_no, "cum_ym": ""}})
            assert {each["cum_type_code"]: str(each["cum"]) for each in answer.output["cuminfo"]} == amounts
    assert await ledger_findings(mesh) == []


@asynccontextmanager
async def upgraded(folder: Path, overrides: Mapping[str, str] | None = None) -> AsyncIterator[Mesh]:
    async with started_mesh(folder, clock=MovableClock(LATER), overrides=overrides) as mesh:
        yield mesh


@pytest.mark.parametrize("release", EACH_RELEASE)
async def test_dumped_stores_come_up_with_their_rows_and_answer_as_before_and_are_copied_and_restored_under_load(
    release: Path, tmp_path: Path
) -> None:
    load_sqlite(release, tmp_path)
    before = counted(tmp_path, release)
    journal = json.loads((release / "sqlite.journal.json").read_text(encoding="utf-8"))
    async with upgraded(tmp_path) as mesh:
        rows = counted(tmp_path, release)
        # The first publication of a store knows no provinces' kinds of care; the bootstrap key of the tests stood already.
        assert rows == before
        await answers_as_before(mesh, journal)
        after = await under_load(mesh, tmp_path)
        whole = counted(tmp_path, release)["settlement"]
    assert store(mesh.config, "restore", "settlement", str(after)) == 0
    async with upgraded(tmp_path) as mesh:
        assert await ledger_findings(mesh) == []
        assert rows["settlement"] < counted(tmp_path, release)["settlement"] < whole


async def under_load(mesh: Mesh, folder: Path) -> Path:
    """Settles before, while and after the store is copied; the copy of settlement's."""
    async with hospital_at(mesh.url, mesh.clock) as hospital:
        people = await Newcomers(mesh, 5000).many(3)
        await hospital.visit(people[0], BILL)
        copying = asyncio.create_task(
            asyncio.to_thread(store, mesh.config, "backup", "settlement", "--to", str(folder / "copies"))
        )
        await asyncio.gather(*(hospital.visit(each, BILL) for each in people))
        assert await copying == 0
        await hospital.visit(people[0], BILL)
    (copy,) = (folder / "copies").iterdir()
    return copy


def store(config: Config, *words: str) -> int:
    """`python -m services store`; what it complains of fails the test."""
    said: list[str] = []
    result = command.main(words, lambda _: config, said.append, said.append)
    return result if said else 2


@pytest.mark.parametrize("member", SOME)
@pytest.mark.parametrize("release", EACH_RELEASE)
async def test_a_dumped_postgresql_store_becomes_todays_with_its_rows(
    release: Path, member: str, postgres_server: Server
) -> None:
    name = f"upgraded_{member}"
    postgres_server.create(name)
    try:
        script = (release / f"{member}.postgresql.sql").read_text(encoding="utf-8")
        before = await loaded(postgres_server, name, script)
        assert await differences(postgres_server.url(name), schema_of(member)) == ()
        assert await rows_of(postgres_server, name, tables_of(script)) == before
    finally:
        postgres_server.drop(name)


async def loaded(server: Server, name: str, script: str) -> dict[str, int]:
    """Fills a database from a dump; how many rows each table has."""
    connection = await asyncpg.connect(server.url(name, "postgresql"))  # type: ignore[no-untyped-call]
    await connection.execute(script)
    await connection.close()
    return await rows_of(server, name, tables_of(script))


async def rows_of(server: Server, name: str, tables: Sequence[str]) -> dict[str, int]:
    connection = await asyncpg.connect(server.url(name, "postgresql"))  # type: ignore[no-untyped-call]
    counts = {each: await connection.fetchval(f'SELECT count(*) FROM "{each}"') for each in tables}
    await connection.close()
    return counts


async def differences(url: str, schema: Schema) -> tuple[str, ...]:
    """Brings a store up and compares it whole."""
    database = Database(url, system_clock)
    try:
        await database.start(schema)
        async with database.looked_into() as connection:
            found = await connection.run_sync(lambda each: look(each, schema, thoroughly=True))
    finally:
        await database.close()
    assert found.state is State.READY
    return found.differences


@pytest.mark.parametrize("member", dump_stores.MEMBERS)
def test_the_head_that_a_start_looks_for_is_that_of_the_migrations(member: str) -> None:
    schema = schema_of(member)
    directory = scripts(schema)
    numbers = [each.revision for each in directory.walk_revisions()]
    assert directory.get_heads() == [schema.head]
    assert sorted(numbers) == [f"{number:04d}" for number in range(1, len(numbers) + 1)]
    assert [Path(each.path).name[:5] for each in directory.walk_revisions()] == [f"m{each}" for each in numbers]


async def test_settlement_without_once_only_spending_or_one_open_stay_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = schema_of("settlement")
    url = f"sqlite:///{tmp_path}/settlement.sqlite"
    assert await differences(url, schema) == ()
    with closing(sqlite3.connect(tmp_path / "settlement.sqlite")) as store:
        store.executescript("DROP INDEX settlement_ec_token; DROP INDEX encounter_open_stay")
    with pytest.raises(Exception, match="STORE_UNAVAILABLE") as caught:
        await differences(url, schema)
    told = "index encounter_open_stay of encounter; index settlement_ec_token of settlement"
    assert caught.value.values == {"differences": told}  # type: ignore[attr-defined]
