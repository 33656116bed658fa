"""Settlements and orders name the cell whose ledgers they moved. Those that stand moved ledgers of this one."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0009"
down_revision: Final = "0008"


def upgrade() -> None:
    """The columns, empty for this cell."""
    for table in ("settlement", "settle_order"):
        op.add_column(table, sa.Column("insured_cell", sa.Text(), nullable=False, server_default=""))
