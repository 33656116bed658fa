"""Rows to records and conditions on days: what reading and publishing share. It opens no connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, Select, Table, and_, or_, select

from services.catalogue.domain.records import PolicyStack, Record
from services.catalogue.store.tables import TABLES

R = TypeVar("R", bound=Record)


def select_records(kind: type[Record]) -> Select[Any]:
    """A statement for the columns that make a record."""
    table = TABLES[kind]
    return select(*(table.columns[field.name] for field in fields(kind)))


def records_of(kind: type[R], rows: Iterable[Row[Any]]) -> list[R]:
    """The records that rows of `select_records` are."""
    make: Callable[..., R] = kind
    if kind is PolicyStack:
        place = [field.name for field in fields(kind)].index("policy_ids")
        return [make(*row[:place], tuple(row[place]), *row[place + 1 :]) for row in rows]
    return [make(*row) for row in rows]


def values_of(record: Record) -> tuple[Any, ...]:
    """A record's values in the order of its table's columns."""
    return tuple(getattr(record, field.name) for field in fields(record))


def on_days(table: Table, first: date, last: date) -> ColumnElement[bool]:
    """That a row holds on any day from first to last."""
    return and_(table.columns.from_day <= last, or_(table.columns.to_day.is_(None), table.columns.to_day >= first))


def storable(texts: Iterable[str]) -> Sequence[str]:
    """The texts that a row can hold at all: PostgreSQL knows no text with a NUL character."""
    return [text for text in texts if "\x00" not in text]
