"""A message is kept under the plain number of its transaction: 2203A was 2203 with another letter, and 2207A is 2207.

So a repeat under either number finds the first answer. Where messages of both numbers stand under one msgid, both stay where
they are: a repeat finds its own by its content (`domain.second_numbers`), and 2601 takes neither back.
"""

from __future__ import annotations

from typing import Final

from alembic import op

revision: Final = "0004"
down_revision: Final = "0003"

_MOVED: Final = (
    "UPDATE {table} SET request_id = '{plain}:' || substr(request_id, 7)"
    # LIKE would take 2207a: too on SQLite, a client's own request id.
    " WHERE substr(request_id, 1, 6) = '{plain}A:' AND NOT EXISTS (SELECT 1 FROM {table} AS other"
    " WHERE other.scope = {table}.scope AND other.request_id = '{plain}:' || substr({table}.request_id, 7))"
)


def upgrade() -> None:
    """Rows of visits by 2203A, of settlements and voids by 2207A."""
    op.execute(_MOVED.format(table="encounter_entry", plain="2203"))
    op.execute(_MOVED.format(table="settlement", plain="2207"))
