"""Requests say by which version they were hashed and which regions they meant; lines say what the hospital bears.

Rows that stand were hashed by version 1, mean the regions that are in their hash, and cost the hospital nothing.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """New columns, each with the value that rows before it mean."""
    for table in ("encounter_entry", "settlement", "ledger_entry"):
        op.add_column(table, sa.Column("hash_version", sa.Integer(), nullable=False, server_default="1"))
        op.add_column(table, sa.Column("regions", sa.Text(), nullable=False, server_default=""))
    op.add_column("encounter", sa.Column("local_med_type", sa.Text(), nullable=False, server_default=""))
    op.add_column("fee_batch", sa.Column("hosp_part_fen", sa.BigInteger(), nullable=False, server_default="0"))
    # Both databases take a check with the column, and neither writes the table anew for it.
    op.execute(
        "ALTER TABLE fee_line ADD COLUMN hosp_part_fen BIGINT DEFAULT '0' NOT NULL"
        " CONSTRAINT fee_line_hospital CHECK (hosp_part_fen = 0 OR hosp_part_fen = overlmt_fen)"
    )
    op.create_index("settlement_of_person", "settlement", ["psn_no", "setl_at", "setl_id"])
