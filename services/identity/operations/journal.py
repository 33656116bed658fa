"""The frame of every write: the same request gives the stored answer, a collision is decided again, else the act is run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from services.identity.domain.digests import derived, digest
from services.identity.domain.journal import Collision, Entry, RequestKey, check_repeat
from services.identity.operations.ports import Store, Work
from services.kernel.errors import Fault, FaultKind, precondition

T = TypeVar("T")

_ATTEMPTS: Final = 4
_RETRY_AFTER_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """What an act answers: the bytes to keep, and how a secret that they lack is made again."""

    response: bytes
    seed: bytes = b""
    secret_digest: str = ""


async def answer_once(store: Store, key: RequestKey, now: datetime, act: Callable[[Work], Awaitable[Answer]]) -> Entry:
    """The entry of the request: the one that stands, or that of `act`, saved in the same transaction.

    REQUEST_ID_REUSED where the id stands for other content. What `act` refuses leaves nothing behind.
    """

    async def once(work: Work) -> Entry:
        standing = await work.journal.find(key)
        if standing is not None:
            check_repeat(standing, key)
            return standing
        answer = await act(work)
        entry = Entry(key, answer.response, now, answer.seed, answer.secret_digest)
        await work.journal.add(entry)
        return entry

    return await decided(store, once)


async def decided(store: Store, act: Callable[[Work], Awaitable[T]]) -> T:
    """Runs `act` in a writing transaction, again where another writer was first; STORE_UNAVAILABLE if that goes on."""
    for _ in range(_ATTEMPTS):
        try:
            async with store.write() as work:
                return await act(work)
        except Collision:
            continue
    raise Fault(FaultKind.UNAVAILABLE, "STORE_UNAVAILABLE", retry_after_s=_RETRY_AFTER_S)


def proven(keys: Sequence[bytes], purpose: str, entry: Entry) -> str:
    """The secret made again from the entry's seed; ANSWER_NOT_REPEATABLE where no key of now is the one that made it."""
    for key in keys:
        secret = derived(key, purpose, entry.seed)
        if digest(secret) == entry.secret_digest:
            return secret
    raise precondition("ANSWER_NOT_REPEATABLE")
