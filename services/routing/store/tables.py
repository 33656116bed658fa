"""The tables of routing. Uniqueness that a decision relies on stands here as a constraint."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

from services.routing.store.authorisations import add_authorisations
from services.routing.store.clearing.tables import add_clearing
from services.routing.store.registry_tables import add_registry
from services.routing.store.saga_tables import add_sagas
from services.runtime.db import Day, Moment
from services.runtime.secret_rows import secret_table


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables of one store."""

    metadata: MetaData
    entry: Table
    filing: Table


@cache
def make_tables() -> Tables:
    """The tables, the same for every store of the process: nobody changes them."""
    metadata = MetaData()
    add_authorisations(metadata)
    add_clearing(metadata)
    add_registry(metadata)
    add_sagas(metadata)
    secret_table("routing_secret", metadata)
    return Tables(metadata, _entry(metadata), _filing(metadata))


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _entry(metadata: MetaData) -> Table:
    return Table(
        "routing_entry",
        metadata,
        _text("scope"),
        _text("request_id"),
        _text("rpc"),
        _text("content_hash"),
        Column("response", LargeBinary, nullable=False),
        Column("created_at", Moment, nullable=False),
        PrimaryKeyConstraint("scope", "request_id"),
    )


def _filing(metadata: MetaData) -> Table:
    return Table(
        "routing_filing",
        metadata,
        Column("filing_no", Text, primary_key=True),
        _text("psn_no"),
        _text("kind"),
        _text("care_admdvs"),
        Column("from_day", Day, nullable=False),
        Column("to_day", Day),
        _text("filed_by"),
        Column("filed_at", Moment, nullable=False),
        _text("fixmedins_code"),
        # What a referral says beside it, in JSON: told again as it came, and read by nothing else.
        _text("detail"),
        Column("withdrawn_at", Moment),
        _text("withdrawn_why"),
        CheckConstraint("to_day IS NULL OR to_day >= from_day", name="routing_filing_days"),
        Index("routing_filing_person", "psn_no", "filed_at"),
    )
