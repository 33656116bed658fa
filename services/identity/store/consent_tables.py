"""The tables of consent: grants, what is hidden, and the feed of ends."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from services.runtime.db import Moment


def add_consents(metadata: MetaData) -> None:
    """Adds them."""
    _grant(metadata)
    _hidden(metadata)
    _end(metadata)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _person_key() -> Column[str]:
    return Column("psn_no", Text, ForeignKey("person.psn_no"), nullable=False)


def _grant(metadata: MetaData) -> None:
    Table(
        "consent_grant",
        metadata,
        Column("grant_no", Text, primary_key=True),
        _person_key(),
        _text("kind"),
        _text("purpose"),
        # An institution, a province or an operator; empty of the person's own sight.
        _text("reader_code"),
        Column("from_at", Moment, nullable=False),
        Column("to_at", Moment, nullable=False),
        Column("made_at", Moment, nullable=False),
        _text("made_by"),
        _text("dr_codg"),
        # Apart by commas; empty for all.
        _text("modalities"),
        _text("study_uid"),
        _text("reason"),
        Column("revoked_at", Moment),
        # Of an emergency alone.
        Column("review_due_at", Moment),
        Column("justified", Boolean, nullable=False),
        Column("reviewed_at", Moment),
        _text("reviewed_by"),
        _text("review_memo"),
        CheckConstraint("to_at > from_at", name="consent_grant_times"),
        # A person's grants are listed along it.
        Index("consent_grant_person", "psn_no", "grant_no"),
        # Emergencies are listed along it; of other grants the moment is null.
        Index("consent_grant_review", "review_due_at", "grant_no"),
    )


def _hidden(metadata: MetaData) -> None:
    Table(
        "consent_hidden",
        metadata,
        Column("hidden_no", Text, primary_key=True),
        _person_key(),
        _text("study_uid"),
        _text("fixmedins_code"),
        Column("hidden_at", Moment, nullable=False),
        UniqueConstraint("psn_no", "study_uid", "fixmedins_code"),
    )


def _end(metadata: MetaData) -> None:
    Table(
        "consent_end",
        metadata,
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        _text("grant_no"),
        _text("study_uid"),
        _text("fixmedins_code"),
        Column("ended_at", Moment, nullable=False),
        # What is named is shown again.
        Column("shown", Boolean, nullable=False, server_default=false()),
    )
