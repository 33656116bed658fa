"""What the operations are given to make ids, secrets and keys with, by whoever wires them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

NewId = Callable[[str], str]
"""Makes an opaque id with a prefix."""

RandomBytes = Callable[[int], bytes]
"""Gives that many random bytes that nobody can foresee."""

OwnKeys = Callable[[], Sequence[bytes]]
"""The keys of this member from which secrets are derived: the first for new ones, all for those given before."""
