"""The pictures as files, `studies/STUDY/SERIES/INSTANCE.dcm`: written aside, made durable, then renamed to their place.

Whatever ends the node in between leaves a whole file or none. At the start rows are set right by the files: a file without a
row is read, a row without a file is dropped.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import mmap
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from services.imaging.domain.dicom_forms import uid_holds
from tools.pacs_node.catalog import DAMAGE, Catalog
from tools.pacs_node.facts import InstanceFacts
from tools.pacs_node.reading import Read, read
from tools.pacs_node.refusals import NotKept

_CHUNK: Final = 1 << 20
_ROWS_AT_ONCE: Final = 200
Clock = Callable[[], float]


class Incoming:
    """One instance while it arrives: bytes go to a file of their own, with a bound."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self.path, self._most = path, most_bytes
        self.size, self.too_large = 0, False
        self._file = path.open("xb")
        self._sha = hashlib.sha256()

    @property
    def sha256(self) -> bytes:
        """Of all that came."""
        return self._sha.digest()

    def write(self, piece: bytes) -> None:
        """The next bytes. Beyond the bound nothing more is written, so that the rest of the request can still be read."""
        self.size += len(piece)
        if self.size > self._most:
            self.too_large = True
            return
        self._sha.update(piece)
        self._file.write(piece)

    def close(self) -> None:
        """All has come; the file is durable."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def drop(self) -> None:
        """Takes the file away."""
        self._file.close()
        self.path.unlink(missing_ok=True)


class Shelf:
    """The folder of a node. `open` sets it right; one thread alone calls `keep`."""

    def __init__(self, folder: Path, most_bytes: int, clock: Clock = time.time) -> None:
        self.folder, self._most, self._clock = folder, most_bytes, clock
        self._studies, self._incoming = folder / "studies", folder / "incoming"
        self.rebuilt, self.set_aside = False, 0
        for each in (folder, self._studies, self._incoming):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._hold()
        for left in self._incoming.iterdir():
            left.unlink()
        self.catalog = self._catalog()
        self._set_right()

    def close(self) -> None:
        """Closes the rows and lets go of the folder."""
        self.catalog.close()
        os.close(self._lock)

    def _hold(self) -> None:
        """A folder has one node; BlockingIOError where another one has it."""
        self._lock = os.open(self.folder / "node.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise BlockingIOError(errno.EWOULDBLOCK, "another node has this folder") from None

    def _catalog(self) -> Catalog:
        """The rows; a file that is damaged is put aside, and the rows are made again from the pictures."""
        file = self.folder / "node.sqlite"
        self.rebuilt = not file.exists()
        try:
            return Catalog(file)
        except DAMAGE:
            self.rebuilt = True
            for name in ("node.sqlite", "node.sqlite-wal", "node.sqlite-shm"):
                if (found := self.folder / name).exists():
                    found.rename(self.folder / f"{name}.damaged-{int(self._clock())}")
            return Catalog(file)

    def incoming(self) -> Incoming:
        """A place for an instance that arrives."""
        return Incoming(self._incoming / f"{secrets.token_hex(12)}.dcm", self._most)

    def path(self, facts: InstanceFacts) -> Path:
        """Where an instance's file lies. UIDs are digits and dots that begin with a digit: they lead nowhere else."""
        return self._studies / facts.study_uid / facts.series_uid / f"{facts.sop_uid}.dcm"

    def keep(self, came: Incoming, study_uid: str | None = None) -> InstanceFacts:
        """Keeps what came; what is kept already is kept once. Raises NotKept, and then nothing of it stays."""
        try:
            if came.too_large:
                raise NotKept("TOO_LARGE")
            found = _read_file(came.path)
            facts = found.instance
            if study_uid is not None and facts.study_uid != study_uid:
                raise NotKept("OTHER_STUDY", facts.sop_class, facts.sop_uid)
            kept = self.catalog.instance(facts.sop_uid)
            if kept is not None and self.path(kept.facts).exists():
                if kept.sha256 != came.sha256:
                    raise NotKept("DUPLICATE", facts.sop_class, facts.sop_uid)
                return kept.facts
            if (self.catalog.study_of_series(facts.series_uid) or facts.study_uid) != facts.study_uid:
                raise NotKept("SERIES_ELSEWHERE", facts.sop_class, facts.sop_uid)
            standing = self.catalog.study(facts.study_uid)
            if standing is not None and (standing.patient_id, standing.issuer) != (
                found.study.patient_id,
                found.study.issuer,
            ):
                raise NotKept("PATIENT_DIFFERS", facts.sop_class, facts.sop_uid)
            size = self._place(came, found)
            with self.catalog.writing():
                self.catalog.add(found, size, came.sha256, self._clock())
            return facts
        finally:
            came.drop()

    def _place(self, came: Incoming, found: Read) -> int:
        """The file at its place, durably; its size."""
        if found.inflated is not None:
            with came.path.open("wb") as file:
                file.write(found.inflated)
                file.flush()
                os.fsync(file.fileno())
        size, place = came.path.stat().st_size, self.path(found.instance)
        new = not place.parent.exists()
        place.parent.mkdir(parents=True, exist_ok=True)
        came.path.replace(place)
        for folder in (place.parent, place.parent.parent, self._studies)[: 3 if new else 1]:
            _make_durable(folder)
        return size

    def _set_right(self) -> None:
        """Rows as the files say."""
        known, seen, unread = self.catalog.sizes(), set[str](), []
        for path, size in self._files():
            if known.get(path.stem) == size:
                seen.add(path.stem)
            else:
                unread.append(path)
        with self.catalog.writing():
            self.catalog.remove(known.keys() - seen, self._clock())
        for start in range(0, len(unread), _ROWS_AT_ONCE):
            with self.catalog.writing():
                for path in unread[start : start + _ROWS_AT_ONCE]:
                    self._read_again(path)

    def _read_again(self, path: Path) -> None:
        """A row for a file that has none; what is no file of ours is left where it is and counted."""
        try:
            found = _read_file(path)
        except NotKept:
            self.set_aside += 1
            return
        if self.path(found.instance) != path:
            self.set_aside += 1
            return
        with path.open("rb") as file:
            sha = hashlib.file_digest(file, "sha256").digest()
        self.catalog.add(found, path.stat().st_size, sha, self._clock())

    def _files(self) -> Iterator[tuple[Path, int]]:
        for study in os.scandir(self._studies):
            for series in os.scandir(study) if study.is_dir() and uid_holds(study.name) else ():
                for file in os.scandir(series) if series.is_dir() and uid_holds(series.name) else ():
                    if file.name.endswith(".dcm"):
                        yield Path(file.path), file.stat().st_size


def _read_file(path: Path) -> Read:
    if not path.stat().st_size:
        raise NotKept("NOT_DICOM")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return read(data)


def _make_durable(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
