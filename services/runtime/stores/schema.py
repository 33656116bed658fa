"""What a store is made of: its tables, and the revisions through which earlier ones became these."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from sqlalchemy import BigInteger, Column, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import dialect as postgresql_dialect
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable

BASELINE: Final = "0001"
"""The tables before stores had versions: what a store is taken for that does not say its revision."""

_DISTRIBUTION: Final = "yibao-mesh"
_NOT_INSTALLED: Final = "source"


@dataclass(frozen=True)
class Schema:
    """The tables of one member. `head` is the revision that they are; without a history nothing is ever upgraded."""

    metadata: MetaData
    member: str = ""
    head: str = ""
    migrations: str = ""

    @property
    def has_history(self) -> bool:
        """Whether stores of it say their revision."""
        return bool(self.head)

    @property
    def version_table(self) -> Table:
        """The table of one row in which a store says its revision. Alembic knows its first column alone."""
        return Table(
            f"{self.member}_version",
            MetaData(),
            Column("version_num", Text, primary_key=True),
            # The release that brought the store to this revision, and when.
            Column("release", Text, nullable=False, server_default=""),
            Column("upgraded_at", BigInteger, nullable=False, server_default="0"),
            # What was compared and found the same, as one digest: as long as it stands, nothing is compared again.
            Column("compared", Text, nullable=False, server_default=""),
        )

    @property
    def folder(self) -> Path:
        """Where the migrations stand."""
        found = find_spec(self.migrations)
        if found is None or not found.submodule_search_locations:
            raise FileNotFoundError(self.migrations)
        return Path(found.submodule_search_locations[0])

    @cached_property
    def table_names(self) -> Sequence[str]:
        """The names of its tables, sorted."""
        return sorted(self.metadata.tables)

    def statements(self, dialect: str) -> Sequence[str]:
        """What makes the tables and indexes, in an order in which it can be run."""
        return list(_statements(self.metadata, tuple(self.metadata.tables), dialect))

    def digest(self, dialect: str, found: Iterable[tuple[Any, ...]]) -> str:
        """One text for what is expected and what was found: while both stay, it stays."""
        compared = (self.statements(dialect), sorted(tuple(each) for each in found))
        return hashlib.sha256(repr(compared).encode()).hexdigest()


@lru_cache(maxsize=64)
def _statements(metadata: MetaData, tables: tuple[str, ...], dialect: str) -> tuple[str, ...]:
    """Each cell of a process opens a store of the same tables, and each start needs these three times; `tables` marks a
    metadata that has grown.
    """
    # Both classes carry no types.
    compiler: Dialect = postgresql_dialect() if dialect == "postgresql" else sqlite_dialect()  # type: ignore[no-untyped-call]
    made: list[str] = []
    for table in metadata.sorted_tables:
        made.append(str(CreateTable(table).compile(dialect=compiler)).strip())
        indexes = sorted(table.indexes, key=lambda each: str(each.name))
        made += [str(CreateIndex(each).compile(dialect=compiler)) for each in indexes]
    return tuple(made)


def migrations_of(member: str) -> str:
    """The package in which a member's migrations stand."""
    return f"services.{member}.store.migrations"


def is_earlier(revision: str, head: str) -> bool:
    """Whether a revision comes before another; their numbers have four digits."""
    return is_number(revision) and BASELINE <= revision < head


def is_number(revision: str) -> bool:
    """Whether a text is a revision of this program or of one that came later."""
    return len(revision) == len(BASELINE) and revision.isascii() and revision.isdecimal()


def release() -> str:
    """The number of this program's release; a source tree that was never installed has none."""
    return _installed(_DISTRIBUTION)


@cache
def _installed(distribution: str) -> str:
    """Read once a process: each start of a store says it."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return _NOT_INSTALLED
