"""The table of what channels were told, without secrets and without who somebody is."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, MetaData, Table, Text

from services.runtime.db import Moment


def egress_table(metadata: MetaData) -> Table:
    """It, in this MetaData."""
    return Table(
        "pay_egress",
        metadata,
        Column("pay_ord_id", Text, primary_key=True),
        # Digest of all the texts: the same thing told again is one row.
        Column("told_key", Text, primary_key=True),
        *(Column(name, Text, nullable=False) for name in ("channel", "step", "number", "verb", "target", "content")),
        Column("first_at", Moment, nullable=False),
        Column("last_at", Moment, nullable=False),
        Column("times", Integer, nullable=False),
        CheckConstraint("times > 0 AND first_at <= last_at", name="pay_egress_times"),
        Index("pay_egress_old", "last_at"),
    )
