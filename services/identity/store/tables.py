"""The tables of identity. Uniqueness that a decision relies on stands here as a constraint."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from services.identity.store.consent_tables import add_consents
from services.runtime.db import Day, Json, Moment


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables of one store."""

    metadata: MetaData
    entry: Table
    person: Table
    enrolment: Table
    identity: Table
    link: Table
    credential: Table
    code: Table
    token: Table
    partner: Table
    api_key: Table
    sign_in: Table
    change: Table
    change_reader: Table


@cache
def make_tables() -> Tables:
    """The tables, the same for every store of the process: nobody changes them."""
    metadata = MetaData()
    tables = Tables(
        metadata,
        _entry(metadata),
        _person(metadata),
        _enrolment(metadata),
        _identity(metadata),
        _link(metadata),
        _credential(metadata),
        _code(metadata),
        _token(metadata),
        _partner(metadata),
        _api_key(metadata),
        _sign_in(metadata),
        _change(metadata),
        _change_reader(metadata),
    )
    add_consents(metadata)
    return tables


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _person_key() -> Column[str]:
    return Column("psn_no", Text, ForeignKey("person.psn_no"), nullable=False)


def _entry(metadata: MetaData) -> Table:
    return Table(
        "entry",
        metadata,
        _text("scope"),
        _text("request_id"),
        _text("rpc"),
        _text("content_hash"),
        Column("response", LargeBinary, nullable=False),
        Column("created_at", Moment, nullable=False),
        Column("seed", LargeBinary, nullable=False),
        _text("secret_digest"),
        PrimaryKeyConstraint("scope", "request_id"),
    )


def _person(metadata: MetaData) -> Table:
    return Table(
        "person",
        metadata,
        Column("psn_no", Text, primary_key=True),
        _text("psn_name"),
        _text("psn_cert_type"),
        _text("certno"),
        _text("gend"),
        _text("naty"),
        Column("brdy", Day, nullable=False),
        # Null where there is none, so that its uniqueness is that of those who have one.
        Column("card_no", Text, unique=True),
        _text("card_sn"),
        UniqueConstraint("certno", "psn_cert_type"),
    )


def _enrolment(metadata: MetaData) -> Table:
    return Table(
        "enrolment",
        metadata,
        _person_key(),
        _text("insutype"),
        Column("from_day", Day, nullable=False),
        Column("to_day", Day),
        _text("insuplc_admdvs"),
        _text("psn_type"),
        _text("psn_insu_stas"),
        _text("status"),
        Column("insured_since", Day),
        # "1" or "0": all dated rows of a person are read by one statement, whose columns are texts.
        _text("cvlserv_flag"),
        _text("emp_name"),
        Column("facts", Json, nullable=False),
        PrimaryKeyConstraint("psn_no", "insutype", "from_day"),
        CheckConstraint("to_day IS NULL OR to_day >= from_day", name="enrolment_days"),
        CheckConstraint("cvlserv_flag IN ('0', '1')", name="enrolment_cvlserv_flag"),
    )


def _identity(metadata: MetaData) -> Table:
    return Table(
        "person_identity",
        metadata,
        _person_key(),
        Column("row_no", Integer, nullable=False),
        _text("psn_idet_type"),
        _text("identity"),
        Column("from_day", Day, nullable=False),
        Column("to_day", Day),
        _text("memo"),
        _text("psn_type_lv"),
        PrimaryKeyConstraint("psn_no", "row_no"),
    )


def _link(metadata: MetaData) -> Table:
    return Table(
        "family_link",
        metadata,
        _person_key(),
        Column("row_no", Integer, nullable=False),
        # Perhaps a person of another cell.
        _text("owner_psn_no"),
        _text("owner_insutype"),
        Column("from_day", Day, nullable=False),
        Column("to_day", Day),
        _text("owner_cell"),
        PrimaryKeyConstraint("psn_no", "row_no"),
    )


