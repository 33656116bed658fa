"""Entries of accepted writes: what makes a repeated request id give the first answer again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.kernel.requests import RequestStamp


@dataclass(frozen=True, slots=True)
class Entry:
    """An accepted write with the bytes of its answer."""

    stamp: RequestStamp
    response: bytes
    created_at: datetime

    @property
    def voided(self) -> bool:
        """No message of this member can be taken back before it came."""
        return False

    def is_of(self, stamp: RequestStamp) -> bool:
        """Whether this same request left it."""
        return self.stamp.rpc == stamp.rpc and stamp.repeats(self.stamp.content_hash)
