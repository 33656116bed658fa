"""`python -m services store`: what a member's store is, its upgrade, a copy of it while it runs, and the way back.

SQLite stores are copied and restored here. A PostgreSQL server has its own programs for that: their words are printed, with
the right names and without a password.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import shlex
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from services import mesh
from services.kernel.clock import system_clock
from services.runtime.config import Config, ConfigError
from services.runtime.db import Database, place_of
from services.runtime.embedded import start_error, store_held
from services.runtime.server import StartError
from services.runtime.store_errors import StoreError, StoreUnavailable
from services.runtime.stores import backups
from services.runtime.stores.opening import Found, State, few, look
from services.runtime.stores.schema import BASELINE, Schema, release

NAME: Final = "store"
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_ALL: Final = "all"
_FINE: Final = (State.READY, State.EMPTY)


def main(
    arguments: Sequence[str],
    config_of: Callable[[Sequence[str]], Config],
    say: Callable[[str], None],
    complain: Callable[[str], None],
) -> int:
    """Runs one command for the members named, or all with a store; 0 where each is in order, 1 where one is not.

    A store that the next start would upgrade is not in order: `check` says so and ends with 1.
    """
    options = _parser().parse_args(arguments)
    options.say, options.complain = say, complain
    config = config_of(options.set)
    names = [each.name for each in reversed(mesh.start_order()) if each.has_store]
    members = [options.members] if isinstance(options.members, str) else options.members
    chosen = [name for name in names if name in members or _ALL in members]
    done = True
    for name in chosen:
        try:
            done = options.command(mesh.member(name), config, options) and done
        except (StartError, ConfigError, backups.DamagedStore, StoreError, OSError, sqlite3.Error, ValueError) as error:
            options.complain(f"{name}: {_said(error)}")
            done = False
    return 0 if done else 1


def check(member: mesh.Member, config: Config, options: argparse.Namespace) -> bool:
    """Says what a store is and what is not as expected; it changes nothing."""
    place = place_of(config.database_url(member.name))
    if isinstance(place, Path) and not place.exists():
        options.say(f"{member.name}: {place} does not exist; the next start makes it")
        return True
    found = asyncio.run(_found(member, config))
    schema = schema_of(member)
    options.say(f"{member.name}: {place}, {_told(found, schema)}")
    for each in found.differences:
        options.say(f"  differs: {each}")
    return found.state in _FINE


def upgrade(member: mesh.Member, config: Config, options: argparse.Namespace) -> bool:
    """Brings a store to this program's revision, as a start would, without its limit of time."""

    async def run() -> None:
        async with _opened(member, config) as database:
            await database.start(schema_of(member))

    with store_held(member, config):
        try:
            asyncio.run(run())
        except StoreUnavailable as fault:
            raise start_error(member, config, fault) from None
    options.say(f"{member.name}: {place_of(config.database_url(member.name))} is at revision {schema_of(member).head}")
    return True


def backup(member: mesh.Member, config: Config, options: argparse.Namespace) -> bool:
    """Copies a store, which may be in use; for PostgreSQL it prints what does."""
    place = place_of(config.database_url(member.name))
    stamp = f"{member.name}-{system_clock():{_STAMP}}"
    if not isinstance(place, Path):
        target = options.to / f"{stamp}.dump"
        options.say(f"{member.name}: type this, where pg_dump is as new as the server or newer:")
        options.say(f"  {_words('pg_dump', config.database_url(member.name), '--format=custom', f'--file={target}')}")
        return True
    target = options.to / f"{stamp}{backups.BACKUP}"
    if target.exists():
        raise FileExistsError(17, "stands already", str(target))
    options.say(f"{member.name}: {place} was copied to {backups.copied(place, target)}")
    return True


def restore(member: mesh.Member, config: Config, options: argparse.Namespace) -> bool:
    """Puts a copy in a store's place and the store aside; for PostgreSQL it prints what does."""
    url = config.database_url(member.name)
    place = place_of(url)
    if not isinstance(place, Path):
        how = ("--clean", "--if-exists", "--single-transaction", "--exit-on-error", "--no-owner", str(options.copy))
        options.say(f"{member.name}: stop the mesh, then type this; what was written after the copy is lost:")
        options.say(f"  {_words('pg_restore', url, *how)}")
        return True
    copy = options.copy.resolve()
    with ExitStack() as held:
        for each in mesh.MESH:
            # Several members may keep their tables in one file.
            if each.has_store and place_of(config.database_url(each.name)) == place:
                held.enter_context(store_held(each, config))
        _require_fit(member, copy)
        aside = backups.restored(copy, place, system_clock())
    options.say(f"{member.name}: {place} is {copy} again" + (f"; what stood there is {aside}" if aside else ""))
    return True


