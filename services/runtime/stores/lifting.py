"""One upgrade from its first look to its commit: who else is connected, the copy before it, the migrations, and the proof.

The caller holds the lock and an open transaction, and foreign keys rest. Whatever fails here ends that transaction, so that
the store is what it was; a process that is killed leaves the same.
"""

from __future__ import annotations

import asyncio
import errno
import importlib
import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime.store_errors import Cause, StoreUnavailable, unavailable
from services.runtime.stores import backups
from services.runtime.stores.opening import FoundStore, State, few, look, open_store, settle, start_from
from services.runtime.stores.schema import BASELINE, Schema, release

PROGRAM: Final = "yibao"
"""How connections of this program begin their name on PostgreSQL."""

# Connections of the same user that are no start of this release, which waits for the lock that is held here. Those before
# stores had versions said no name.
_OTHERS: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    " AND (application_name = '' OR application_name LIKE '{0} %' AND application_name <> '{0} {1}')"
)
_TABLE_LOCK_MS: Final = 30_000
_LOG: Final = logging.getLogger("yibao.store")


async def lift(
    connection: AsyncConnection, schema: Schema, file: Path | None, now: datetime
) -> Mapping[str, str] | None:
    """Brings a store to this program's revision, and says from which and where its copy is; None where another worker did it
    meanwhile. It is upgraded when the transaction has ended: then `note_lifted` logs it.

    `StoreUnavailable` with its cause where it cannot be, and with the database's own errors.
    """
    found = await connection.run_sync(look, schema)
    if found.state not in (State.EARLIER, State.WITHOUT_VERSION):
        await connection.run_sync(open_store, schema, now)
        return None
    told = {"revision": found.revision or BASELINE, "head": schema.head}
    if file is None:
        others = (await connection.exec_driver_sql(_OTHERS.format(PROGRAM, release()))).scalar_one()
        if others:
            raise unavailable(Cause.IN_USE, {**told, "count": others})
        # A dump under way, or somebody's open transaction: a start says so rather than wait for ever.
        await connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_TABLE_LOCK_MS}")
        copy = None
    else:
        try:
            copy = await asyncio.to_thread(backups.before_upgrade, file, schema.member, told["revision"])
        except OSError as error:
            raise unavailable(Cause.FULL if error.errno == errno.ENOSPC else Cause.UNWRITABLE) from None
        except backups.DamagedStore:
            raise unavailable(Cause.DAMAGED) from None
    await connection.run_sync(_lifted, schema, found, now)
    return {"member": schema.member, **told, "backup": str(copy or "")}


def note_lifted(told: Mapping[str, str]) -> None:
    """Logs an upgrade that stands."""
    _LOG.info("store upgraded", extra={"fields": told})


def _lifted(connection: Connection, schema: Schema, found: FoundStore, now: datetime) -> None:
    # Alembic is 60 modules: a start that upgrades nothing does without.
    upgrading: Any = importlib.import_module("services.runtime.stores.upgrading")
    begin = start_from(connection, schema, found)
    try:
        upgrading.migrate(connection, schema)
        differences = settle(connection, schema, now, compare=True) or _dangling(connection)
    except SQLAlchemyError as error:
        raise _failed(found, begin, schema, (named(error),)) from None
    if differences:
        raise _failed(found, begin, schema, differences)


def _dangling(connection: Connection) -> tuple[str, ...]:
    """Rows whose foreign key leads nowhere, by table; SQLite does not look while they rest."""
    if connection.dialect.name != "sqlite":
        return ()
    tables = {row[0] for row in connection.exec_driver_sql("PRAGMA foreign_key_check")}
    return tuple(f"foreign keys of {each} lead nowhere" for each in sorted(tables))


def _failed(found: FoundStore, begin: str, schema: Schema, differences: tuple[str, ...]) -> StoreUnavailable:
    cause = Cause.NO_RELEASE if found.state is State.WITHOUT_VERSION else Cause.UPGRADE_FAILED
    return unavailable(cause, {"revision": begin, "head": schema.head, "differences": few(differences)})


def named(error: BaseException) -> str:
    """What broke, without the database's own words, in which values of rows stand."""
    origin: Any = getattr(error, "orig", None) or error
    cause = getattr(origin, "__cause__", None) or origin
    names = ("sqlstate", "sqlite_errorname", "table_name", "column_name", "constraint_name")
    return " ".join([type(cause).__name__, *(str(each) for name in names if (each := getattr(cause, name, None)))])
