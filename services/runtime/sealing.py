"""Secrets that a store keeps sealed under a key that it lacks: AES-256-GCM, whose nonce stands before what is sealed.

What is kept under them must be found for ever, so they are no keys of the mesh, which are changed: each is made once, kept sealed
under the key of now, and sealed anew when that changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.kernel.errors import Fault, FaultKind
from services.runtime.secret_rows import SecretRows

_NONCE: Final = 12


class Sealer:
    """Seals for one purpose, which is bound to what is sealed. `keys` gives those of 32 bytes that hold now: the first seals, all
    open.
    """

    def __init__(self, keys: Callable[[], Sequence[bytes]], purpose: str, random_bytes: Callable[[int], bytes]) -> None:
        self._keys = keys
        self._purpose = purpose.encode()
        self._random_bytes = random_bytes

    def key(self) -> bytes:
        """The key that seals now: it tells whoever keeps what was opened that it should be sealed anew."""
        return self._keys()[0]

    def secret(self, length: int) -> bytes:
        """A new secret of that many bytes."""
        return self._random_bytes(length)

    def sealed(self, secret: bytes) -> bytes:
        """The secret under the first key."""
        nonce = self._random_bytes(_NONCE)
        return nonce + AESGCM(self.key()).encrypt(nonce, secret, self._purpose)

    def opened(self, text: bytes) -> tuple[bytes, bool] | None:
        """The secret, and whether the first key has sealed it; None where none of them has."""
        for place, key in enumerate(self._keys()):
            try:
                return AESGCM(key).decrypt(text[:_NONCE], text[_NONCE:], self._purpose), place == 0
            except InvalidTag:
                continue
        return None


class Keeps(Protocol):
    """A transaction of a store that has secrets."""

    @property
    def secrets(self) -> SecretRows:
        """Their rows."""
        ...


class SealedSecrets:
    """Gives a member its secrets. `write` opens a transaction of its store, `sealed` is the reason where no key opens one."""

    def __init__(
        self, write: Callable[[], AbstractAsyncContextManager[Keeps]], sealer: Sealer, sealed: str = "SECRETS_SEALED"
    ) -> None:
        self._write = write
        self._sealer = sealer
        self._sealed = sealed
        self._known: dict[str, tuple[bytes, bytes]] = {}

    async def key(self, name: str, length: int) -> bytes:
        """The secret of a name, of so many bytes; made where there is none. Not inside a transaction.

        UNAVAILABLE with the reason where none of the keys of now has sealed it: keys of the mesh were changed without a time in
        which both held.
        """
        of_now = self._sealer.key()
        known = self._known.get(name)
        if known is None or known[0] != of_now:
            known = self._known[name] = of_now, await self._opened(name, length)
        return known[1]

    async def _opened(self, name: str, length: int) -> bytes:
        async with self._write() as work:
            text = await work.secrets.find(name)
            if text is None:
                await work.secrets.keep_once(name, self._sealer.sealed(self._sealer.secret(length)))
                text = await work.secrets.find(name)
            found = self._sealer.opened(text or b"")
            if found is None:
                raise Fault(FaultKind.UNAVAILABLE, self._sealed)
            secret, of_now = found
            if not of_now:
                await work.secrets.replace(name, self._sealer.sealed(secret))
        return secret
