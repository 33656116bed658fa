"""Transactions on the driver's own connection, for hot paths: no layer between a statement and the driver.

Errors take the same form as everywhere: a driver's text never leaves.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Final, Generic, TypeVar

from asyncpg.exceptions import InterfaceError, InternalClientError, PostgresError
from sqlalchemy import MetaData
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.kernel.requests import Moved
from services.runtime.driver_connection import DriverConnection
from services.runtime.leases import Lease, Leases
from services.runtime.sqlite_connection import PromptConnection
from services.runtime.store_errors import Cause, UniqueViolation, raised_by_driver, translate, unavailable
from services.runtime.telemetry import Span, store_span

T = TypeVar("T")

READ: Final = "read"
WRITE: Final = "write"

_INTEGRITY = "23"
_DRIVER_ERRORS = (sqlite3.Error, PostgresError, InterfaceError, InternalClientError)


class DriverTransaction:
    """One transaction on a connection that is lent, for a block: committed where the block ends, rolled back where it raises.

    Raises `UniqueViolation`, `ConstraintViolation`, `StoreError` or Fault STORE_UNAVAILABLE. A connection whose work was
    cancelled is thrown away. On PostgreSQL a transaction begins with its first statement; of a `look` see `DriverConnection`.
    `check` is asked before the transaction, and before one that writes ends; it raises where the store is none any more. It is
    one object and no block within blocks: six of those took longer than the statements in them.
    """

    __slots__ = (
        "_begin",
        "_check",
        "_connection",
        "_lease",
        "_leases",
        "_look",
        "_metadata",
        "_operation",
        "_patient",
        "_span",
    )

    def __init__(
        self,
        leases: Leases,
        begin: str,
        metadata: MetaData,
        check: Callable[[], None],
        operation: tuple[str, str],
        *,
        patient: bool = False,
        look: bool = False,
    ) -> None:
        """`operation` is the database and read or write, as its span tells them."""
        self._leases = leases
        self._begin = begin
        self._metadata = metadata
        self._check = check
        self._operation = operation
        self._patient = patient
        self._look = look
        self._span: Span | None = None
        self._lease: Lease | None = None
        self._connection: DriverConnection | None = None

    async def __aenter__(self) -> DriverConnection:
        self._span = span = store_span(*self._operation)
        if span is not None:
            span.__enter__()
        try:
            self._check()
            return await self._begun()
        except BaseException as error:
            raised = translation(error, self._metadata)
            if span is not None:
                span.__exit__(type(raised), raised, None)
            if raised is error:
                raise
            raise raised from None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        span, raised = self._span, error
        try:
            await self._ended(error)
        except BaseException as late:  # noqa: BLE001  # raised again below, in the form that leaves a store
            raised = late
        if raised is not None:
            raised = translation(raised, self._metadata)
        if span is not None:
            span.__exit__(None if raised is None else type(raised), raised, None)
        if raised is not None and raised is not error:
            raise raised from None

    async def _begun(self) -> DriverConnection:
        lease = self._lease = await self._leases.take()
        try:
            if self._patient and isinstance(lease.raw, PromptConnection):
                lease.raw.patient = True
            begin = self._begin
            if self._operation[0] == "sqlite" and not self._look:
                # A place in line for the write lock is taken where the block begins.
                await _tell(lease.raw, begin)
                begin = ""
        except BaseException:
            await self._given_back(lease, done=False)
            raise
        connection = self._connection = DriverConnection(lease.raw, self._operation[0], begin, look=self._look)
        return connection

    async def _ended(self, error: BaseException | None) -> None:
        lease, connection, done = self._lease, self._connection, False
        assert lease is not None
        assert connection is not None
        try:
            if not connection.begun:
                # Nothing to be ended; of a driver's error nobody knows what it left.
                done = error is None or (
                    isinstance(error, Exception) and not isinstance(error, (*_DRIVER_ERRORS, OSError))
                )
            elif error is None:
                try:
                    if self._operation[1] == WRITE:
                        self._check()
                except Exception:
                    done = await _rolled_back(lease)
                    raise
                await _tell(lease.raw, "COMMIT")
                done = True
            elif isinstance(error, Exception):
                done = await _rolled_back(lease)
        finally:
            await self._given_back(lease, done=done)

    async def _given_back(self, lease: Lease, *, done: bool) -> None:
        try:
            if not done:
                await lease.connection.invalidate()
        finally:
            if self._patient and isinstance(lease.raw, PromptConnection):
                lease.raw.patient = False
            await self._leases.give_back(lease)


class Within(Generic[T]):
    """A transaction as a store shows it, `made` of its connection; `moved` says that a row that must be unique and was another's
    is no error but `Moved`.
    """

    __slots__ = ("_made", "_moved", "_transaction")

    def __init__(
        self,
        transaction: DriverTransaction,
        made: Callable[[DriverConnection], T],
        *,
        moved: bool = False,
    ) -> None:
        self._transaction = transaction
        self._made = made
        self._moved = moved

    async def __aenter__(self) -> T:
        return self._made(await self._transaction.__aenter__())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._transaction.__aexit__(kind, error, traceback)
        except UniqueViolation as violation:
            if self._moved:
                raise Moved(violation.table) from None
            raise
        if self._moved and isinstance(error, UniqueViolation):
            raise Moved(error.table) from None


async def _tell(raw: Any, statement: str) -> None:
    """Begins or ends a transaction."""
    await (raw.tell(statement) if isinstance(raw, PromptConnection) else raw.execute(statement))


async def _rolled_back(lease: Lease) -> bool:
    """Where that fails, the connection is lost, or SQLite has rolled back by itself: why is what the block raised."""
    with suppress(*_DRIVER_ERRORS, OSError):
        await lease.raw.execute("ROLLBACK")
        return True
    return False


@contextmanager
def translated(metadata: MetaData) -> Iterator[None]:
    """A block out of which no driver's error comes as it is: see `DriverTransaction`."""
    try:
        yield
    except Exception as error:
        raised = translation(error, metadata)
        if raised is error:
            raise
        raise raised from None


def translation(error: BaseException, metadata: MetaData) -> BaseException:
    """The form in which an error leaves a store: itself, unless it is a driver's."""
    if isinstance(error, _DRIVER_ERRORS):
        return translate(_as_dbapi(error), metadata)
    if isinstance(error, DBAPIError):
        return translate(error, metadata)
    if isinstance(error, OSError) and raised_by_driver(error):
        return unavailable(Cause.UNREACHED)
    return error


def _as_dbapi(error: BaseException) -> DBAPIError:
    """The driver's error as SQLAlchemy would have wrapped it."""
    if str(getattr(error, "sqlstate", None) or "").startswith(_INTEGRITY):
        return IntegrityError(None, None, error)
    wrapped = DBAPIError.instance(None, None, error, Exception)
    return wrapped if isinstance(wrapped, DBAPIError) else DBAPIError(None, None, error)
