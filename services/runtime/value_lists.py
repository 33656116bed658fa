"""A condition on a list of values that is one parameter, so that lists of any length share one prepared statement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, Text, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from services.runtime.columns import Json


class _Values(TypeDecorator[list[Any]]):
    """A list as one parameter: an array on PostgreSQL, a JSON text on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, whole_numbers: bool) -> None:
        super().__init__()
        self.whole_numbers = whole_numbers

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(BigInteger() if self.whole_numbers else Text()))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: list[Any] | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return Json().process_bind_param(list(value), dialect)


class _InValues(FunctionElement[bool]):
    """`column IN (all values of one parameter)`: one statement text for every number of values."""

    name = "in_values"
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """A condition as it is: SQLAlchemy would write `… = 1` on SQLite, and no index would serve it."""
        return self


def in_values(column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """A condition on a list given at execution as ONE parameter; lists of any length share one prepared statement."""
    values = bindparam(parameter, type_=_Values(isinstance(column.type, BigInteger)))
    return _InValues(column, values)


@compiles(_InValues, "sqlite")
def _in_values_sqlite(element: _InValues, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"


@compiles(_InValues, "postgresql")
def _in_values_postgresql(element: _InValues, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} = ANY({values})"
