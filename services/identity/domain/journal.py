"""Entries of accepted writes: what makes a repeated request id give the first answer again, and another content a conflict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.kernel.errors import conflict


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A request: who asks (`scope`), under which id, for which RPC, with which content."""

    scope: str
    request_id: str
    rpc: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An accepted write with the bytes of its answer.

    Where the answer carries a secret, the bytes lack it: `seed` is what it is derived from, `secret_digest` proves it.
    """

    key: RequestKey
    response: bytes
    created_at: datetime
    seed: bytes = b""
    secret_digest: str = ""


class Collision(Exception):
    """Another transaction wrote the same unique value first: decide again on what stands now."""


def check_repeat(entry: Entry, key: RequestKey) -> None:
    """REQUEST_ID_REUSED where the id stands for other content or another RPC."""
    if (entry.key.rpc, entry.key.content_hash) != (key.rpc, key.content_hash):
        raise conflict("REQUEST_ID_REUSED", request_id=key.request_id)
