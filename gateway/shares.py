"""Fair shares of one gateway process: how many calls a partner has under way, and how many it begins in a minute.

So that one partner's loop is that partner's problem. A partner that is alone gets all the places there are; while others
are there, at most a quarter, unless its profile says another number. Who finds every place taken by others waits a moment
for one. What is refused here was not begun. Nothing is kept of a partner that has nothing under way but its minute.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from types import TracebackType
from typing import Final

from gateway.http import busy
from services.kernel.clock import beijing_day, holds_on
from services.kernel.errors import Fault, FaultKind

# Others count as there for so long after their last call: between two calls of theirs nobody may fill every place.
OTHERS_S: Final = 1.0
# How long who finds every place taken waits for one.
WAIT_S: Final = 1.0

_MINUTE_S: Final = 60.0
_RETRY_AFTER_S: Final = 1.0
_MINUTES: Final = 4096
# Refusals of a gateway that is full: nothing was begun, so nothing of the minute is used.
_NOT_BEGUN: Final = ("TOO_MANY_CALLS", "QUEUE_FULL")


@dataclass(frozen=True, slots=True)
class Limit:
    """What a profile says from a day to a day, both inclusive; 0 is the default: no rate, a quarter of the work."""

    from_day: date
    to_day: date | None
    calls_per_minute: int
    work_under_way: int


@dataclass(frozen=True, slots=True)
class Claimant:
    """Whose share it is: the same `key` whichever face a partner comes by, and the limits of its profile."""

    key: str
    limits: Sequence[Limit] = ()


_NO_LIMIT: Final = Limit(date.min, None, 0, 0)


class Shares:
    """The places of a gateway; `enter` takes one and `leave` gives it back. `now` is a monotonic clock in seconds."""

    def __init__(self, places: int, now: Callable[[], float] = time.monotonic) -> None:
        self.places = places
        self.quarter = max(1, places // 4)
        self._now = now
        self._taken = 0
        # Calls of each claimant, under way or waiting for a place.
        self._own: dict[str, int] = {}
        self._waiting: deque[tuple[str, asyncio.Future[None]]] = deque()
        # Whose call ended last and when, and when the last one of anybody else ended.
        self._last, self._last_at, self._other_at = "", -OTHERS_S, -OTHERS_S
        # For each claimant with a rate: the moment at which its minute is as fresh as if it had never called.
        self._minutes: dict[str, float] = {}

    @property
    def admitted(self) -> int:
        """How many requests may be looked at at the same time: those with a place, and as many as may wait for one."""
        return self.places + self.quarter

    @property
    def taken(self) -> int:
        """Calls under way now."""
        return self._taken

    @property
    def waiting(self) -> int:
        """Calls that wait for a place now."""
        return len(self._waiting)

    def place(self, claimant: Claimant, moment: datetime) -> _Place:
        """For a block that has a place, as `enter` gives it. One that ends as refused for want of room is none of its minute."""
        return _Place(self, claimant, moment)

    async def enter(self, claimant: Claimant, moment: datetime) -> None:
        """Takes a place; Fault PARTNER_LIMIT, or TOO_MANY_CALLS where none comes free in time. `moment` decides the limit."""
        key = claimant.key
        limit = _limit_on(claimant.limits, moment) if claimant.limits else _NO_LIMIT
        own = self._own.get(key, 0)
        allowed = limit.work_under_way or self.quarter
        if own >= allowed and (limit.work_under_way or self._others_than(key, own)):
            raise _refusal(allowed, limit, _RETRY_AFTER_S)
        if self._taken >= self.places and (own >= self.quarter or len(self._waiting) >= self.quarter):
            raise busy()
        if limit.calls_per_minute:
            self._count_call(key, limit, allowed)
        self._own[key] = own + 1
        if self._taken < self.places:
            self._taken += 1
            return
        try:
            await self._wait(key)
        except Fault:
            self.give_back(claimant, moment)
            raise

    def leave(self, claimant: Claimant) -> None:
        """Gives a place back; who waits longest gets it."""
        key, now = claimant.key, self._now()
        if key != self._last:
            self._other_at, self._last = self._last_at, key
        self._last_at = now
        self._forget(key)
        while self._waiting:
            _, waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._taken -= 1

    async def _wait(self, key: str) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (key, waiter)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(WAIT_S):
                await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                # The place came in the moment in which nobody waited for it any more.
                self.leave(Claimant(key))
            else:
                # Whoever leaves in this very moment has taken it out of the row already.
                with suppress(ValueError):
                    self._waiting.remove(entry)
                self._forget(key)
            if isinstance(error, TimeoutError):
                raise busy() from None
            raise

    def _forget(self, key: str) -> None:
        """One call of the claimant less."""
        left = self._own[key] - 1
        if left:
            self._own[key] = left
        else:
            del self._own[key]

    def _others_than(self, key: str, own: int) -> bool:
        """Whether anybody else is here, or was a moment ago."""
        if len(self._own) > (1 if own else 0):
            return True
        seen = self._other_at if key == self._last else self._last_at
        return self._now() - seen < OTHERS_S

    def _count_call(self, key: str, limit: Limit, allowed: int) -> None:
        """Takes a call off the minute, which refills evenly."""
        now, each_s = self._now(), _MINUTE_S / limit.calls_per_minute
        fresh_at = max(self._minutes.pop(key, now), now)
        wait_s = fresh_at + each_s - now - _MINUTE_S
        # Sums of fractions miss their whole by a little.
        if wait_s > 1e-6:
            self._minutes[key] = fresh_at
            raise _refusal(allowed, limit, wait_s)
        if len(self._minutes) >= _MINUTES:
            self._minutes = {each: at for each, at in self._minutes.items() if at > now}
            while len(self._minutes) >= _MINUTES:
                del self._minutes[next(iter(self._minutes))]
        self._minutes[key] = fresh_at + each_s

    def give_back(self, claimant: Claimant, moment: datetime) -> None:
        """Puts a call back into the minute that `_count_call` took it from."""
        limit = _limit_on(claimant.limits, moment)
        fresh_at = self._minutes.get(claimant.key)
        if limit.calls_per_minute and fresh_at is not None:
            self._minutes[claimant.key] = fresh_at - _MINUTE_S / limit.calls_per_minute


class _Place:
    """One place for a block."""

    __slots__ = ("_all", "_claimant", "_moment")

    def __init__(self, shares: Shares, claimant: Claimant, moment: datetime) -> None:
        self._all = shares
        self._claimant = claimant
        self._moment = moment

    async def __aenter__(self) -> None:
        await self._all.enter(self._claimant, self._moment)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, Fault) and error.reason in _NOT_BEGUN:
            self._all.give_back(self._claimant, self._moment)
        self._all.leave(self._claimant)


def _limit_on(limits: Sequence[Limit], moment: datetime) -> Limit:
    day = beijing_day(moment)
    for limit in limits:
        if holds_on(day, limit.from_day, limit.to_day):
            return limit
    return _NO_LIMIT


def _refusal(allowed: int, limit: Limit, retry_after_s: float) -> Fault:
    told = {"work": str(allowed), "calls": str(limit.calls_per_minute or "∞")}
    return Fault(FaultKind.EXHAUSTED, "PARTNER_LIMIT", told, retry_after_s=retry_after_s)
