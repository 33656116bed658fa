"""Pseudonyms: under which name a reader's organisation knows a person. No two organisations know one person by the same name, and
a name changes every 90 days; that of the period before is understood for one more (our decision).

A name is one block of a cipher under a key of organisation and period: whoever has the master key reads it back, so that an
institution finds a person in its own list by it.
"""

from __future__ import annotations

import hmac
from base64 import b32decode, b32encode
from binascii import Error
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from services.imaging.operations.ports import Secrets
from services.kernel.clock import Clock, beijing_day

PERIOD_DAYS: Final = 90
LENGTH: Final = 26
_KEY_NAME: Final = "pseudonyms"
_KEY_BYTES: Final = 32
_BLOCK: Final = 16
_PADDING: Final = "======"
_MOST_CIPHERS: Final = 4_096


class Blocks(Protocol):
    """A cipher of blocks under one key."""

    def named(self, blocks: bytes) -> bytes:
        """The names of blocks of 16 bytes."""
        ...

    def read(self, names: bytes) -> bytes:
        """What names are of."""
        ...


class Pseudonyms:
    """Makes and reads pseudonyms. `ready` is awaited before anything else."""

    def __init__(self, secrets: Secrets, blocks: Callable[[bytes], Blocks], clock: Clock) -> None:
        self._secrets = secrets
        self._blocks = blocks
        self._clock = clock
        self._master = b""
        self._ciphers: dict[tuple[str, int], Blocks] = {}

    async def ready(self) -> None:
        """Fetches the master key, once; what the secrets refuse, as where none of the keys of now opens it."""
        if not self._master:
            self._master = await self._secrets.key(_KEY_NAME, _KEY_BYTES)

    def __call__(self, organisation: str, person_key: bytes) -> str:
        """The name of now: 26 characters, A–Z and 2–7."""
        return self.of_all(organisation, [person_key])[0]

    def of_all(self, organisation: str, person_keys: Sequence[bytes], periods_ago: int = 0) -> list[str]:
        """The names of persons, in their order: those of now, or of so many periods ago."""
        if not person_keys:
            return []
        names = self._cipher(organisation, self._period() - periods_ago).named(b"".join(person_keys))
        return [_text(names[place : place + _BLOCK]) for place in range(0, len(names), _BLOCK)]

    def keys_of(self, organisation: str, patient_id: str) -> Sequence[bytes]:
        """Whom an organisation may mean by a name: a key by the period of now and one by that before, of which at most one is
        somebody's; none for what no name looks like."""
        name = _bytes(patient_id)
        if name is None:
            return ()
        now = self._period()
        return tuple(self._cipher(organisation, period).read(name) for period in (now, now - 1))

    def _period(self) -> int:
        return beijing_day(self._clock()).toordinal() // PERIOD_DAYS

    def _cipher(self, organisation: str, period: int) -> Blocks:
        found = self._ciphers.get((organisation, period))
        if found is None:
            if not self._master:
                raise RuntimeError("pseudonyms are asked for before they are ready")
            if len(self._ciphers) >= _MOST_CIPHERS:
                self._ciphers.clear()
            told = b"pseudonym\0" + organisation.encode() + b"\0" + str(period).encode()
            key = hmac.digest(self._master, told, "sha256")[:_BLOCK]
            found = self._ciphers[organisation, period] = self._blocks(key)
        return found


def _text(name: bytes) -> str:
    return b32encode(name)[:LENGTH].decode()


def _bytes(text: str) -> bytes | None:
    """The bytes of a name; the one text that stands for them is read, and no other."""
    if len(text) != LENGTH or not text.isascii():
        return None
    try:
        found = b32decode(text + _PADDING)
    except Error:
        return None
    return found if _text(found) == text else None
