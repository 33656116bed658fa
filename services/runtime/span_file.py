"""Writes spans to one SQLite file shared by all members of a machine. Runs in the exporter's thread, never on a call's path.

The file is a bounded memory of what happened, not a record: it is not synced on every write, and its oldest spans go first.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanKind

from services.runtime.attributes import SEARCHABLE
from services.runtime.ended_spans import EndedSpan
from services.runtime.private import private_file, private_folder
from services.runtime.store_errors import SQLITE_ERRORS

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS spans (
    id INTEGER PRIMARY KEY AUTOINCREMENT, trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_id TEXT,
    service TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
    code TEXT NOT NULL, reason TEXT NOT NULL, attributes TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS spans_by_trace ON spans (trace_id);
CREATE TABLE IF NOT EXISTS span_keys (value TEXT NOT NULL, row INTEGER NOT NULL, trace_id TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS span_keys_by_value ON span_keys (value);
CREATE INDEX IF NOT EXISTS span_keys_by_row ON span_keys (row);
CREATE TABLE IF NOT EXISTS span_links (trace_id TEXT NOT NULL, span_id TEXT NOT NULL, row INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS span_links_by_trace ON span_links (trace_id);
CREATE INDEX IF NOT EXISTS span_links_by_row ON span_links (row);
"""

_SPANS: Final = "spans (trace_id, span_id, parent_id, service, name, kind, start_ns, end_ns, code, reason, attributes)"
_KEYS: Final = "span_keys (value, row, trace_id)"
_LINKS: Final = "span_links (trace_id, span_id, row)"
_ROWS_AT_ONCE: Final = (256, 64, 16, 4, 1)
_KINDS: Final = {kind: kind.name.lower() for kind in SpanKind}
_PRUNE_EVERY: Final = 64
_BUSY_S: Final = 10.0
_AGAIN_S: Final = 0.02


class SpanFileExporter:
    """Appends spans to the file, and keeps at most `keep` of them."""

    def __init__(self, file: Path, keep: int) -> None:
        self._file = file
        self._keep = keep
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._exports = 0

    def export(self, spans: Sequence[EndedSpan]) -> SpanExportResult:
        """Writes a batch in one transaction."""
        with self._lock:
            try:
                connection = self._open()
                with connection:
                    connection.execute("BEGIN IMMEDIATE")
                    self._write(connection, spans)
                    if self._exports % _PRUNE_EVERY == 0:
                        _prune(connection, self._keep)
                    self._exports += 1
            except (*SQLITE_ERRORS, OSError):
                # A mesh whose trace file cannot be written goes on without traces.
                return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Closes the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            private_folder(self._file.parent)
            private_file(self._file)
            made = sqlite3.connect(self._file, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            _prepare(made)
            self._connection = made
        return self._connection

    def _write(self, connection: sqlite3.Connection, spans: Sequence[EndedSpan]) -> None:
        # The write lock is held: ids follow from the last one.
        found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'spans'").fetchone()
        first = (found[0] if found else 0) + 1
        _insert(connection, _SPANS, [_row(span) for span in spans])
        _insert(connection, _KEYS, [each for row, span in enumerate(spans, first) for each in _keys(row, span)])
        _insert(connection, _LINKS, [each for row, span in enumerate(spans, first) for each in _links(row, span)])


def _prepare(connection: sqlite3.Connection) -> None:
    """Members open a new file at the same moment; who loses the race for its mode is refused at once, not made to wait."""
    until = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.executescript(SCHEMA)
        except sqlite3.OperationalError:
            if time.monotonic() >= until:
                connection.close()
                raise
            time.sleep(_AGAIN_S)
        else:
            return


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Writes rows, many by one statement: `executemany` gives up the interpreter's lock at each row and wants it back from a loop
    that is busy, which cost both of them more than the row.
    """
    done = 0
    for most in _ROWS_AT_ONCE:
        while len(rows) - done >= most:
            values = [value for row in rows[done : done + most] for value in row]
            connection.execute(_insert_text(table, most), values)
            done += most


@lru_cache(maxsize=3 * len(_ROWS_AT_ONCE))
def _insert_text(table: str, rows: int) -> str:
    row = f"({', '.join('?' * (table.count(',') + 1))})"
    return f"INSERT INTO {table} VALUES {', '.join([row] * rows)}"


def _row(span: EndedSpan) -> tuple[object, ...]:
    return (
        f"{span.trace_id:032x}",
        f"{span.span_id:016x}",
        f"{span.parent_id:016x}" if span.parent_id else None,
        span.seat,
        span.name,
        _KINDS[span.kind],
        span.start_ns,
        span.end_ns,
        span.code,
        span.reason,
        msgspec.json.encode(span.attributes).decode(),
    )


def _keys(row: int, span: EndedSpan) -> Iterator[tuple[str, int, str]]:
    trace_id = f"{span.trace_id:032x}"
    values: set[str] = set()
    for name, value in span.attributes.items():
        if name in SEARCHABLE and value:
            values.add(str(value))
            if name == "yibao.request_id":
                # The national envelope's request id is `infno:msgid`; people look for the msgid.
                values.add(str(value).rpartition(":")[2])
    return ((value, row, trace_id) for value in values)


def _links(row: int, span: EndedSpan) -> Iterator[tuple[str, str, int]]:
    return ((f"{trace_id:032x}", f"{span_id:016x}", row) for trace_id, span_id in span.links)


def _prune(connection: sqlite3.Connection, keep: int) -> None:
    (last,) = connection.execute("SELECT max(id) FROM spans").fetchone()
    oldest = (last or 0) - keep
    if oldest > 0:
        connection.execute("DELETE FROM spans WHERE id <= ?", (oldest,))
        connection.execute("DELETE FROM span_keys WHERE row <= ?", (oldest,))
        connection.execute("DELETE FROM span_links WHERE row <= ?", (oldest,))
