"""The first tables of routing."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """All tables."""
    op.create_table(
        "routing_entry",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("rpc", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "request_id"),
    )
    op.create_table(
        "routing_filing",
        sa.Column("filing_no", sa.Text(), nullable=False),
        sa.Column("psn_no", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("care_admdvs", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("to_day", sa.Text(), nullable=True),
        sa.Column("filed_by", sa.Text(), nullable=False),
        sa.Column("filed_at", sa.BigInteger(), nullable=False),
        sa.Column("fixmedins_code", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("filing_no"),
        sa.CheckConstraint("to_day IS NULL OR to_day >= from_day", name="routing_filing_days"),
    )
    op.create_index("routing_filing_person", "routing_filing", ["psn_no", "filed_at"])
    op.create_table(
        "routing_insured",
        sa.Column("psn_hash", sa.Text(), nullable=False),
        sa.Column("cell", sa.Text(), nullable=False),
        sa.Column("cert_hash", sa.Text(), nullable=False),
        sa.Column("psn_cert_type", sa.Text(), nullable=False),
        sa.Column("places", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("psn_hash", "cell"),
    )
    op.create_index("routing_insured_cert", "routing_insured", ["cert_hash"])
    op.create_table(
        "routing_feed",
        sa.Column("cell", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("cell"),
    )
