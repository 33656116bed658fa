"""The store's engine: SQLite (one writer, WAL, synchronous FULL, immediate transactions) or PostgreSQL (a pool) behind one face.

It knows no table of any service. What a driver says never leaves: a broken uniqueness becomes `UniqueViolation`, a store
that cannot be used a Fault, everything else `StoreError`. Errors take that form where a `write` or `read` block ends.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import Executable, MetaData, Row, Table, event
from sqlalchemy.engine import URL, Dialect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from services.kernel.clock import Clock
from services.kernel.errors import Fault
from services.runtime import sqlite_connection
from services.runtime.advisory_locks import advisory_lock
from services.runtime.bulk_statements import insert_sql, insert_statement, update_sql
from services.runtime.columns import Day, Fen, Json, Moment, RowNumber, to_json
from services.runtime.driver import READ, WRITE, DriverTransaction, Within, translated
from services.runtime.driver_connection import DriverConnection, Later, as_json, sql
from services.runtime.leases import Leases
from services.runtime.private import private_file, private_folder
from services.runtime.store_errors import (
    Cause,
    ConstraintViolation,
    StoreError,
    UniqueViolation,
    is_confused,
    unavailable,
)
from services.runtime.stores.lifting import PROGRAM, lift, note_lifted
from services.runtime.stores.opening import open_store
from services.runtime.stores.schema import Schema, migrations_of, release
from services.runtime.telemetry import store_span
from services.runtime.value_lists import in_values

__all__ = [
    "ConstraintViolation",
    "Database",
    "Day",
    "DriverConnection",
    "Fen",
    "Json",
    "Later",
    "Moment",
    "RowNumber",
    "Schema",
    "StoreError",
    "UniqueViolation",
    "Within",
    "advisory_lock",
    "as_json",
    "bulk_insert",
    "fetch",
    "in_values",
    "insert_sql",
    "insert_statement",
    "migrations_of",
    "place_of",
    "sql",
    "to_json",
    "update_sql",
]

_BUSY_TIMEOUT_S: Final = 5
_READ_CONNECTIONS: Final = 4
# Pages that a connection keeps: SQLite's own 2 MB hold no index of 50,000 persons, and every miss is a system call.
_CACHE_KIB: Final = 16_384
_POSTGRESQL_PORT: Final = 5432
# Statements are few, ask by index and are sent again and again: a plan is made once. Left to itself the server planned the reads
# of a bill anew each time, which took as long as eight of them, and read tables of some thousand rows whole: it takes an index
# for a disk's that has to move its heads.
_PLANNING: Final = "SET plan_cache_mode = force_generic_plan; SET random_page_cost = 1.1; SET jit = off"
_SNAPSHOT: Final = "ISOLATION LEVEL REPEATABLE READ READ ONLY"
_SCHEMA_LOCK: Final = "schema"


class Database:
    """One store. Making it touches nothing; `start` connects, and makes its tables or brings them up."""

    def __init__(self, url: str, clock: Clock, pool_size: int = 8) -> None:
        self.clock = clock
        parsed, self.dialect = _driver_url(url)
        self._file = parsed.database if self.dialect == "sqlite" else None
        if self._file is not None:
            self._writer = Leases(_sqlite_engine(parsed, writer=True), 1, _BUSY_TIMEOUT_S)
            self._reader = Leases(_sqlite_engine(parsed, writer=False), _READ_CONNECTIONS, _BUSY_TIMEOUT_S)
        else:
            engine = _postgresql_engine(parsed, pool_size)
            self._writer = self._reader = Leases(engine, pool_size, _BUSY_TIMEOUT_S)
        self._metadata = MetaData()
        self._opened: tuple[int, int] | None = None

    dialect: Literal["sqlite", "postgresql"]

    async def start(self, tables: Schema | MetaData) -> None:
        """Makes the tables of an empty store, upgrades one of an earlier revision, and compares what stands with `tables`.

        `StoreUnavailable` with its cause where the store cannot be used. Tables without a history are never upgraded.
        """
        schema = tables if isinstance(tables, Schema) else Schema(tables)
        self._metadata = schema.metadata
        if self._file is not None:
            try:
                private_folder(Path(self._file).parent)
                private_file(Path(self._file))
            except OSError:
                raise unavailable(Cause.UNWRITABLE) from None
        async with self._alone() as connection:
            ready = await connection.run_sync(open_store, schema, self.clock())
        if not ready:
            async with self._foreign_keys_resting(), self._alone() as connection:
                upgraded = await lift(connection, schema, self.file, self.clock())
            if upgraded is not None:
                note_lifted(upgraded)
        if self._file is not None:
            self._opened = _identity_of(self._file)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[AsyncConnection]:
        """A transaction for what belongs to the tables: several workers of one member may start at the same moment."""
        async with self.write() as connection:
            await advisory_lock(connection, [_SCHEMA_LOCK])
            yield connection

    @asynccontextmanager
    async def looked_into(self) -> AsyncIterator[AsyncConnection]:
        """For whoever compares tables: a transaction of which nothing stays. On SQLite it keeps no writer waiting."""
        if self._file is not None:
            async with self.read() as connection:
                yield connection
            return
        async with self.write() as connection:
            yield connection
            await connection.rollback()

    @asynccontextmanager
    async def _foreign_keys_resting(self) -> AsyncIterator[None]:
        """A block in which SQLite lets tables be made anew; it may be said outside of transactions only. Its statements are
        long, and run aside.
        """
        if self._file is None:
            yield
            return
        async with self._writer.lent() as lease:
            raw = lease.raw
            await raw.execute("PRAGMA foreign_keys=OFF")
        raw.patient = True
        try:
            yield
        finally:
            raw.patient = False
            # One that was lost has none to switch on.
            with suppress(ValueError):
                await raw.execute("PRAGMA foreign_keys=ON")

    @property
    def file(self) -> Path | None:
        """The file of SQLite, None for a server's."""
        return None if self._file is None else Path(self._file)

    def connections(self) -> Mapping[str, tuple[int, int, int]]:
        """By use: how many connections there may be, how many are lent, and how many callers wait for one."""
        if self._file is None:
            return {"any": self._writer.counted()}
        return {"write": self._writer.counted(), "read": self._reader.counted()}

    async def close(self) -> None:
        """Closes all connections."""
        await self._reader.close()
        await self._writer.close()

    async def ping(self) -> bool:
        """True where the store answers: what the member's health follows."""
        try:
            async with self.driver_look() as connection:
                await connection.fetch("SELECT 1")
        except (Fault, StoreError):
            return False
        return True

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed where the block ends, rolled back where it raises."""
        with store_span(self.dialect, WRITE) or nullcontext():
            self._require_file()
            async with self._transaction(self._writer) as connection:
                yield connection
                self._require_file()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A read-only snapshot: what other transactions commit meanwhile is not seen, and nothing can be written."""
        with store_span(self.dialect, READ) or nullcontext():
            self._require_file()
            async with self._transaction(self._reader) as connection:
                if self.dialect == "postgresql":
                    await connection.exec_driver_sql(f"SET TRANSACTION {_SNAPSHOT}")
                yield connection

    def driver_write(self) -> DriverTransaction:
        """`write` for a hot path: the transaction runs on the driver's own connection."""
        begin = "BEGIN IMMEDIATE" if self.dialect == "sqlite" else "BEGIN"
        return DriverTransaction(self._writer, begin, self._metadata, self._require_file, (self.dialect, WRITE))

    def driver_read(self, *, patient: bool = False) -> DriverTransaction:
        """`read` for a hot path: a snapshot on the driver's own connection.

        `patient` is for statements that take long: on SQLite they run aside, and everything else goes on.
        """
        begin = "BEGIN" if self.dialect == "sqlite" else f"BEGIN {_SNAPSHOT}"
        operation = (self.dialect, READ)
        return DriverTransaction(self._reader, begin, self._metadata, self._require_file, operation, patient=patient)

    def driver_look(self) -> DriverTransaction:
        """`driver_read` for one statement, or one `together`: what needs no transaction is spared one."""
        operation = (self.dialect, READ)
        return DriverTransaction(self._reader, "BEGIN", self._metadata, self._require_file, operation, look=True)

    @asynccontextmanager
    async def _transaction(self, leases: Leases) -> AsyncIterator[AsyncConnection]:
        with translated(self._metadata):
            async with leases.lent() as lease:
                try:
                    async with lease.connection.begin():
                        yield lease.connection
                except DBAPIError as error:
                    if is_confused(error) and not lease.connection.invalidated:
                        await lease.connection.invalidate()
                    raise

    def _require_file(self) -> None:
        """STORE_UNAVAILABLE where the file was removed or replaced: SQLite would go on in one that nobody can find again."""
        if self._file is not None and self._opened is not None and _identity_of(self._file) != self._opened:
            raise unavailable(Cause.GONE)


