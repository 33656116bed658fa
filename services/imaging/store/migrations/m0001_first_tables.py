"""The first tables of imaging."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None

_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """All tables."""
    op.create_table(
        "imaging_entry",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("rpc", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "request_id"),
    )
    _node()
    _study()
    _audit()
    _tickets()
    op.create_table(
        "imaging_change",
        sa.Column("node_ref", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("operation", sa.SmallInteger(), nullable=False),
        sa.Column("result", sa.SmallInteger(), nullable=False),
        sa.Column("study_ref", sa.BigInteger()),
        sa.Column("version", sa.Integer()),
        sa.Column("uploaded_s", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node_ref", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "imaging_digest",
        sa.Column("node_ref", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("day", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("node_ref", "day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "imaging_own",
        sa.Column("institution", sa.Text(), nullable=False),
        sa.Column("span", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("place", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("institution", "span", "place"),
        sqlite_with_rowid=False,
    )
    _report()
    _recognition()
    _session()
    _watched()


def _node() -> None:
    op.create_table(
        "imaging_node",
        sa.Column("node_ref", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("node_no", sa.Text(), nullable=False),
        sa.Column("node_name", sa.Text(), nullable=False),
        sa.Column("admdvs", sa.Text(), nullable=False),
        sa.Column("uscc", sa.Text(), nullable=False),
        sa.Column("retrieve_roots", sa.Text(), nullable=False),
        sa.Column("institutions", sa.Text(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.BigInteger()),
        sa.Column("retrieving", sa.SmallInteger(), nullable=False),
        sa.Column("uploaded_at", sa.BigInteger()),
        sa.Column("watermark", sa.BigInteger(), nullable=False),
        sa.Column("last_ref", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger()),
        sa.Column("compared_at", sa.BigInteger()),
        sa.Column("caused", sa.Integer(), nullable=False),
        sa.Column("caused_since", sa.BigInteger()),
        sa.PrimaryKeyConstraint("node_ref"),
        sa.UniqueConstraint("node_no"),
    )


def _study() -> None:
    op.create_table(
        "imaging_study",
        sa.Column("study_ref", _NUMBER, nullable=False, autoincrement=False),
        sa.Column("node_ref", sa.Integer(), nullable=False),
        sa.Column("uid", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("person_key", sa.LargeBinary()),
        sa.Column("started", sa.Integer()),
        sa.Column("institution", sa.Text()),
        sa.Column("accession", sa.Text()),
        sa.Column("entry_hash", sa.LargeBinary()),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("reason", sa.SmallInteger()),
        sa.Column("withdrawn_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("study_ref"),
    )
    op.create_index("imaging_study_uid", "imaging_study", ["uid", "node_ref"], unique=True)
    op.create_index("imaging_study_person", "imaging_study", ["person_key", "started"])
    op.create_index("imaging_study_institution", "imaging_study", ["institution", "started"])
    op.create_index("imaging_study_accession", "imaging_study", ["accession"])
    op.create_index("imaging_study_day", "imaging_study", ["node_ref", "started"])
    op.create_table(
        "imaging_series",
        sa.Column("study_ref", _NUMBER, nullable=False, autoincrement=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("study_ref"),
    )


def _audit() -> None:
    op.create_table(
        "imaging_secret",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "imaging_audit",
        sa.Column("seq", _NUMBER, nullable=False, autoincrement=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person_key", sa.LargeBinary()),
        sa.Column("session_no", sa.LargeBinary()),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("imaging_audit_person", "imaging_audit", ["person_key", "seq"])
    op.create_index("imaging_audit_session", "imaging_audit", ["session_no", "seq"])
    op.create_table(
        "imaging_audit_about",
        sa.Column("person_key", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("person_key", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "imaging_audit_end",
        sa.Column("place", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("place"),
    )


def _report() -> None:
    op.create_table(
        "imaging_report",
        sa.Column("institution", sa.Text(), nullable=False),
        sa.Column("report_no", sa.Text(), nullable=False),
        sa.Column("person_key", sa.LargeBinary(), nullable=False),
        sa.Column("started", sa.Integer(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("institution", "report_no"),
    )
    op.create_index("imaging_report_person", "imaging_report", ["person_key", "started"])
    op.create_index("imaging_report_own", "imaging_report", ["institution", "started", "place"])


def _recognition() -> None:
    op.create_table(
        "imaging_advice",
        sa.Column("advice_no", sa.Text(), nullable=False),
        sa.Column("institution", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("choice", sa.LargeBinary()),
        sa.Column("decided_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("advice_no"),
    )
    op.create_table(
        "imaging_advice_month",
        sa.Column("institution", sa.Text(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("institution", "month", "kind"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "imaging_quality",
        sa.Column("institution", sa.Text(), nullable=False),
        sa.Column("modality", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("passed", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("institution", "modality", "from_day"),
        sqlite_with_rowid=False,
    )


def _session() -> None:
    op.create_table(
        "imaging_session",
        sa.Column("session_no", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("reader_no", sa.Text(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("patients", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("session_no"),
    )
    op.create_index("imaging_session_digest", "imaging_session", ["digest"], unique=True)
    op.create_index("imaging_session_reader", "imaging_session", ["organisation", "reader_no", "ends_at"])
    op.create_index("imaging_session_ends", "imaging_session", ["ends_at"])


def _watched() -> None:
    op.create_table(
        "imaging_drift",
        sa.Column("node_ref", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("day", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("node_count", sa.Integer(), nullable=False),
        sa.Column("index_count", sa.Integer(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node_ref", "day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "imaging_conflict",
        sa.Column("uid", sa.LargeBinary(), nullable=False),
        sa.Column("node_ref", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger()),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("uid", "node_ref"),
        sqlite_with_rowid=False,
    )
    op.create_index("imaging_conflict_node", "imaging_conflict", ["node_ref"])


def _tickets() -> None:
    op.create_table(
        "imaging_ticket",
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("cell", sa.Text(), nullable=False),
        sa.Column("grant_no", sa.Text(), nullable=False),
        sa.Column("study_uid", sa.Text(), nullable=False),
        sa.Column("institution", sa.Text(), nullable=False),
        sa.Column("session_no", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("jti"),
    )
    op.create_index("imaging_ticket_cell", "imaging_ticket", ["cell", "expires_at"])
    op.create_index("imaging_ticket_grant", "imaging_ticket", ["grant_no"])
    op.create_index("imaging_ticket_session", "imaging_ticket", ["session_no"])
    op.create_table(
        "imaging_revoked",
        sa.Column("seq", _NUMBER, nullable=False, autoincrement=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("name"),
    )
