"""A request that writes: by what it is named, and when a repeated request id is the same request again.

It is read with `services.runtime.writes`, the frame in which every member accepts writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple, Protocol, TypeVar

from services.kernel.errors import Fault, conflict, precondition

HASH_VERSION: Final = 2
"""Of the content hash that a request brings; rows of version 1 are compared by `first_hash`."""


class Regions(NamedTuple):
    """Insured place and place of care that a request says; "" where it leaves one out."""

    insuplc_admdvs: str = ""
    mdtrtarea_admvs: str = ""

    def else_(self, known: Regions) -> Regions:
        """What the request resolves to: a region left out is what is known otherwise."""
        return Regions(self.insuplc_admdvs or known.insuplc_admdvs, self.mdtrtarea_admvs or known.mdtrtarea_admvs)

    def agree(self, others: Regions) -> bool:
        """Whether two requests mean the same places: one that leaves a region out says nothing against it."""
        return all(not one or not other or one == other for one, other in zip(self, others, strict=True))


NOWHERE: Final = Regions()
"""A request that says no region."""


@dataclass(frozen=True, slots=True)
class RequestStamp:
    """Whose write it is: `scope` and `request_id` name it for ever, `content_hash` tells a repeat from another request.

    `regions` are no part of the hash: those that the request says, in a row those that it resolved to. `first_hash` is
    the content by version 1, for rows that were kept before `hash_version`. `content` is the request as it came, less
    credentials, where the tables have no place for all of it (all diagnoses of 2203, 2401 and 2402).
    """

    scope: str
    request_id: str
    rpc: str
    content_hash: str
    content: bytes = b""
    hash_version: int = HASH_VERSION
    regions: Regions = NOWHERE
    first_hash: Callable[[], str] | None = field(default=None, compare=False)

    def resolved(self, known: Regions) -> RequestStamp:
        """As its row keeps it, once the places are known."""
        regions = self.regions.else_(known)
        return self if regions == self.regions else replace(self, regions=regions)

    def repeats(self, content_hash: str, hash_version: int = HASH_VERSION, regions: Regions = NOWHERE) -> bool:
        """Whether a row of that content was left by this same request. The hash covers the name of the message too."""
        if hash_version == self.hash_version:
            return content_hash == self.content_hash and self.regions.agree(regions)
        return self.first_hash is not None and content_hash == self.first_hash()


class Standing(Protocol):
    """What a request id left in a store, in whatever table: an answer, or a void."""

    @property
    def voided(self) -> bool:
        """Whether the message was taken back (2601) before it came."""
        ...

    def is_of(self, stamp: RequestStamp) -> bool:
        """Whether this same request left it, by its content."""
        ...


S = TypeVar("S", bound=Standing)


@dataclass(frozen=True, slots=True)
class Entry:
    """An accepted write with the bytes of its answer, as a journal keeps it (`services.runtime.journal`)."""

    stamp: RequestStamp
    response: bytes
    created_at: datetime

    @property
    def voided(self) -> bool:
        """Where a journal is kept no message can be taken back before it came."""
        return False

    def is_of(self, stamp: RequestStamp) -> bool:
        """Whether this same request left it."""
        return self.stamp.rpc == stamp.rpc and stamp.repeats(self.stamp.content_hash)


class Moved(Exception):
    """Another writer was first, since what stands was read or in a row that must be unique: nothing was written, decide
    again."""


def refusal_of(stamp: RequestStamp, standing: Standing) -> Fault | None:
    """Why what stands under a request id is no answer to this request; None where it is.

    PRECONDITION MESSAGE_VOIDED for a message that was taken back, CONFLICT REQUEST_ID_REUSED for other content.
    """
    if standing.voided:
        return precondition("MESSAGE_VOIDED", request_id=stamp.request_id)
    if not standing.is_of(stamp):
        return conflict("REQUEST_ID_REUSED", request_id=stamp.request_id)
    return None


def repeated(stamp: RequestStamp, standing: S | None) -> S | None:
    """What stands, where it answers the request; None where nothing stands. Raises the Faults of `refusal_of`."""
    if standing is not None and (refusal := refusal_of(stamp, standing)) is not None:
        raise refusal
    return standing