def schema_of(member: mesh.Member) -> Schema:
    """The member's tables; only its tables are imported."""
    module: Any = importlib.import_module(f"services.{member.name}.store.schema")
    schema: Schema = module.schema()
    return schema


def _require_fit(member: mesh.Member, copy: Path) -> None:
    """StartError where a copy is not one of this member that this program can open."""
    if not copy.is_file():
        raise FileNotFoundError(2, "there is no such copy", str(copy))
    schema = schema_of(member)
    # Read only: a copy stays as it was made.
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True))
    try:
        with engine.connect() as connection:
            found = look(connection, schema)
    except DBAPIError:
        raise backups.DamagedStore(str(copy)) from None
    finally:
        engine.dispose()
    if found.state is State.EMPTY:
        raise StartError(f"{copy} holds no table of {member.name}")
    if found.state in (State.NEWER, State.UNKNOWN, State.DIFFERENT):
        raise StartError(f"{copy} is {_told(found, schema)}: {few(found.differences)}".removesuffix(": "))


async def _found(member: mesh.Member, config: Config) -> Found:
    async with _opened(member, config) as database:
        try:
            async with database.looked_into() as connection:
                return await connection.run_sync(lambda each: look(each, schema_of(member), thoroughly=True))
        except StoreUnavailable as fault:
            raise start_error(member, config, fault) from None


@asynccontextmanager
async def _opened(member: mesh.Member, config: Config) -> AsyncIterator[Database]:
    database = Database(config.database_url(member.name), system_clock, 1)
    try:
        yield database
    finally:
        await database.close()


def _told(found: Found, schema: Schema) -> str:
    """A store in words."""
    by = f"made by yibao {found.release}" if found.release else "made before stores had versions"
    at = f"revision {found.revision or BASELINE}, {by}"
    match found.state:
        case State.EMPTY:
            return "empty; the next start makes its tables"
        case State.READY:
            return f"{at}: in order"
        case State.EARLIER:
            return f"{at}: the next start, or 'store upgrade', brings it to {schema.head}"
        case State.WITHOUT_VERSION:
            return f"no revision: the next start, or 'store upgrade', takes it for {BASELINE} and brings it to {schema.head}"
        case State.NEWER | State.UNKNOWN:
            return f"{at}: newer than yibao {release()}, which knows {schema.head} at most, or unknown to it"
        case State.DIFFERENT:
            return f"{at}: not as yibao {release()} expects it"


def _words(program: str, url: str, *arguments: str) -> str:
    """A command of PostgreSQL's for the database of an address; the password is asked for, or comes from ~/.pgpass."""
    parsed = make_url(url)
    host = parsed.host or parsed.query.get("host")
    where = {"host": host, "port": parsed.port, "username": parsed.username, "dbname": parsed.database}
    named = (f"--{name}={value}" for name, value in where.items() if value)
    return shlex.join((program, *named, *arguments))


def _said(error: BaseException) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, backups.DamagedStore):
        return f"{error} is no whole SQLite store"
    if isinstance(error, sqlite3.Error):
        return f"SQLite says {error.sqlite_errorname}" if hasattr(error, "sqlite_errorname") else type(error).__name__
    return str(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m services {NAME}",
        description="Looks after the members' stores. Without a member: all that have one.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    stored = [each.name for each in mesh.MESH if each.has_store]

    def add(name: str, command: Callable[..., bool], told: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=told, description=told)
        made.set_defaults(command=command)
        made.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting, before the environment"
        )
        return made

    check_parser = add("check", check, "says revision and release of a store, and what is not as expected")
    upgrade_parser = add("upgrade", upgrade, "brings a store to this program's revision, as a start does")
    backup_parser = add("backup", backup, "copies a SQLite store while it is in use; prints the words for PostgreSQL")
    for each in (check_parser, upgrade_parser, backup_parser):
        told = ", ".join(stored)
        each.add_argument("members", nargs="*", default=_ALL, choices=(_ALL, *stored), metavar="MEMBER", help=told)
    backup_parser.add_argument("--to", type=Path, default=Path(), metavar="FOLDER", help="where copies go (here)")
    restored = add("restore", restore, "puts a copy in a store's place; the mesh must not run")
    restored.add_argument("members", choices=stored, metavar="MEMBER", help=", ".join(stored))
    restored.add_argument("copy", type=Path, metavar="COPY", help="what 'store backup' or an upgrade made")
    return parser
