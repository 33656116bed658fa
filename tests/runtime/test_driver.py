"""Transactions on the driver's own connection: the same promises as through SQLAlchemy, on both databases."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Column, MetaData, Table, Text, UniqueConstraint

from services.kernel.clock import system_clock
from services.kernel.errors import Fault
from services.runtime import db
from services.runtime.db import Database, Fen, RowNumber, insert_statement, sql
from tests.runtime.going_on import GoingOn, Halting

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
    sqlite, going_on = store.dialect == "sqlite", GoingOn()
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000)"
    counting = f"{numbers} SELECT CAST(SUM(i) AS BIGINT){' + (SELECT going_on())' * sqlite} FROM n"

    async def read() -> int:
        async with store.driver_read(patient=True) as connection:
            if sqlite:
                await going_on.known_to(connection)
            found: int = (await connection.fetch(counting))[0][0]
            return found

    reading = asyncio.create_task(read())
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        going_on.turn()
        turns += 1
    assert await reading == 400_000 * 400_001 // 2
    assert going_on.passed if sqlite else turns > 20
    # The connection that was patient once is prompt again for whoever is lent it next.
    assert await ids(store) == []


async def test_one_long_statement_is_patient_and_the_next_one_is_prompt_again(store: Database) -> None:
    statement = insert_statement(PEOPLE, store.dialect, ("id", "name", "paid_fen"))
    going_on, turns = GoingOn(), [0]
    rows = [(number, f"n{number}", 5) for number in range(20_000)]
    put = Halting(rows, going_on) if store.dialect == "sqlite" else rows
    some = sql("SELECT id FROM driven WHERE id >= ?1")
    many = {**some, "sqlite": f"{some['sqlite']} + (SELECT going_on())"}

    async def work() -> int:
        async with store.driver_write() as connection:
            if store.dialect == "sqlite":
                await going_on.known_to(connection)
            turns[0] = 0
            await connection.insert(statement, put, patient=True)
            inserted, turns[0] = turns[0], 0
            assert len(await connection.run(many, 0, patient=True)) == len(rows)
            read, turns[0] = turns[0], 0
            assert len(await connection.run(some, len(rows) - 1)) == 1
            assert min(inserted, read) > 0
            # PostgreSQL works in its own process.
            assert going_on.passed == (2 if store.dialect == "sqlite" else 0)
            return turns[0]

    working = asyncio.create_task(work())
    while not working.done():
        await asyncio.sleep(0)
        going_on.turn()
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


async def test_a_look_is_one_statement_and_may_be_left_by_a_refusal(store: Database) -> None:
    async with store.driver_write() as connection:
        await connection.insert(insert(store), [(1, "a", 5)])
    async with store.driver_look() as connection:
        assert [row[0] for row in await connection.fetch("SELECT name FROM driven")] == ["a"]
        with pytest.raises(RuntimeError, match="one statement"):
            await connection.fetch("SELECT name FROM driven")

    async def refuse() -> None:
        async with store.driver_look() as connection:
            await connection.fetch("SELECT name FROM driven")
            raise LookupError

    with pytest.raises(LookupError):
        await refuse()
    assert await ids(store) == [1]


async def test_nothing_can_be_written_in_a_look(store: Database) -> None:
    for statement in (insert(store), "UPDATE driven SET paid_fen = 1", "DELETE FROM driven"):
        with pytest.raises((RuntimeError, db.StoreError, Fault)):
            async with store.driver_look() as connection:
                await connection.insert(statement, [(1, "a", 5)])
        with pytest.raises(RuntimeError):
            async with store.driver_look() as connection:
                await connection.fetch(statement, (1, "a", 5))
    assert await ids(store) == []


ABOVE = sql("SELECT id, name FROM driven WHERE id > ?1 ORDER BY id DESC")
NAMED = sql("SELECT id, paid_fen, NULL, '' FROM driven WHERE name = ?1 AND paid_fen < ?2")


async def test_reads_together_are_told_apart_and_are_of_one_moment(store: Database) -> None:
    async with store.driver_write() as connection:
        await connection.insert(insert(store), [(1, "a", 5), (2, "b", None), (3, "c", 7)])
    async with store.driver_look() as connection:
        above, named, nobody = await connection.together([(ABOVE, (1,)), (NAMED, ("c", 9)), (NAMED, ("d", 9))])
    assert [tuple(row) for row in above] == [(3, "c"), (2, "b")]
    assert [tuple(row) for row in named] == [(3, 7, None, "")]
    assert list(nobody) == []
    async with store.driver_read() as connection:
        assert await connection.together([]) == []
        (alone,) = await connection.together([(ABOVE, (2,))])
        assert [tuple(row) for row in alone] == [(3, "c")]
        async with store.driver_write() as other:
            await other.insert(insert(store), [(4, "d", 1)])
        assert [len(rows) for rows in await connection.together([(ABOVE, (1,)), (NAMED, ("d", 9))])] == [2, 0]


PAY = sql("UPDATE driven SET paid_fen = ?2 WHERE id = ?1 RETURNING name")


async def test_what_is_inserted_and_changed_together_is_there_together_or_not_at_all(store: Database) -> None:
    statement = insert(store)
    async with store.driver_write() as connection:
        await connection.insert(statement, [(1, "a", 5)])
        rows = await connection.insert_all([(statement, [(2, "b", 6), (3, "c", None)]), (statement, [])], (PAY, (1, 8)))
        assert [tuple(row) for row in rows] == [("a",)]
        assert not await connection.insert_all([(statement, [(4, "d", 1)])], None)
        assert not await connection.insert_all([(statement, [])], None)
        assert not await connection.insert_all([], (PAY, (9, 1)))
    async with store.driver_read() as connection:
        rows = await connection.fetch("SELECT id, paid_fen FROM driven ORDER BY id")
    assert [tuple(row) for row in rows] == [(1, 8), (2, 6), (3, None), (4, 1)]
    with pytest.raises(db.UniqueViolation) as taken:
        async with store.driver_write() as connection:
            await connection.insert_all([(statement, [(5, "e", 1)]), (statement, [(6, "a", 1)])], (PAY, (1, 9)))
    assert (taken.value.table, taken.value.constraint) == ("driven", "one_driven_name")
    assert await ids(store) == [1, 2, 3, 4]
    assert [row[0] for row in await looked(store, "SELECT paid_fen FROM driven WHERE id = 1")] == [8]


async def looked(store: Database, statement: str) -> list[Any]:
    async with store.driver_look() as connection:
        return list(await connection.fetch(statement))


async def test_whoever_holds_a_lock_first_is_seen_by_the_next(store: Database) -> None:
    async with store.driver_write() as connection:
        await connection.insert(insert(store), [(1, "a", 0)])

    async def pay() -> None:
        async with store.driver_write() as connection:
            await db.advisory_lock(connection, ["driven", "another"])
            ((paid_fen,),) = await connection.fetch("SELECT paid_fen FROM driven WHERE id = 1")
            await asyncio.sleep(0)
            await connection.run(PAY, 1, paid_fen + 1)

    await asyncio.gather(*(pay() for _ in range(30)))
    assert [row[0] for row in await looked(store, "SELECT paid_fen FROM driven")] == [30]


async def test_a_lock_that_is_not_got_leaves_no_transaction_behind(postgres_database: str) -> None:
    store = Database(postgres_database, system_clock, 1)
    other = Database(postgres_database, system_clock, 1)
    await store.start(METADATA)
    async with store.driver_look() as connection:
        await connection.fetch("SELECT set_config('lock_timeout', '100ms', false)")
    async with other.driver_write() as holding:
        await db.advisory_lock(holding, ["driven"])
        with pytest.raises((db.StoreError, Fault)):
            async with store.driver_write() as connection:
                await db.advisory_lock(connection, ["driven"])
    async with store.driver_write() as connection:
        await db.advisory_lock(connection, ["driven"])
        await connection.insert(insert(store), [(1, "a", 0)])
    assert await ids(store) == [1]
    await store.close()
    await other.close()


async def test_postgresql_plans_a_statement_once_and_takes_the_index(postgres_database: str) -> None:
    store = Database(postgres_database, system_clock, 1)
    await store.start(METADATA)
    rows = [(number, f"n{number}", 5) for number in range(2_000)]
    keyed = sql("SELECT d.id FROM unnest(?1::text[]) AS k(name) JOIN driven AS d ON d.name = k.name")["postgresql"]
    async with store.driver_write() as connection:
        await connection.insert(insert(store), rows)
        await connection.fetch("ANALYZE driven")
        for number in range(10):
            assert [row[0] for row in await connection.fetch(keyed, ([f"n{number}"],))] == [number]
        counted = "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = $1"
        assert [tuple(row) for row in await connection.fetch(counted, (keyed,))] == [(10, 0)]
        plan = await connection.fetch(f"EXPLAIN {keyed}", ([f"n{number}" for number in range(10)],))
        assert not [row[0] for row in plan if "Seq Scan" in row[0]]
    await store.close()


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
