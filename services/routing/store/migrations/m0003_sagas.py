"""Sagas."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    """Sagas."""
    op.create_table(
        "saga",
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("care_cell", sa.Text(), nullable=False),
        sa.Column("insured_cell", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("setl_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_no"),
    )
    running = "state IN ('begun', 'committed', 'revoked')"
    _index("saga_at_rest", ["changed_at"], "state IN ('done', 'undone')", unique=False)
    _index("saga_due", ["due_at"], running, unique=False)
    _index(
        "saga_one_message",
        ["care_cell", "scope", "request_id"],
        f"({running} OR kind = 'settle' AND state = 'done')",
        unique=True,
    )
    _index("saga_one_target", ["target"], f"target <> '' AND {running}", unique=True)


def _index(name: str, columns: list[str], where: str, *, unique: bool) -> None:
    where_of = sa.text(where)
    op.create_index(name, "saga", columns, unique=unique, sqlite_where=where_of, postgresql_where=where_of)
