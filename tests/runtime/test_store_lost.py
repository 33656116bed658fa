"""A store that is lost under way: whatever the driver makes of it, callers are told STORE_UNAVAILABLE, and it works later."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from asyncpg import exceptions
from sqlalchemy import Column, MetaData, Table, Text, select

from services.kernel.clock import system_clock
from services.kernel.errors import Fault
from services.runtime.db import Database, bulk_insert, fetch
from tools import postgres

METADATA = MetaData()
NOTE = Table("note", METADATA, Column("note", Text, primary_key=True))
KINDS = ("write", "read", "driver_write", "driver_read")
Lose = Callable[[], Awaitable[None]]


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url, system_clock, 4)
    await database.start(METADATA)
    try:
        yield database
    finally:
        await database.close()


def block(database: Database, kind: str) -> AbstractAsyncContextManager[Any]:
    made: AbstractAsyncContextManager[Any] = getattr(database, kind)()
    return made


async def work(connection: Any, kind: str, note: str) -> None:
    """What a block of that kind does: it writes where it may, and reads."""
    if kind == "write":
        await bulk_insert(connection, NOTE, [[note]])
    elif kind == "driver_write":
        mark = "$1" if connection.dialect == "postgresql" else "?1"
        await connection.fetch(f"INSERT INTO note (note) VALUES ({mark})", (note,))
    if kind.startswith("driver"):
        await connection.fetch("SELECT note FROM note LIMIT 100")
    else:
        await fetch(connection, select(NOTE).limit(100))


async def lost_at(database: Database, kind: str, step: int, lose: Lose) -> str:
    """The reason with which a block ends when its store is lost before (0), between (1) or after (2) its statements."""
    try:
        async with block(database, kind) as connection:
            for place in range(2):
                if step == place:
                    await lose()
                await work(connection, kind, f"{kind} {step} {place}")
            if step == 2:
                await lose()
    except Fault as fault:
        return fault.reason
    return ""


@pytest.fixture(scope="module")
def lost_database(postgres_server: postgres.Server) -> Iterator[str]:
    """One database for all of them: nothing of it is looked at but what each test has written."""
    postgres_server.create("lost")
    yield postgres_server.url("lost")
    postgres_server.drop("lost")


@pytest.mark.parametrize("step", [0, 1, 2])
async def test_a_postgresql_that_ends_its_backends_is_unavailable(lost_database: str, step: int) -> None:
    async def lose() -> None:
        other = await asyncpg.connect(lost_database.replace("+asyncpg", ""))  # type: ignore[no-untyped-call]
        await other.fetch(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await other.close()

    async with opened(lost_database) as database:
        for kind in KINDS:
            assert await lost_at(database, kind, step, lose) == "STORE_UNAVAILABLE", kind
            async with block(database, kind) as connection:
                await work(connection, kind, f"after {step} {kind}")
        async with database.read() as connection:
            kept = {row.note for row in await fetch(connection, select(NOTE)) if f" {step} " in row.note}
    assert kept == {f"after {step} write", f"after {step} driver_write"}


@pytest.mark.parametrize(
    "error",
    [
        exceptions.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
        exceptions.ProtocolError("unexpected message"),
        exceptions.InterfaceError("connection is closed"),  # type: ignore[no-untyped-call]
        exceptions.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        exceptions.CrashShutdownError("terminating connection because of crash of another server process"),
        exceptions.InternalServerError("could not open file"),
        exceptions.DiskFullError("could not extend file"),
        ConnectionResetError(104, "Connection reset by peer"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_every_way_in_which_asyncpg_tells_a_loss_is_unavailable(
    lost_database: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(lost_database) as database:
        for kind in KINDS:
            with monkeypatch.context() as patch:
                # The innermost calls of the package, so that the error takes the way of a real one.
                for name in ("execute", "fetch", "prepare", "executemany"):
                    patch.setattr(asyncpg.Connection, name, _raising(error))
                assert await lost_at(database, kind, 3, _nothing) == "STORE_UNAVAILABLE", kind
            async with block(database, kind) as connection:
                await work(connection, kind, f"after {error!r} {kind}")


def _raising(error: Exception) -> Any:
    # In the name of the package: an OSError is known for the driver's by the code that it came through.
    space = {"__name__": "asyncpg.connection", "error": error}
    exec("async def fail(self, *args, **more):\n    self.terminate()\n    raise error", space)  # noqa: S102  # of a text that stands here
    return space["fail"]


async def _nothing() -> None:
    """Nothing is lost."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["removed", "replaced"])
