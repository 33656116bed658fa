"""The UPDATE of many rows by one statement, each to values of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import dialect as postgresql_dialect
from sqlalchemy.engine import Dialect

_POSTGRESQL: Final[Dialect] = postgresql_dialect()  # type: ignore[no-untyped-call]  # the package does not type it


def update_statement(table: Table, dialect: str, key: str, columns: Sequence[str]) -> str:
    """The UPDATE of `columns` by rows for `DriverConnection.insert`: the value of `key` that names a row, then what it gets."""
    if dialect == "postgresql":
        types = (table.columns[name].type.compile(dialect=_POSTGRESQL) for name in (key, *columns))
        arrays = ", ".join(f"${i}::{kind}[]" for i, kind in enumerate(types, 1))
        named = ", ".join(f"c{i}" for i in range(len(columns) + 1))
        new = ", ".join(f"{name} = c{i}" for i, name in enumerate(columns, 1))
        return f"UPDATE {table.name} SET {new} FROM unnest({arrays}) AS c({named}) WHERE {key} = c0"
    new = ", ".join(f"{name} = ?{i}" for i, name in enumerate(columns, 2))
    return f"UPDATE {table.name} SET {new} WHERE {key} = ?1"
