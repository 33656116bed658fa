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
    op.create_index(
        "saga_due",
        "saga",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('begun', 'committed', 'revoked')"),
        postgresql_where=sa.text("state IN ('begun', 'committed', 'revoked')"),
    )
    op.create_index(
        "saga_one_message",
        "saga",
        ["care_cell", "scope", "request_id"],
        unique=True,
        sqlite_where=sa.text("(state IN ('begun', 'committed', 'revoked') OR kind = 'settle' AND state = 'done')"),
        postgresql_where=sa.text("(state IN ('begun', 'committed', 'revoked') OR kind = 'settle' AND state = 'done')"),
    )
    op.create_index(
        "saga_one_target",
        "saga",
        ["target"],
        unique=True,
        sqlite_where=sa.text("target <> '' AND state IN ('begun', 'committed', 'revoked')"),
        postgresql_where=sa.text("target <> '' AND state IN ('begun', 'committed', 'revoked')"),
    )
