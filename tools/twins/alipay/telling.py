"""What the platform tells of a trade, in its own words: the fields that queries and notifies share."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from services.kernel.money import yuan_text
from tools.twins.alipay import outcomes
from tools.twins.alipay.fields import moment
from tools.twins.alipay.trades import Form, Parts, Status, Trade
from tools.twins.faults import Fault, Faults

UNNAMED_STATUS: Final = "TRADE_PENDING"
"""A status that no document names."""
_TOO_MUCH_FEN: Final = 1


def facts(faults: Faults, trade: Trade) -> dict[str, str]:
    """The fields of a trade; a medical one also tells its halves and all parts. Empty ones are left out by who sends."""
    differs = outcomes.follows(faults, trade, Fault.NOTIFY_DIFFERS) is not None
    wrong = _TOO_MUCH_FEN if differs else 0
    parts = trade.parts
    told = {
        "out_trade_no": trade.out_trade_no,
        "trade_no": trade.trade_no,
        "subject": trade.subject,
        "trade_status": str(trade.status()),
        "total_amount": yuan_text(parts.total_fen + wrong),
    }
    if trade.form is Form.MEDICAL:
        return told | _medical(trade, parts, wrong)
    return told | {
        "buyer_id": trade.user_id,
        "buyer_user_id": trade.user_id,
        "buyer_logon_id": "twi***@sandbox.invalid",
        "buyer_pay_amount": yuan_text(parts.own_fen + wrong if trade.paid_at else 0),
        "receipt_amount": yuan_text(parts.own_fen + wrong if trade.paid_at else 0),
        "gmt_create": moment(trade.created_at),
        "gmt_payment": _moment(trade.paid_at),
        "send_pay_date": _moment(trade.paid_at),
    }


def _medical(trade: Trade, parts: Parts, wrong: int) -> dict[str, str]:
    return {
        "alipay_trade_no": trade.alipay_trade_no,
        "medical_pay_status": str(trade.medical),
        "medical_pay_msg": trade.medical_msg,
        "own_pay_status": str(trade.own),
        "gov_amount": yuan_text(parts.gov_fen),
        "account_amount": yuan_text(parts.account_fen),
        "other_amount": yuan_text(parts.other_fen),
        "real_amount": yuan_text(parts.own_fen + wrong),
        "gmt_out_create": trade.asked.get("gmt_out_create", ""),
        "gmt_own_paid": _moment(trade.paid_at if trade.own else None),
        "gmt_medical_paid": _moment(trade.medical_paid_at),
        "gmt_refund": _moment(_returned_at(trade)),
        "refund_amount": yuan_text(trade.refunded_fen) if trade.refunded_fen else "",
        "rels_pay_flag": trade.asked.get("rels_pay_flag", "0"),
        **{name: trade.asked.get(name, "") for name in ("med_org_ord", "pay_order_id", "org_no", "chrg_bch_no")},
        **{name: trade.asked.get(name, "") for name in ("order_type", "request_content", "store_id", "shop_id")},
    }


def _returned_at(trade: Trade) -> datetime | None:
    moments = [each.done_at for each in trade.refunds if each.done_at is not None]
    if trade.medical_returned_at is not None and trade.medical is Status.CLOSED:
        moments.append(trade.medical_returned_at)
    return max(moments, default=None)


def _moment(at: datetime | None) -> str:
    return "" if at is None else moment(at)
