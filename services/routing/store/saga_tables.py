"""The table of sagas."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, MetaData, Table, Text, text

from services.runtime.db import Moment

RUNNING: Final = "state IN ('begun', 'committed', 'revoked')"
AT_REST: Final = "state IN ('done', 'undone')"
OF_MESSAGE: Final = f"({RUNNING} OR kind = 'settle' AND state = 'done')"
"""One for a message: what has settled it settles it for ever, though whoever began before might not know."""


def add_sagas(metadata: MetaData) -> None:
    """Adds it."""
    running, aimed, kept = text(RUNNING), text(f"target <> '' AND {RUNNING}"), text(OF_MESSAGE)
    at_rest = text(AT_REST)
    Table(
        "saga",
        metadata,
        Column("order_no", Text, primary_key=True),
        *(Column(name, Text, nullable=False) for name in ("kind", "care_cell", "insured_cell", "scope", "request_id")),
        *(
            Column(name, Text, nullable=False)
            for name in ("content_hash", "act", "target", "state", "setl_id", "reason")
        ),
        Column("attempts", Integer, nullable=False),
        Column("due_at", Moment, nullable=False),
        Column("created_at", Moment, nullable=False),
        Column("changed_at", Moment, nullable=False),
        # One for a message, and one that runs for what is reversed or for a stay.
        Index(
            *("saga_one_message", "care_cell", "scope", "request_id"),
            unique=True,
            sqlite_where=kept,
            postgresql_where=kept,
        ),
        Index("saga_one_target", "target", unique=True, sqlite_where=aimed, postgresql_where=aimed),
        Index("saga_due", "due_at", sqlite_where=running, postgresql_where=running),
        Index("saga_at_rest", "changed_at", sqlite_where=at_rest, postgresql_where=at_rest),
    )
