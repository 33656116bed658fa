"""Copies of a SQLite store: one before each upgrade, others on demand, while the member runs. Private to the mesh's user.

A copy is a store like the one it was made of. It gets its name when it is whole: one that fails leaves nothing behind, and
what a kill leaves ends in `.partial`; the next copy of that name begins it anew.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from services.runtime.private import private_file, private_folder
from services.runtime.store_errors import SQLITE_ERRORS

BACKUP: Final = ".backup"
_PARTIAL: Final = ".partial"
_ASIDE: Final = ".replaced"
_COMPANIONS: Final = ("-wal", "-shm", "-journal")
_BUSY_S: Final = 60.0
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_CLOSED: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


class DamagedStore(Exception):
    """A file is no whole SQLite store; the text names it."""


def before_upgrade(file: Path, member: str, revision: str) -> Path:
    """Copies a store as it is before its upgrade.

    One copy a revision: tries that fail again and again shall not fill the disk.
    """
    return copied(file, file.with_name(f"{file.name}.{member}-{revision}{BACKUP}"))


def copied(file: Path, target: Path) -> Path:
    """Copies a store that may be in use, as it is at one moment; OSError, sqlite3.Error, `DamagedStore`.

    One step, so that it ends whatever is written meanwhile: on a write-ahead log readers keep nobody waiting.
    """
    private_folder(target.parent)
    partial = target.with_name(target.name + _PARTIAL)
    _without(partial)
    private_file(partial)
    try:
        _copy(file, partial)
    except SQLITE_ERRORS as error:
        _without(partial)
        raise _meant(error, file, partial) from None
    except BaseException:
        _without(partial)
        raise
    _named(partial, target)
    return target


def restored(copy: Path, file: Path, now: datetime) -> Path | None:
    """Puts a copy where a store is, and the store aside; where that is now, None for none. Nobody may use the store.

    At every moment a whole store stands under the name: the old one, or the new one.
    """
    aside = file.with_name(f"{file.name}.{now:%Y%m%dT%H%M%SZ}{_ASIDE}")
    fresh = copied(copy, file.with_name(f"{file.name}.restoring"))
    stands = file.exists()
    if stands:
        # What its log holds goes into the file; a damaged one keeps the log, beside it.
        with suppress(*SQLITE_ERRORS), closing(sqlite3.connect(file, timeout=_BUSY_S)) as old:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            old.execute("PRAGMA journal_mode = DELETE")
    for each in _beside(file):
        # A log of the old store would be played into the new one.
        if each.exists():
            each.rename(aside.with_name(aside.name + each.name.removeprefix(file.name)))
    if stands:
        os.link(file, aside)
    _named(fresh, file)
    return aside if stands else None


def require_whole(file: Path) -> None:
    """`DamagedStore` where SQLite finds a store damaged; it reads all of it, and changes nothing."""
    try:
        with closing(_opened(file)) as store:
            _check(store, file)
    except SQLITE_ERRORS as error:
        raise _meant(error, file, file) from None


def _copy(file: Path, partial: Path) -> None:
    with closing(_opened(file)) as source, closing(sqlite3.connect(partial)) as made:
        source.backup(made)
    with closing(sqlite3.connect(partial)) as made:
        # A copy is one file: it is read wherever it is carried to.
        made.execute("PRAGMA journal_mode = DELETE")
        _check(made, file)


def _check(store: sqlite3.Connection, file: Path) -> None:
    if store.execute("PRAGMA quick_check").fetchone() != ("ok",):
        raise DamagedStore(str(file))


def _meant(error: Exception, file: Path, target: Path) -> Exception:
    """What SQLite refuses, with the file that it is about; room may be missing beside the store, or where its copy goes."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code & 0xFF in _DAMAGED or isinstance(error, UnicodeDecodeError):
        return DamagedStore(str(file))
    if code & 0xFF == sqlite3.SQLITE_FULL:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
    if code == sqlite3.SQLITE_IOERR_SHMSIZE:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
    if code & 0xFF in _CLOSED:
        return OSError(errno.EACCES, os.strerror(errno.EACCES), str(file))
    return error


def _without(partial: Path) -> None:
    for each in (partial, *_beside(partial)):
        each.unlink(missing_ok=True)


def _opened(file: Path) -> sqlite3.Connection:
    if not file.is_file():
        raise FileNotFoundError(2, os.strerror(2), str(file))
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, timeout=_BUSY_S)


def _named(partial: Path, target: Path) -> None:
    """Gives a file its name once it is on the disk, and the name too."""
    for each, flags in ((partial, os.O_RDWR), (target.parent, os.O_RDONLY | os.O_DIRECTORY)):
        descriptor = os.open(each, flags | os.O_CLOEXEC)
        try:
            if each is partial:
                os.fsync(descriptor)
                partial.replace(target)
            else:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _beside(file: Path) -> tuple[Path, ...]:
    return tuple(file.with_name(file.name + ending) for ending in _COMPANIONS)
