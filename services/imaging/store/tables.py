"""The tables of imaging. Uniqueness that a decision relies on stands here as a constraint.

A study takes as few bytes as may be: its number is the row's own, its UID is kept in half, what nobody is found by stands packed
in one column, and its series in one row of another table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

from services.imaging.store.audit import audit_about_table, audit_end_table, audit_table
from services.imaging.store.recognition_tables import (
    advice_month_table,
    advice_table,
    quality_table,
    report_table,
)
from services.imaging.store.sessions import add_sessions
from services.imaging.store.tickets import revoked_table, ticket_table
from services.runtime.db import Json, Moment, RowNumber
from services.runtime.journal import journal_table
from services.runtime.secret_rows import secret_table

STUDY: Final = "imaging_study"


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables of one store."""

    metadata: MetaData
    entry: Table
    node: Table
    study: Table
    series: Table
    own: Table
    own_part: Table
    ticket: Table
    revoked: Table
    change: Table
    digest: Table
    secret: Table
    audit: Table
    audit_about: Table
    audit_end: Table
    report: Table
    advice: Table
    advice_month: Table
    quality: Table
    session: Table
    drift: Table
    conflict: Table


@cache
def make_tables() -> Tables:
    """The tables, the same for every store of the process: nobody changes them."""
    metadata = MetaData()
    return Tables(
        metadata,
        journal_table("imaging_entry", metadata),
        _node(metadata),
        _study(metadata),
        _series(metadata),
        _own(metadata),
        _own_part(metadata),
        ticket_table(metadata),
        revoked_table(metadata),
        _change(metadata),
        _digest(metadata),
        secret_table("imaging_secret", metadata),
        audit_table(metadata),
        audit_about_table(metadata),
        audit_end_table(metadata),
        report_table(metadata),
        advice_table(metadata),
        advice_month_table(metadata),
        quality_table(metadata),
        add_sessions(metadata),
        _drift(metadata),
        _conflict(metadata),
    )


def _node(metadata: MetaData) -> Table:
    """A node; `last_ref` is the number that its youngest study has among its own."""
    return Table(
        "imaging_node",
        metadata,
        Column("node_ref", Integer, primary_key=True, autoincrement=False),
        Column("node_no", Text, nullable=False, unique=True),
        Column("node_name", Text, nullable=False),
        Column("admdvs", Text, nullable=False),
        Column("uscc", Text, nullable=False),
        Column("retrieve_roots", Json, nullable=False),
        Column("institutions", Json, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("memo", Text, nullable=False),
        Column("registered_at", Moment, nullable=False),
        Column("heard_at", Moment),
        Column("retrieving", SmallInteger, nullable=False),
        Column("uploaded_at", Moment),
        Column("watermark", BigInteger, nullable=False),
        Column("last_ref", BigInteger, nullable=False),
        Column("last_seq", BigInteger),
        Column("compared_at", Moment),
        Column("caused", Integer, nullable=False),
        Column("caused_since", Moment),
    )


def _study(metadata: MetaData) -> Table:
    """One of each node and UID. Of a tombstone all from `person_key` to `body` is null. `started` is in minutes of the wall
    clock since 1970."""
    return Table(
        STUDY,
        metadata,
        Column("study_ref", RowNumber, primary_key=True, autoincrement=False),
        Column("node_ref", Integer, nullable=False),
        Column("uid", LargeBinary, nullable=False),
        Column("version", Integer, nullable=False),
        Column("state", SmallInteger, nullable=False),
        Column("person_key", LargeBinary),
        Column("started", Integer),
        Column("institution", Text),
        Column("accession", Text),
        Column("entry_hash", LargeBinary),
        Column("body", LargeBinary),
        Column("reason", SmallInteger),
        Column("withdrawn_at", Moment),
        Index("imaging_study_uid", "uid", "node_ref", unique=True),
        Index("imaging_study_person", "person_key", "started"),
        Index("imaging_study_accession", "accession"),
        Index("imaging_study_day", "node_ref", "started"),
    )


def _series(metadata: MetaData) -> Table:
    """All series of a study, packed."""
    return Table(
        "imaging_series",
        metadata,
        Column("study_ref", RowNumber, primary_key=True, autoincrement=False),
        Column("body", LargeBinary, nullable=False),
    )


def _change(metadata: MetaData) -> Table:
    """What became of every entry, by its place among the node's: the feed of changes. Moments are seconds since 1970."""
    return Table(
        "imaging_change",
        metadata,
        Column("node_ref", Integer, primary_key=True, autoincrement=False),
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("operation", SmallInteger, nullable=False),
        Column("result", SmallInteger, nullable=False),
        Column("study_ref", BigInteger),
        Column("version", Integer),
        Column("uploaded_s", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def _digest(metadata: MetaData) -> Table:
    """Of a node's examination day: how many studies stand, and the sum of their hashes."""
    return Table(
        "imaging_digest",
        metadata,
        Column("node_ref", Integer, primary_key=True, autoincrement=False),
        Column("day", Integer, primary_key=True, autoincrement=False),
        Column("count", Integer, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


def _own(metadata: MetaData) -> Table:
    """Institutions' own lists in their order: a study stands once in each, whatever number of nodes tell it as that one's.
    `started` is the study's."""
    return Table(
        "imaging_own",
        metadata,
        Column("institution", Text, primary_key=True),
        Column("started", Integer, primary_key=True, autoincrement=False),
        Column("study_ref", BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )


def _own_part(metadata: MetaData) -> Table:
    """How many studies stand in a part of an own list, which ends where the next one of its level begins: those of each level
    hold all of the list. `level` is one of `domain.own_lists`; a coarse part begins where a fine one does."""
    return Table(
        "imaging_own_part",
        metadata,
        Column("institution", Text, primary_key=True),
        Column("level", SmallInteger, primary_key=True, autoincrement=False),
        Column("started", Integer, primary_key=True, autoincrement=False),
        Column("study_ref", BigInteger, primary_key=True, autoincrement=False),
        Column("count", Integer, nullable=False),
        sqlite_with_rowid=False,
    )


def _drift(metadata: MetaData) -> Table:
    """A node's days that differed when they were compared last: how many studies each side counted."""
    return Table(
        "imaging_drift",
        metadata,
        Column("node_ref", Integer, primary_key=True, autoincrement=False),
        Column("day", Integer, primary_key=True, autoincrement=False),
        Column("node_count", Integer, nullable=False),
        Column("index_count", Integer, nullable=False),
        Column("found_at", Moment, nullable=False),
        sqlite_with_rowid=False,
    )


def _conflict(metadata: MetaData) -> Table:
    """The sides of conflicts, one of each study UID and node, until no side is hidden. How a side stands says its study."""
    return Table(
        "imaging_conflict",
        metadata,
        Column("uid", LargeBinary, primary_key=True),
        Column("node_ref", Integer, primary_key=True, autoincrement=False),
        Column("found_at", Moment, nullable=False),
        Column("decided_at", Moment),
        Column("decided_by", Text, nullable=False),
        Column("memo", Text, nullable=False),
        Index("imaging_conflict_node", "node_ref"),
        sqlite_with_rowid=False,
    )
