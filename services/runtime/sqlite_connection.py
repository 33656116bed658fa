"""SQLite for one event loop: short statements run where they are asked, only what may wait runs in the connection's thread.

A hop to a thread and back costs more than most statements, and under load a turn of the loop each way. What waits for the
disk or for another process (taking the write lock, committing) still hops, and so does everything while `patient` is set.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Final

import aiosqlite

_ITER_CHUNK: Final = 64
_WAITING: Final = frozenset({"BEGIN IMMEDIATE", "COMMIT"})


class PromptConnection(aiosqlite.Connection):
    """One connection; a `writer` hops for what begins and ends its transactions.

    `patient` sends every statement to the thread: for reads that take long.
    """

    def __init__(self, connector: Callable[[], sqlite3.Connection], *, writer: bool) -> None:
        super().__init__(connector, _ITER_CHUNK)
        self.patient = False
        self._writer = writer

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Every call of the package goes through here."""
        if self.patient or self._waits(fn, args):
            return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]  # the package does not type it
        if not self._running or self._connection is None:
            raise ValueError("Connection closed")
        return fn(*args, **kwargs)

    def _waits(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> bool:
        connection = self._connection
        if connection is None or fn == connection.close:
            return True
        return self._writer and ((bool(args) and args[0] in _WAITING) or fn == connection.commit)


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