def _identity_of(file: str) -> tuple[int, int] | None:
    """What tells a file from another one of its name; None where there is none."""
    try:
        found = os.stat(file)  # noqa: PTH116  # for each transaction: a Path costs as much as the question
    except OSError:
        return None
    return found.st_dev, found.st_ino


def place_of(url: str) -> Path | str:
    """Where a store is: the file of SQLite, else `host:port/database`, without user and password; ValueError as for a store."""
    parsed, dialect = _driver_url(url)
    if dialect == "sqlite":
        return Path(str(parsed.database)).resolve()
    return f"{parsed.host or parsed.query.get('host', 'localhost')}:{parsed.port or _POSTGRESQL_PORT}/{parsed.database}"


async def fetch(connection: AsyncConnection, statement: Executable, params: Any = None) -> Sequence[Row[Any]]:
    """All rows of a statement."""
    return (await connection.execute(statement, params)).all()


async def bulk_insert(
    connection: AsyncConnection, table: Table, rows: Sequence[Sequence[Any]], columns: Sequence[str] | None = None
) -> None:
    """Inserts rows by one executemany on the driver connection.

    Values stand in the order of the table's columns, or of `columns`. The statement is made once for each table and
    connection of the pool; a column type that stores another form than it shows (Moment, Day, Json) is applied.
    """
    if not rows:
        return
    key = ("insert", table, tuple(columns or ()))
    plan = connection.info.get(key)
    if plan is None:
        plan = connection.info[key] = _insert_plan(table, connection.dialect, columns)
    statement, converters = plan
    if converters:
        await connection.exec_driver_sql(statement, [_converted(row, converters) for row in rows])
    else:
        await connection.exec_driver_sql(statement, [tuple(row) for row in rows])


