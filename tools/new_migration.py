"""Begins a migration: `python -m tools.new_migration MEMBER what_it_does` writes what Alembic finds changed in `tables.py`.

It is a beginning to be read and mended: Alembic finds no checks, and knows nothing of rows. The head in the member's
`store/schema.py` moves with it. What is made is history once a release holds it.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations.ops import UpgradeOps
from sqlalchemy import create_engine
from sqlalchemy.types import TypeDecorator

from services import mesh
from services.runtime.stores.schema import Schema
from services.runtime.stores.upgrading import migrate, scripts

_MODULE: Final = '''"""{title}"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "{number:04d}"
down_revision: Final = "{before}"


def upgrade() -> None:
    """{title}"""
{body}
'''
_HEAD: Final = re.compile(r'(?m)^HEAD: Final = "\d{4}"$')


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the module and says where it is."""
    parser = argparse.ArgumentParser(prog="python -m tools.new_migration", description="Begins a migration.")
    parser.add_argument("member", choices=[each.name for each in mesh.MESH if each.has_store])
    parser.add_argument("what", help="what it does, as a name: limits_of_partners")
    options = parser.parse_args(arguments)
    if not options.what.isidentifier() or options.what != options.what.lower():
        parser.error("what it does is a name of small letters and underscores")
    module: Any = importlib.import_module(f"services.{options.member}.store.schema")
    print(written(module.schema(), options.what, Path(str(module.__file__))))
    return 0


def written(schema: Schema, what: str, place: Path) -> Path:
    """The new module of migrations; `place` is the file that names the head."""
    (before,) = scripts(schema).get_heads()
    number = int(before) + 1
    body = "\n".join(f"    {line}" if line else "" for line in _found(schema, before).splitlines())
    file = schema.folder / f"m{number:04d}_{what}.py"
    title = f"{what.replace('_', ' ').capitalize()}."
    file.write_text(_MODULE.format(title=title, number=number, before=before, body=body), encoding="utf-8")
    place.write_text(_HEAD.sub(f'HEAD: Final = "{number:04d}"', place.read_text(encoding="utf-8")), encoding="utf-8")
    return file


def _found(schema: Schema, before: str) -> str:
    """The steps from the last revision to the tables of now, as Alembic writes them."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        migrate(connection, schema, to=before)
        options = {"include_name": lambda name, kind, _: kind != "table" or name != schema.version_table.name}
        found = produce_migrations(MigrationContext.configure(connection, opts=options), schema.metadata).upgrade_ops
    if not isinstance(found, UpgradeOps):
        return "pass"
    text = render_python_code(found, render_item=_plain_type)
    lines = (line.removeprefix("    ") for line in text.splitlines() if not line.strip().startswith("# ###"))
    return "\n".join(lines).strip() or "pass"


def _plain_type(kind: str, item: Any, _: object) -> str | Literal[False]:
    """A type of the services as what it is stored as: a migration imports none of them."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{type(item.impl).__name__}()"
    return False


if __name__ == "__main__":
    sys.exit(main())
