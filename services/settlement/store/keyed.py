"""Statements over a list of composite keys, one text for every length: all keys travel as one parameter.

SQLite reads them from one JSON text, PostgreSQL from one array for each column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.runtime.db import DriverConnection, as_json


def keys_from(dialect: str, width: int) -> str:
    """The FROM item `k` with text columns k0, k1, …"""
    columns = ", ".join(f"k{place}" for place in range(width))
    if dialect == "postgresql":
        arrays = ", ".join(f"${place + 1}::text[]" for place in range(width))
        return f"unnest({arrays}) AS k({columns})"
    if width == 1:
        return "(SELECT value AS k0 FROM json_each(?1)) AS k"
    parts = ", ".join(f"json_extract(value, '$[{place}]') AS k{place}" for place in range(width))
    return f"(SELECT {parts} FROM json_each(?1)) AS k"


async def fetch_keyed(
    connection: DriverConnection, statement: str, width: int, keys: Sequence[Sequence[str]] | Sequence[str]
) -> Sequence[Any]:
    """All rows of a statement that holds `keys_from` with this width."""
    return await connection.fetch(statement, key_parameters(connection.dialect, width, keys))


def key_parameters(dialect: str, width: int, keys: Sequence[Sequence[str]] | Sequence[str]) -> tuple[Any, ...]:
    """The keys as a statement that holds `keys_from` takes them."""
    if dialect != "postgresql":
        return (as_json(list(keys)),)
    return (list(keys),) if width == 1 else tuple(list(column) for column in zip(*keys, strict=True))
