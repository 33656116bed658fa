"""Tables of the outbox: notices of what is cleared, and how far they were given and have arrived. It holds no query."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, LargeBinary, Table, Text

from services.runtime.db import Moment
from services.settlement.store.order_tables import SETTLE_ORDER

METADATA: Final = SETTLE_ORDER.metadata

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    # Without gaps; a store that came back from an earlier day gives places anew.
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    # Of the span that booked it; empty where none was open.
    Column("traceparent", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    CheckConstraint("kind IN ('settle', 'reverse')", name="outbox_kind"),
)

# One row, made by the first notice.
OUTBOX_HEAD: Final = Table(
    "outbox_head",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
    Column("acked_seq", BigInteger, nullable=False),
    CheckConstraint("acked_seq BETWEEN 0 AND last_seq", name="outbox_head_acked"),
)
