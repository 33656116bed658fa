"""Transactions on the driver's own connection: the same promises as through SQLAlchemy, on both databases."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import CheckConstraint, Column, MetaData, Table, Text, UniqueConstraint

from services.kernel.clock import system_clock
from services.kernel.errors import Fault
from services.runtime import db
from services.runtime.db import Database, Fen, RowNumber, insert_statement, sql

METADATA = MetaData()
PEOPLE = Table(
    "driven",
    METADATA,
    Column("id", RowNumber, primary_key=True),
    Column("name", Text, nullable=False),
    Column("paid_fen", Fen, CheckConstraint("paid_fen >= 0", name="driven_paid_is_not_negative")),
    UniqueConstraint("name", name="one_driven_name"),
)
SECRET = "the name of a person"
MARK = {"sqlite": "?1", "postgresql": "$1"}


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    postgresql = request.param == "postgresql"
    url = request.getfixturevalue("postgres_database") if postgresql else f"sqlite:///{tmp_path}/driven.sqlite"
    database = Database(url, system_clock)
    await database.start(METADATA)
    yield database
    await database.close()


def insert(store: Database) -> str:
    return db.insert_statement(PEOPLE, store.dialect, ["id", "name", "paid_fen"])


async def ids(store: Database) -> list[int]:
    async with store.driver_read() as connection:
        return [row[0] for row in await connection.fetch("SELECT id FROM driven ORDER BY id")]


async def test_a_long_read_is_patient_and_the_loop_goes_on(store: Database) -> None:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000)"
    counting = f"{numbers} SELECT CAST(SUM(i) AS BIGINT) FROM n"

    async def read() -> int:
        async with store.driver_read(patient=True) as connection:
            found: int = (await connection.fetch(counting))[0][0]
            return found

    reading = asyncio.create_task(read())
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    assert await reading == 400_000 * 400_001 // 2
    assert turns > 20
    # The connection that was patient once is prompt again for whoever is lent it next.
    assert await ids(store) == []


async def test_one_long_statement_is_patient_and_the_next_one_is_prompt_again(store: Database) -> None:
    statement = insert_statement(PEOPLE, store.dialect, ("id", "name", "paid_fen"))
    rows = [(number, f"n{number}", 5) for number in range(20_000)]
    many = sql("SELECT id FROM driven WHERE id >= ?1")
    turns = [0]

    async def work() -> int:
        async with store.driver_write() as connection:
            await connection.insert(statement, rows, patient=True)
            inserted, turns[0] = turns[0], 0
            assert len(await connection.run(many, 0, patient=True)) == len(rows)
            read, turns[0] = turns[0], 0
            assert len(await connection.run(many, len(rows) - 1)) == 1
            # PostgreSQL works in its own process: how often the loop comes round is how often its packets do.
            assert min(inserted, read) > (5 if store.dialect == "sqlite" else 0)
            return turns[0]

    working = asyncio.create_task(work())
    while not working.done():
        await asyncio.sleep(0)
        turns[0] += 1
    assert await working == 0 or store.dialect == "postgresql"


async def test_rows_are_inserted_in_one_go_with_their_nothings(store: Database) -> None:
    statement = insert_statement(PEOPLE, store.dialect, ("id", "name", "paid_fen"))
    async with store.driver_write() as connection:
        await connection.insert(statement, [(1, "a", None), (2, "b", 7)])
        await connection.insert(statement, [])
    async with store.driver_read() as connection:
        rows = await connection.fetch("SELECT id, name, paid_fen FROM driven ORDER BY id")
    assert [tuple(row) for row in rows] == [(1, "a", None), (2, "b", 7)]


async def test_a_block_commits_where_it_ends(store: Database) -> None:
    async with store.driver_write() as connection:
        await connection.insert(insert(store), [(1, "a", 5), (2, "b", 7)])
        rows = await connection.fetch(f"SELECT paid_fen FROM driven WHERE name = {MARK[store.dialect]}", ("b",))
        assert [row[0] for row in rows] == [7]
    assert await ids(store) == [1, 2]
    async with store.read() as connection_of_sqlalchemy:
        assert len(await db.fetch(connection_of_sqlalchemy, PEOPLE.select())) == 2


async def test_a_block_that_raises_leaves_nothing(store: Database) -> None:
    async def write_and_fail() -> None:
        async with store.driver_write() as connection:
            await connection.insert(insert(store), [(1, "a", 5)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await write_and_fail()
    assert await ids(store) == []


async def test_broken_constraints_are_told_as_through_sqlalchemy(store: Database) -> None:
    async with store.driver_write() as connection:
        await connection.insert(insert(store), [(1, SECRET, 5)])
    with pytest.raises(db.UniqueViolation) as taken:
        async with store.driver_write() as connection:
            await connection.insert(insert(store), [(2, SECRET, 5)])
    assert (taken.value.table, taken.value.columns, taken.value.constraint) == ("driven", ("name",), "one_driven_name")
    with pytest.raises(db.ConstraintViolation) as negative:
        async with store.driver_write() as connection:
            await connection.insert(insert(store), [(2, "b", -5)])
    assert negative.value.constraint == "driven_paid_is_not_negative"
    for error in (taken.value, negative.value):
        assert SECRET not in f"{error!r} {error} {error.__cause__!r}"
        assert error.__suppress_context__


async def test_a_wrong_statement_is_a_bug_told_without_the_drivers_text(store: Database) -> None:
    with pytest.raises(db.StoreError) as caught:
        async with store.driver_read() as connection:
            await connection.fetch("SELECT nothing FROM nowhere")
    assert "nowhere" not in f"{caught.value!r} {caught.value}"


def reset_by_the_network(module: str) -> None:
    """Fails as a lost connection does, as if `module` had met it."""
    source = "raise ConnectionResetError('a peer that should not be named')"
    exec(compile(source, module, "exec"), {"__name__": module})  # noqa: S102  # the error must come up through that module


async def test_a_connection_that_is_lost_inside_the_block_is_a_store_out_of_reach(store: Database) -> None:
    for block in (store.driver_write, store.driver_read, store.write):
        with pytest.raises(Fault) as caught:
            async with block():
                reset_by_the_network("asyncpg.protocol")
        assert (caught.value.reason, caught.value.retry_after_s) == ("STORE_UNAVAILABLE", 1.0)
        with pytest.raises(ConnectionResetError):
            async with block():
                reset_by_the_network("a_caller")
    assert await ids(store) == []


async def test_nothing_can_be_written_in_a_read(store: Database) -> None:
    with pytest.raises((db.StoreError, Fault)):
        async with store.driver_read() as connection:
            await connection.insert(insert(store), [(1, "a", 5)])
    assert await ids(store) == []


async def test_a_writer_that_is_cancelled_leaves_nothing_and_harms_nobody(store: Database) -> None:
    inside = asyncio.Event()

    async def write() -> None:
        async with store.driver_write() as connection:
            await connection.insert(insert(store), [(1, "a", 5)])
            inside.set()
            await asyncio.sleep(30)

    task = asyncio.create_task(write())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with store.driver_write() as connection:
        await connection.insert(insert(store), [(2, "b", 5)])
    assert await ids(store) == [2]


async def test_concurrent_writers_come_one_after_the_other(store: Database) -> None:
    lock = "" if store.dialect == "sqlite" else " FOR UPDATE"
    async with store.driver_write() as connection:
        await connection.insert(insert(store), [(1, "a", 0)])

    async def pay() -> None:
        async with store.driver_write() as connection:
            ((paid_fen,),) = await connection.fetch(f"SELECT paid_fen FROM driven WHERE id = 1{lock}")
            await connection.fetch(f"UPDATE driven SET paid_fen = {MARK[store.dialect]}", (paid_fen + 1,))

    await asyncio.gather(*(pay() for _ in range(30)))
    async with store.driver_read() as connection:
        assert [row[0] for row in await connection.fetch("SELECT paid_fen FROM driven")] == [30]


async def test_a_lock_that_another_process_has_is_waited_for_aside(tmp_path: Path) -> None:
    store = Database(f"sqlite:///{tmp_path}/driven.sqlite", system_clock)
    await store.start(METADATA)

    async def write() -> None:
        async with store.driver_write() as connection:
            await connection.insert(insert(store), [(1, "a", 0)])

    with closing(sqlite3.connect(tmp_path / "driven.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(write())
        for _ in range(20):
            await asyncio.sleep(0.005)
        assert not writing.done()
        other.execute("COMMIT")
        await writing
    assert await ids(store) == [1]
    await store.close()
