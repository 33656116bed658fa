"""Transactions on the driver's own connection, for hot paths: no layer between a statement and the driver.

A statement costs one hop to the driver, about a fifth of one through SQLAlchemy. Errors take the same form as everywhere:
a driver's text never leaves.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final

import msgspec
from asyncpg.exceptions import InterfaceError, InternalClientError, PostgresError
from sqlalchemy import MetaData
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.runtime.leases import Lease, Leases
from services.runtime.sqlite_connection import PromptConnection
from services.runtime.store_errors import Cause, raised_by_driver, translate, unavailable

_INTEGRITY = "23"
_AMONG: Final = re.compile(r"AMONG\(([\w.]+), \?(\d+)\)")
_DRIVER_ERRORS = (sqlite3.Error, PostgresError, InterfaceError, InternalClientError)


def sql(text: str) -> Mapping[str, str]:
    """A statement by dialect, written once: parameters stand as `?1`, `AMONG(column, ?2)` asks for one of a list.

    `FOR UPDATE` and `FOR SHARE`, also with `SKIP LOCKED`, are left out on SQLite, where a writing transaction is alone.
    """
    return {
        "sqlite": _AMONG.sub(r"\1 IN (SELECT value FROM json_each(?\2))", text)
        .replace(" FOR UPDATE", "")
        .replace(" FOR SHARE", "")
        .replace(" SKIP LOCKED", ""),
        "postgresql": _AMONG.sub(r"\1 = ANY($\2::text[])", text).replace("?", "$"),
    }


def as_json(values: Sequence[Any]) -> str:
    """A list as the one JSON text by which a statement on SQLite gets it: texts, or rows of texts."""
    return msgspec.json.encode(values).decode()


class DriverConnection:
    """A connection inside a transaction; parameters stand as `?1` on SQLite and as `$1` on PostgreSQL."""

    def __init__(self, raw: Any, dialect: str) -> None:
        self._raw = raw
        self.dialect = dialect

    async def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[Any]:
        """All rows of a statement, as tuples or records of the same order."""
        if self.dialect == "postgresql":
            return await self._raw.fetch(statement, *parameters)  # type: ignore[no-any-return]  # asyncpg's records
        return await self._raw.rows(statement, parameters)  # type: ignore[no-any-return]  # PromptConnection's

    async def run(self, statement: Mapping[str, str], *parameters: Any, patient: bool = False) -> Sequence[Any]:
        """All rows of a statement made by `sql`; a list of texts is one parameter.

        `patient` is for one that asks for many or finds many: on SQLite it runs beside the loop.
        """
        if self.dialect == "sqlite":
            parameters = tuple(as_json(each) if type(each) is list else each for each in parameters)
        with self._aside(patient):
            return await self.fetch(statement[self.dialect], parameters)

    async def insert(self, statement: str, rows: Sequence[Sequence[Any]], *, patient: bool = False) -> None:
        """All rows by a statement that `insert_statement` made for this dialect, in one go; nothing for none.

        `patient` as for `run`.
        """
        if not rows:
            return
        if self.dialect == "postgresql":
            await self._raw.fetch(statement, *(list(column) for column in zip(*rows, strict=True)))
        else:
            with self._aside(patient):
                await self._raw.put(statement, rows)

    @contextmanager
    def _aside(self, patient: bool) -> Iterator[None]:
        """A block in which statements on SQLite run in the connection's thread, and the loop goes on."""
        raw = self._raw
        if not patient or not isinstance(raw, PromptConnection) or raw.patient:
            yield
            return
        raw.patient = True
        try:
            yield
        finally:
            raw.patient = False


@asynccontextmanager
async def driver_transaction(
    leases: Leases, begin: str, metadata: MetaData, *, patient: bool = False
) -> AsyncIterator[DriverConnection]:
    """One transaction on a connection that is lent: committed where the block ends, rolled back where it raises.

    Raises `UniqueViolation`, `ConstraintViolation`, `StoreError` or Fault STORE_UNAVAILABLE. A connection whose work was
    cancelled is thrown away.
    """
    with translated(metadata):
        async with leases.lent() as lease:
            try:
                if patient and isinstance(lease.raw, PromptConnection):
                    lease.raw.patient = True
                async with _finished(lease, begin) as connection:
                    yield connection
            finally:
                if patient and isinstance(lease.raw, PromptConnection):
                    lease.raw.patient = False


@contextmanager
def translated(metadata: MetaData) -> Iterator[None]:
    """A block out of which no driver's error comes as it is: see `driver_transaction`."""
    try:
        yield
    except _DRIVER_ERRORS as error:
        raise translate(_as_dbapi(error), metadata) from None
    except DBAPIError as error:
        raise translate(error, metadata) from None
    except OSError as error:
        if raised_by_driver(error):
            raise unavailable(Cause.UNREACHED) from None
        raise


@asynccontextmanager
async def _finished(lease: Lease, begin: str) -> AsyncIterator[DriverConnection]:
    raw, done = lease.raw, False
    try:
        await raw.execute(begin)
        try:
            yield DriverConnection(raw, lease.connection.dialect.name)
        except Exception:
            # Where that fails, the connection is lost, or SQLite has rolled back by itself: why is what the block raised.
            with suppress(*_DRIVER_ERRORS, OSError):
                await raw.execute("ROLLBACK")
                done = True
            raise
        await raw.execute("COMMIT")
        done = True
    finally:
        if not done:
            await lease.connection.invalidate()


def _as_dbapi(error: BaseException) -> DBAPIError:
    """The driver's error as SQLAlchemy would have wrapped it."""
    if str(getattr(error, "sqlstate", None) or "").startswith(_INTEGRITY):
        return IntegrityError(None, None, error)
    wrapped = DBAPIError.instance(None, None, error, Exception)
    return wrapped if isinstance(wrapped, DBAPIError) else DBAPIError(None, None, error)
