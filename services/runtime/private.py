"""Files and folders that only the mesh's own user may read, whatever the umask: stores, spans, logs and keys.

What stands already and is open to others is closed to them. A folder that stands is left as it is, for it may hold more than
the mesh's; the files in it are closed.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, Final

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
UMASK: Final = 0o077
"""For programs of the mesh: what libraries make beside these files is private too."""

_COMPANIONS: Final = ("-wal", "-shm", "-journal")


def private_folder(folder: Path) -> None:
    """Makes a folder that is missing; OSError."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def private_file(file: Path) -> None:
    """Makes a file that is missing, empty, and closes one that is open to others; with what SQLite keeps beside it. OSError."""
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, FILE_MODE))
    for each in (file, *(file.with_name(file.name + ending) for ending in _COMPANIONS)):
        _close(each)


def opened_private(file: Path) -> BinaryIO:
    """The file, made private, to append to; OSError."""
    private_file(file)
    return file.open("ab")


def made_once(file: Path) -> Path:
    """A file with a secret of 64 characters, made where it is missing: whoever comes second, even at the same moment, reads what
    the first one wrote. OSError.
    """
    if not file.exists():
        private_folder(file.parent)
        with NamedTemporaryFile("w", dir=file.parent, encoding="ascii") as draft:
            draft.write(secrets.token_hex(32))
            draft.flush()
            with suppress(FileExistsError):
                os.link(draft.name, file)
    private_file(file)
    return file


def _close(file: Path) -> None:
    # A file of another user, to which this one was let in, is that user's business; a companion may just have gone.
    with suppress(PermissionError, FileNotFoundError):
        mode = file.stat().st_mode
        if stat.S_ISREG(mode) and stat.S_IMODE(mode) & ~FILE_MODE:
            file.chmod(FILE_MODE)
