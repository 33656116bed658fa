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
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from services import mesh
from services.kernel.clock import system_clock
from services.runtime.config import Config
from services.runtime.db import Database, place_of
from services.runtime.embedded import start_error, store_held
from services.runtime.server import StartError
from services.runtime.store_errors import StoreUnavailable
from services.runtime.stores import backups
from services.runtime.stores.opening import FoundStore, State, look
from services.runtime.stores.schema import BASELINE, Schema, release
from services.runtime.texts.starting import started
from services.runtime.texts.stores import told

NAME: Final = "store"
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_ALL: Final = "all"
_FINE: Final = (State.READY, State.EMPTY)
_STATES: Final = {
    State.EMPTY: "{member}: {place}, empty; the next start makes its tables",
    State.READY: "{member}: {place}, revision {revision}, {by}: in order",
    State.EARLIER: (
        "{member}: {place}, revision {revision}, {by}: the next start, or 'store upgrade', brings it to {head}"
    ),
    State.WITHOUT_VERSION: (
        "{member}: {place}, no revision: the next start, or 'store upgrade', takes it for {baseline} and brings it to {head}"
    ),
    State.NEWER: "{member}: {place}, revision {revision}, {by}: not known to {own}, which knows {head} at most",
    State.UNKNOWN: "{member}: {place}, revision {revision}, {by}: not known to {own}, which knows {head} at most",
    State.DIFFERENT: "{member}: {place}, revision {revision}, {by}: not as {own} expects it",
}


class Refused(Exception):
    """What a command cannot do; the text is for whoever typed it."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command needs beside its words: the settings, and where it says what, in which language."""

    config: Config
    language: Literal["zh", "en"]
    print: Callable[[str], None]

    def say(self, english: str, **values: object) -> None:
        """Says a text of `services.runtime.texts.stores`."""
        self.print(told(english, self.language, **values))

    def refused(self, english: str, **values: object) -> Refused:
        """A refusal in the desk's language."""
        return Refused(told(english, self.language, **values))

    def place(self, member: mesh.Member) -> Path | str:
        """Where the member's store is."""
        return place_of(self.config.database_url(member.name))


def main(
    arguments: Sequence[str],
    config_of: Callable[[Sequence[str]], Config],
    say: Callable[[str], None],
    complain: Callable[[str], None],
    language: Literal["zh", "en"] = "en",
) -> int:
    """Runs one command for the members named, or all with a store; 0 where each is in order, 1 where one is not.

    A store that the next start would upgrade is not in order: `check` says so and ends with 1.
    """
    options = _parser(language).parse_args(arguments)
    desk = Desk(config_of(options.set), language, say)
    chosen = [options.members] if isinstance(options.members, str) else options.members
    done = True
    # Whoever calls another comes first, so that nothing in its copy names what the other's lacks.
    for member in reversed(mesh.start_order()):
        if member.has_store and (member.name in chosen or _ALL in chosen):
            try:
                done = options.command(desk, member, options) and done
            except (Refused, StartError, backups.DamagedStore, OSError, sqlite3.Error, StoreUnavailable) as error:
                complain(_said(desk, member, error))
                done = False
    return 0 if done else 1


def check(desk: Desk, member: mesh.Member, options: argparse.Namespace) -> bool:
    """Says what a store is and what is not as expected; a SQLite store is read whole for damage. It changes nothing."""
    place = desk.place(member)
    if isinstance(place, Path) and not place.exists():
        desk.say("{member}: {place} does not exist; the next start makes it", member=member.name, place=place)
        return True
    found = asyncio.run(_found(desk, member))
    desk.say(_STATES[found.state], place=place, **_values(desk, member, found))
    for each in found.differences:
        desk.say("  differs: {piece}", piece=each)
    if isinstance(place, Path):
        backups.require_whole(place)
    return found.state in _FINE


def upgrade(desk: Desk, member: mesh.Member, options: argparse.Namespace) -> bool:
    """Brings a store to this program's revision, as a start would, without its limit of time."""
    schema = schema_of(member)

    async def run() -> None:
        database = _database(desk, member)
        try:
            await database.start(schema)
        finally:
            await database.close()

    with store_held(member, desk.config):
        asyncio.run(run())
    desk.say("{member}: {place} is at revision {head}", member=member.name, place=desk.place(member), head=schema.head)
    return True


def backup(desk: Desk, member: mesh.Member, options: argparse.Namespace) -> bool:
    """Copies a store, which may be in use; for PostgreSQL it prints what does."""
    place = desk.place(member)
    stamp = f"{member.name}-{system_clock():{_STAMP}}"
    if not isinstance(place, Path):
        target = options.to / f"{stamp}.dump"
        desk.say("{member}: type this, where pg_dump is as new as the server or newer:", member=member.name)
        desk.print("  " + _words("pg_dump", desk, member, "--format=custom", f"--file={target}"))
        return True
    target = options.to / f"{stamp}{backups.BACKUP}"
    if options.to.exists() and not options.to.is_dir():
        raise desk.refused("{member}: copies go to a folder, and {file} is none", member=member.name, file=options.to)
    if target.exists():
        raise desk.refused("{member}: {file} stands already", member=member.name, file=target)
    copy = backups.copied(place, target)
    desk.say("{member}: {place} was copied to {copy}", member=member.name, place=place, copy=copy)
    return True


