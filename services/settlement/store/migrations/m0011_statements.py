"""Statements read orders by when they were confirmed, and by when they were reversed."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0011"
down_revision: Final = "0010"


def upgrade() -> None:
    """The two indexes."""
    for name, table, columns, where in (
        ("settle_order_confirmed", "settle_order", ["opener", "ended_at", "order_no"], "phase = 'confirmed'"),
        ("settlement_reversed_at", "settlement", ["setl_at", "reverses"], "kind = 'reverse'"),
    ):
        told = sa.text(where)
        op.create_index(name, table, columns, unique=False, sqlite_where=told, postgresql_where=told)
