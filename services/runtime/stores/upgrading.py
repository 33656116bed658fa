"""Upgrades a store by its migrations, in one transaction: it ends as this program expects it, or stays as it was."""

from __future__ import annotations

from typing import Any

from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from services.runtime.stores.schema import Schema


def scripts(schema: Schema) -> ScriptDirectory:
    """The migrations of a schema, in their order. There is no file of settings: what Alembic must know stands here."""
    config = Config()
    folder = str(schema.folder).replace("%", "%%")
    config.set_main_option("script_location", folder)
    config.set_main_option("version_locations", folder)
    config.set_main_option("path_separator", "newline")
    return ScriptDirectory.from_config(config)


def migrate(connection: Connection, schema: Schema, *, to: str = "") -> None:
    """Runs the migrations that the store has not seen, up to the head or to one named, in the transaction that is open."""
    directory = scripts(schema)
    schema.version_table.create(connection, checkfirst=True)

    def steps(revision: Any, context: Any) -> Any:
        return directory._upgrade_revs(to or schema.head, revision)  # as Alembic's own command does

    options = {"fn": steps, "version_table": schema.version_table.name, "transactional_ddl": True}
    context = MigrationContext.configure(connection, opts=options)
    with Operations.context(context):
        context.run_migrations()
