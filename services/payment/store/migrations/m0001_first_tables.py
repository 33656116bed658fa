"""The first tables of payment."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None


_TEXTS: Final = (
    "pay_ord_id fixmedins_code med_org_ord person fee_type admdvs psn_no insutype mdtrt_id chrg_bchno local_med_type psn_setlway"
    " invono ipt_otp_no phase goal trial_hash insured_cell setl_id auth open_no charge_no refund_no traceparent reason"
    " channel_code"
)
_PARTS: Final = "total fund acct other hosp cash mulaid bank"


def _columns(kind: Any, *names: str) -> list[Any]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def upgrade() -> None:
    """All tables."""
    _pay_auth()
    _pay_charge()
    _pay_decision()
    _pay_egress()
    _pay_event()
    _pay_notice()
    _pay_order()
    _pay_refund()
    _payment_entry()
    _pay_terminal()
    _reconciliation()


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, unique=False, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _pay_auth() -> None:
    op.create_table(
        "pay_auth",
        *_columns(sa.Text(), "auth", "psn_no", "fixmedins_code", "used_by"),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("auth"),
    )
    op.create_index("pay_auth_old", "pay_auth", ["expires_at"], unique=False)


def _pay_charge() -> None:
    op.create_table(
        "pay_charge",
        *_columns(sa.Text(), "charge_no", "pay_ord_id", "channel"),
        sa.Column("form", sa.Integer(), nullable=False),
        sa.Column("charge_fen", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        *_columns(sa.Text(), "state", "standing", "half"),
        sa.Column("charged_fen", sa.BigInteger(), nullable=False),
        *_columns(sa.Text(), "trade_no", "mix_trade_no", "return_no", "front", "traceparent"),
        *_columns(sa.BigInteger(), "created_at", "expires_at", "due_at", "asked_at", "paid_at", "returned_at"),
        *_columns(sa.BigInteger(), "said_total_fen", "returned_fen"),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.CheckConstraint("charge_fen >= 0 AND charged_fen >= 0", name="pay_charge_amounts"),
        sa.PrimaryKeyConstraint("charge_no"),
    )
    op.create_index("pay_charge_of_order", "pay_charge", ["pay_ord_id"], unique=False)
    op.create_index("pay_charge_made", "pay_charge", ["channel", "created_at", "charge_no"], unique=False)
    _partial("pay_charge_returned", "pay_charge", ["channel", "returned_at"], "returned_at > 0")
    _partial("pay_charge_return", "pay_charge", ["return_no"], "return_no <> ''")
    op.create_index(
        "pay_charge_held",
        "pay_charge",
        ["charge_no"],
        unique=False,
        sqlite_where=sa.text("state = 'held'"),
        postgresql_where=sa.text("state = 'held'"),
    )
    late = sa.text("state = 'ended' AND due_at > 0")
    op.create_index("pay_charge_late", "pay_charge", ["due_at"], unique=False, sqlite_where=late, postgresql_where=late)
    op.create_index(
        "pay_charge_stray",
        "pay_charge",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'returning'"),
        postgresql_where=sa.text("state = 'returning'"),
    )


def _pay_decision() -> None:
    texts = ("decision_no", "held_no", "pay_ord_id", "reason", "decision", "memo", "proof_no", "decided_by")
    op.create_table(
        "pay_decision",
        *_columns(sa.Text(), *texts),
        *_columns(sa.BigInteger(), "charged_fen", "decided_at"),
        sa.PrimaryKeyConstraint("decision_no"),
    )
    op.create_index("pay_decision_of_order", "pay_decision", ["pay_ord_id", "decision_no"], unique=False)


def _pay_egress() -> None:
    op.create_table(
        "pay_egress",
        *_columns(sa.Text(), "pay_ord_id", "told_key", "channel", "step", "number", "verb", "target", "content"),
        *_columns(sa.BigInteger(), "first_at", "last_at"),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.CheckConstraint("times > 0 AND first_at <= last_at", name="pay_egress_times"),
        sa.PrimaryKeyConstraint("pay_ord_id", "told_key"),
    )
    op.create_index("pay_egress_old", "pay_egress", ["last_at"], unique=False)


def _pay_event() -> None:
    op.create_table(
        "pay_event",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event"),
    )
    op.create_index("pay_event_old", "pay_event", ["heard_at"], unique=False)


def _pay_notice() -> None:
    op.create_table(
        "pay_notice",
        *_columns(sa.Text(), "notice_no", "pay_ord_id", "kind", "refund_no", "state"),
        *_columns(sa.BigInteger(), "made_at", "due_at", "done_at"),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("notice_no"),
    )
    op.create_index("pay_notice_of_order", "pay_notice", ["pay_ord_id"], unique=False)
    for name, column, state in (("due", "due_at", "open"), ("given_up", "notice_no", "given_up")):
        those = sa.text(f"state = '{state}'")
        op.create_index(
            f"pay_notice_{name}", "pay_notice", [column], unique=False, sqlite_where=those, postgresql_where=those
        )


def _pay_order() -> None:
    op.create_table(
        "pay_order",
        *_columns(sa.Text(), *_TEXTS.split()),
        *_columns(sa.Integer(), "order_type", "med_type", "acct_used_flag", "attempt", "tries", "version"),
        *_columns(sa.SmallInteger(), "stay", "own_visit", "has_split", "has_opened", "insured_returned", "agreed"),
        *_columns(sa.SmallInteger(), "has_balance"),
        *_columns(sa.BigInteger(), "fee_fen", "charged_fen", "refunded_fen", "balance_fen", "deposit_fen"),
        *_columns(
            sa.BigInteger(), *(f"{split}_{part}_fen" for split in ("tried", "opened") for part in _PARTS.split())
        ),
        *_columns(sa.BigInteger(), "saved_at", "changed_at", "due_at", "paid_at"),
        sa.CheckConstraint("has_split = 0 OR tried_total_fen = fee_fen", name="pay_order_whole"),
        sa.CheckConstraint(
            "opened_total_fen = opened_fund_fen + opened_acct_fen + opened_other_fen + opened_hosp_fen + opened_cash_fen",
            name="pay_order_opened",
        ),
        sa.CheckConstraint("refunded_fen BETWEEN 0 AND charged_fen", name="pay_order_refunded"),
        sa.CheckConstraint(
            "tried_total_fen = tried_fund_fen + tried_acct_fen + tried_other_fen + tried_hosp_fen + tried_cash_fen",
            name="pay_order_tried",
        ),
        sa.PrimaryKeyConstraint("pay_ord_id"),
    )
    op.create_index(
        "pay_order_due",
        "pay_order",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("phase NOT IN ('saved', 'tried', 'paid', 'failed', 'revoked', 'held')"),
        postgresql_where=sa.text("phase NOT IN ('saved', 'tried', 'paid', 'failed', 'revoked', 'held')"),
    )
    _partial("pay_order_of_stay", "pay_order", ["mdtrt_id"], "(order_type = 3 OR deposit_fen > 0)")
    op.create_index(
        "pay_order_held",
        "pay_order",
        ["changed_at"],
        unique=False,
        sqlite_where=sa.text("phase = 'held'"),
        postgresql_where=sa.text("phase = 'held'"),
    )
    _partial("pay_order_paid", "pay_order", ["paid_at", "pay_ord_id"], "paid_at > 0")
    op.create_index("pay_order_of_institution", "pay_order", ["fixmedins_code", "med_org_ord"], unique=True)


def _pay_refund() -> None:
    op.create_table(
        "pay_refund",
        *_columns(sa.Text(), "refund_no", "pay_ord_id", "asked_no", "kind"),
        sa.Column("insured_fen", sa.BigInteger(), nullable=False),
        sa.Column("cash_fen", sa.BigInteger(), nullable=False),
        sa.Column("card_fen", sa.BigInteger(), nullable=False),
        sa.Column("said_fen", sa.BigInteger(), nullable=False),
        *_columns(sa.Text(), "state", "counter_setl_id", "reason"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("insured_fen >= 0 AND cash_fen >= 0 AND card_fen >= 0", name="pay_refund_amounts"),
        sa.PrimaryKeyConstraint("refund_no"),
    )
    _partial("pay_refund_done", "pay_refund", ["done_at", "refund_no"], "done_at > 0")
    op.create_index("pay_refund_asked", "pay_refund", ["pay_ord_id", "asked_no"], unique=True)


def _payment_entry() -> None:
    op.create_table(
        "payment_entry",
        *_columns(sa.Text(), "scope", "request_id", "rpc", "content_hash"),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "request_id"),
    )


def _pay_terminal() -> None:
    op.create_table(
        "pay_terminal",
        *_columns(sa.Text(), "merchant_no", "terminal_no", "batch"),
        sa.Column("trace", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_no", "terminal_no"),
    )
    op.create_table(
        "pay_terminal_line",
        *_columns(sa.Text(), "number", "merchant_no", "terminal_no", "move", "of_number"),
        *_columns(sa.Text(), "batch", "trace", "state", "day", "rrn", "code"),
        *_columns(sa.BigInteger(), "amount_fen", "begun_at", "changed_at"),
        sa.CheckConstraint("amount_fen >= 0", name="pay_terminal_line_amount"),
        sa.PrimaryKeyConstraint("number"),
    )
    pos = ["merchant_no", "terminal_no"]
    op.create_index("pay_terminal_line_batch", "pay_terminal_line", [*pos, "batch", "begun_at"], unique=False)
    op.create_index("pay_terminal_line_of", "pay_terminal_line", ["of_number"], unique=False)
    op.create_index(
        "pay_terminal_line_open",
        "pay_terminal_line",
        [*pos, "begun_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('sent', 'undoing')"),
        postgresql_where=sa.text("state IN ('sent', 'undoing')"),
    )


def _reconciliation() -> None:
    op.create_table(
        "pay_run",
        *_columns(sa.Text(), "run_no", "day", "state", "stage"),
        sa.Column("only_look", sa.SmallInteger(), nullable=False),
        *_columns(sa.BigInteger(), "begun_at", "beat_at", "ended_at"),
        *_columns(sa.Integer(), "lines", "charges", "orders", "settlements", "other_lines", "unasked", "statements"),
        *_columns(sa.Text(), "unread", "memo"),
        sa.PrimaryKeyConstraint("run_no"),
    )
    op.create_index("pay_run_of_day", "pay_run", ["day", "run_no"], unique=False)
    running = sa.text("state = 'running'")
    op.create_index("pay_run_running", "pay_run", ["day"], unique=True, sqlite_where=running, postgresql_where=running)
    bill = ("day", "channel", "merchant_no")
    op.create_table(
        "pay_bill",
        *_columns(sa.Text(), *bill),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*bill),
    )
    op.create_table(
        "pay_bill_line",
        *_columns(sa.Text(), *bill),
        sa.Column("line_no", sa.Integer(), nullable=False),
        *_columns(sa.Text(), "kind", "number", "trade_no"),
        *_columns(sa.BigInteger(), "amount_fen", "fee_fen"),
        *_columns(sa.Text(), "booked_on", "currency"),
        sa.PrimaryKeyConstraint(*bill, "line_no"),
    )
    op.create_index("pay_bill_line_of", "pay_bill_line", ["number"], unique=False)
    op.create_table(
        "pay_difference",
        *_columns(
            sa.Text(), "difference_no", "key", "day", "run_no", "kind", "repair", "state", "channel", "merchant_no"
        ),
        *_columns(sa.Text(), "fixmedins_code", "pay_ord_id", "number", "trade_no"),
        *_columns(sa.BigInteger(), "here_fen", "there_fen"),
        *_columns(sa.Text(), "here", "there", "note"),
        *_columns(sa.BigInteger(), "found_at", "changed_at"),
        sa.PrimaryKeyConstraint("difference_no"),
        sa.UniqueConstraint("key", name="pay_difference_key"),
    )
    op.create_index("pay_difference_of_day", "pay_difference", ["day", "difference_no"], unique=False)
    _partial("pay_difference_open", "pay_difference", ["number"], "state = 'open'")
