"""A migration is begun with what changed in the tables."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import Column, Index, MetaData, Table, Text

from services.runtime.columns import Moment
from services.runtime.stores.schema import Schema
from services.runtime.stores.upgrading import scripts
from tools.new_migration import written

STEPS: Final = "steps_of_a_tool"
FIRST: Final = """
import sqlalchemy as sa
from alembic import op
revision = "0001"
down_revision = None
def upgrade():
    op.create_table("person", sa.Column("psn_no", sa.Text(), primary_key=True))
"""


def test_it_holds_new_columns_and_indexes_in_plain_types_and_moves_the_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / STEPS
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "m0001_first.py").write_text(FIRST)
    monkeypatch.syspath_prepend(str(tmp_path))
    place = tmp_path / "schema.py"
    place.write_text('HEAD: Final = "0001"\n')
    metadata = MetaData()
    person = Table("person", metadata, Column("psn_no", Text, primary_key=True), Column("seen_at", Moment))
    Index("person_seen", person.c.seen_at)
    schema = Schema(metadata, "desk", "0001", STEPS)
    made = written(schema, "when_seen", place)
    text = made.read_text()
    assert (made.name, place.read_text()) == ("m0002_when_seen.py", 'HEAD: Final = "0002"\n')
    assert "sa.Column('seen_at', sa.BigInteger(), nullable=True)" in text
    assert "op.create_index('person_seen', 'person', ['seen_at']" in text
    assert scripts(schema).get_heads() == ["0002"]