def _driver_url(url: str) -> tuple[URL, Literal["sqlite", "postgresql"]]:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("a database URL begins with sqlite:/// or postgresql://") from None
    match parsed.get_backend_name():
        case "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise ValueError("a SQLite store needs a file: sqlite:///path/to/file.sqlite")
            return parsed.set(drivername="sqlite+aiosqlite"), "sqlite"
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+asyncpg"), "postgresql"
    raise ValueError("a database URL begins with sqlite:/// or postgresql://")


def _postgresql_engine(url: URL, size: int) -> AsyncEngine:
    # So that an upgrade can tell connections of another release.
    settings = {"application_name": f"{PROGRAM} {release()}"}
    engine = create_async_engine(
        url,
        pool_size=size,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"timeout": _BUSY_TIMEOUT_S, "server_settings": settings},
    )

    def prepare(connection: Any, record: object) -> None:
        connection.run_async(lambda raw: raw.execute(_PLANNING))

    event.listen(engine.sync_engine, "connect", prepare)
    return engine


def _sqlite_engine(url: URL, *, writer: bool) -> AsyncEngine:
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1 if writer else _READ_CONNECTIONS,
        max_overflow=0,
        hide_parameters=True,
        connect_args={
            "timeout": _BUSY_TIMEOUT_S,
            "async_creator_fn": partial(sqlite_connection.connect, writer=writer),
        },
    )
    pragmas = [
        *("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_TIMEOUT_S * 1000}"),
        f"cache_size=-{_CACHE_KIB}",
    ]
    if not writer:
        pragmas.append("query_only=ON")
    begin = "BEGIN IMMEDIATE" if writer else "BEGIN"

    def prepare(connection: Any, record: object) -> None:
        # The driver's own transactions begin too late and deferred: read-then-write would fail as locked.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _insert_plan(
    table: Table, dialect: Dialect, names: Sequence[str] | None
) -> tuple[str, tuple[tuple[int, Callable[[Any], Any]], ...]]:
    columns = [table.columns[name] for name in names] if names else list(table.columns)
    quote = dialect.identifier_preparer
    marks = ", ".join(f"${i}" for i in range(1, len(columns) + 1)) if dialect.name == "postgresql" else None
    holes = marks or ", ".join("?" * len(columns))
    listed = ", ".join(quote.quote(column.name) for column in columns)
    converters = ((i, column.type.dialect_impl(dialect).bind_processor(dialect)) for i, column in enumerate(columns))
    used = tuple((i, convert) for i, convert in converters if convert is not None)
    return f"INSERT INTO {quote.format_table(table)} ({listed}) VALUES ({holes})", used


def _converted(row: Sequence[Any], converters: tuple[tuple[int, Callable[[Any], Any]], ...]) -> tuple[Any, ...]:
    values = list(row)
    for index, convert in converters:
        values[index] = convert(values[index])
    return tuple(values)
