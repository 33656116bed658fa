"""Secrets that a store keeps sealed under a key that it lacks: AES-256-GCM, whose nonce stands before what is sealed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

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
