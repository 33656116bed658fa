"""The frame of identity's writes, and secrets that an answer carries but its entry lacks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from services.identity.domain.digests import derived, digest
from services.identity.domain.journal import SecretEntry
from services.identity.store.unit import IdentityStore, Unit
from services.kernel.errors import precondition
from services.kernel.requests import RequestStamp
from services.runtime.writes import Frame, as_it_stands

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ActAnswer:
    """What an act answers: the bytes to keep, and how a secret that they lack is made again."""

    response: bytes
    seed: bytes = b""
    secret_digest: str = ""


async def answer_once(
    store: IdentityStore, stamp: RequestStamp, now: datetime, act: Callable[[Unit], Awaitable[ActAnswer]]
) -> SecretEntry:
    """The entry of the request: the one that stands, or that of `act`, saved in the same transaction."""

    async def kept(work: Unit) -> SecretEntry:
        answer = await act(work)
        entry = SecretEntry(stamp, answer.response, now, answer.seed, answer.secret_digest)
        await work.journal.add(entry)
        return entry

    return await _frame(store).once(stamp, kept, as_it_stands)


async def written(store: IdentityStore, act: Callable[[Unit], Awaitable[T]]) -> T:
    """Runs `act` in a transaction, where what it does is no answer to a request id."""
    return await _frame(store).written(act)


def proven(keys: Sequence[bytes], purpose: str, entry: SecretEntry, write: Callable[[str], str] = str) -> str:
    """The secret made again from the entry's seed; ANSWER_NOT_REPEATABLE where no key of now is the one that made it.

    `write` makes what is given out of what is derived.
    """
    for key in keys:
        secret = write(derived(key, purpose, entry.seed))
        if digest(secret) == entry.secret_digest:
            return secret
    raise precondition("ANSWER_NOT_REPEATABLE")


def _frame(store: IdentityStore) -> Frame[Unit, SecretEntry]:
    return Frame(store.write, _find, "STORE_UNAVAILABLE")


async def _find(work: Unit, stamp: RequestStamp) -> SecretEntry | None:
    return await work.journal.find(stamp)
