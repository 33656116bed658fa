"""Keys of caller tokens: one for each edge of the mesh table, derived from the mesh key, and handed out by member.

A member holds its own key, from which follow the keys of all who may call it, and the key of each edge on which it calls.
Whoever takes them can speak as that member to those that it calls, and as anybody to that member itself; no other edge
follows from them. The mesh key, from which all follow, is needed only where the mesh is started.

Each cell has a root of its own, from which its edges follow: the sandbox's is the mesh key itself, another cell's is derived from
it. A member of a cell holds keys of that cell alone; a national member holds a set for each cell, and one that calls members
of several cells calls each with that cell's. No key of one cell follows from those of another.

Two sets of keys may hold at a time: the first signs, both are accepted. A file of keys is read again when it changes.
"""

from __future__ import annotations

import hmac
import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services import cells, mesh
from services.runtime.config import Config, ConfigError
from services.runtime.logs import write

MIN_KEY_BYTES: Final = 32
MOST_SETS: Final = 2

_KEY_BYTES: Final = 32
_HEX: Final = f"[0-9a-f]{{{2 * _KEY_BYTES}}}"
_CELL: Final = r"(?:[0-9]{6}/)?"
_HANDED_OUT: Final = re.compile(rf"(?P<seat>{_CELL}[a-z_]+):(?P<own>{_HEX})?(?P<calls>(?:;[a-z_]+={_HEX})*)")
_LOOKS_HANDED_OUT: Final = re.compile(rf"{_CELL}[a-z_]+:(?:{_HEX})?(?:;|$|\s)")


@dataclass(frozen=True, slots=True)
class MemberKeys:
    """What one caller holds in a cell: `own` for those that call it (none for a caller from outside), a key for each callee."""

    name: str
    own: bytes
    calls: Mapping[str, bytes]
    cell: str = cells.SANDBOX

    @property
    def seat(self) -> str:
        """Whose they are: `settlement` in the sandbox's cell, `110000/settlement` or `110000/routing` in another."""
        return _seat(self.name, self.cell)

    def of_caller(self, caller: str) -> bytes:
        """The key of the edge from `caller` to this member."""
        return derive(self.own, f"yibao caller token: {caller}")

    def text(self) -> str:
        """One word for a setting or a line of a file: `settlement:<own>;identity=<key>;catalogue=<key>`, keys in hex; before the
        name stands the cell, where that is not the sandbox's.
        """
        return f"{self.seat}:{self.own.hex()}" + "".join(f";{name}={key.hex()}" for name, key in self.calls.items())


def derive(key: bytes, purpose: str) -> bytes:
    """32 bytes that follow from a key for one purpose: HKDF with SHA-256, RFC 5869, without salt, one block."""
    return hkdf(key, b"", purpose.encode())


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    """The first block of HKDF-SHA256 (RFC 5869), which is all that a key of 32 bytes needs."""
    drawn = hmac.digest(salt or bytes(_KEY_BYTES), key, "sha256")
    return hmac.digest(drawn, info + b"\x01", "sha256")


def root_of(mesh_key: bytes, cell: str) -> bytes:
    """The key of a cell, from which its edges follow."""
    return mesh_key if cell == cells.SANDBOX else derive(mesh_key, f"yibao cell: {cell}")


def handed_out(mesh_key: bytes, name: str, cell: str = cells.SANDBOX) -> MemberKeys:
    """The keys of one member or caller from outside in a cell; KeyError for a name or a cell that is not in the tables."""
    if len(mesh_key) < MIN_KEY_BYTES:
        raise ValueError(f"the mesh key needs at least {MIN_KEY_BYTES} bytes, it has {len(mesh_key)}")
    root = root_of(mesh_key, cells.cell(cell).code)
    calls = {callee: MemberKeys(callee, _own(root, callee), {}).of_caller(name) for callee in mesh.callees_of(name)}
    return MemberKeys(name, _own(root, name) if name in mesh.names() else b"", calls, cell)


class Keys:
    """The keys that this process was given: mesh keys, or what was handed out of them for some members."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = tuple(lines)
        self._by_seat = _read(self._lines)
        # Why the file could not be read when it was looked at last; it is looked at every second.
        self.complaint = ""

    @staticmethod
    def of_mesh_key(mesh_key: str) -> Keys:
        """Those that follow from one mesh key."""
        return Keys([mesh_key])

    def of(self, member: str) -> tuple[MemberKeys, ...]:
        """The sets of one member, by the name of its seat, the one that signs first; ConfigError where this process has none.

        Of a national member all that there are, cell by cell, unless a cell is named (`110000/routing`).
        """
        name, cell = mesh.split_seat(member)
        wanted = cells.codes() if mesh.is_national(name) and not cell else (cell or cells.SANDBOX,)
        found = tuple(each for code in wanted for each in self._by_seat.get(_seat(name, code), ()))
        if not found:
            apart = cell not in ("", cells.SANDBOX)
            member = _seat(name, cell) if apart else name
            member_words = f"{name} --cell {cell}" if apart else name
            raise ConfigError([f"YIBAO_MESH_KEY holds no keys of {member}: yibao mesh-keys {member_words} makes them"])
        return found

    def text(self, seats: Iterable[str]) -> str:
        """What a process with these members needs, as one line."""
        return " ".join(each.text() for seat in seats for each in self.of(seat))

    def replace(self, lines: Sequence[str], seats: Iterable[str]) -> bool:
        """Takes other keys; False where they are the same. ConfigError, and nothing is taken, where they cannot be read or
        hold none for one of the seats.
        """
        if tuple(lines) == self._lines:
            return False
        wanted = Keys(lines)
        for seat in seats:
            wanted.of(seat)
        self._by_seat, self._lines = wanted._by_seat, wanted._lines
        return True


def load(config: Config) -> Keys:
    """The keys as set: of YIBAO_MESH_KEY, of YIBAO_MESH_KEY_FILE, or the sandbox's own; ConfigError, OSError."""
    return Keys(lines_of(config))


