"""Stores have versions: how one comes up, is upgraded, stays what it was where that fails, and is refused, on both databases."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, MetaData, Table, Text, UniqueConstraint
from sqlalchemy.ext.asyncio import create_async_engine

from services.kernel.clock import system_clock
from services.runtime import db
from services.runtime.db import ConstraintViolation, Database
from services.runtime.store_errors import Cause, StoreUnavailable
from services.runtime.stores import lifting, shape
from services.runtime.stores.opening import look
from services.runtime.stores.schema import Schema, release
from tools.tidy import ROOT

STEPS: Final = "steps_of_a_test"
HEADER: Final = """
import sqlalchemy as sa
from alembic import op
revision = "{0}"
down_revision = {1}
def upgrade():
"""
GOOD: Final = """
    op.add_column("bill", sa.Column("note", sa.Text(), nullable=False, server_default="none"))
    op.create_index("bill_note", "bill", ["note"], unique=True)
"""
FILL: Final = """
    op.add_column("bill", sa.Column("note", sa.Text(), nullable=False, server_default="none"))
    op.execute("UPDATE bill SET note = 'bill ' || id, paid_fen = paid_fen + 1")
"""
BROKEN: Final = f"{FILL}\n    op.execute('UPDATE bill SET paid_fen = -1')\n"
SLOW: Final = f"""{FILL}
    import pathlib, time
    pathlib.Path(__file__).with_name("reached").touch()
    time.sleep(60)
"""


def first_tables(*left_out: str) -> MetaData:
    """The tables of the first revision, less what is named: a check, a uniqueness, the foreign key."""
    metadata = MetaData()
    Table("person", metadata, Column("psn_no", Text, primary_key=True))
    ordering = (
        CheckConstraint("paid_fen >= 0", name="bill_paid"),
        UniqueConstraint("psn_no", "paid_fen", name="bill_once"),
    )
    key = () if "foreign key" in left_out else (ForeignKey("person.psn_no"),)
    Table(
        "bill",
        metadata,
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("psn_no", Text, *key, nullable=False),
        Column("paid_fen", Integer, nullable=False),
        *(each for each in ordering if each.name not in left_out),
    )
    return metadata


def second_tables() -> MetaData:
    metadata = first_tables()
    bill = metadata.tables["bill"]
    bill.append_column(Column("note", Text, nullable=False, server_default="none"))
    Index("bill_note", bill.c.note, unique=True)
    return metadata


OLD: Final = Schema(first_tables(), "desk", "0001", STEPS)
NEW: Final = Schema(second_tables(), "desk", "0002", STEPS)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/desk.sqlite"
    found: str = request.getfixturevalue("postgres_database")
    return found


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of migrations, empty; `write` fills it."""
    folder = tmp_path / STEPS
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def write(steps: Path, body: str) -> None:
    (steps / "m0001_first.py").write_text(HEADER.format("0001", None) + "    pass\n")
    (steps / "m0002_second.py").write_text(HEADER.format("0002", '"0001"') + body)


@asynccontextmanager
async def started(url: str, schema: Schema | MetaData) -> AsyncIterator[Database]:
    database = Database(url, system_clock)
    try:
        await database.start(schema)
        yield database
    finally:
        await database.close()


async def run(url: str, *statements: str, schema: Schema = OLD) -> Sequence[Any]:
    """The last statement's rows."""
    rows: Sequence[Any] = ()
    async with started(url, schema) as database:
        for statement in statements:
            async with database.write() as connection:
                result = await connection.exec_driver_sql(statement)
                rows = [tuple(row) for row in result] if result.returns_rows else []
    return rows


async def filled(url: str) -> None:
    """An old store with rows."""
    await run(url, "INSERT INTO person VALUES ('p1')", "INSERT INTO bill VALUES (1, 'p1', 100), (2, 'p1', 200)")


def beside(folder: Path) -> list[tuple[str, int]]:
    """What stands beside the store, with its mode."""
    return [(each.name, stat.S_IMODE(each.stat().st_mode)) for each in folder.glob("desk.sqlite.*")]


async def refused(url: str, schema: Schema | MetaData) -> StoreUnavailable:
    with pytest.raises(StoreUnavailable) as caught:
        async with started(url, schema):
            pass
    return caught.value


VERSION: Final = "SELECT version_num, release FROM desk_version"
BILLS: Final = "SELECT id, psn_no, paid_fen FROM bill ORDER BY id"


async def test_an_empty_store_is_of_todays_revision_and_an_earlier_one_becomes_so_with_its_rows(
    url: str, steps: Path
) -> None:
    write(steps, FILL + "    op.create_index('bill_note', 'bill', ['note'], unique=True)\n")
    await filled(url)
    assert await run(url, VERSION) == [("0001", release())]
    async with started(url, NEW) as database:
        # Foreign keys rest during an upgrade, and no longer.
        with pytest.raises(ConstraintViolation):
            async with database.write() as connection:
                await connection.exec_driver_sql("INSERT INTO bill VALUES (3, 'nobody', 1, 'none')")
    rows = await run(url, "SELECT id, paid_fen, note FROM bill ORDER BY id", schema=NEW)
    assert rows == [(1, 101, "bill 1"), (2, 201, "bill 2")]
    assert await run(url, VERSION, schema=NEW) == [("0002", release())]


