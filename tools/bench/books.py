"""Settlement's database as the benchmark reaches it beside the mesh: rows read, rows loaded in bulk, settlements counted.

It writes only what stood ready before a run; what a run does goes through the mesh alone.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import asyncpg
from sqlalchemy import Table

_CHUNK = 100_000


class Books(Protocol):
    """One database."""

    def rows(self, table: Table, column: str, values: Sequence[str]) -> list[tuple[Any, ...]]:
        """The rows of which a column has one of the values, all columns in the table's order, as they are stored."""
        ...

    def load(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        """Adds rows, all columns in the table's order."""
        ...

    def settle_down(self) -> None:
        """Brings everything loaded to the disk, so that a run does not pay for it."""
        ...

    def count(self, table: Table, condition: str) -> int:
        """How many rows meet a condition."""
        ...


class SqliteBooks:
    """A file beside which the mesh has its own connections."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def rows(self, table: Table, column: str, values: Sequence[str]) -> list[tuple[Any, ...]]:
        """Read at once."""
        holes = ", ".join("?" * len(values))
        with closing(sqlite3.connect(self._path)) as connection:
            return connection.execute(
                f"SELECT {_columns(table)} FROM {table.name} WHERE {column} IN ({holes})", values
            ).fetchall()

    def load(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        """In transactions of many rows, not made durable one by one."""
        holes = ", ".join("?" * len(table.columns))
        with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -200000")
            for chunk in _chunks(rows):
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(f"INSERT INTO {table.name} ({_columns(table)}) VALUES ({holes})", chunk)
                connection.execute("COMMIT")

    def settle_down(self) -> None:
        """The log moved into the file, and the file to the disk."""
        with closing(sqlite3.connect(self._path, timeout=30)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        os.sync()

    def count(self, table: Table, condition: str) -> int:
        """Counted by the database."""
        with closing(sqlite3.connect(self._path)) as connection:
            found: int = connection.execute(f"SELECT COUNT(*) FROM {table.name} WHERE {condition}").fetchone()[0]
            return found


class PostgresBooks:
    """A database of a server."""

    def __init__(self, url: str) -> None:
        self._url = url

    def rows(self, table: Table, column: str, values: Sequence[str]) -> list[tuple[Any, ...]]:
        """Read at once."""
        query = f"SELECT {_columns(table)} FROM {table.name} WHERE {column} = ANY($1::text[])"
        return [tuple(row) for row in asyncio.run(self._fetch(query, list(values)))]

    def load(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        """By COPY."""
        asyncio.run(self._copy(table, rows))

    def settle_down(self) -> None:
        """Statistics as autovacuum would have made them in time, and a checkpoint."""
        asyncio.run(self._execute("ANALYZE", "CHECKPOINT"))
        os.sync()

    def count(self, table: Table, condition: str) -> int:
        """Counted by the database."""
        found: int = asyncio.run(self._fetch(f"SELECT COUNT(*) FROM {table.name} WHERE {condition}"))[0][0]
        return found

    async def _fetch(self, query: str, *values: Any) -> Sequence[Any]:
        connection = await asyncpg.connect(self._url)  # type: ignore[no-untyped-call]  # carries types without saying so
        try:
            found: Sequence[Any] = await connection.fetch(query, *values)
            return found
        finally:
            await connection.close()

    async def _execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self._url)  # type: ignore[no-untyped-call]  # carries types without saying so
        try:
            for statement in statements:
                await connection.execute(statement, timeout=600)
        finally:
            await connection.close()

    async def _copy(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        connection = await asyncpg.connect(self._url)  # type: ignore[no-untyped-call]  # carries types without saying so
        names = [column.name for column in table.columns]
        try:
            for chunk in _chunks(rows):
                await connection.copy_records_to_table(table.name, records=chunk, columns=names, timeout=600)
        finally:
            await connection.close()


def _columns(table: Table) -> str:
    return ", ".join(column.name for column in table.columns)


def _chunks(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    stream = iter(rows)
    while chunk := list(islice(stream, _CHUNK)):
        yield chunk
