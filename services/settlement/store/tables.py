"""Settlement's tables, the same on SQLite and PostgreSQL: money in fen, the sum rules as constraints of the row.

A row changes in its state and in what the state names: a settled batch its settlement, a cancelled line the batch that
takes it back. An encounter also changes where more is told of it, and each message stands in its entry: 2203 (kind of
care, begin, disease, `exp_content`, `details`), 2402 (end, disease, `exp_content`, `details`), 2405 (end) and a repeated
2201 (ecToken); a diagnosis stands until a later message tells others; a stay in another cell is held or released. Every
other correction is a new row. It holds no query.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from services.runtime.db import Fen, Json, Moment
from services.settlement.domain.benefits.outcome import FUND_FIELDS, MONEY_FIELDS

METADATA: Final = MetaData()


def _content_columns() -> tuple[Column[Any], ...]:
    """What stands beside the content hash of a request: its version, and the regions that the request resolved to."""
    return (
        # 1: operator and regions are in the hash.
        Column("hash_version", Integer, nullable=False, server_default="1"),
        # Insured place and place of care, `990100/990100`.
        Column("regions", Text, nullable=False, server_default=""),
    )


ENCOUNTER: Final = Table(
    "encounter",
    METADATA,
    Column("mdtrt_id", Text, primary_key=True),
    Column("fixmedins_code", Text, nullable=False),
    Column("psn_no", Text, nullable=False),
    Column("insutype", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ipt_otp_no", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("med_type", Text, nullable=False),
    Column("begin_at", Moment, nullable=False),
    Column("end_at", Moment),
    Column("insuplc_admdvs", Text, nullable=False),
    Column("mdtrtarea_admvs", Text, nullable=False),
    Column("mdtrt_cert_type", Text, nullable=False),
    Column("dise_codg", Text, nullable=False),
    Column("dise_name", Text, nullable=False),
    Column("exp_content", Text, nullable=False),
    Column("details", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
    # The ecToken shown at registration; a bill that shows nothing of its own spends it.
    Column("ec_token_digest", Text),
    # The code of a province's own kind of care, where med_type was told so.
    Column("local_med_type", Text, nullable=False, server_default=""),
    # The other cell that insures the person; empty where this one does.
    Column("insured_cell", Text, nullable=False, server_default=""),
    CheckConstraint("kind IN ('visit', 'stay')", name="encounter_kind"),
    CheckConstraint("state IN ('open', 'discharged', 'cancelled')", name="encounter_state"),
    Index("encounter_of_person", "fixmedins_code", "psn_no", "begin_at"),
    Index(
        "encounter_open_visit",
        "fixmedins_code",
        "psn_no",
        "ipt_otp_no",
        unique=True,
        sqlite_where=text("kind = 'visit' AND state = 'open'"),
        postgresql_where=text("kind = 'visit' AND state = 'open'"),
    ),
    Index(
        "encounter_open_stay",
        "psn_no",
        unique=True,
        sqlite_where=text("kind = 'stay' AND state = 'open'"),
        postgresql_where=text("kind = 'stay' AND state = 'open'"),
    ),
)

STAY_RESERVATION: Final = Table(
    "stay_reservation",
    METADATA,
    Column("mdtrt_id", Text, primary_key=True),
    # The member that holds it, and alone releases it.
    Column("opener", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("psn_no", Text, nullable=False),
    Column("fixmedins_code", Text, nullable=False),
    Column("care_cell", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("begin_at", Moment, nullable=False),
    Column("reserved_at", Moment, nullable=False),
    Column("released_at", Moment),
    CheckConstraint("state IN ('held', 'released')", name="stay_reservation_state"),
    CheckConstraint("(state = 'released') = (released_at IS NOT NULL)", name="stay_reservation_released"),
    # With the open stays here it is one at a time: who writes either holds the person.
    Index(
        "stay_reservation_held",
        "psn_no",
        unique=True,
        sqlite_where=text("state = 'held'"),
        postgresql_where=text("state = 'held'"),
    ),
)

ENCOUNTER_ENTRY: Final = Table(
    "encounter_entry",
    METADATA,
    Column("entry_id", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("rpc", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("mdtrt_id", Text),
    Column("kind", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    *_content_columns(),
    UniqueConstraint("scope", "request_id", name="encounter_entry_request"),
    Index("encounter_entry_of", "mdtrt_id"),
)

DIAGNOSIS: Final = Table(
    "diagnosis",
    METADATA,
    Column("diag_info_id", Text, primary_key=True),
    Column("mdtrt_id", Text, nullable=False),
    Column("stage", Text, nullable=False),
    # The place among the rows of the message, from 1.
    Column("row_no", Integer, nullable=False),
    Column("diag_type", Text, nullable=False),
    Column("maindiag_flag", Text, nullable=False),
    Column("diag_srt_no", Text, nullable=False),
    Column("diag_code", Text, nullable=False),
    Column("diag_name", Text, nullable=False),
    Column("adm_cond", Text, nullable=False),
    Column("diag_dept", Text, nullable=False),
    Column("dise_dor_no", Text, nullable=False),
    Column("dise_dor_name", Text, nullable=False),
    Column("diag_time", Moment),
    Column("vali_flag", Text, nullable=False),
    Column("told_at", Moment, nullable=False),
    Column("opter", Text, nullable=False),
    Column("opter_name", Text, nullable=False),
    Column("state", Text, nullable=False),
    CheckConstraint("stage IN ('visit', 'admission', 'discharge')", name="diagnosis_stage"),
    CheckConstraint("state IN ('standing', 'replaced')", name="diagnosis_state"),
    Index("diagnosis_of", "mdtrt_id"),
)

FEE_BATCH: Final = Table(
    "fee_batch",
    METADATA,
    Column("fee_batch_id", Text, primary_key=True),
    Column("mdtrt_id", Text, nullable=False),
    Column("chrg_bchno", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("setl_id", Text),
    Column("medfee_fen", Fen, nullable=False),
    Column("fulamt_ownpay_fen", Fen, nullable=False),
    Column("overlmt_fen", Fen, nullable=False),
    Column("preselfpay_fen", Fen, nullable=False),
    Column("inscp_fen", Fen, nullable=False),
    # What the hospital bears of overlmt_fen, here and of a line.
    Column("hosp_part_fen", Fen, nullable=False, server_default="0"),
    Column("exempt_json", Json, nullable=False),
    Column("line_count", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    # Who uploaded it; empty on a cancelling batch.
    Column("opter", Text, nullable=False),
    Column("opter_name", Text, nullable=False),
    CheckConstraint("kind IN ('upload', 'cancel')", name="fee_batch_kind"),
    CheckConstraint("state IN ('open', 'settled', 'cancelled')", name="fee_batch_state"),
    CheckConstraint("(state = 'settled') = (setl_id IS NOT NULL)", name="fee_batch_settled"),
    CheckConstraint(
        "medfee_fen = fulamt_ownpay_fen + overlmt_fen + preselfpay_fen + inscp_fen", name="fee_batch_balances"
    ),
    Index("fee_batch_of", "mdtrt_id", "state"),
    Index("fee_batch_settled_by", "setl_id"),
)

FEE_LINE: Final = Table(
    "fee_line",
    METADATA,
    Column("line_id", Text, primary_key=True),
    Column("mdtrt_id", Text, nullable=False),
    Column("feedetl_sn", Text, nullable=False),
    Column("fee_batch_id", Text, nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("fee_at", Moment, nullable=False),
    Column("amount_fen", Fen, nullable=False),
    Column("fulamt_ownpay_fen", Fen, nullable=False),
    Column("overlmt_fen", Fen, nullable=False),
    Column("preselfpay_fen", Fen, nullable=False),
    Column("inscp_fen", Fen, nullable=False),
    Column("hosp_part_fen", Fen, nullable=False, server_default="0"),
    Column("init_feedetl_sn", Text, nullable=False),
    Column("cnt", Text, nullable=False),
    Column("detail", LargeBinary, nullable=False),
    Column("split", LargeBinary, nullable=False),
    # The cancelling batch that takes a single line back; none where the line's own batch is cancelled.
    Column("cancelled_by", Text),
    CheckConstraint("state IN ('open', 'cancelled')", name="fee_line_state"),
    CheckConstraint("state = 'cancelled' OR cancelled_by IS NULL", name="fee_line_cancelled"),
    CheckConstraint(
        "amount_fen = fulamt_ownpay_fen + overlmt_fen + preselfpay_fen + inscp_fen", name="fee_line_balances"
    ),
    CheckConstraint("hosp_part_fen = 0 OR hosp_part_fen = overlmt_fen", name="fee_line_hospital"),
    Index(
        "fee_line_standing",
        "mdtrt_id",
        "feedetl_sn",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index("fee_line_of_batch", "fee_batch_id"),
)

_FUNDS: Final = " + ".join(f"{name}_fen" for name in FUND_FIELDS)
_PARTS: Final = "fulamt_ownpay_amt_fen + overlmt_selfpay_fen + preselfpay_amt_fen"


def _all(sign: str) -> str:
    """Every component on one side of zero: a reversal negates them all."""
    return " AND ".join(f"{name} {sign} 0" for name in MONEY_FIELDS)


SETTLEMENT: Final = Table(
    "settlement",
    METADATA,
    Column("setl_id", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("rpc", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("response", LargeBinary, nullable=False),
    # A void stands where a message would have stood that 2601 took back before it came.
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reverses", Text, unique=True),
    Column("mdtrt_id", Text, nullable=False),
    Column("psn_no", Text, nullable=False),
    Column("insutype", Text, nullable=False),
    Column("insuplc_admdvs", Text, nullable=False),
    Column("benefit_year", Text, nullable=False),
    # Place in the person's ledger of the year; a void has none, nor what another cell insures.
    Column("ledger_seq", BigInteger),
    Column("med_type", Text, nullable=False),
    Column("setl_at", Moment, nullable=False),
    Column("ec_token_digest", Text),
    Column("msgid", Text, nullable=False),
    Column("opter", Text, nullable=False),
    Column("opter_name", Text, nullable=False),
    Column("invono", Text, nullable=False),
    Column("policies_json", Json, nullable=False),
    # Ids of the fee batches that it settles, kept after a reversal opens them; none of a counter-entry or void. A carried
    # bill's lines stand in `carried_bill`: it names them all as one batch, which is no row.
    Column("fee_batches_json", Json, nullable=False),
    Column("record", LargeBinary, nullable=False),
    *(Column(name, Fen, nullable=False, server_default="0") for name in MONEY_FIELDS),
    Column("pool_prop_selfpay_e4", BigInteger, nullable=False, server_default="0"),
    # 1 where a layer pays for advance self-pay too: the one exception to identity 9.
    Column("preselfpay_in_base", Integer, nullable=False, server_default="0"),
    *_content_columns(),
    # The other cell whose ledgers it moved: it has no place in a ledger here. Empty for this one.
    Column("insured_cell", Text, nullable=False, server_default=""),
    # On what it was decided, for a replay; empty of what was decided before this was kept, or in another cell.
    Column("basis", Text, nullable=False, server_default=""),
    # The settlement that was first settled, in whose place a replay put this one.
    Column("replays", Text),
    CheckConstraint("kind IN ('settle', 'reverse', 'void')", name="settlement_kind"),
    # The bill of an order is pending until that is confirmed or void; a voided one keeps its row, its counter-entry too.
    CheckConstraint(
        "state IN ('standing', 'voided') OR state IN ('pending', 'reversed') AND kind = 'settle'",
        name="settlement_state",
    ),
    CheckConstraint("(kind = 'reverse') = (reverses IS NOT NULL)", name="settlement_reverses"),
    CheckConstraint("(kind = 'settle') = (fee_batches_json <> '[]')", name="settlement_batches"),
    CheckConstraint(f"medfee_sumamt_fen = {_PARTS} + inscp_scp_amt_fen", name="settlement_parts"),
    CheckConstraint(f"fund_pay_sumamt_fen = {_FUNDS}", name="settlement_funds"),
    CheckConstraint(
        "medfee_sumamt_fen = fund_pay_sumamt_fen + psn_part_amt_fen + hosp_part_amt_fen", name="settlement_payers"
    ),
    CheckConstraint(
        "psn_part_amt_fen = acct_pay_fen + psn_cash_pay_fen AND abs(acct_mulaid_pay_fen) <= abs(acct_pay_fen)",
        name="settlement_person",
    ),
    CheckConstraint(f"CASE WHEN kind = 'reverse' THEN {_all('<=')} ELSE {_all('>=')} END", name="settlement_sign"),
    CheckConstraint(
        f"abs(psn_part_amt_fen + hosp_part_amt_fen) + preselfpay_in_base * abs(preselfpay_amt_fen) >= abs({_PARTS})",
        name="settlement_outside_scope",
    ),
    UniqueConstraint("scope", "request_id", name="settlement_request"),
    UniqueConstraint(
        "psn_no", "insutype", "insuplc_admdvs", "benefit_year", "ledger_seq", name="settlement_ledger_place"
    ),
    Index(
        "settlement_ec_token",
        "ec_token_digest",
        unique=True,
        # A reversal gives an ecToken back to nobody, a void does.
        sqlite_where=text("kind = 'settle' AND state <> 'voided'"),
        postgresql_where=text("kind = 'settle' AND state <> 'voided'"),
    ),
    Index("settlement_by_msgid", "scope", "msgid"),
    Index("settlement_of", "mdtrt_id"),
    Index(
        "settlement_replaying",
        "replays",
        sqlite_where=text("replays IS NOT NULL"),
        postgresql_where=text("replays IS NOT NULL"),
    ),
    # Read by statements: an institution's settlements of some days; what was reversed since a moment.
    Index("settlement_of_institution", "scope", "setl_at"),
    Index(
        "settlement_reversed_at",
        "setl_at",
        "reverses",
        sqlite_where=text("kind = 'reverse'"),
        postgresql_where=text("kind = 'reverse'"),
    ),
    # Read backwards by the person's own list.
    Index("settlement_of_person", "psn_no", "setl_at", "setl_id"),
)

ACCUMULATOR_ENTRY: Final = Table(
    "accumulator_entry",
    METADATA,
    Column("psn_no", Text, nullable=False),
    Column("insutype", Text, nullable=False),
    Column("insuplc_admdvs", Text, nullable=False),
    Column("benefit_year", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("delta", BigInteger, nullable=False),
    Column("source_id", Text, nullable=False),
    PrimaryKeyConstraint(
        "psn_no", "insutype", "insuplc_admdvs", "benefit_year", "seq", "key", name="accumulator_place"
    ),
    Index("accumulator_source", "source_id"),
)

POSTING: Final = Table(
    "posting",
    METADATA,
    Column("source_id", Text, nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("ledger_account", Text, nullable=False),
    Column("owner_psn_no", Text),
    Column("owner_insutype", Text),
    Column("amount_fen", Fen, nullable=False),
    Column("current_year_fen", Fen, nullable=False),
    Column("account_seq", BigInteger),
    Column("balance_after", Fen),
    Column("current_year_after", Fen),
    Column("benefit_year", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    PrimaryKeyConstraint("source_id", "line_no", name="posting_place"),
    CheckConstraint(
        "(ledger_account = 'account') = (account_seq IS NOT NULL)"
        " AND (account_seq IS NULL) = (balance_after IS NULL)"
        " AND (account_seq IS NULL) = (owner_psn_no IS NULL)",
        name="posting_account",
    ),
    CheckConstraint("balance_after IS NULL OR balance_after >= 0", name="posting_balance"),
    UniqueConstraint("owner_psn_no", "owner_insutype", "account_seq", name="posting_account_place"),
)

LEDGER_ENTRY: Final = Table(
    "ledger_entry",
    METADATA,
    Column("entry_id", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("rpc", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
    *_content_columns(),
    UniqueConstraint("scope", "request_id", name="ledger_entry_request"),
)
