"""What a twin remembers: JSON documents by kind and key, in memory or in an SQLite file that survives a kill.

A change is one transaction: a twin that dies has done all of a request or nothing. One process uses one file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

Document = dict[str, Any]

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, key TEXT NOT NULL, day TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID
"""
_INDEX: Final = "CREATE INDEX IF NOT EXISTS documents_by_day ON documents (kind, day)"
_BEHIND: Final = "substr(key, instr(key, '/'))"
_BEHIND_INDEX: Final = f"CREATE INDEX IF NOT EXISTS documents_by_behind ON documents (kind, {_BEHIND})"
_PUT: Final = "INSERT OR REPLACE INTO documents (kind, key, day, body) VALUES (?, ?, ?, ?)"
_LAST_NUMBER: Final = "number"


class Shelf:
    """Documents of a twin; without a file they end with the process."""

    def __init__(self, file: Path | None = None) -> None:
        self._connection = sqlite3.connect(file or ":memory:", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing by this; a machine that loses power may.
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute(_TABLE)
        self._connection.execute(_INDEX)
        self._connection.execute(_BEHIND_INDEX)
        self._depth = 0

    def get(self, kind: str, key: str) -> Document | None:
        """One document, a copy of its own; None where there is none."""
        found = self._connection.execute("SELECT body FROM documents WHERE kind = ? AND key = ?", (kind, key))
        row = found.fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=Document)

    def put(self, kind: str, key: str, document: Document, day: str = "") -> None:
        """Keeps a document in place of the one before; by `day` (`2026-11-30`) bills find it."""
        self._connection.execute(_PUT, (kind, key, day, msgspec.json.encode(document)))

    def remove(self, kind: str, key: str) -> None:
        """Forgets a document, if there is one."""
        self._connection.execute("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key))

    def each(self, kind: str, day: str | None = None) -> Iterator[tuple[str, Document]]:
        """Key and document of all of a kind, or of those of one day, in the order of the keys."""
        where, values = ("", (kind,)) if day is None else (" AND day = ?", (kind, day))
        found = self._connection.execute(
            f"SELECT key, body FROM documents WHERE kind = ?{where} ORDER BY key",
            values,
        )
        for key, body in found.fetchall():
            yield key, msgspec.json.decode(body, type=Document)

    def keys_with(self, kind: str, number: str) -> list[str]:
        """The keys of a kind that have this behind their first "/", in order; by an index, however many there are."""
        found = self._connection.execute(
            f"SELECT key FROM documents WHERE kind = ? AND {_BEHIND} = ? ORDER BY key", (kind, f"/{number}")
        )
        return [key for (key,) in found]

    def next_number(self, series: str) -> int:
        """The next of a series of numbers, from 1 on: providers' own numbers are made of these."""
        kept = self.get(_LAST_NUMBER, series) or {"last": 0}
        number = int(kept["last"]) + 1
        self.put(_LAST_NUMBER, series, {"last": number})
        return number

    @contextmanager
    def change(self) -> Iterator[None]:
        """A block that is kept whole or not at all; blocks may stand in each other, and none may await."""
        if self._depth:
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        else:
            self._connection.execute("COMMIT")
        finally:
            self._depth -= 1

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()
