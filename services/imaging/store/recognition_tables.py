"""The tables of recognition: reports, advices, their months, and quality control."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

from services.runtime.db import Moment


def report_table(metadata: MetaData) -> Table:
    """A report of an institution by its number there; `started` as of a study, `place` orders those of one day."""
    return Table(
        "imaging_report",
        metadata,
        Column("institution", Text, primary_key=True),
        Column("report_no", Text, primary_key=True),
        Column("person_key", LargeBinary, nullable=False),
        Column("started", Integer, nullable=False),
        Column("place", BigInteger, nullable=False),
        Column("content_hash", LargeBinary, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Index("imaging_report_person", "person_key", "started"),
        Index("imaging_report_own", "institution", "started", "place"),
    )


def advice_table(metadata: MetaData) -> Table:
    """An advice on a planned examination, without its person; `choice` is null until somebody has decided."""
    return Table(
        "imaging_advice",
        metadata,
        Column("advice_no", Text, primary_key=True),
        Column("institution", Text, nullable=False),
        Column("made_at", Moment, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("choice", LargeBinary),
        Column("decided_at", Moment),
    )


def advice_month_table(metadata: MetaData) -> Table:
    """How many advices of an institution's month were given, accepted and declined, by kind."""
    return Table(
        "imaging_advice_month",
        metadata,
        Column("institution", Text, primary_key=True),
        Column("month", Integer, primary_key=True, autoincrement=False),
        Column("kind", SmallInteger, primary_key=True, autoincrement=False),
        Column("count", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def quality_table(metadata: MetaData) -> Table:
    """A result of quality control: of a modality or, where that is "", of all; it counts from its day until the next one's."""
    return Table(
        "imaging_quality",
        metadata,
        Column("institution", Text, primary_key=True),
        Column("modality", Text, primary_key=True),
        Column("from_day", Text, primary_key=True),
        Column("passed", SmallInteger, nullable=False),
        sqlite_with_rowid=False,
    )
