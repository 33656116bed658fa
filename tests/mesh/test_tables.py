"""The tables that a program declares are those that its migrations make: a new store has the first, an old one the second."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from services.runtime.stores.upgrading import migrate
from tests.mesh import dump_stores
from tests.mesh.test_upgraded import differences, schema_of


@pytest.mark.parametrize("member", dump_stores.MEMBERS)
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.torture)])
async def test_all_migrations_from_nothing_make_todays_tables(
    member: str, database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Also what Alembic finds: a column that was forgotten in a migration would be written into the next."""
    url = f"sqlite+aiosqlite:///{tmp_path}/made.sqlite"
    if database == "postgresql":
        url = request.getfixturevalue("postgres_database")
    schema = schema_of(member)
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(migrate, schema)
        assert await connection.run_sync(missed, schema.metadata, (schema.version_table.name,)) == []
    await engine.dispose()
    assert await differences(url.replace("+aiosqlite", ""), schema) == ()


def missed(connection: Any, metadata: MetaData, besides: Sequence[str]) -> list[Any]:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415  # for this test alone
    from alembic.migration import MigrationContext  # noqa: PLC0415

    def wanted(name: str | None, kind: str, _: object) -> bool:
        return kind != "table" or name not in besides

    context = MigrationContext.configure(connection, opts={"include_name": wanted, "compare_server_default": False})
    return list(compare_metadata(context, metadata))


@pytest.mark.parametrize("member", dump_stores.MEMBERS)
def test_an_index_of_some_rows_holds_the_same_rows_on_both_databases(member: str) -> None:
    for table in schema_of(member).metadata.tables.values():
        for index in table.indexes:
            conditions = {str(index.dialect_options[each]["where"]) for each in ("sqlite", "postgresql")}
            assert len(conditions) == 1, f"{index.name}: {conditions}"
