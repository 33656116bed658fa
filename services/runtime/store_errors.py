"""What a database's refusal means: a broken uniqueness, another broken constraint, a store out of reach, or a bug.

Only names of tables, columns and constraints are kept; a driver's text holds values of rows and is dropped.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final

from asyncpg.exceptions import InternalClientError
from sqlalchemy import Index, MetaData, Table, UniqueConstraint
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError

from services.kernel.errors import Fault, FaultKind, invalid

_RETRY_AFTER_S: Final = 1.0
_SQLITE_UNIQUE: Final = re.compile(r"UNIQUE constraint failed: (.+)")
_SQLITE_INDEX: Final = re.compile(r"UNIQUE constraint failed: index '(.+)'")
_SQLITE_OTHER: Final = re.compile(r"(CHECK|NOT NULL|FOREIGN KEY) constraint failed(?:: (\S+))?")
_POSTGRESQL_KEY: Final = re.compile(r"Key \((.*?)\)=")
_UNIQUE_STATE: Final = "23505"
# PostgreSQL keeps no text that holds the character of number zero.
_UNSTORABLE_TEXT_STATE: Final = "22021"
# Contention (40, 55P03), connection (08), resources and disk (53), shutdown (57), i/o (58), the server's own troubles (XX),
# missing database (3D), bad login (28), a session that was ended by a time limit (25P03, 25P04).
_OUT_OF_REACH: Final = ("40", "08", "53", "57", "58", "XX", "3D", "28", "55P03", "25P03", "25P04")


class Cause(Enum):
    """Why a store cannot be used and what helps, told of `{place}` (a file, or `host:port/database`) or of its `{folder}`."""

    HELD = "another mesh keeps its data in {folder}; stop it"
    LOCKED = "another process holds the database {place}; stop it"
    UNWRITABLE = "the database {place} cannot be opened or written; let this user write there"
    DAMAGED = "{place} is damaged or no SQLite database; move it away"
    GONE = "{place} was removed or replaced while it was in use; put it back and start again"
    FULL = "no room is left for the database {place}; make some"
    OTHER_VERSION = (
        "the tables in {place} are not as this program expects them ({differences}); put that right, or restore a "
        "backup"
    )
    NO_RELEASE = (
        "the tables in {place} say no revision, could not be upgraded as those of {revision} ({differences}), and nothing was"
        " changed; the program that made them can go on with them"
    )
    NEWER = (
        "{place} was brought to revision {revision} by {made_by}, and {own} knows revision {head} at most; start that release"
        " or a later one, or restore the backup that was made before its upgrade"
    )
    UNKNOWN_REVISION = (
        "{place} says revision {revision} (of {made_by}), which {own} does not know; start the program that made it, or"
        " restore a backup"
    )
    UPGRADE_FAILED = (
        "{place} could not be upgraded from revision {revision} to {head} ({differences}), and nothing was changed; the release"
        " that made it can go on with it"
    )
    IN_USE = (
        "{place} has to be upgraded from revision {revision} to {head}, and {count} other connections are open, of another"
        " release perhaps; stop what holds them"
    )
    UNREACHED = "no PostgreSQL answers at {place}; start it"
    REFUSED = "PostgreSQL refuses the user or the password for {place}; correct them"
    ABSENT = "PostgreSQL does not know the database {place}; create it"

    def told(self, place: Path | str, values: Mapping[str, object] | None = None) -> str:
        """The cause in English, of a store at this place; `values` are what its text names beside."""
        folder = place.parent if isinstance(place, Path) else place
        return str(self.value).format_map({"place": place, "folder": folder, **(values or {})})


_SQLITE_OUT_OF_REACH: Final[Mapping[int, Cause | None]] = {
    sqlite3.SQLITE_BUSY: Cause.LOCKED,
    sqlite3.SQLITE_LOCKED: Cause.LOCKED,
    sqlite3.SQLITE_PROTOCOL: Cause.LOCKED,
    sqlite3.SQLITE_NOMEM: None,
    sqlite3.SQLITE_PERM: Cause.UNWRITABLE,
    sqlite3.SQLITE_READONLY: Cause.UNWRITABLE,
    sqlite3.SQLITE_IOERR: Cause.UNWRITABLE,
    sqlite3.SQLITE_CANTOPEN: Cause.UNWRITABLE,
    sqlite3.SQLITE_CORRUPT: Cause.DAMAGED,
    sqlite3.SQLITE_NOTADB: Cause.DAMAGED,
    sqlite3.SQLITE_FULL: Cause.FULL,
    sqlite3.SQLITE_NOLFS: Cause.FULL,
    # One of many troubles with reading and writing, and the only one that names what is missing: room for what is shared.
    sqlite3.SQLITE_IOERR_SHMSIZE: Cause.FULL,
    # What was under way when the connection was rolled back for another of these.
    sqlite3.SQLITE_ABORT: None,
}
_POSTGRESQL_CAUSES: Final[Mapping[str, Cause]] = {
    "08": Cause.UNREACHED,
    "28": Cause.REFUSED,
    "3D": Cause.ABSENT,
    "57": Cause.UNREACHED,
}


SQLITE_ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)
"""What a call of SQLite raises. Its text names what is damaged as it stands in the file: where that is no UTF-8, Python raises
the second instead of the first, without its code.
"""


def unreadable() -> sqlite3.DatabaseError:
    """The error in place of which UnicodeDecodeError was raised."""
    error = sqlite3.DatabaseError("the file is damaged")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_CORRUPT, "SQLITE_CORRUPT"
    return error


class UniqueViolation(Exception):
    """A row with these columns exists already. `constraint` is its name where it has one; `columns` in their order."""

    def __init__(self, table: str, columns: tuple[str, ...], constraint: str | None = None) -> None:
        self.table = table
        self.columns = columns
        self.constraint = constraint
        super().__init__(f"{table}({', '.join(columns)}) exists already" + (f" [{constraint}]" if constraint else ""))


class ConstraintViolation(Exception):
    """A check, a foreign key or a NOT NULL is broken: the program decided something that the schema forbids."""

    def __init__(self, table: str, constraint: str) -> None:
        self.table = table
        self.constraint = constraint
        super().__init__(f"{constraint} of {table or 'a table'} is broken")


class StoreError(Exception):
    """The database refused a statement: a bug. Names the driver's error class and state, never its text."""