def _credential(metadata: MetaData) -> Table:
    return Table(
        "credential",
        metadata,
        Column("credential_id", Text, primary_key=True),
        Column("psn_no", Text, ForeignKey("person.psn_no"), nullable=False, unique=True),
        _text("channel_code"),
        Column("activated_at", Moment, nullable=False),
    )


def _code(metadata: MetaData) -> Table:
    shown = text("state = 'shown'")
    return Table(
        "ec_code",
        metadata,
        Column("code_digest", Text, primary_key=True),
        _person_key(),
        _text("state"),
        Column("shown_at", Moment, nullable=False),
        Column("expires_at", Moment, nullable=False),
        CheckConstraint("state IN ('shown', 'used', 'replaced')", name="ec_code_state"),
        Index("ec_code_person", "psn_no", "expires_at"),
        Index("ec_code_one_shown", "psn_no", unique=True, sqlite_where=shown, postgresql_where=shown),
    )


def _token(metadata: MetaData) -> Table:
    return Table(
        "ec_token",
        metadata,
        Column("token_digest", Text, primary_key=True),
        _person_key(),
        _text("org_id"),
        # One use: a code gives one token.
        Column("code_digest", Text, nullable=False, unique=True),
        Column("issued_at", Moment, nullable=False),
        Column("expires_at", Moment, nullable=False),
        Index("ec_token_person", "psn_no", "expires_at"),
    )


def _partner(metadata: MetaData) -> Table:
    return Table(
        "partner",
        metadata,
        Column("partner_code", Text, primary_key=True),
        _text("partner_name"),
        _text("role"),
        _text("auth_style"),
        Column("access_key", Text, unique=True),
        # Empty where a digest is enough.
        _text("secret"),
        # Digest of the apikey header's value; null for other styles.
        Column("secret_digest", Text, unique=True),
        Column("sandbox", Boolean, nullable=False),
        Column("dialect", Json, nullable=False),
        Column("limits", Json, nullable=False),
        Column("saved_at", Moment, nullable=False),
        # Its app at the mobile envelope, with its keys; null where it has none.
        Column("app_id", Text, unique=True),
        Column("mobile", Text),
        # Where it is told of its payments; empty for nowhere.
        Column("notify_url", Text, nullable=False, server_default=""),
        Column("notify_plain", Boolean, nullable=False, server_default=false()),
        Column("knows_refunding", Boolean, nullable=False, server_default=false()),
    )


def _api_key(metadata: MetaData) -> Table:
    return Table(
        "api_key",
        metadata,
        Column("key_digest", Text, primary_key=True),
        _text("role"),
        _text("subject"),
        Column("issued_at", Moment, nullable=False),
        Column("bootstrap", Boolean, nullable=False),
        # Told in lists, and in time order: keys are listed along it.
        Column("key_id", Text, nullable=False, unique=True),
        _text("label"),
        Column("last_used_at", Moment),
        Column("revoked_at", Moment),
        Index("api_key_holder", "role", "subject", "key_id"),
    )


def _sign_in(metadata: MetaData) -> Table:
    return Table(
        "sign_in",
        metadata,
        Column("sign_no", Text, primary_key=True),
        _text("fixmedins_code"),
        _text("opter_no"),
        _text("mac"),
        _text("ip"),
        Column("signed_in_at", Moment, nullable=False),
        Column("signed_out_at", Moment),
    )


def _change(metadata: MetaData) -> Table:
    # A person stands in the feed once, at the place of its last change.
    return Table(
        "person_change",
        metadata,
        Column("psn_no", Text, ForeignKey("person.psn_no"), primary_key=True),
        Column("seq", BigInteger, nullable=False, unique=True),
    )


def _change_reader(metadata: MetaData) -> Table:
    return Table(
        "change_reader",
        metadata,
        Column("reader", Text, primary_key=True),
        Column("acked_seq", BigInteger, nullable=False),
    )
