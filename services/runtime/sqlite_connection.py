"""SQLite for one event loop: short statements run where they are asked, only what may wait runs in the connection's thread.

A hop to a thread and back costs more than most statements, and under load a turn of the loop each way. What waits for another
process (taking a write lock that somebody has) hops, and so does everything while `patient` is set. Committing waits for the
disk: it hops where that is slow, by how long the last commits took.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Any, Final

import aiosqlite

from services.runtime.store_errors import unreadable

_ITER_CHUNK: Final = 64
_TAKE_LOCK: Final = "BEGIN IMMEDIATE"
_COMMIT: Final = "COMMIT"
QUICK_S: Final = 0.002
"""Commits that take less than this, in the mean, run on the loop: a hop costs 0.3 ms of processor time, and the loop may stand
still for so long (our decision). A good disk's take 0.2 to 0.6 ms, and 5 ms where the log is copied into the store."""
_LATEST: Final = 1 / 8
"""What the latest commit counts for in that mean."""
_PRIMARY: Final = 0xFF
"""The part of an error's code that says what it is, without which of its kind."""


class PromptConnection(aiosqlite.Connection):
    """One connection; a `writer` hops to end its transactions where the disk is slow or much was written, and to begin one where
    it has to wait.

    `patient` sends every statement to the thread: for reads that take long.
    """

    def __init__(self, connector: Callable[[], sqlite3.Connection], *, writer: bool) -> None:
        super().__init__(connector, _ITER_CHUNK)
        self.patient = False
        self._writer = writer
        self._waits_ms = 0
        self._commit_s = 2 * QUICK_S
        self._much = False

    async def rows(self, statement: str, parameters: Sequence[Any]) -> Iterable[Any]:
        """All rows of a statement that waits for nothing."""
        if self.patient or not self._running:
            return await self.execute_fetchall(statement, parameters)
        try:
            return self._conn.execute(statement, parameters).fetchall()
        except UnicodeDecodeError:
            raise unreadable() from None

    async def tell(self, statement: str) -> None:
        """Runs a statement that begins or ends a transaction: what the package makes of an answer, nobody looks at here."""
        await self._execute(self._conn.execute, statement)

    async def put(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Runs such a statement for each row."""
        if self.patient or not self._running:
            self._much = True
            await self.executemany(statement, rows)
            return
        try:
            self._conn.executemany(statement, rows)
        except UnicodeDecodeError:
            raise unreadable() from None

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Every call of the package goes through here."""
        try:
            connection = self._connection
            waits = self.patient or connection is None or fn == connection.close
            if self._writer and args and args[0] == _TAKE_LOCK:
                if not self.patient and (taken := self._taken(fn, args)):
                    return taken
                waits = True
                if self._waits_ms:
                    fn, args = self._awaited, (fn, *args)
            elif self._writer and self._ends(fn, args):
                waits = waits or self._much or self._commit_s >= QUICK_S
                fn, args, self._much = self._timed, (fn, *args), False
            if waits:
                return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]  # the package's own
            if not self._running or self._connection is None:
                raise ValueError("Connection closed")
            return fn(*args, **kwargs)
        except UnicodeDecodeError:
            raise unreadable() from None

    def _taken(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """What the statement gives that takes the write lock, None where another process has it now."""
        connection = self._connection
        if not self._running or connection is None:
            return None
        if not self._waits_ms:
            (self._waits_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
            # Once for all: to say so before each transaction, and to take it back, took twice as long as beginning one.
            connection.execute("PRAGMA busy_timeout=0")
        try:
            return fn(*args)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY:
                raise
            return None

    def _awaited(self, begin: Callable[..., Any], *args: Any) -> Any:
        """What the same statement gives after waiting for the lock, in the connection's thread."""
        connection = self._conn
        connection.execute(f"PRAGMA busy_timeout={self._waits_ms}")
        try:
            return begin(*args)
        finally:
            connection.execute("PRAGMA busy_timeout=0")

    def _timed(self, commit: Callable[..., Any], *args: Any) -> Any:
        """Commits, and notes how long that took: in either thread, never in both at once."""
        begun_s = perf_counter()
        try:
            return commit(*args)
        finally:
            self._commit_s += (perf_counter() - begun_s - self._commit_s) * _LATEST

    def _ends(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> bool:
        connection = self._connection
        return (bool(args) and args[0] == _COMMIT) or (connection is not None and fn == connection.commit)


def connect(database: str, *, writer: bool, **settings: Any) -> PromptConnection:
    """A connection to be awaited, as `aiosqlite.connect` gives it."""

    def connector() -> sqlite3.Connection:
        # The thread opens it, the loop's own thread uses it too; never both at once.
        opened: sqlite3.Connection = sqlite3.connect(database, **{**settings, "check_same_thread": False})
        return opened

    made = PromptConnection(connector, writer=writer)
    # As SQLAlchemy does for the package's own: a connection left behind never keeps the process from ending.
    made._thread.daemon = True
    return made
