"""Orders: bills that are pending until they are confirmed or void, and bills that another cell carries here.

A settlement's row has two states more, and gives its ecToken back when it is voided.
No row that stands changes.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0005"
down_revision: Final = "0004"

_STATE: Final = "state IN ('standing', 'voided') OR state IN ('pending', 'reversed') AND kind = 'settle'"


def upgrade() -> None:
    """The settlement's states and its index of ecTokens, then the two tables."""
    op.drop_index("settlement_ec_token", "settlement")
    with op.batch_alter_table("settlement") as batch:
        batch.drop_constraint("settlement_state", type_="check")
        batch.create_check_constraint("settlement_state", _STATE)
    unvoided = sa.text("kind = 'settle' AND state <> 'voided'")
    op.create_index(
        "settlement_ec_token",
        "settlement",
        ["ec_token_digest"],
        unique=True,
        sqlite_where=unvoided,
        postgresql_where=unvoided,
    )
    _carried_bill()
    _settle_order()


def _carried_bill() -> None:
    op.create_table(
        "carried_bill",
        sa.Column("setl_id", sa.Text(), nullable=False),
        sa.Column("fixmedins_code", sa.Text(), nullable=False),
        sa.Column("mdtrt_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ipt_otp_no", sa.Text(), nullable=False),
        sa.Column("med_type", sa.Text(), nullable=False),
        sa.Column("local_med_type", sa.Text(), nullable=False),
        sa.Column("begin_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=True),
        sa.Column("insuplc_admdvs", sa.Text(), nullable=False),
        sa.Column("mdtrtarea_admvs", sa.Text(), nullable=False),
        sa.Column("mdtrt_cert_type", sa.Text(), nullable=False),
        sa.Column("dise_codg", sa.Text(), nullable=False),
        sa.Column("dise_name", sa.Text(), nullable=False),
        sa.Column("filing_kind", sa.Text(), nullable=False),
        sa.Column("filing_no", sa.Text(), nullable=False),
        sa.Column("filing_from", sa.Text(), nullable=False),
        sa.Column("filing_to", sa.Text(), nullable=False),
        sa.Column("opter", sa.Text(), nullable=False),
        sa.Column("opter_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("medfee_fen", sa.BigInteger(), nullable=False),
        sa.Column("hosp_part_fen", sa.BigInteger(), nullable=False),
        sa.Column("line_numbers", sa.Text(), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("filing_kind IN ('', 'long_term', 'temporary', 'referral')", name="carried_bill_filing"),
        sa.CheckConstraint("kind IN ('visit', 'stay')", name="carried_bill_kind"),
        sa.PrimaryKeyConstraint("setl_id"),
    )


def _settle_order() -> None:
    op.create_table(
        "settle_order",
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("opener", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("setl_id", sa.Text(), nullable=True),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("psn_no", sa.Text(), nullable=False),
        sa.Column("insutype", sa.Text(), nullable=False),
        sa.Column("fixmedins_code", sa.Text(), nullable=False),
        sa.Column("mdtrt_id", sa.Text(), nullable=False),
        sa.Column("carried", sa.Integer(), nullable=False),
        sa.Column("charged", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("lapses_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(phase = 'pending') = (ended_at IS NULL)", name="settle_order_ended"),
        sa.CheckConstraint("(phase = 'void') = (cause <> '')", name="settle_order_void"),
        sa.CheckConstraint("cause IN ('', 'opener', 'lapsed', 'person', 'institution')", name="settle_order_cause"),
        sa.CheckConstraint("phase = 'void' OR setl_id IS NOT NULL", name="settle_order_bill"),
        sa.CheckConstraint("phase IN ('pending', 'confirmed', 'void')", name="settle_order_phase"),
        sa.CheckConstraint("(setl_id IS NULL) = (lapses_at IS NULL)", name="settle_order_lapses"),
        sa.CheckConstraint("(setl_id IS NULL) = (opened_at IS NULL)", name="settle_order_opened"),
        sa.CheckConstraint("carried IN (0, 1) AND charged IN (0, 1)", name="settle_order_marks"),
        sa.PrimaryKeyConstraint("order_no"),
        sa.UniqueConstraint("setl_id"),
    )
    op.create_index(
        "settle_order_lapsing",
        "settle_order",
        ["lapses_at"],
        unique=False,
        sqlite_where=sa.text("phase = 'pending'"),
        postgresql_where=sa.text("phase = 'pending'"),
    )
    op.create_index(
        "settle_order_pending",
        "settle_order",
        ["psn_no", "insutype"],
        unique=True,
        sqlite_where=sa.text("phase = 'pending'"),
        postgresql_where=sa.text("phase = 'pending'"),
    )
