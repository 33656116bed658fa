"""Callers that fail to prove who they are, again and again, wait for their refusals: guessing gets slow, nobody is locked out.

Failures are counted by where they come from and whom they claim to be, in bounded memory, each gateway process for itself.
A good proof is never refused for the failures of others, even from the same address: behind a proxy or a hospital's firewall an
attacker and an honest client look alike. Only a bearer key that this process does not know yet may wait where others have
failed, or be told to come again: many guesses at a time get no further than one after the other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from gateway.http import network_of
from services.kernel.errors import Fault, FaultKind
from services.runtime.kept import Bounded
from services.runtime.logs import write

# Failures that cost nothing, and how long after the last one they are forgotten.
FREE: Final = 5
FORGOTTEN_S: Final = 600.0
FIRST_WAIT_S: Final = 0.1
LONGEST_WAIT_S: Final = 2.0

_COUNTED: Final = frozenset({"AUTHENTICATION_FAILED", "PARTNER_NOT_FOUND", "API_KEY_UNKNOWN", "APP_UNKNOWN"})
_NAMES_NOBODY: Final = ("PARTNER_NOT_FOUND", "APP_UNKNOWN")
_SIZE: Final = 4096
# Who waits keeps a place in the gateway: a few at a time, so that waiting itself keeps nobody out.
_WAITING: Final = 64
_WAITING_EACH: Final = 4
# Waits before a look-up stand beside those of refusals: who is told late keeps nobody from being looked up.
_LOOKING: Final = "\0looking"


@dataclass(slots=True)
class _Turns:
    """Places of one source to look up bearer keys that are not known yet, and who has one or waits for one."""

    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_WAITING_EACH))
    users: int = 0


class Failures:
    """Counts and waits; `now` is a monotonic clock in seconds, `sleep` waits for some."""

    def __init__(self, now: Callable[[], float], sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._now = now
        self._sleep = sleep
        # The count and the moment of the last failure, the oldest first.
        self._counted: Bounded[tuple[str, str], tuple[int, float]] = Bounded(_SIZE)
        self._waiting: dict[tuple[str, str], int] = {}
        self._looking: dict[str, _Turns] = {}
        self._log = logging.getLogger("yibao.gateway")

    async def told(self, source: str, claimed: str, fault: Fault) -> Fault:
        """The refusal of a failed proof, after the wait that its caller has earned: the fault, or TOO_MANY_FAILURES."""
        if fault.reason not in _COUNTED:
            return fault
        # Whoever tries one unknown name after the other is counted once for all of them.
        key = (network_of(source), "" if fault.reason in _NAMES_NOBODY else claimed)
        count = self._count(key) + 1
        self._counted.keep(key, (count, self._now()))
        if count == FREE + 1:
            # A name that nobody has is not written: it is whatever a stranger sent, of any length.
            write(self._log, logging.WARNING, "a caller fails again and again", {"claimed": key[1], "failures": count})
        if not await self._wait(key, count):
            return _too_many()
        return fault

    @asynccontextmanager
    async def looking(self, source: str) -> AsyncIterator[None]:
        """A block in which a bearer key that is not known yet is looked up, and its failure told.

        A few of one source at a time. Once it has failed often, each waits before it is looked up; who finds no place then
        gets TOO_MANY_FAILURES, and its key is not looked at.
        """
        place = network_of(source)
        turns = self._looking.setdefault(place, _Turns())
        turns.users += 1
        try:
            queued = turns.places.locked()
            if queued and self._count((place, "")) > FREE:
                raise _too_many()
            async with turns.places:
                count = self._count((place, ""))
                # Who queued did so before there were failures: those that were looked at meanwhile were guesses.
                if count > FREE and (queued or not await self._wait((place, _LOOKING), count)):
                    raise _too_many()
                yield
        finally:
            turns.users -= 1
            if not turns.users:
                del self._looking[place]

    def _count(self, key: tuple[str, str]) -> int:
        count, at = self._counted.get(key) or (0, 0.0)
        return count if self._now() - at < FORGOTTEN_S else 0

    async def _wait(self, key: tuple[str, str], count: int) -> bool:
        """False, at once, where too many wait already."""
        if count <= FREE:
            return True
        if sum(self._waiting.values()) >= _WAITING or self._waiting.get(key, 0) >= _WAITING_EACH:
            return False
        self._waiting[key] = self._waiting.get(key, 0) + 1
        try:
            await self._sleep(min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(count - FREE - 1, 10)))
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key]
        return True


def _too_many() -> Fault:
    return Fault(FaultKind.EXHAUSTED, "TOO_MANY_FAILURES", retry_after_s=LONGEST_WAIT_S)
