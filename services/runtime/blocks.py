"""Names of 16 bytes that lead back to what they name: one block of AES under a key. No two blocks have the same name.

It hides what is named from whoever lacks the key, and that is all: whoever sees two names knows whether they are of one thing.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


class Blocks:
    """Names under one key of 16, 24 or 32 bytes."""

    def __init__(self, key: bytes) -> None:
        # One block has no other that its mode could chain it to: so nothing of a block stays behind, and both are made once.
        cipher = Cipher(algorithms.AES(key), modes.ECB())
        self._encryptor, self._decryptor = cipher.encryptor(), cipher.decryptor()

    def named(self, blocks: bytes) -> bytes:
        """The names of blocks of 16 bytes, in their order."""
        return self._encryptor.update(blocks)

    def read(self, names: bytes) -> bytes:
        """What names of 16 bytes are of, in their order."""
        return self._decryptor.update(names)
