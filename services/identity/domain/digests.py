"""Codes, tokens and keys made from random bytes, and the digests under which they are kept.

What is given out is never stored. A token or key is derived from a seed that is stored and a key that is not, so that a
repeated request is given the same one while the database alone tells nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from services.kernel.credential_marks import CODE_ALPHABET, CODE_LENGTH, TOKEN_LENGTH

SEED_BYTES: Final = 16


def code_from(random: bytes) -> str:
    """28 characters for a dynamic code, 140 bits, from 28 random bytes."""
    if len(random) != CODE_LENGTH:
        raise ValueError(f"a code needs {CODE_LENGTH} random bytes")
    return "".join(CODE_ALPHABET[byte & 31] for byte in random)


def digest(secret: str) -> str:
    """SHA-256 in hex: how codes, tokens and keys are kept. They are random, so no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def derived(key: bytes, purpose: str, seed: bytes) -> str:
    """40 hex digits (160 bits, as long as an ecToken may be) that follow from the seed and the member's key alone."""
    return hmac.new(key, purpose.encode() + b"\0" + seed, hashlib.sha256).hexdigest()[:TOKEN_LENGTH]
