"""Provinces' own kinds of care, and ceilings above which the hospital pays. No ceiling that stands is such a one."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """One column and one table."""
    op.add_column("price_ceiling", sa.Column("hosp_bear", sa.Boolean(), nullable=False, server_default=sa.false()))
    checks = (
        sa.CheckConstraint("to_day IS NULL OR to_day >= from_day", name="price_ceiling_days"),
        sa.CheckConstraint("pric_uplmt_e6 >= 0", name="price_ceiling_amount"),
    )
    with op.batch_alter_table("price_ceiling", table_args=checks) as batch:
        batch.alter_column("hosp_bear", server_default=None)
    op.create_table(
        "local_med_type",
        sa.Column("local_med_type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("med_type", sa.Text(), nullable=False),
        sa.Column("admdvs", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("to_day", sa.Text(), nullable=True),
        sa.Column("published_in", sa.BigInteger(), nullable=False),
        sa.Column("closed_in", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("local_med_type", "admdvs", "from_day"),
        sa.CheckConstraint("to_day IS NULL OR to_day >= from_day", name="local_med_type_days"),
    )
    op.create_index("local_med_type_of", "local_med_type", ["admdvs"])
