"""Transactions on the driver's own connection, for hot paths: no layer between a statement and the driver.

A statement costs one hop to the driver, about a fifth of one through SQLAlchemy. Errors take the same form as everywhere:
a driver's text never leaves.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Final, Generic, TypeVar

import msgspec
from asyncpg.exceptions import InterfaceError, InternalClientError, PostgresError
from sqlalchemy import MetaData
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.kernel.requests import Moved
from services.runtime.leases import Lease, Leases
from services.runtime.sqlite_connection import PromptConnection
from services.runtime.store_errors import Cause, UniqueViolation, raised_by_driver, translate, unavailable
from services.runtime.telemetry import Span, store_span

T = TypeVar("T")

READ: Final = "read"
WRITE: Final = "write"

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


class DriverTransaction:
    """One transaction on a connection that is lent, for a block: committed where the block ends, rolled back where it raises.

    Raises `UniqueViolation`, `ConstraintViolation`, `StoreError` or Fault STORE_UNAVAILABLE. A connection whose work was
    cancelled is thrown away. `check` is asked before the transaction, and before one that writes ends; it raises where the store
    is none any more. It is one object and no block within blocks: six of those took longer than the statements in them.
    """

    __slots__ = ("_begin", "_check", "_lease", "_leases", "_metadata", "_operation", "_patient", "_span")

    def __init__(
        self,
        leases: Leases,
        begin: str,
        metadata: MetaData,
        check: Callable[[], None],
        operation: tuple[str, str],
        *,
        patient: bool = False,
    ) -> None:
        """`operation` is the database and read or write, as its span tells them."""
        self._leases = leases
        self._begin = begin
        self._metadata = metadata
        self._check = check
        self._operation = operation
        self._patient = patient
        self._span: Span | None = None
        self._lease: Lease | None = None

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
            await lease.raw.execute(self._begin)
        except BaseException:
            await self._given_back(lease, done=False)
            raise
        return DriverConnection(lease.raw, self._operation[0])

    async def _ended(self, error: BaseException | None) -> None:
        lease, done = self._lease, False
        assert lease is not None
        try:
            if error is None:
                try:
                    if self._operation[1] == WRITE:
                        self._check()
                except Exception:
                    done = await _rolled_back(lease)
                    raise
                await lease.raw.execute("COMMIT")
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
