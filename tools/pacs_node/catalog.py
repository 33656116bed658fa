"""What the node keeps, as rows: one SQLite file beside the pictures, which can be made again from them.

The pictures are the truth: rows that a power failure takes are made again from the files at the next start. Beside them
stands the outbox, whose numbers are durable before anybody hears of them.
"""

from __future__ import annotations

import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from tools.pacs_node.facts import InstanceFacts, SeriesFacts, StudyFacts
from tools.pacs_node.reading import Read

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS study (
  uid TEXT PRIMARY KEY, facts BLOB NOT NULL, day TEXT NOT NULL, changed_at REAL NOT NULL, dirty INTEGER NOT NULL,
  version INTEGER NOT NULL DEFAULT 0, entry_hash TEXT NOT NULL DEFAULT '', fingerprint TEXT NOT NULL DEFAULT '',
  told_day TEXT NOT NULL DEFAULT '', untold TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS study_dirty ON study (dirty, changed_at) WHERE dirty = 1;
CREATE INDEX IF NOT EXISTS study_day ON study (day, uid);
CREATE TABLE IF NOT EXISTS series (uid TEXT PRIMARY KEY, study TEXT NOT NULL, facts BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS series_study ON series (study);
CREATE TABLE IF NOT EXISTS instance (
  uid TEXT PRIMARY KEY, study TEXT NOT NULL, series TEXT NOT NULL, number INTEGER NOT NULL, facts BLOB NOT NULL,
  size INTEGER NOT NULL, sha256 BLOB NOT NULL, metadata BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS instance_place ON instance (study, series, number, uid);
CREATE TABLE IF NOT EXISTS outbox (
  seq INTEGER PRIMARY KEY, study TEXT NOT NULL, version INTEGER NOT NULL, entry TEXT NOT NULL,
  result TEXT NOT NULL DEFAULT '', rule TEXT NOT NULL DEFAULT '', field TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS word (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_SQUEEZE: Final = 3


@dataclass(frozen=True, slots=True)
class Kept:
    """An instance as it is kept: its facts, the size of its file in bytes, and the SHA-256 of what was received."""

    facts: InstanceFacts
    size: int
    sha256: bytes


DAMAGE: Final = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What SQLite raises of a damaged file; the second where its text names what is damaged in bytes that are no UTF-8."""


class Catalog:
    """The rows, for any thread: one connection, one caller at a time."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            if self._connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("damaged")
            self._connection.executescript(_TABLES)
        except DAMAGE:
            self._connection.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[None]:
        """One transaction; nothing of it stands where it fails. A durable one outlives a power failure, any a killed process."""
        with self._lock:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def one(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of a statement."""
        with self._lock:
            row: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
            return row

    def add(self, read: Read, size: int, sha256: bytes, now: float) -> None:
        """An instance, within `writing`. Of study and series the newest instance says the facts: one row each, whatever instances
        disagree about."""
        facts, study = read.instance, read.study
        self._put_study(facts.study_uid, study, now)
        self.all(
            "INSERT INTO series VALUES (?1, ?2, ?3) ON CONFLICT (uid) DO UPDATE SET facts = ?3",
            (facts.series_uid, facts.study_uid, msgspec.json.encode(read.series)),
        )
        self.all(
            "INSERT OR REPLACE INTO instance VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                facts.sop_uid,
                facts.study_uid,
                facts.series_uid,
                facts.number,
                msgspec.json.encode(facts),
                size,
                sha256,
                zlib.compress(read.metadata, _SQUEEZE),
            ),
        )

    def put_study(
        self, uid: str, study: StudyFacts, series: Mapping[str, tuple[SeriesFacts, Sequence[str]]], now: float
    ) -> None:
        """A study of another archive, instead of what was known of it, within `writing`: of instances the UIDs only."""
        self._put_study(uid, study, now)
        self.all("DELETE FROM instance WHERE study = ?", (uid,))
        self.all("DELETE FROM series WHERE study = ?", (uid,))
        for name, (facts, sops) in series.items():
            self.all("INSERT OR REPLACE INTO series VALUES (?, ?, ?)", (name, uid, msgspec.json.encode(facts)))
            for sop in sops:
                told = msgspec.json.encode(InstanceFacts(uid, name, sop, "", ""))
                self.all("INSERT OR REPLACE INTO instance VALUES (?, ?, ?, 0, ?, 0, x'', x'')", (sop, uid, name, told))

    def _put_study(self, uid: str, study: StudyFacts, now: float) -> None:
        self.all(
            "INSERT INTO study (uid, facts, day, changed_at, dirty) VALUES (?1, ?2, ?3, ?4, 1) "
            "ON CONFLICT (uid) DO UPDATE SET facts = ?2, day = ?3, changed_at = ?4, dirty = 1",
            (uid, msgspec.json.encode(study), study.study_date, now),
        )

    def remove(self, sop_uids: Iterable[str], now: float) -> None:
        """Instances whose files have gone, within `writing`; their studies are told anew."""
        for uid in sop_uids:
            row = self.one("SELECT study, series FROM instance WHERE uid = ?", (uid,))
            if row is None:
                continue
            self.all("DELETE FROM instance WHERE uid = ?", (uid,))
            self.all(
                "DELETE FROM series WHERE uid = ?1 AND NOT EXISTS (SELECT 1 FROM instance WHERE study = ?2 AND series = ?1)",
                (row[1], row[0]),
            )
            self.all("UPDATE study SET dirty = 1, changed_at = ? WHERE uid = ?", (now, row[0]))

    def instance(self, sop_uid: str) -> Kept | None:
        """One instance."""
        row = self.one("SELECT facts, size, sha256 FROM instance WHERE uid = ?", (sop_uid,))
        return None if row is None else _kept(row)

    def study_of_series(self, series_uid: str) -> str | None:
        """The study that a series belongs to."""
        row = self.one("SELECT study FROM series WHERE uid = ?", (series_uid,))
        return None if row is None else str(row[0])

    def instances(self, study: str, series: str | None = None, sop: str | None = None) -> list[Kept]:
        """The instances of a study, of a series or one, by series and number."""
        where, values = _where(study, series, sop)
        rows = self.all(f"SELECT facts, size, sha256 FROM instance WHERE {where} ORDER BY series, number, uid", values)
        return [_kept(row) for row in rows]

    def metadata(self, study: str, series: str | None = None, sop: str | None = None) -> list[bytes]:
        """Their DICOM JSON, in the same order."""
        where, values = _where(study, series, sop)
        rows = self.all(f"SELECT metadata FROM instance WHERE {where} ORDER BY series, number, uid", values)
        return [zlib.decompress(row[0]) for row in rows]

    def study(self, uid: str) -> StudyFacts | None:
        """A study's facts."""
        row = self.one("SELECT facts FROM study WHERE uid = ?", (uid,))
        return None if row is None else msgspec.json.decode(row[0], type=StudyFacts)

    def series(self, study: str) -> list[tuple[str, SeriesFacts]]:
        """The series of a study, by UID and facts."""
        rows = self.all("SELECT uid, facts FROM series WHERE study = ? ORDER BY uid", (study,))
        return [(row[0], msgspec.json.decode(row[1], type=SeriesFacts)) for row in rows]

    def modalities(self, studies: Sequence[str]) -> dict[str, list[str]]:
        """Of studies, the modality of each of their series."""
        found: dict[str, list[str]] = {}
        for study, facts in self.all(f"SELECT study, facts FROM series WHERE study IN ({_marks(studies)})", studies):
            found.setdefault(study, []).append(msgspec.json.decode(facts, type=SeriesFacts).modality)
        return found

    def instance_counts(self, studies: Sequence[str]) -> dict[str, int]:
        """Of studies, how many instances they have."""
        counted = f"SELECT study, count(*) FROM instance WHERE study IN ({_marks(studies)}) GROUP BY study"
        return dict(self.all(counted, studies))

    def sizes(self) -> dict[str, int]:
        """Every instance by UID, with the size of its file."""
        return dict(self.all("SELECT uid, size FROM instance"))

    def counts(self) -> dict[str, int]:
        """How much there is of each."""
        return {name: self.all(f"SELECT count(*) FROM {name}")[0][0] for name in ("study", "series", "instance")}

    def word(self, name: str, default: str = "") -> str:
        """A thing to remember."""
        row = self.one("SELECT value FROM word WHERE name = ?", (name,))
        return default if row is None else str(row[0])

    def remember(self, name: str, value: str) -> None:
        """Remembers it, at once or with the transaction that is open."""
        self.all("INSERT INTO word VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2", (name, value))

    def words(self, prefix: str) -> list[str]:
        """The names of things to remember that begin so."""
        return [
            name for (name,) in self.all("SELECT name FROM word WHERE substr(name, 1, ?) = ?", (len(prefix), prefix))
        ]

    def forget(self, name: str) -> None:
        """Remembers a thing no longer."""
        self.all("DELETE FROM word WHERE name = ?", (name,))


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))


def _kept(row: tuple[Any, ...]) -> Kept:
    return Kept(msgspec.json.decode(row[0], type=InstanceFacts), row[1], row[2])


def _where(study: str, series: str | None, sop: str | None) -> tuple[str, list[str]]:
    named = [("study", study), ("series", series), ("uid", sop)]
    given = [(name, value) for name, value in named if value is not None]
    return " AND ".join(f"{name} = ?" for name, _ in given), [value for _, value in given]