async def test_a_store_that_is_as_expected_starts_without_alembic_and_without_comparing_again(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(url)

    def never(*_: object) -> Any:
        raise AssertionError("this is for other stores")

    monkeypatch.setattr(db, "lift", never)
    monkeypatch.setattr(shape, "expected", never)
    assert await run(url, BILLS) == [(1, "p1", 100), (2, "p1", 200)]


async def test_a_migration_that_fails_half_way_leaves_the_store_to_the_old_release(url: str, steps: Path) -> None:
    write(steps, BROKEN)
    await filled(url)
    fault = await refused(url, NEW)
    assert (fault.cause, fault.values["revision"], fault.values["head"]) == (Cause.UPGRADE_FAILED, "0001", "0002")
    assert "-1" not in str(fault.values)
    assert await run(url, BILLS) == [(1, "p1", 100), (2, "p1", 200)]
    write(steps, GOOD.replace(", unique=True", ""))
    fault = await refused(url, NEW)
    assert fault.values["differences"] == "index bill_note of bill"
    assert await run(url, VERSION) == [("0001", release())]


async def test_a_sqlite_file_is_copied_before_its_upgrade_for_the_meshs_user_alone(tmp_path: Path, steps: Path) -> None:
    write(steps, FILL + "    op.create_index('bill_note', 'bill', ['note'])\n")
    url = f"sqlite:///{tmp_path}/desk.sqlite"
    await filled(url)
    await refused(url, NEW)
    write(steps, FILL + "    op.create_index('bill_note', 'bill', ['note'], unique=True)\n")
    await run(url, schema=NEW)
    assert beside(tmp_path) == [("desk.sqlite.desk-0001.backup", 0o600)]
    assert await run(f"{url}.desk-0001.backup", BILLS) == [(1, "p1", 100), (2, "p1", 200)]


async def test_an_upgrade_is_logged_once_it_stands(
    tmp_path: Path, steps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(steps, FILL + "    op.create_index('bill_note', 'bill', ['note'], unique=True)\n")
    url = f"sqlite:///{tmp_path}/desk.sqlite"
    await filled(url)
    noted: list[tuple[str, str, list[tuple[str]]]] = []

    def note(told: Mapping[str, str]) -> None:
        with closing(sqlite3.connect(tmp_path / "desk.sqlite")) as other:
            noted.append(
                (told["revision"], told["head"], other.execute("SELECT version_num FROM desk_version").fetchall())
            )

    monkeypatch.setattr(db, "note_lifted", note)
    await run(url, schema=NEW)
    assert noted == [("0001", "0002", [("0002",)])]


KILLED: Final = """
import asyncio, sys
from services.kernel.clock import system_clock
from services.runtime import db
from services.runtime.db import ConstraintViolation, Database
from tests.runtime.test_stores import NEW
asyncio.run(Database(sys.argv[1], system_clock).start(NEW))
"""


def killed_once_there(steps: Path, url: str) -> None:
    """Starts an upgrade in a process of its own and kills that when the migration is half through."""
    path = os.pathsep.join((str(steps.parent), *sys.path))
    process = subprocess.Popen([sys.executable, "-c", KILLED, url], env={**os.environ, "PYTHONPATH": path})
    latest = time.monotonic() + 30
    try:
        while not (steps / "reached").exists():
            assert process.poll() is None
            assert time.monotonic() < latest
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.torture)], indirect=True)
async def test_a_start_that_is_killed_in_its_upgrade_leaves_the_store_to_the_old_release(url: str, steps: Path) -> None:
    write(steps, SLOW)
    await filled(url)
    killed_once_there(steps, url)
    assert await run(url, BILLS) == [(1, "p1", 100), (2, "p1", 200)]
    assert await run(url, VERSION) == [("0001", release())]


async def test_rows_whose_foreign_key_leads_nowhere_are_no_upgrade(url: str, steps: Path) -> None:
    """On SQLite they are looked for before the commit, on PostgreSQL the statement fails."""
    write(
        steps,
        FILL + "    op.execute(\"UPDATE bill SET psn_no = 'nobody' WHERE id = 1\")\n" + GOOD.splitlines()[-1] + "\n",
    )
    await filled(url)
    fault = await refused(url, NEW)
    assert fault.cause is Cause.UPGRADE_FAILED
    assert "bill" in str(fault.values["differences"])
    assert await run(url, BILLS) == [(1, "p1", 100), (2, "p1", 200)]


async def test_workers_that_start_together_upgrade_once(postgres_database: str, steps: Path) -> None:
    write(steps, FILL + "    op.create_index('bill_note', 'bill', ['note'], unique=True)\n")
    await filled(postgres_database)
    stores = [Database(postgres_database, system_clock) for _ in range(3)]
    await asyncio.gather(*(each.start(NEW) for each in stores))
    await asyncio.gather(*(each.close() for each in stores))
    assert await run(postgres_database, BILLS, schema=NEW) == [(1, "p1", 101), (2, "p1", 201)]


