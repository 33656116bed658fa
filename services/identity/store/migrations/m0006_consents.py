"""Consent: grants, what persons hide, and the feed of ends. Nobody had granted anything before."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0006"
down_revision: Final = "0005"


def upgrade() -> None:
    """The tables."""
    op.create_table(
        "consent_grant",
        _text("grant_no"),
        *map(_text, ("psn_no", "kind", "purpose", "reader_code")),
        *map(_moment, ("from_at", "to_at", "made_at")),
        *map(_text, ("made_by", "dr_codg", "modalities", "study_uid", "reason")),
        *(sa.Column(name, sa.BigInteger()) for name in ("revoked_at", "review_due_at")),
        sa.Column("justified", sa.Boolean(), nullable=False),
        sa.Column("reviewed_at", sa.BigInteger()),
        *map(_text, ("reviewed_by", "review_memo")),
        sa.CheckConstraint("to_at > from_at", name="consent_grant_times"),
        sa.ForeignKeyConstraint(["psn_no"], ["person.psn_no"]),
        sa.PrimaryKeyConstraint("grant_no"),
    )
    op.create_index("consent_grant_person", "consent_grant", ["psn_no", "grant_no"], unique=False)
    op.create_index("consent_grant_review", "consent_grant", ["review_due_at", "grant_no"], unique=False)
    op.create_table(
        "consent_hidden",
        *map(_text, ("hidden_no", "psn_no", "study_uid", "fixmedins_code")),
        _moment("hidden_at"),
        sa.ForeignKeyConstraint(["psn_no"], ["person.psn_no"]),
        sa.PrimaryKeyConstraint("hidden_no"),
        sa.UniqueConstraint("psn_no", "study_uid", "fixmedins_code"),
    )
    op.create_table(
        "consent_end",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        *map(_text, ("grant_no", "study_uid", "fixmedins_code")),
        _moment("ended_at"),
        sa.PrimaryKeyConstraint("seq"),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _moment(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)