def lines_of(config: Config) -> list[str]:
    """Each key or set of keys as it stands in the setting or in the file."""
    file = config.key_file()
    if file is None:
        return split(config.text("YIBAO_MESH_KEY"))
    return [line for each in file.read_text(encoding="utf-8").splitlines() if (line := each.strip())]


def split(text: str) -> list[str]:
    """The sets in one setting or line: handed-out keys are words, a mesh key may hold blanks."""
    return text.split() if _LOOKS_HANDED_OUT.match(text) else [text]


def follow(keys: Keys, config: Config, seats: Iterable[str]) -> bool:
    """Reads the file of YIBAO_MESH_KEY_FILE again; True where it holds others now. What is not good for all the seats is
    logged once, and the old keys stay. The sandbox's own file is not followed: one that is gone would be made anew.
    """
    if config.path("YIBAO_MESH_KEY_FILE") is None:
        return False
    try:
        changed = keys.replace(lines_of(config), seats)
        keys.complaint = ""
        return changed
    except (OSError, UnicodeDecodeError, ConfigError) as error:
        why = str(error) if isinstance(error, ConfigError) else getattr(error, "strerror", None) or "UTF-8"
        if why != keys.complaint:
            keys.complaint = why
            log = logging.getLogger("yibao.keys")
            write(log, logging.WARNING, "keys not read again; the old ones stay", {"why": why})
        return False


def _own(mesh_key: bytes, name: str) -> bytes:
    return derive(mesh_key, f"yibao member: {name}")


def _read(lines: Sequence[str]) -> dict[str, tuple[MemberKeys, ...]]:
    """The sets by seat; ConfigError names what is wrong and never shows a key."""
    found: dict[str, list[MemberKeys]] = {}
    for line in (word for each in lines for word in split(each)):
        for each in _sets(line):
            found.setdefault(each.seat, []).append(each)
    for seat, sets in found.items():
        if len(sets) > MOST_SETS:
            raise ConfigError(
                [f"YIBAO_MESH_KEY: {len(sets)} sets of keys of {seat}; at most {MOST_SETS} hold at a time"]
            )
    if not found:
        raise ConfigError(["YIBAO_MESH_KEY_FILE: the file holds no key"])
    return {seat: tuple(sets) for seat, sets in found.items()}


def _sets(line: str) -> list[MemberKeys]:
    if not _LOOKS_HANDED_OUT.match(line):
        if len(line.encode()) < MIN_KEY_BYTES:
            raise ConfigError([f"YIBAO_MESH_KEY: a key of at least {MIN_KEY_BYTES} characters is needed"])
        return [handed_out(line.encode(), name, cell) for cell in cells.codes() for name in mesh.callers()]
    match = _HANDED_OUT.fullmatch(line)
    name, cell = mesh.split_seat(match["seat"]) if match else ("", "")
    if match is None or name not in mesh.callers() or (cell and cell not in cells.codes()):
        raise ConfigError(["YIBAO_MESH_KEY: the keys of a member are one word, as yibao mesh-keys prints them"])
    calls = dict(pair.split("=") for pair in match["calls"].split(";") if pair)
    return [MemberKeys(name, bytes.fromhex(match["own"] or ""), _keys(calls), cell or cells.SANDBOX)]


def _seat(name: str, cell: str) -> str:
    """By which the sets of one cell are known, also those of a national member."""
    return name if cell == cells.SANDBOX else f"{cell}/{name}"


def _keys(calls: Mapping[str, str]) -> dict[str, bytes]:
    return {name: bytes.fromhex(key) for name, key in calls.items()}


class KeyLines:
    """Keys as a parent hands them to its child: lines on a descriptor, of which the first comes before anything runs."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._begun = b""

    def first(self) -> str:
        """Waits for the first line; ConfigError where the parent ends before it."""
        line = bytearray()
        while (byte := os.read(self.descriptor, 1)) not in (b"", b"\n"):
            line += byte
        if not line:
            raise ConfigError(["--child: whoever starts a child gives it its keys"])
        return line.decode()

    def more(self) -> list[str] | None:
        """The lines that have come since; None where the parent is gone."""
        came = os.read(self.descriptor, 1 << 16)
        if not came:
            return None
        *lines, self._begun = (self._begun + came).split(b"\n")
        return [line.decode() for line in lines]
