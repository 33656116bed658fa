"""A store that is damaged where SQLite tells of it in bytes that are no text."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def spoil(file: Path) -> None:
    """Damages the name of a table, which is made where there is none of it, and the statement that made it."""
    with closing(sqlite3.connect(file)) as store:
        store.execute("CREATE TABLE spoiled (a)")
        store.commit()
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"TABLE spoiled", b"TABLE (poiled").replace(b"spoiled", b"\xffpoiled"))
