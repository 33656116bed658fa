"""Transactions on the driver's own connection, for hot paths: no layer between a statement and the driver.

SQLAlchemy lends the connection from its pool and nothing else: a statement costs one hop to the driver, about a fifth of
one through SQLAlchemy. Errors take the same form as everywhere: a driver's text never leaves.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from asyncpg.exceptions import InterfaceError, PostgresError
from sqlalchemy import MetaData
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.runtime.sqlite_connection import PromptConnection
from services.runtime.store_errors import raised_by_driver, translate, unavailable

_INTEGRITY = "23"
_DRIVER_ERRORS = (sqlite3.Error, PostgresError, InterfaceError)


class DriverConnection:
    """A connection inside a transaction; parameters stand as `?1` on SQLite and as `$1` on PostgreSQL."""

    def __init__(self, raw: Any, dialect: str) -> None:
        self._raw = raw
        self.dialect = dialect

    async def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[Any]:
        """All rows of a statement, as tuples or records of the same order."""
        if self.dialect == "postgresql":
            return await self._raw.fetch(statement, *parameters)  # type: ignore[no-any-return]  # asyncpg's records
        return await self._raw.execute_fetchall(statement, parameters)  # type: ignore[no-any-return]  # aiosqlite's rows

    async def insert(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """All rows by a statement that `insert_statement` made for this dialect, in one go; nothing for none."""
        if not rows:
            return
        if self.dialect == "postgresql":
            await self._raw.fetch(statement, *(list(column) for column in zip(*rows, strict=True)))
        else:
            await self._raw.executemany(statement, rows)


@asynccontextmanager
async def driver_transaction(
    engine: AsyncEngine, begin: str, metadata: MetaData, *, patient: bool = False
) -> AsyncIterator[DriverConnection]:
    """One transaction on a connection of the engine's pool: committed where the block ends, rolled back where it raises.

    Raises `UniqueViolation`, `ConstraintViolation`, `StoreError` or Fault STORE_UNAVAILABLE. A connection whose work was
    cancelled is thrown away.
    """
    try:
        lent = await engine.connect()
        raw: Any = None
        try:
            raw = (await lent.get_raw_connection()).driver_connection
            if isinstance(raw, PromptConnection):
                raw.patient = patient
            async with _finished(lent, raw, begin) as connection:
                yield connection
        finally:
            if isinstance(raw, PromptConnection):
                raw.patient = False
            await lent.close()
    except _DRIVER_ERRORS as error:
        raise translate(_as_dbapi(error), metadata) from None
    except DBAPIError as error:
        raise translate(error, metadata) from None
    except PoolTimeout:
        raise unavailable() from None
    except OSError as error:
        if raised_by_driver(error):
            raise unavailable() from None
        raise


@asynccontextmanager
async def _finished(lent: AsyncConnection, raw: Any, begin: str) -> AsyncIterator[DriverConnection]:
    done = False
    try:
        await raw.execute(begin)
        try:
            yield DriverConnection(raw, lent.dialect.name)
        except Exception:
            await raw.execute("ROLLBACK")
            done = True
            raise
        await raw.execute("COMMIT")
        done = True
    finally:
        if not done:
            await lent.invalidate()


def _as_dbapi(error: BaseException) -> DBAPIError:
    """The driver's error as SQLAlchemy would have wrapped it."""
    if str(getattr(error, "sqlstate", None) or "").startswith(_INTEGRITY):
        return IntegrityError(None, None, error)
    wrapped = DBAPIError.instance(None, None, error, Exception)
    return wrapped if isinstance(wrapped, DBAPIError) else DBAPIError(None, None, error)
