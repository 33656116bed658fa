"""Which members live in this process: a register of their endpoints, by which a co-located call skips the network.

An endpoint takes and gives what the wire would carry: bytes and metadata. It is never a servicer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

Metadata = Sequence[tuple[str, str]]


class Endpoint(Protocol):
    """A member as its callers see it."""

    async def serve(self, path: str, message: bytes, metadata: Metadata, timeout_s: float) -> bytes:
        """Answers one call within the time given; raises `RpcRefusal` with the status of a refusal."""


class Placement:
    """The endpoints of this process, by the name of the member's seat."""

    def __init__(self) -> None:
        self._endpoints: dict[str, Endpoint] = {}

    def place(self, member: str, endpoint: Endpoint) -> None:
        """A member of this process has started."""
        self._endpoints[member] = endpoint

    def remove(self, member: str) -> None:
        """A member of this process has stopped."""
        self._endpoints.pop(member, None)

    def find(self, member: str) -> Endpoint | None:
        """The endpoint of a member that lives in this process."""
        return self._endpoints.get(member)
