"""Locks by name, held until a transaction ends: what may be decided by one transaction at a time."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime.driver_connection import LOCK, DriverConnection

_SALT: Final = b"yibao"


async def advisory_lock(connection: AsyncConnection | DriverConnection, keys: Iterable[str]) -> None:
    """Holds the keys until the transaction ends, in one statement and always in the same order.

    On SQLite the immediate transaction is the lock already.
    """
    if isinstance(connection, DriverConnection):
        if connection.dialect == "postgresql":
            await connection.hold(_lock_numbers(keys))
    elif connection.dialect.name == "postgresql":
        await connection.exec_driver_sql(LOCK, (_lock_numbers(keys),))


def _lock_numbers(keys: Iterable[str]) -> list[int]:
    return sorted({_lock_number(key) for key in keys})


def _lock_number(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=8, key=_SALT).digest(), "big", signed=True)
