"""What imaging's operations and servicers need of each other, where several need the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from services.imaging.domain.audit import Access
from services.imaging.domain.sessions import Grant, GrantDecision, MeantPerson, Reader
from services.imaging.operations.searching import Sitting
from services.imaging.store.unit import Unit

Also: TypeAlias = Callable[[Unit], Awaitable[None]]
"""Writes rows that must stand together with an access, before it, in its transaction; it may run more than once."""


class Log(Protocol):
    """The audit log."""

    async def write(self, accesses: Sequence[Access], also: Also | None = None) -> None:
        """Durable when it returns, in one transaction with what `also` writes; AUDIT_UNAVAILABLE, and what `also` raises."""
        ...


class Secrets(Protocol):
    """Secrets of the member, which outlive the keys of the mesh."""

    async def key(self, name: str, length: int) -> bytes:
        """The secret of a name: made once, the same ever after; SECRETS_SEALED, STORE_UNAVAILABLE."""
        ...


class GrantFinding(Protocol):
    """The persons' cells, reached through routing: who may read of whom."""

    async def found(self, reader: Reader, person: MeantPerson) -> Grant:
        """The grant by which a reader may read of a person now; NO_ACCESS, CELL_UNAVAILABLE, PEER_UNAVAILABLE."""
        ...


class GrantDeciding(Protocol):
    """The persons' cells, reached through routing: what grants let be seen."""

    async def decided(self, reader: Reader, grant_nos: Sequence[str]) -> Sequence[GrantDecision]:
        """What they say of up to 200 grants, in their order, in one question; PEER_UNAVAILABLE."""
        ...


class SessionTokens(Protocol):
    """Who reads."""

    async def sitting(self, token: str) -> Sitting:
        """The session of a token; SESSION_UNKNOWN."""
        ...


class Addresses(Protocol):
    """The way to the nodes."""

    async def address(self, sitting: Sitting, study_uid: str) -> str:
        """Where a study is fetched, with a ticket: all of it lies below; STUDY_NOT_FOUND, NODE_AWAY."""
        ...
