"""The store's engine, the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    cast,
    create_engine,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.types import TypeEngine

from services.kernel.clock import system_clock, to_micros
from services.kernel.errors import Fault, FaultKind
from services.runtime import db
from services.runtime.db import Database, Day, Fen, Json, Moment, RowNumber
from services.runtime.store_errors import Cause, StoreUnavailable
from tests.runtime.spoiling import spoil

METADATA = MetaData()
PEOPLE = Table(
    "people",
    METADATA,
    Column("id", RowNumber, primary_key=True),
    Column("name", Text, nullable=False),
    Column("city", Text),
    Column("paid_fen", Fen, CheckConstraint("paid_fen >= 0", name="paid_is_not_negative")),
    UniqueConstraint("name", "city", name="one_name_in_a_city"),
)
EVENTS = Table(
    "events",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("person", RowNumber, ForeignKey("people.id")),
    Column("at", Moment),
    Column("day", Day),
    Column("body", Json),
    Index("one_event_a_day", "person", "day", unique=True),
)
SECRET = "the name of a person"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store/people.sqlite"
    found: str = request.getfixturevalue("postgres_database")
    return found


@pytest.fixture
async def store(url: str) -> AsyncIterator[Database]:
    database = Database(url, system_clock)
    await database.start(METADATA)
    yield database
    await database.close()


def person(number: int, name: str = "", city: str = "x", paid_fen: int = 0) -> tuple[Any, ...]:
    return (number, name or f"p{number}", city, paid_fen)


async def count(store: Database) -> int:
    async with store.read() as connection:
        return len(await db.fetch(connection, select(PEOPLE.c.id)))


async def test_what_was_committed_is_there_after_a_restart(url: str, store: Database) -> None:
    async with store.write() as connection:
        await db.bulk_insert(connection, PEOPLE, [person(1), person(2)])
    await store.close()
    again = Database(url, system_clock)
    await again.start(METADATA)
    assert await count(again) == 2
    await again.close()


async def test_tables_of_another_version_are_refused_at_start(url: str, store: Database) -> None:
    later = MetaData()
    for table in METADATA.tables.values():
        table.to_metadata(later)
    (changed, *_) = later.tables.values()
    changed.append_column(Column("added_since", Text))
    again = Database(url, system_clock)
    try:
        with pytest.raises(StoreUnavailable) as caught:
            await again.start(later)
        assert caught.value.cause is Cause.OTHER_VERSION
    finally:
        await again.close()


async def test_a_block_that_raises_leaves_nothing(store: Database) -> None:
    async def write_and_fail() -> None:
        async with store.write() as connection:
            await db.bulk_insert(connection, PEOPLE, [person(1)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await write_and_fail()
    assert await count(store) == 0


async def test_moments_days_and_documents_come_back_as_they_went_in(store: Database) -> None:
    at = datetime(2026, 3, 5, 4, 0, 0, 123456, tzinfo=UTC)
    body = {"b": [1, "二", True, None], "a": {"𬌗": "𧿹"}}
    async with store.write() as connection:
        await db.bulk_insert(connection, PEOPLE, [person(1)])
        await db.bulk_insert(connection, EVENTS, [("bulk", 1, at, date(2026, 3, 5), body)])
        await connection.execute(insert(EVENTS).values(key="one", person=1, at=at, day=date(2026, 3, 6), body=body))
        await db.bulk_insert(connection, EVENTS, [("few",)], ["key"])
    async with store.read() as connection:
        rows = {row.key: row for row in await db.fetch(connection, select(EVENTS))}
        raw = await db.fetch(connection, text("SELECT at, day, body FROM events WHERE key = 'bulk'"))
    assert (rows["bulk"].at, rows["bulk"].day, rows["bulk"].body) == (at, date(2026, 3, 5), body)
    assert (rows["one"].at, rows["one"].day, rows["one"].body) == (at, date(2026, 3, 6), body)
    assert (rows["few"].at, rows["few"].day, rows["few"].body) == (None, None, None)
    assert tuple(raw[0]) == (1772683200123456, "2026-03-05", '{"a":{"𬌗":"𧿹"},"b":[1,"二",true,null]}')


async def test_a_table_is_left_as_it_was_declared(store: Database) -> None:
    for number in (1, 2):
        async with store.write() as connection:
            await db.bulk_insert(connection, PEOPLE, [person(number)])
            await db.bulk_insert(connection, EVENTS, [(f"e{number}",)], ["key"])
    assert await count(store) == 2
    assert (PEOPLE.info, EVENTS.info) == ({}, {})


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        to_micros(datetime(2026, 1, 1))  # noqa: DTZ001  # the naive datetime is the point


async def test_a_list_of_any_length_is_one_parameter(store: Database) -> None:
    async with store.write() as connection:
        await db.bulk_insert(connection, PEOPLE, [person(number) for number in range(1, 6)])
    by_name = select(PEOPLE.c.id).where(db.in_values(PEOPLE.c.name, "names")).order_by(PEOPLE.c.id)
    by_id = select(PEOPLE.c.id).where(db.in_values(PEOPLE.c.id, "ids")).order_by(PEOPLE.c.id)
    async with store.read() as connection:
        for wanted in ([], [2], [1, 3, 5, 99]):
            names = [f"p{number}" for number in wanted]
            expected = [number for number in wanted if number != 99]
            assert [row.id for row in await db.fetch(connection, by_name, {"names": names})] == expected
            assert [row.id for row in await db.fetch(connection, by_id, {"ids": wanted})] == expected


async def test_a_taken_key_is_told_by_table_columns_and_constraint(store: Database) -> None:
    async with store.write() as connection:
        await db.bulk_insert(connection, PEOPLE, [person(1, SECRET)])
        await db.bulk_insert(connection, EVENTS, [("a", 1, None, date(2026, 1, 1), None)])
    cases = [
        (PEOPLE, person(2, SECRET), ("people", ("name", "city"), "one_name_in_a_city")),
        (EVENTS, ("b", 1, None, date(2026, 1, 1), None), ("events", ("person", "day"), "one_event_a_day")),
        (EVENTS, ("a", None, None, None, None), ("events", ("key",), None)),
    ]
    for table, row, (name, columns, constraint) in cases:
        with pytest.raises(db.UniqueViolation) as caught:
            async with store.write() as connection:
                await db.bulk_insert(connection, table, [row])
        assert (caught.value.table, caught.value.columns) == (name, columns)
        assert constraint in (None, caught.value.constraint)
        assert SECRET not in _everything_said(caught.value)


async def test_other_broken_constraints_are_told_without_values(store: Database) -> None:
    for row, constraint in (
        (person(1, SECRET, paid_fen=-1), "paid_is_not_negative"),
        ((1, None, SECRET, 0), "name"),
    ):
        with pytest.raises(db.ConstraintViolation) as caught:
            async with store.write() as connection:
                await db.bulk_insert(connection, PEOPLE, [row])
        assert caught.value.constraint.rpartition(".")[2] == constraint
        assert SECRET not in _everything_said(caught.value)
    with pytest.raises(db.ConstraintViolation):
        async with store.write() as connection:
            await db.bulk_insert(connection, EVENTS, [("a", 404, None, None, None)])


async def test_a_wrong_statement_is_a_bug_told_without_the_drivers_text(store: Database) -> None:
    with pytest.raises(db.StoreError) as caught:
        async with store.read() as connection:
            await connection.execute(text(f"SELECT '{SECRET}' FROM nowhere"))
    assert SECRET not in _everything_said(caught.value)
    assert "nowhere" not in _everything_said(caught.value)


async def test_nothing_can_be_written_in_a_read(store: Database) -> None:
    with pytest.raises((db.StoreError, Fault)):
        async with store.read() as connection:
            await connection.execute(insert(PEOPLE).values(id=1, name="a"))
    assert await count(store) == 0


async def test_a_read_is_a_snapshot(store: Database) -> None:
    async with store.read() as reader:
        assert await db.fetch(reader, select(PEOPLE)) == []
        async with store.write() as writer:
            await db.bulk_insert(writer, PEOPLE, [person(1)])
        assert await db.fetch(reader, select(PEOPLE)) == []
    assert await count(store) == 1


async def test_concurrent_writers_that_read_first_lose_nothing(store: Database) -> None:
    async with store.write() as connection:
        await db.bulk_insert(connection, PEOPLE, [person(1)])

    async def pay() -> None:
        async with store.write() as connection:
            await db.advisory_lock(connection, ["p1", "another"])
            (paid,) = await db.fetch(connection, select(PEOPLE.c.paid_fen).where(PEOPLE.c.id == 1))
            await connection.execute(update(PEOPLE).values(paid_fen=paid.paid_fen + 1))

    await asyncio.gather(*(pay() for _ in range(40)))
    async with store.read() as connection:
        assert [row.paid_fen for row in await db.fetch(connection, select(PEOPLE))] == [40]


async def test_locks_taken_in_any_order_do_not_block_each_other_for_ever(store: Database) -> None:
    async def hold(keys: list[str]) -> None:
        async with store.write() as connection:
            await db.advisory_lock(connection, keys)

    keys = [f"k{number}" for number in range(50)]
    async with asyncio.timeout(10):
        await asyncio.gather(*(hold(keys if turn % 2 else keys[::-1]) for turn in range(20)))


async def test_a_writer_that_is_cancelled_leaves_nothing_and_harms_nobody(store: Database) -> None:
    inside = asyncio.Event()

    async def write() -> None:
        async with store.write() as connection:
            await db.bulk_insert(connection, PEOPLE, [person(1)])
            inside.set()
            await asyncio.sleep(30)

    task = asyncio.create_task(write())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with store.write() as connection:
        await db.bulk_insert(connection, PEOPLE, [person(2)])
    assert await count(store) == 1


async def test_several_workers_may_create_the_tables_at_the_same_moment(postgres_database: str) -> None:
    stores = [Database(postgres_database, system_clock) for _ in range(4)]
    await asyncio.gather(*(each.start(METADATA) for each in stores))
    assert await asyncio.gather(*(each.ping() for each in stores)) == [True] * 4
    await asyncio.gather(*(each.close() for each in stores))


async def out_of_reach(url: str) -> StoreUnavailable:
    """How a store that cannot be started says so."""
    store = Database(url, system_clock)
    with pytest.raises(StoreUnavailable) as caught:
        await store.start(METADATA)
    assert not await store.ping()
    await store.close()
    return caught.value


async def test_a_store_out_of_reach_is_a_fault_that_knows_why_and_says_when_to_come_again(
    tmp_path: Path, postgres_url: str
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    garbage = tmp_path / "garbage.sqlite"
    garbage.write_text("this is no database " * 100)
    spoiled = tmp_path / "spoiled.sqlite"
    spoil(spoiled)
    for url, cause in (
        (f"sqlite:///{blocked}/x.sqlite", Cause.UNWRITABLE),
        (f"sqlite:///{garbage}", Cause.DAMAGED),
        (f"sqlite:///{spoiled}", Cause.DAMAGED),
        ("postgresql://nobody:secret@127.0.0.1:9/nothing", Cause.UNREACHED),
        (postgres_url.replace("/postgres?", "/nothing?"), Cause.ABSENT),
        (postgres_url.replace("//postgres@", "//nobody:secret@"), Cause.REFUSED),
    ):
        fault = await out_of_reach(url)
        assert (fault.kind, fault.reason, fault.metadata) == (FaultKind.UNAVAILABLE, "STORE_UNAVAILABLE", {})
        assert fault.cause is cause
        assert fault.retry_after_s
        assert "secret" not in _everything_said(fault)


async def test_a_locked_file_is_told_as_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "_BUSY_TIMEOUT_S", 0)
    url = f"sqlite:///{tmp_path}/shared.sqlite"
    first, second = Database(url, system_clock), Database(url, system_clock)
    await first.start(METADATA)
    async with first.write():
        with pytest.raises(StoreUnavailable) as caught:
            async with second.write():
                raise AssertionError("the lock is held elsewhere")
    assert (caught.value.reason, caught.value.cause) == ("STORE_UNAVAILABLE", Cause.LOCKED)
    await first.close()
    await second.close()


def test_the_place_of_a_store_is_told_without_user_and_password(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    assert db.place_of(f"sqlite:///{file}") == file
    assert db.place_of("postgresql://who:secret@there/books") == "there:5432/books"
    assert db.place_of("postgresql://who:secret@/books?host=/run/pg") == "/run/pg:5432/books"
    assert Cause.LOCKED.told(file) == f"another process holds the database {file}; stop it"
    assert Cause.HELD.told(file) == f"another mesh keeps its data in {tmp_path}; stop it"


async def test_sqlite_syncs_every_commit_and_checks_foreign_keys(tmp_path: Path) -> None:
    store = Database(f"sqlite:///{tmp_path}/a.sqlite", system_clock)
    await store.start(METADATA)
    async with store.write() as connection:
        found = [(await db.fetch(connection, text(f"PRAGMA {name}")))[0][0] for name in
                 ("journal_mode", "synchronous", "foreign_keys")]  # fmt: skip
    assert found == ["wal", 2, 1]
    await store.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "nonsense"])
def test_a_url_that_no_store_can_use_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite:///"):
        Database(url, system_clock)


def _everything_said(error: BaseException) -> str:
    """All texts that a log of this error could show, causes included."""
    said = [f"{error!r} {error}"]
    while (error := error.__cause__ or (None if error.__suppress_context__ else error.__context__)) is not None:  # type: ignore[assignment]
        said.append(f"{error!r} {error}")
    return " ".join(said)


@pytest.mark.parametrize("kind", [Moment, Day, Json])
def test_a_statement_over_our_kinds_of_columns_is_compiled_once(kind: type[TypeEngine[Any]]) -> None:
    """However often a query is written anew: compiling takes longer than most of them."""
    compiled = dict[Any, Any]()
    engine = create_engine("sqlite://", execution_options={"compiled_cache": compiled})
    with engine.connect() as connection:
        for _ in range(3):
            connection.execute(select(cast(literal(None), kind())))
    engine.dispose()
    assert len(compiled) == 1