async def test_a_sqlite_file_that_is_gone_is_unavailable(tmp_path: Path, kind: str, how: str) -> None:
    file = tmp_path / "notes.sqlite"
    async with opened(f"sqlite:///{file}") as database:

        async def lose() -> None:
            file.rename(tmp_path / "elsewhere")
            if how == "replaced":
                file.write_bytes(b"")

        if kind.endswith("write"):
            assert await lost_at(database, kind, 1, lose) == "STORE_UNAVAILABLE"
        else:
            await lose()
        assert await lost_at(database, kind, 3, _nothing) == "STORE_UNAVAILABLE"
        assert not await database.ping()
        file.unlink(missing_ok=True)
        (tmp_path / "elsewhere").rename(file)
        assert await lost_at(database, kind, 3, _nothing) == ""
        assert await database.ping()


@pytest.mark.parametrize("kind", ["write", "driver_write"])
async def test_a_sqlite_without_room_or_leave_to_write_is_unavailable(tmp_path: Path, kind: str) -> None:
    async with opened(f"sqlite:///{tmp_path / 'notes.sqlite'}") as database:
        for pragma, back in (("max_page_count=1", "max_page_count=1000000"), ("query_only=1", "query_only=0")):
            await _pragma(database, pragma)
            assert await _filled(database, kind, pragma) == "STORE_UNAVAILABLE"
            await _pragma(database, back)
            assert await lost_at(database, kind, 3, _nothing) == ""
            async with database.write() as connection:
                await connection.exec_driver_sql("DELETE FROM note")


async def _pragma(database: Database, pragma: str) -> None:
    """Sets what the writing connection keeps, outside a transaction: one that may not write could not even begin it."""
    async with database._writer.lent() as lease:
        await lease.raw.execute_fetchall(f"PRAGMA {pragma}")


async def _filled(database: Database, kind: str, name: str) -> str:
    """The reason with which a large write ends."""
    try:
        async with block(database, kind) as connection:
            for number in range(20):
                await work(connection, kind, f"{name} {number} {'x' * 4000}")
    except Fault as fault:
        return fault.reason
    return ""


async def _busy(database: Database, place: int, until: float, seen: Counter[str]) -> None:
    number, kind = 0, KINDS[place % len(KINDS)]
    while time.monotonic() < until:
        number += 1
        try:
            async with block(database, kind) as connection:
                await work(connection, kind, f"{kind} {place} {until} {number}")
            seen["done"] += 1
        except Exception as error:  # noqa: BLE001  # what it is, is the question
            seen[error.reason if isinstance(error, Fault) else repr(error)] += 1
            await asyncio.sleep(0.005)


async def _kill_backends(server: postgres.Server, name: str, until: float) -> None:
    """Ends backends by chance, by word and by signal; the server recovers from the latter as from a crash."""
    chance = random.Random(7)
    while time.monotonic() < until:
        await asyncio.sleep(chance.random() * 0.15)
        try:
            other = await asyncpg.connect(server.url(name, "postgresql"), timeout=2)  # type: ignore[no-untyped-call]
            rows = await other.fetch(
                "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()", name
            )
            if rows and chance.random() < 0.5:
                os.kill(chance.choice(rows)[0], signal.SIGKILL)
            elif rows:
                await other.fetch("SELECT pg_terminate_backend($1)", chance.choice(rows)[0])
            await other.close()
        except (exceptions.PostgresError, exceptions.InterfaceError, OSError):
            continue


@pytest.mark.torture
async def test_a_postgresql_whose_backends_and_whole_self_are_killed_is_never_an_internal_error() -> None:
    seen: Counter[str] = Counter()
    with postgres.running({"fsync": "off"}) as server:
        server.create("killed")
        async with opened(server.url("killed")) as database:
            until = time.monotonic() + 40
            await asyncio.gather(
                *(_busy(database, place, until, seen) for place in range(8)), _kill_backends(server, "killed", until)
            )
            before = seen["done"]
            workers = [asyncio.create_task(_busy(database, place, time.monotonic() + 6, seen)) for place in range(8)]
            await asyncio.sleep(1)
            os.kill(int((server.folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
            await asyncio.sleep(2)
            data, log = str(server.folder / "data"), str(server.folder / "log")
            await asyncio.to_thread(server.run, "pg_ctl", "-D", data, "-l", log, "-w", "start")
            await asyncio.gather(*workers)
    assert set(seen) == {"done", "STORE_UNAVAILABLE"}, seen
    assert seen["done"] > before
