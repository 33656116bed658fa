"""Connections of one database, lent for a transaction and kept open between them.

SQLAlchemy makes and throws away connections; lending one is a few steps of its own here, for a visit to SQLAlchemy's pool
and back takes as long as ten statements. Who finds none free waits in line, for a time that is bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.runtime.store_errors import unavailable


@dataclass(frozen=True, slots=True)
class Lease:
    """One connection: as SQLAlchemy gives it, and the driver's own."""

    connection: AsyncConnection
    raw: Any


class Leases:
    """At most `size` connections of an engine."""

    def __init__(self, engine: AsyncEngine, size: int, wait_s: float) -> None:
        self._engine = engine
        self._wait_s = wait_s
        self._idle: list[Lease] = []
        self._free = asyncio.Semaphore(size)
        self._size = size
        self._lent = 0
        self._waiting = 0
        self._closed = False

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Lease]:
        """A connection for a block; Fault STORE_UNAVAILABLE where none comes free in time.

        One that was invalidated in the block is not lent again.
        """
        lease = await self.take()
        try:
            yield lease
        finally:
            await self.give_back(lease)

    async def take(self) -> Lease:
        """`lent` for who gives it back by `give_back`, whatever befalls."""
        await self._place()
        self._lent += 1
        try:
            return await self._standing() or await self._opened()
        except BaseException:
            self._freed()
            raise

    async def give_back(self, lease: Lease) -> None:
        """Ends what `take` began."""
        connection = lease.connection
        try:
            if self._closed and not connection.closed:
                await connection.invalidate()
            if connection.invalidated or connection.closed:
                await connection.close()
            else:
                self._idle.append(lease)
        finally:
            self._freed()

    def _freed(self) -> None:
        self._lent -= 1
        self._free.release()

    def counted(self) -> tuple[int, int, int]:
        """How many there may be, how many are lent, and how many callers wait for one."""
        return self._size, self._lent, self._waiting

    async def close(self) -> None:
        """Closes all that are not lent; what is lent closes when it is given back."""
        self._closed = True
        while self._idle:
            await self._idle.pop().connection.close()
        await self._engine.dispose()

    async def _place(self) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        except TimeoutError:
            raise unavailable() from None
        finally:
            self._waiting -= 1

    async def _standing(self) -> Lease | None:
        """An idle connection that the server has not closed meanwhile."""
        while self._idle:
            lease = self._idle.pop()
            if not (isinstance(lease.raw, asyncpg.Connection) and lease.raw.is_closed()):  # type: ignore[no-untyped-call]  # the package does not type it
                return lease
            await lease.connection.invalidate()
            await lease.connection.close()
        return None

    async def _opened(self) -> Lease:
        connection = await self._engine.connect()
        try:
            return Lease(connection, (await connection.get_raw_connection()).driver_connection)
        except BaseException:
            await connection.close()
            raise
