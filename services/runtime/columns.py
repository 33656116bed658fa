"""Column types of every store: money in fen, moments as UTC microseconds, days as ISO text, documents as JSON text.

The same on SQLite and on PostgreSQL, so that a row means the same in both.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator

from services.kernel.clock import from_micros, to_micros

Fen = BigInteger
"""An amount of money in fen."""

RowNumber = BigInteger().with_variant(Integer, "sqlite")
"""A number that the database gives out; SQLite counts only columns that are plain INTEGER."""


class Moment(TypeDecorator[datetime]):
    """An aware datetime, stored as microseconds since 1970 UTC; a naive one is refused."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Aware datetime to microseconds, exact."""
        return None if value is None else to_micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Microseconds to an aware datetime, UTC."""
        return None if value is None else from_micros(value)


class Day(TypeDecorator[date]):
    """A calendar day, stored as `yyyy-MM-dd`, so that text order is day order."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Dialect) -> str | None:
        """Day to text."""
        return None if value is None else value.isoformat()

    def process_result_value(self, value: Any, dialect: Dialect) -> date | None:
        """Text to day."""
        return None if value is None else date.fromisoformat(value)


class Json(TypeDecorator[Any]):
    """A document of dicts, lists, text, whole numbers and booleans, stored as JSON text with sorted keys."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Document to text."""
        return None if value is None else to_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Text to document."""
        return None if value is None else msgspec.json.decode(value)


def to_json(document: Any) -> str:
    """The text of a `Json` column: sorted keys, no spaces."""
    return msgspec.json.encode(document, order="deterministic").decode()