class StoreUnavailable(Fault):
    """STORE_UNAVAILABLE; `cause` is for whoever starts the member, None where it passes. Callers are told the reason alone.

    `values` are what the cause's text names beside the place.
    """

    def __init__(self, cause: Cause | None, values: Mapping[str, object] | None = None) -> None:
        self.cause = cause
        self.values = values or {}
        super().__init__(FaultKind.UNAVAILABLE, "STORE_UNAVAILABLE", retry_after_s=_RETRY_AFTER_S)


def unavailable(cause: Cause | None = None, values: Mapping[str, object] | None = None) -> StoreUnavailable:
    """The store cannot be used now."""
    return StoreUnavailable(cause, values)


def raised_by_driver(error: OSError) -> bool:
    """True for an error that came up through asyncpg, which lets a refused or lost connection through as it is; False for
    one of the caller's own block.
    """
    traceback = error.__traceback__
    while traceback is not None:
        if "asyncpg" in traceback.tb_frame.f_globals.get("__name__", ""):
            return True
        traceback = traceback.tb_next
    return False


def is_confused(error: DBAPIError) -> bool:
    """True where asyncpg has lost its connection between two steps of its own: its protocol refuses every further one, and
    SQLAlchemy does not take that for a loss.
    """
    origin: Any = error.orig
    return isinstance(getattr(origin, "__cause__", None) or origin, InternalClientError)


def translate(error: DBAPIError, metadata: MetaData) -> Exception:
    """What a driver's error means, without its text."""
    origin: Any = error.orig
    cause = getattr(origin, "__cause__", None) or origin
    state = str(getattr(cause, "sqlstate", None) or getattr(origin, "sqlstate", None) or "")
    message = str(origin)
    if is_confused(error):
        return unavailable(Cause.UNREACHED)
    if isinstance(error, IntegrityError):
        return _broken(cause, state, message, metadata)
    if state == _UNSTORABLE_TEXT_STATE:
        return invalid("", "text.nul", "text holds a character that cannot be stored")
    code = getattr(cause, "sqlite_errorcode", None)
    if isinstance(code, int):
        for known in (code, code & 0xFF):
            if known in _SQLITE_OUT_OF_REACH:
                return unavailable(_SQLITE_OUT_OF_REACH[known])
    elif state.startswith(_OUT_OF_REACH) or (not state and isinstance(error, InterfaceError)):
        return unavailable(_POSTGRESQL_CAUSES.get(state[:2]))
    if error.connection_invalidated:
        return unavailable()
    return StoreError(f"{type(cause).__name__} {state}".strip())


def _broken(cause: Any, state: str, message: str, metadata: MetaData) -> Exception:
    if state == _UNIQUE_STATE:
        name = getattr(cause, "constraint_name", None)
        match = _POSTGRESQL_KEY.search(str(getattr(cause, "detail", "") or ""))
        columns = tuple(each.strip(' "') for each in match[1].split(",")) if match else ()
        return UniqueViolation(str(getattr(cause, "table_name", "") or ""), columns, name)
    if state:
        named = getattr(cause, "constraint_name", None) or getattr(cause, "column_name", None)
        return ConstraintViolation(str(getattr(cause, "table_name", "") or ""), str(named or state))
    if match := _SQLITE_INDEX.search(message):
        return _by_index(match[1], metadata)
    if match := _SQLITE_UNIQUE.search(message):
        paths = [each.strip() for each in match[1].split(",")]
        table, columns = paths[0].rpartition(".")[0], tuple(path.rpartition(".")[2] for path in paths)
        return UniqueViolation(table, columns, _constraint_name(metadata.tables.get(table), columns))
    if match := _SQLITE_OTHER.search(message):
        return ConstraintViolation("", match[2] or match[1].lower())
    return StoreError(type(cause).__name__)


def _by_index(name: str, metadata: MetaData) -> UniqueViolation:
    for table in metadata.tables.values():
        for index in table.indexes:
            if index.name == name:
                return UniqueViolation(table.name, tuple(each.name for each in index.columns), name)
    return UniqueViolation("", (), name)


def _constraint_name(table: Table | None, columns: tuple[str, ...]) -> str | None:
    if table is None:
        return None
    candidates: list[UniqueConstraint | Index] = [
        each for each in table.constraints if isinstance(each, UniqueConstraint)
    ]
    candidates += [each for each in table.indexes if each.unique]
    for each in candidates:
        if tuple(column.name for column in each.columns) == columns and each.name is not None:
            return str(each.name)
    return None