def restore(desk: Desk, member: mesh.Member, options: argparse.Namespace) -> bool:
    """Puts a copy in a store's place and the store aside; for PostgreSQL it prints what does."""
    place = desk.place(member)
    if not isinstance(place, Path):
        how = ("--clean", "--if-exists", "--single-transaction", "--exit-on-error", "--no-owner", str(options.copy))
        desk.say(
            "{member}: stop the mesh, then type this; what was written after the copy is lost:", member=member.name
        )
        desk.print("  " + _words("pg_restore", desk, member, *how))
        return True
    copy = options.copy.resolve()
    if copy.exists() and place.exists() and copy.samefile(place):
        raise desk.refused("{member}: {copy} is the store itself, not a copy of it", member=member.name, copy=copy)
    with ExitStack() as held:
        for each in mesh.MESH:
            # Several members may keep their tables in one file.
            if each.has_store and desk.place(each) == place:
                held.enter_context(store_held(each, desk.config))
        _require_fit(desk, member, copy)
        aside = backups.restored(copy, place, system_clock())
    again = "{member}: {place} is {copy} again"
    if aside:
        again = "{member}: {place} is {copy} again; what stood there is {aside}"
    desk.say(again, member=member.name, place=place, copy=copy, aside=aside)
    return True


def schema_of(member: mesh.Member) -> Schema:
    """The member's tables; only its tables are imported."""
    module: Any = importlib.import_module(f"services.{member.name}.store.schema")
    schema: Schema = module.schema()
    return schema


def _require_fit(desk: Desk, member: mesh.Member, copy: Path) -> None:
    """`Refused` where a copy is not one of this member that this program can open."""
    if not copy.is_file():
        raise desk.refused("{member}: there is no copy {file}", member=member.name, file=copy)
    # Read only: a copy stays as it was made.
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True))
    try:
        with closing(engine.connect()) as connection:
            found = look(connection, schema_of(member))
    except (DBAPIError, UnicodeDecodeError):
        raise backups.DamagedStore(str(copy)) from None
    finally:
        engine.dispose()
    if found.state is State.EMPTY:
        raise desk.refused("{member}: {copy} holds no table of it", member=member.name, copy=copy)
    if found.state in (State.NEWER, State.UNKNOWN, State.DIFFERENT):
        lines = [told(_STATES[found.state], desk.language, place=copy, **_values(desk, member, found))]
        lines += [told("  differs: {piece}", desk.language, piece=each) for each in found.differences]
        raise Refused("\n".join(lines))


async def _found(desk: Desk, member: mesh.Member) -> FoundStore:
    database, schema = _database(desk, member), schema_of(member)
    try:
        async with database.looked_into() as connection:
            return await connection.run_sync(lambda each: look(each, schema, thoroughly=True))
    finally:
        await database.close()


def _database(desk: Desk, member: mesh.Member) -> Database:
    return Database(desk.config.database_url(member.name), system_clock, 1)


def _values(desk: Desk, member: mesh.Member, found: FoundStore) -> dict[str, object]:
    """What the texts of states name beside the place."""
    by = told("made before stores had versions", desk.language)
    if found.release:
        by = told("made by {release}", desk.language, release=f"yibao {found.release}")
    return {
        "member": member.name,
        "revision": found.revision or BASELINE,
        "by": by,
        "head": schema_of(member).head,
        "baseline": BASELINE,
        "own": f"yibao {release()}",
    }


def _words(program: str, desk: Desk, member: mesh.Member, *arguments: str) -> str:
    """A command of PostgreSQL's for the member's database; the password is asked for, or comes from ~/.pgpass."""
    parsed = make_url(desk.config.database_url(member.name))
    host = parsed.host or parsed.query.get("host")
    where = {"host": host, "port": parsed.port, "username": parsed.username, "dbname": parsed.database}
    named = (f"--{name}={value}" for name, value in where.items() if value)
    return shlex.join((program, *named, *arguments))


def _said(desk: Desk, member: mesh.Member, error: BaseException) -> str:
    """An error for whoever typed the command."""
    values: dict[str, object] = {"member": member.name}
    match error:
        case StoreUnavailable():
            return started(str(start_error(member, desk.config, error)), desk.language)
        case backups.DamagedStore():
            return told("{member}: {file} is no whole SQLite store", desk.language, file=error, **values)
        case OSError():
            why = started(error.strerror or type(error).__name__, desk.language)
            return told("{member}: {file}: {why}", desk.language, file=error.filename, why=why, **values)
        case sqlite3.Error():
            name = getattr(error, "sqlite_errorname", None) or type(error).__name__
            return told("{member}: SQLite says {error}", desk.language, error=name, **values)
    return started(str(error), desk.language) if isinstance(error, StartError) else str(error)


def _parser(language: Literal["zh", "en"]) -> argparse.ArgumentParser:
    about = "Looks after the members' stores. Without a member: all that have one."
    parser = argparse.ArgumentParser(prog=f"python -m services {NAME}", description=told(about, language))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    stored = [each.name for each in mesh.MESH if each.has_store]
    named = ", ".join(stored)

    def add(name: str, command: Callable[..., bool], english: str) -> argparse.ArgumentParser:
        text = told(english, language)
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(command=command)
        setting = told("a setting, before the environment", language)
        made.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=setting)
        return made

    of_all = (
        add("check", check, "says revision and release of a store, and what is not as expected"),
        add("upgrade", upgrade, "brings a store to this program's revision, as a start does"),
        add("backup", backup, "copies a SQLite store while it is in use; prints the words for PostgreSQL"),
    )
    for each in of_all:
        each.add_argument("members", nargs="*", default=_ALL, choices=(_ALL, *stored), metavar="MEMBER", help=named)
    where = told("where copies go (here)", language)
    of_all[2].add_argument("--to", type=Path, default=Path(), metavar="FOLDER", help=where)
    restored = add("restore", restore, "puts a copy in a store's place; the mesh must not run")
    restored.add_argument("members", choices=stored, metavar="MEMBER", help=named)
    made_by = told("what 'store backup' or an upgrade made", language)
    restored.add_argument("copy", type=Path, metavar="COPY", help=made_by)
    return parser
