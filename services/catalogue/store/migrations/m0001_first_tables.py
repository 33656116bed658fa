"""The tables of catalogue before stores had versions. A store that stands is taken for this; none is made by it but in tests."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """All tables."""
    _disease()
    _division()
    _institution()
    _item()
    _policy()
    _price_ceiling()
    _publication()
    _selfpay_ratio()
    _stack()
    _term()


def _disease() -> None:
    op.create_table(
        "disease",
        sa.Column("dise_codg", sa.Text(), nullable=False),
        sa.Column("dise_name", sa.Text(), nullable=False),
        sa.Column("disease", sa.Text(), nullable=False),
        sa.Column("chronic_class", sa.Text(), nullable=False),
        sa.Column("admdvs", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("to_day", sa.Text(), nullable=True),
        sa.Column("published_in", sa.BigInteger(), nullable=False),
        sa.Column("closed_in", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("to_day IS NULL OR to_day >= from_day", name="disease_days"),
        sa.PrimaryKeyConstraint("dise_codg", "admdvs", "from_day"),
    )


def _division() -> None:
    op.create_table(
        "division",
        sa.Column("admdvs", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_admdvs", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("to_day", sa.Text(), nullable=True),
        sa.Column("published_in", sa.BigInteger(), nullable=False),
        sa.Column("closed_in", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("to_day IS NULL OR to_day >= from_day", name="division_days"),
        sa.PrimaryKeyConstraint("admdvs", "from_day"),
    )


def _institution() -> None:
    op.create_table(
        "institution",
        sa.Column("fixmedins_code", sa.Text(), nullable=False),
        sa.Column("fixmedins_name", sa.Text(), nullable=False),
        sa.Column("uscc", sa.Text(), nullable=False),
        sa.Column("fixmedins_type", sa.Text(), nullable=False),
        sa.Column("hosp_lv", sa.Text(), nullable=False),
        sa.Column("lmtpric_hosp_lv", sa.Text(), nullable=False),
        sa.Column("policy_hosp_lv", sa.Text(), nullable=False),
        sa.Column("admdvs", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("to_day", sa.Text(), nullable=True),
        sa.Column("published_in", sa.BigInteger(), nullable=False),
        sa.Column("closed_in", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("to_day IS NULL OR to_day >= from_day", name="institution_days"),
        sa.PrimaryKeyConstraint("fixmedins_code", "from_day"),
    )
    op.create_index("institution_of_type", "institution", ["fixmedins_type", "fixmedins_code"], unique=False)


def _item() -> None:
    op.create_table(
        "item",
        sa.Column("med_list_codg", sa.Text(), nullable=False),
        sa.Column("list_type", sa.Text(), nullable=False),
        sa.Column("item_name", sa.Text(), nullable=False),
        sa.Column("chrgitm_lv", sa.Text(), nullable=False),
        sa.Column("med_chrgitm_type", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("dosform_name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("lmt_used_flag", sa.Boolean(), nullable=False),
        sa.Column("bas_medn_flag", sa.Boolean(), nullable=False),
        sa.Column("hi_nego_drug_flag", sa.Boolean(), nullable=False),
        sa.Column("selfpay_e4", sa.BigInteger(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("to_day", sa.Text(), nullable=True),
        sa.Column("published_in", sa.BigInteger(), nullable=False),
        sa.Column("closed_in", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("chrgitm_lv IN ('01', '02', '03')", name="item_class"),
        sa.CheckConstraint("selfpay_e4 BETWEEN 0 AND 10000", name="item_share"),
        sa.CheckConstraint("to_day IS NULL OR to_day >= from_day", name="item_days"),
        sa.PrimaryKeyConstraint("med_list_codg", "from_day"),
    )


def _policy() -> None:
    op.create_table(
        "policy",
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("admdvs", sa.Text(), nullable=False),
        sa.Column("insutype", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version_on", sa.Text(), nullable=False),
        sa.Column("policy_hash", sa.Text(), nullable=False),
        sa.Column("document_json", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("to_day", sa.Text(), nullable=True),
        sa.Column("published_in", sa.BigInteger(), nullable=False),
        sa.Column("closed_in", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("to_day IS NULL OR to_day >= from_day", name="policy_days"),
        sa.PrimaryKeyConstraint("policy_id", "version", "from_day"),
        sa.UniqueConstraint("policy_hash", name="policy_content"),
        sa.UniqueConstraint("policy_id", "version", name="policy_version"),
    )


def _price_ceiling() -> None:
    op.create_table(
        "price_ceiling",
        sa.Column("med_list_codg", sa.Text(), nullable=False),
        sa.Column("admdvs", sa.Text(), nullable=False),
        sa.Column("lmtpric_hosp_lv", sa.Text(), nullable=False),
        sa.Column("pric_uplmt_e6", sa.BigInteger(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("to_day", sa.Text(), nullable=True),
        sa.Column("published_in", sa.BigInteger(), nullable=False),
        sa.Column("closed_in", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("pric_uplmt_e6 >= 0", name="price_ceiling_amount"),
        sa.CheckConstraint("to_day IS NULL OR to_day >= from_day", name="price_ceiling_days"),
        sa.PrimaryKeyConstraint("med_list_codg", "admdvs", "lmtpric_hosp_lv", "from_day"),
    )


def _publication() -> None:
    op.create_table(
        "publication",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("scope", "request_id", name="publication_request"),
    )


def _selfpay_ratio() -> None:
    op.create_table(
        "selfpay_ratio",
        sa.Column("med_list_codg", sa.Text(), nullable=False),
        sa.Column("admdvs", sa.Text(), nullable=False),
        sa.Column("hosp_lv", sa.Text(), nullable=False),
        sa.Column("selfpay_e4", sa.BigInteger(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("to_day", sa.Text(), nullable=True),
        sa.Column("published_in", sa.BigInteger(), nullable=False),
        sa.Column("closed_in", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("selfpay_e4 BETWEEN 0 AND 10000", name="selfpay_ratio_share"),
        sa.CheckConstraint("to_day IS NULL OR to_day >= from_day", name="selfpay_ratio_days"),
        sa.PrimaryKeyConstraint("med_list_codg", "admdvs", "hosp_lv", "from_day"),
    )


def _stack() -> None:
    op.create_table(
        "stack",
        sa.Column("admdvs", sa.Text(), nullable=False),
        sa.Column("insutype", sa.Text(), nullable=False),
        sa.Column("policy_ids", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("to_day", sa.Text(), nullable=True),
        sa.Column("published_in", sa.BigInteger(), nullable=False),
        sa.Column("closed_in", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("to_day IS NULL OR to_day >= from_day", name="stack_days"),
        sa.PrimaryKeyConstraint("admdvs", "insutype", "from_day"),
    )


def _term() -> None:
    op.create_table(
        "term",
        sa.Column("standard", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("to_day", sa.Text(), nullable=True),
        sa.Column("published_in", sa.BigInteger(), nullable=False),
        sa.Column("closed_in", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("to_day IS NULL OR to_day >= from_day", name="term_days"),
        sa.PrimaryKeyConstraint("standard", "code", "from_day"),
    )
