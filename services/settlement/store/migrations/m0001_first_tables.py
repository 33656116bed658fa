"""The tables of settlement before stores had versions. A store that stands is taken for this; none is made by it but in tests."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None

_FUND_FIELDS: Final = (
    "hifp_pay",
    "cvlserv_pay",
    "hifes_pay",
    "hifmi_pay",
    "hifob_pay",
    "maf_pay",
    "oth_pay",
)
_MONEY_FIELDS: Final = (
    "medfee_sumamt_fen",
    "fulamt_ownpay_amt_fen",
    "overlmt_selfpay_fen",
    "preselfpay_amt_fen",
    "inscp_scp_amt_fen",
    "act_pay_dedc_fen",
    "hifp_pay_fen",
    "cvlserv_pay_fen",
    "hifes_pay_fen",
    "hifmi_pay_fen",
    "hifob_pay_fen",
    "maf_pay_fen",
    "oth_pay_fen",
    "fund_pay_sumamt_fen",
    "psn_part_amt_fen",
    "acct_pay_fen",
    "acct_mulaid_pay_fen",
    "psn_cash_pay_fen",
    "hosp_part_amt_fen",
    "pool_prop_selfpay_amt_fen",
)
_FUNDS: Final = " + ".join(f"{name}_fen" for name in _FUND_FIELDS)
_PARTS: Final = "fulamt_ownpay_amt_fen + overlmt_selfpay_fen + preselfpay_amt_fen"


def upgrade() -> None:
    """All tables."""
    _encounter()
    _encounter_entry()
    _fee_batch()
    _fee_line()
    _settlement()
    _accumulator_entry()
    _posting()
    _ledger_entry()


def _all(sign: str) -> str:
    return " AND ".join(f"{name} {sign} 0" for name in _MONEY_FIELDS)


def _encounter() -> None:
    op.create_table(
        "encounter",
        sa.Column("mdtrt_id", sa.Text, primary_key=True),
        sa.Column("fixmedins_code", sa.Text, nullable=False),
        sa.Column("psn_no", sa.Text, nullable=False),
        sa.Column("insutype", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("ipt_otp_no", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("med_type", sa.Text, nullable=False),
        sa.Column("begin_at", sa.BigInteger, nullable=False),
        sa.Column("end_at", sa.BigInteger),
        sa.Column("insuplc_admdvs", sa.Text, nullable=False),
        sa.Column("mdtrtarea_admvs", sa.Text, nullable=False),
        sa.Column("mdtrt_cert_type", sa.Text, nullable=False),
        sa.Column("dise_codg", sa.Text, nullable=False),
        sa.Column("dise_name", sa.Text, nullable=False),
        sa.Column("exp_content", sa.Text, nullable=False),
        sa.Column("details", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("ec_token_digest", sa.Text),
        sa.CheckConstraint("kind IN ('visit', 'stay')", name="encounter_kind"),
        sa.CheckConstraint("state IN ('open', 'discharged', 'cancelled')", name="encounter_state"),
        sa.Index("encounter_of_person", "fixmedins_code", "psn_no", "begin_at"),
        sa.Index(
            "encounter_open_visit",
            "fixmedins_code",
            "psn_no",
            "ipt_otp_no",
            unique=True,
            sqlite_where=sa.text("kind = 'visit' AND state = 'open'"),
            postgresql_where=sa.text("kind = 'visit' AND state = 'open'"),
        ),
        sa.Index(
            "encounter_open_stay",
            "psn_no",
            unique=True,
            sqlite_where=sa.text("kind = 'stay' AND state = 'open'"),
            postgresql_where=sa.text("kind = 'stay' AND state = 'open'"),
        ),
    )


def _encounter_entry() -> None:
    op.create_table(
        "encounter_entry",
        sa.Column("entry_id", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("rpc", sa.Text, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("response", sa.LargeBinary, nullable=False),
        sa.Column("mdtrt_id", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("scope", "request_id", name="encounter_entry_request"),
        sa.Index("encounter_entry_of", "mdtrt_id"),
    )


def _fee_batch() -> None:
    op.create_table(
        "fee_batch",
        sa.Column("fee_batch_id", sa.Text, primary_key=True),
        sa.Column("mdtrt_id", sa.Text, nullable=False),
        sa.Column("chrg_bchno", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("setl_id", sa.Text),
        sa.Column("medfee_fen", sa.BigInteger, nullable=False),
        sa.Column("fulamt_ownpay_fen", sa.BigInteger, nullable=False),
        sa.Column("overlmt_fen", sa.BigInteger, nullable=False),
        sa.Column("preselfpay_fen", sa.BigInteger, nullable=False),
        sa.Column("inscp_fen", sa.BigInteger, nullable=False),
        sa.Column("exempt_json", sa.Text, nullable=False),
        sa.Column("line_count", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("opter", sa.Text, nullable=False),
        sa.Column("opter_name", sa.Text, nullable=False),
        sa.CheckConstraint("kind IN ('upload', 'cancel')", name="fee_batch_kind"),
        sa.CheckConstraint("state IN ('open', 'settled', 'cancelled')", name="fee_batch_state"),
        sa.CheckConstraint("(state = 'settled') = (setl_id IS NOT NULL)", name="fee_batch_settled"),
        sa.CheckConstraint(
            "medfee_fen = fulamt_ownpay_fen + overlmt_fen + preselfpay_fen + inscp_fen", name="fee_batch_balances"
        ),
        sa.Index("fee_batch_of", "mdtrt_id", "state"),
        sa.Index("fee_batch_settled_by", "setl_id"),
    )


def _fee_line() -> None:
    op.create_table(
        "fee_line",
        sa.Column("line_id", sa.Text, primary_key=True),
        sa.Column("mdtrt_id", sa.Text, nullable=False),
        sa.Column("feedetl_sn", sa.Text, nullable=False),
        sa.Column("fee_batch_id", sa.Text, nullable=False),
        sa.Column("line_no", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("fee_at", sa.BigInteger, nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("fulamt_ownpay_fen", sa.BigInteger, nullable=False),
        sa.Column("overlmt_fen", sa.BigInteger, nullable=False),
        sa.Column("preselfpay_fen", sa.BigInteger, nullable=False),
        sa.Column("inscp_fen", sa.BigInteger, nullable=False),
        sa.Column("init_feedetl_sn", sa.Text, nullable=False),
        sa.Column("cnt", sa.Text, nullable=False),
        sa.Column("detail", sa.LargeBinary, nullable=False),
        sa.Column("split", sa.LargeBinary, nullable=False),
        sa.Column("cancelled_by", sa.Text),
        sa.CheckConstraint("state IN ('open', 'cancelled')", name="fee_line_state"),
        sa.CheckConstraint("state = 'cancelled' OR cancelled_by IS NULL", name="fee_line_cancelled"),
        sa.CheckConstraint(
            "amount_fen = fulamt_ownpay_fen + overlmt_fen + preselfpay_fen + inscp_fen", name="fee_line_balances"
        ),
        sa.Index(
            "fee_line_standing",
            "mdtrt_id",
            "feedetl_sn",
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index("fee_line_of_batch", "fee_batch_id"),
    )


def _settlement_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("setl_id", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("rpc", sa.Text, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("response", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reverses", sa.Text, unique=True),
        sa.Column("mdtrt_id", sa.Text, nullable=False),
        sa.Column("psn_no", sa.Text, nullable=False),
        sa.Column("insutype", sa.Text, nullable=False),
        sa.Column("insuplc_admdvs", sa.Text, nullable=False),
        sa.Column("benefit_year", sa.Text, nullable=False),
        sa.Column("ledger_seq", sa.BigInteger),
        sa.Column("med_type", sa.Text, nullable=False),
        sa.Column("setl_at", sa.BigInteger, nullable=False),
        sa.Column("ec_token_digest", sa.Text),
        sa.Column("msgid", sa.Text, nullable=False),
        sa.Column("opter", sa.Text, nullable=False),
        sa.Column("opter_name", sa.Text, nullable=False),
        sa.Column("invono", sa.Text, nullable=False),
        sa.Column("policies_json", sa.Text, nullable=False),
        sa.Column("fee_batches_json", sa.Text, nullable=False),
        sa.Column("record", sa.LargeBinary, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in _MONEY_FIELDS),
        sa.Column("pool_prop_selfpay_e4", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("preselfpay_in_base", sa.Integer, nullable=False, server_default="0"),
    )


def _settlement_checks() -> tuple[sa.CheckConstraint, ...]:
    return (
        sa.CheckConstraint("kind IN ('settle', 'reverse', 'void')", name="settlement_kind"),
        sa.CheckConstraint("state IN ('standing', 'reversed')", name="settlement_state"),
        sa.CheckConstraint("(kind = 'reverse') = (reverses IS NOT NULL)", name="settlement_reverses"),
        sa.CheckConstraint("(kind = 'settle') = (fee_batches_json <> '[]')", name="settlement_batches"),
        sa.CheckConstraint(f"medfee_sumamt_fen = {_PARTS} + inscp_scp_amt_fen", name="settlement_parts"),
        sa.CheckConstraint(f"fund_pay_sumamt_fen = {_FUNDS}", name="settlement_funds"),
        sa.CheckConstraint(
            "medfee_sumamt_fen = fund_pay_sumamt_fen + psn_part_amt_fen + hosp_part_amt_fen", name="settlement_payers"
        ),
        sa.CheckConstraint(
            "psn_part_amt_fen = acct_pay_fen + psn_cash_pay_fen AND abs(acct_mulaid_pay_fen) <= abs(acct_pay_fen)",
            name="settlement_person",
        ),
        sa.CheckConstraint(
            f"CASE WHEN kind = 'reverse' THEN {_all('<=')} ELSE {_all('>=')} END", name="settlement_sign"
        ),
        sa.CheckConstraint(
            f"abs(psn_part_amt_fen + hosp_part_amt_fen) + preselfpay_in_base * abs(preselfpay_amt_fen) >= abs({_PARTS})",
            name="settlement_outside_scope",
        ),
    )


def _settlement() -> None:
    op.create_table(
        "settlement",
        *_settlement_columns(),
        *_settlement_checks(),
        sa.UniqueConstraint("scope", "request_id", name="settlement_request"),
        sa.UniqueConstraint(
            "psn_no", "insutype", "insuplc_admdvs", "benefit_year", "ledger_seq", name="settlement_ledger_place"
        ),
        sa.Index(
            "settlement_ec_token",
            "ec_token_digest",
            unique=True,
            sqlite_where=sa.text("kind = 'settle'"),
            postgresql_where=sa.text("kind = 'settle'"),
        ),
        sa.Index("settlement_by_msgid", "scope", "msgid"),
        sa.Index("settlement_of", "mdtrt_id"),
    )


def _accumulator_entry() -> None:
    op.create_table(
        "accumulator_entry",
        sa.Column("psn_no", sa.Text, nullable=False),
        sa.Column("insutype", sa.Text, nullable=False),
        sa.Column("insuplc_admdvs", sa.Text, nullable=False),
        sa.Column("benefit_year", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("delta", sa.BigInteger, nullable=False),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint(
            "psn_no", "insutype", "insuplc_admdvs", "benefit_year", "seq", "key", name="accumulator_place"
        ),
        sa.Index("accumulator_source", "source_id"),
    )


def _posting() -> None:
    op.create_table(
        "posting",
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("line_no", sa.Integer, nullable=False),
        sa.Column("ledger_account", sa.Text, nullable=False),
        sa.Column("owner_psn_no", sa.Text),
        sa.Column("owner_insutype", sa.Text),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("current_year_fen", sa.BigInteger, nullable=False),
        sa.Column("account_seq", sa.BigInteger),
        sa.Column("balance_after", sa.BigInteger),
        sa.Column("current_year_after", sa.BigInteger),
        sa.Column("benefit_year", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("source_id", "line_no", name="posting_place"),
        sa.CheckConstraint(
            "(ledger_account = 'account') = (account_seq IS NOT NULL)"
            " AND (account_seq IS NULL) = (balance_after IS NULL)"
            " AND (account_seq IS NULL) = (owner_psn_no IS NULL)",
            name="posting_account",
        ),
        sa.CheckConstraint("balance_after IS NULL OR balance_after >= 0", name="posting_balance"),
        sa.UniqueConstraint("owner_psn_no", "owner_insutype", "account_seq", name="posting_account_place"),
    )


def _ledger_entry() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column("entry_id", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("rpc", sa.Text, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("response", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("scope", "request_id", name="ledger_entry_request"),
    )
