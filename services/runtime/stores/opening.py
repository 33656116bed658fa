"""How a store comes up: new tables for an empty one, nothing for one that is as expected, else what has to be done or is wrong.

All of it happens in one transaction under the lock of whoever calls, so that workers that start together wait for the first.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import NamedTuple

from sqlalchemy import Connection, select

from services.kernel.clock import to_micros
from services.runtime.store_errors import Cause, unavailable
from services.runtime.stores import shape
from services.runtime.stores.schema import BASELINE, Schema, is_earlier, is_number, release

_FEW: int = 8


class State(Enum):
    """What a store is to this program."""

    EMPTY = "empty"
    READY = "ready"
    EARLIER = "earlier"
    WITHOUT_VERSION = "without_version"
    NEWER = "newer"
    UNKNOWN = "unknown"
    DIFFERENT = "different"


class FoundStore(NamedTuple):
    """What stands in a store: its state, revision ("" where it says none) and the release that brought it there.

    `differences` are told where a store of this revision, or without one, is not as expected.
    """

    state: State
    revision: str = ""
    release: str = ""
    differences: tuple[str, ...] = ()
    digest: str = ""
    compared: str = ""


def look(connection: Connection, schema: Schema, *, thoroughly: bool = False) -> FoundStore:
    """What a store is; it changes nothing. Compares afresh only what has changed since it was compared, or `thoroughly`."""
    pieces = shape.pieces(connection, schema)
    mine = [each for each in pieces if each.table in schema.metadata.tables]
    digest = schema.digest(connection.dialect.name, mine)
    revision, brought_by, compared = _version(connection, schema, pieces)
    if not revision and not mine:
        return FoundStore(State.EMPTY, digest=digest)
    found = FoundStore(State.READY, revision, brought_by, digest=digest, compared=compared)
    if revision and revision != schema.head:
        if is_earlier(revision, schema.head):
            return found._replace(state=State.EARLIER)
        return found._replace(state=State.NEWER if is_number(revision) else State.UNKNOWN)
    if compared == digest and not thoroughly:
        return found
    different = tuple(shape.differences(schema, pieces, shape.expected(connection, schema)))
    if not revision and schema.has_history:
        return found._replace(state=State.WITHOUT_VERSION, differences=different)
    return found._replace(state=State.DIFFERENT if different else State.READY, differences=different)


def open_store(connection: Connection, schema: Schema, now: datetime) -> bool:
    """Makes the tables of an empty store and notes what was compared; False where the store has to be upgraded first.

    `StoreUnavailable` for one that a newer program made, that is of no known revision, or that is not as expected.
    """
    found = look(connection, schema)
    match found.state:
        case State.EMPTY:
            for statement in schema.statements(connection.dialect.name):
                connection.exec_driver_sql(statement)
            settle(connection, schema, now, compare=False)
        case State.READY:
            if found.digest != found.compared and schema.has_history:
                table = schema.version_table
                connection.execute(table.update().values(compared=found.digest))
        case State.WITHOUT_VERSION if not found.differences:
            settle(connection, schema, now, compare=False)
        case State.EARLIER | State.WITHOUT_VERSION:
            return False
        case State.NEWER | State.UNKNOWN:
            raise unavailable(
                Cause.NEWER if found.state is State.NEWER else Cause.UNKNOWN_REVISION,
                {
                    "made_by": f"yibao {found.release}" if found.release else "another program",
                    "revision": found.revision,
                    "own": f"yibao {release()}",
                    "head": schema.head,
                },
            )
        case State.DIFFERENT:
            raise unavailable(Cause.OTHER_VERSION, {"differences": few(found.differences)})
    return True


def settle(connection: Connection, schema: Schema, now: datetime, *, compare: bool) -> tuple[str, ...]:
    """Writes down that the store is of this program's revision; what is not as expected, where that is compared."""
    if not schema.has_history:
        return ()
    table = schema.version_table
    table.create(connection, checkfirst=True)
    pieces = shape.pieces(connection, schema)
    if compare and (different := shape.differences(schema, pieces, shape.expected(connection, schema))):
        return tuple(different)
    mine = [each for each in pieces if each.table in schema.metadata.tables]
    digest = schema.digest(connection.dialect.name, mine)
    connection.execute(table.delete())
    row = {"version_num": schema.head, "release": release(), "upgraded_at": to_micros(now), "compared": digest}
    connection.execute(table.insert().values(row))
    return ()


def start_from(connection: Connection, schema: Schema, found: FoundStore) -> str:
    """The revision from which an upgrade goes on, written down for Alembic where the store does not say one."""
    if found.state is State.WITHOUT_VERSION:
        table = schema.version_table
        table.create(connection, checkfirst=True)
        connection.execute(table.delete())
        connection.execute(table.insert().values(version_num=BASELINE))
        return BASELINE
    return found.revision


def few(differences: tuple[str, ...]) -> str:
    """The first differences, and how many more there are."""
    told = "; ".join(differences[:_FEW])
    return told if len(differences) <= _FEW else f"{told}; and {len(differences) - _FEW} more"


def _version(connection: Connection, schema: Schema, pieces: frozenset[shape.Piece]) -> tuple[str, str, str]:
    """What the store says of itself; empty texts for nothing. A table that is not quite ours says its revision at least."""
    table = schema.version_table
    held = {each.name for each in pieces if each.table == table.name and each.kind == "column"}
    if not schema.has_history or "version_num" not in held:
        return "", "", ""
    names = [name for name in ("version_num", "release", "compared") if name in held]
    row = connection.execute(select(*(table.columns[name] for name in names))).mappings().first()
    if row is None:
        return "", "", ""
    # A table of that name that somebody else made may hold anything.
    said = {name: "" if value is None else str(value) for name, value in row.items()}
    return said["version_num"], said.get("release", ""), said.get("compared", "")