async def test_connections_of_another_release_are_noticed_before_an_upgrade(
    postgres_database: str, steps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(steps, GOOD)
    await filled(postgres_database)
    with monkeypatch.context() as earlier:
        earlier.setattr("services.runtime.db.release", lambda: "0.0.9")
        old = Database(postgres_database, system_clock)
    await old.start(OLD)
    try:
        fault = await refused(postgres_database, NEW)
        assert (fault.cause, fault.values["count"]) == (Cause.IN_USE, 1)
    finally:
        await old.close()


async def test_a_table_that_somebody_holds_ends_an_upgrade_and_does_not_keep_it_waiting(
    postgres_database: str, steps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(steps, GOOD)
    await filled(postgres_database)
    monkeypatch.setattr(lifting, "_TABLE_LOCK_MS", 50)
    # A dump says its own name.
    holder = create_async_engine(postgres_database, connect_args={"server_settings": {"application_name": "pg_dump"}})
    async with holder.begin() as connection:
        await connection.exec_driver_sql("SELECT * FROM bill")
        fault = await refused(postgres_database, NEW)
    await holder.dispose()
    assert (fault.cause, fault.values["differences"]) == (Cause.UPGRADE_FAILED, "LockNotAvailableError 55P03")


async def test_a_store_of_a_newer_program_is_refused_by_name_and_one_of_no_known_revision_too(url: str) -> None:
    await run(url, "UPDATE desk_version SET version_num = '0007', release = '9.1.0'")
    fault = await refused(url, OLD)
    told = Cause.NEWER.told("desk", fault.values)
    assert fault.cause is Cause.NEWER
    assert f"revision 0007 by yibao 9.1.0, and yibao {release()} knows revision 0001 at most" in told
    async with started(url, OLD.metadata) as database, database.write() as connection:
        await connection.exec_driver_sql("UPDATE desk_version SET version_num = 'a1b2'")
    fault = await refused(url, OLD)
    assert (fault.cause, fault.values["revision"]) == (Cause.UNKNOWN_REVISION, "a1b2")


async def test_tables_of_no_release_are_refused_and_left_as_they_are(url: str, steps: Path) -> None:
    write(steps, GOOD)
    other = MetaData()
    Table("bill", other, Column("id", Integer, primary_key=True), Column("note", Text))
    async with started(url, other):
        pass
    fault = await refused(url, NEW)
    assert fault.cause is Cause.NO_RELEASE
    async with started(url, other) as database:
        assert await database.ping()


@pytest.mark.parametrize("left_out", ["bill_paid", "bill_once", "foreign key"])
async def test_a_store_without_what_keeps_its_rows_in_order_is_refused_by_name(url: str, left_out: str) -> None:
    async with started(url, first_tables(left_out)):
        pass
    fault = await refused(url, OLD.metadata)
    assert fault.cause is Cause.OTHER_VERSION
    kind = {"bill_paid": "check bill_paid", "bill_once": "unique "}.get(left_out, "foreign key ")
    assert re.fullmatch(rf"{kind}.* ?of bill", str(fault.values["differences"]))


async def test_a_lost_index_is_named_and_a_further_one_does_no_harm(url: str) -> None:
    async with started(url, NEW) as database, database.write() as connection:
        await connection.exec_driver_sql("CREATE INDEX for_a_report ON bill (paid_fen)")
        await connection.exec_driver_sql("ALTER TABLE bill ADD COLUMN remark TEXT")
    async with started(url, NEW) as database, database.write() as connection:
        await connection.exec_driver_sql("DROP INDEX bill_note")
    fault = await refused(url, NEW)
    assert fault.values["differences"] == "index bill_note of bill"
    async with started(url, OLD.metadata) as database:
        pass


async def test_a_further_uniqueness_is_refused_for_it_refuses_rows(url: str) -> None:
    async with started(url, OLD) as database, database.write() as connection:
        await connection.exec_driver_sql("CREATE UNIQUE INDEX one_bill_a_person ON bill (psn_no)")
    fault = await refused(url, OLD)
    assert fault.values["differences"] == "index one_bill_a_person of bill (unknown)"
    database = Database(url, system_clock)
    async with database.looked_into() as connection:
        found = await connection.run_sync(look, OLD)
    await database.close()
    assert found.differences == ("index one_bill_a_person of bill (unknown)",)


def test_a_source_tree_that_was_never_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", release())
    monkeypatch.setattr("services.runtime.stores.schema._DISTRIBUTION", "a distribution that nobody installed")
    assert release() == "source"


def test_alembic_is_imported_by_what_upgrades_alone() -> None:
    """A start that upgrades nothing is not kept waiting by its 60 modules."""
    found = {
        each.relative_to(ROOT).as_posix()
        for each in (ROOT / "services").rglob("*.py")
        if each.parent.name != "migrations"
        and re.search(r"(?m)^\s*(from|import) alembic", each.read_text(encoding="utf-8"))
    }
    assert found == {"services/runtime/stores/upgrading.py"}
