"""Entries of identity's accepted writes, with what a secret in an answer is made again from."""

from __future__ import annotations

from dataclasses import dataclass

from services.kernel import requests


@dataclass(frozen=True, slots=True)
class SecretEntry(requests.Entry):
    """An accepted write with the bytes of its answer.

    Where the answer carries a secret, the bytes lack it: `seed` is what it is derived from, `secret_digest` proves it.
    """

    seed: bytes = b""
    secret_digest: str = ""
