"""The PostgreSQL of the tests is a real one, and each test that asks gets an empty database of its own."""

from __future__ import annotations

import asyncio

import uvloop
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


async def test_a_database_is_a_real_postgresql_and_empty(postgres_database: str) -> None:
    engine = create_async_engine(postgres_database)
    async with engine.begin() as connection:
        version = (await connection.execute(text("select version()"))).scalar_one()
        await connection.execute(text('create table stay (name text collate "C")'))
        await connection.execute(text("insert into stay values ('𬌗𧿹')"))
        rows = (await connection.execute(text("select name from stay"))).all()
    await engine.dispose()
    assert version.startswith("PostgreSQL 18")
    assert [tuple(row) for row in rows] == [("𬌗𧿹",)]


async def test_the_next_test_sees_nothing_of_the_last(postgres_database: str) -> None:
    engine = create_async_engine(postgres_database)
    async with engine.connect() as connection:
        tables = await connection.execute(text("select count(*) from pg_tables where schemaname = 'public'"))
        assert tables.scalar_one() == 0
    await engine.dispose()


async def test_coroutines_run_on_the_loop_of_production() -> None:
    assert isinstance(asyncio.get_running_loop(), uvloop.Loop)
