"""Connections are lent one at a time, waited for with a bound, and not lent again once they are broken."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from services.kernel.clock import system_clock
from services.kernel.errors import Fault, FaultKind
from services.runtime.db import Database, sql
from services.runtime.leases import Leases

PID = "SELECT pg_backend_pid()"


def leases_of(url: str, size: int, wait_s: float) -> Leases:
    return Leases(create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:"), pool_size=size), size, wait_s)


async def test_who_finds_none_free_waits_for_the_next_and_is_refused_after_a_time(postgres_database: str) -> None:
    leases = leases_of(postgres_database, size=1, wait_s=0.2)
    async with leases.lent() as first:
        with pytest.raises(Fault) as caught:
            async with leases.lent():
                pass
        assert (caught.value.kind, caught.value.reason) == (FaultKind.UNAVAILABLE, "STORE_UNAVAILABLE")

        async def next_one() -> object:
            async with leases.lent() as lease:
                return lease

        waiting = asyncio.create_task(next_one())
        await asyncio.sleep(0.01)
        assert not waiting.done()
    assert await waiting is first
    await leases.close()


async def test_a_connection_broken_in_its_block_is_not_lent_again(postgres_database: str) -> None:
    leases = leases_of(postgres_database, size=1, wait_s=1)
    async with leases.lent() as first:
        await first.connection.invalidate()
    async with leases.lent() as second:
        assert second is not first
        assert await second.raw.fetchval("SELECT 1") == 1
    await leases.close()


async def test_connections_that_the_server_closed_while_idle_fail_nobody(postgres_database: str) -> None:
    store, other = (Database(postgres_database, system_clock, pool_size=1) for _ in range(2))
    async with store.driver_read() as connection:
        ((pid,),) = await connection.fetch(PID)
    async with other.driver_write() as connection:
        await connection.fetch("SELECT pg_terminate_backend($1, 5000)", (pid,))
    await asyncio.sleep(0.05)
    async with store.driver_read() as connection:
        ((fresh,),) = await connection.fetch(PID)
    assert fresh != pid
    await store.close()
    await other.close()


def test_a_statement_is_written_once_for_both_databases() -> None:
    made = sql("SELECT a FROM t WHERE AMONG(t.b, ?1) AND c = ?2 FOR UPDATE")
    assert made["sqlite"] == "SELECT a FROM t WHERE t.b IN (SELECT value FROM json_each(?1)) AND c = ?2"
    assert made["postgresql"] == "SELECT a FROM t WHERE t.b = ANY($1::text[]) AND c = $2 FOR UPDATE"


async def test_what_is_lent_while_a_store_closes_is_closed_when_it_is_given_back(tmp_path: Path) -> None:
    """Who dies at an end that somebody else still reads in leaves no connection behind."""
    store = Database(f"sqlite:///{tmp_path}/one.sqlite", system_clock)
    async with store._reader.lent() as lease:
        await store.close()
        during = lease.connection.closed
    assert (during, lease.connection.closed) == (False, True)
    async with store.driver_read() as late:
        assert [tuple(row) for row in await late.fetch("SELECT 1")] == [(1,)]
    assert store._reader._idle == []
