"""The tables of identity before stores had versions. A store that stands is taken for this; none is made by it but in tests."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """All tables."""
    _api_key()
    _entry()
    _partner()
    _person()
    _sign_in()
    _credential()
    _ec_code()
    _ec_token()
    _enrolment()
    _family_link()
    _person_identity()


def _api_key() -> None:
    op.create_table(
        "api_key",
        sa.Column("key_digest", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("bootstrap", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key_digest"),
    )


def _entry() -> None:
    op.create_table(
        "entry",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("rpc", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("secret_digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "request_id"),
    )


def _partner() -> None:
    op.create_table(
        "partner",
        sa.Column("partner_code", sa.Text(), nullable=False),
        sa.Column("partner_name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("auth_style", sa.Text(), nullable=False),
        sa.Column("access_key", sa.Text(), nullable=True),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("secret_digest", sa.Text(), nullable=True),
        sa.Column("sandbox", sa.Boolean(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner_code"),
        sa.UniqueConstraint("access_key"),
        sa.UniqueConstraint("secret_digest"),
    )


def _person() -> None:
    op.create_table(
        "person",
        sa.Column("psn_no", sa.Text(), nullable=False),
        sa.Column("psn_name", sa.Text(), nullable=False),
        sa.Column("psn_cert_type", sa.Text(), nullable=False),
        sa.Column("certno", sa.Text(), nullable=False),
        sa.Column("gend", sa.Text(), nullable=False),
        sa.Column("naty", sa.Text(), nullable=False),
        sa.Column("brdy", sa.Text(), nullable=False),
        sa.Column("card_no", sa.Text(), nullable=True),
        sa.Column("card_sn", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("psn_no"),
        sa.UniqueConstraint("card_no"),
        sa.UniqueConstraint("certno", "psn_cert_type"),
    )


def _sign_in() -> None:
    op.create_table(
        "sign_in",
        sa.Column("sign_no", sa.Text(), nullable=False),
        sa.Column("fixmedins_code", sa.Text(), nullable=False),
        sa.Column("opter_no", sa.Text(), nullable=False),
        sa.Column("mac", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("signed_in_at", sa.BigInteger(), nullable=False),
        sa.Column("signed_out_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("sign_no"),
    )


def _credential() -> None:
    op.create_table(
        "credential",
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("psn_no", sa.Text(), nullable=False),
        sa.Column("channel_code", sa.Text(), nullable=False),
        sa.Column("activated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["psn_no"],
            ["person.psn_no"],
        ),
        sa.PrimaryKeyConstraint("credential_id"),
        sa.UniqueConstraint("psn_no"),
    )


def _ec_code() -> None:
    op.create_table(
        "ec_code",
        sa.Column("code_digest", sa.Text(), nullable=False),
        sa.Column("psn_no", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("shown_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('shown', 'used', 'replaced')", name="ec_code_state"),
        sa.ForeignKeyConstraint(
            ["psn_no"],
            ["person.psn_no"],
        ),
        sa.PrimaryKeyConstraint("code_digest"),
    )
    op.create_index(
        "ec_code_one_shown",
        "ec_code",
        ["psn_no"],
        unique=True,
        sqlite_where=sa.text("state = 'shown'"),
        postgresql_where=sa.text("state = 'shown'"),
    )
    op.create_index("ec_code_person", "ec_code", ["psn_no", "expires_at"], unique=False)


def _ec_token() -> None:
    op.create_table(
        "ec_token",
        sa.Column("token_digest", sa.Text(), nullable=False),
        sa.Column("psn_no", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("code_digest", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["psn_no"],
            ["person.psn_no"],
        ),
        sa.PrimaryKeyConstraint("token_digest"),
        sa.UniqueConstraint("code_digest"),
    )
    op.create_index("ec_token_person", "ec_token", ["psn_no", "expires_at"], unique=False)


def _enrolment() -> None:
    op.create_table(
        "enrolment",
        sa.Column("psn_no", sa.Text(), nullable=False),
        sa.Column("insutype", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("to_day", sa.Text(), nullable=True),
        sa.Column("insuplc_admdvs", sa.Text(), nullable=False),
        sa.Column("psn_type", sa.Text(), nullable=False),
        sa.Column("psn_insu_stas", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("insured_since", sa.Text(), nullable=True),
        sa.Column("cvlserv_flag", sa.Text(), nullable=False),
        sa.Column("emp_name", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.CheckConstraint("cvlserv_flag IN ('0', '1')", name="enrolment_cvlserv_flag"),
        sa.CheckConstraint("to_day IS NULL OR to_day >= from_day", name="enrolment_days"),
        sa.ForeignKeyConstraint(
            ["psn_no"],
            ["person.psn_no"],
        ),
        sa.PrimaryKeyConstraint("psn_no", "insutype", "from_day"),
    )


def _family_link() -> None:
    op.create_table(
        "family_link",
        sa.Column("psn_no", sa.Text(), nullable=False),
        sa.Column("row_no", sa.Integer(), nullable=False),
        sa.Column("owner_psn_no", sa.Text(), nullable=False),
        sa.Column("owner_insutype", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("to_day", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_psn_no"],
            ["person.psn_no"],
        ),
        sa.ForeignKeyConstraint(
            ["psn_no"],
            ["person.psn_no"],
        ),
        sa.PrimaryKeyConstraint("psn_no", "row_no"),
    )


def _person_identity() -> None:
    op.create_table(
        "person_identity",
        sa.Column("psn_no", sa.Text(), nullable=False),
        sa.Column("row_no", sa.Integer(), nullable=False),
        sa.Column("psn_idet_type", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("to_day", sa.Text(), nullable=True),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["psn_no"],
            ["person.psn_no"],
        ),
        sa.PrimaryKeyConstraint("psn_no", "row_no"),
    )
