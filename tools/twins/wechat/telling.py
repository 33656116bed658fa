"""How orders and refunds are told: the same words in answers, queries and notifies."""

from __future__ import annotations

from typing import Final

from tools.twins.faults import Fault, of_amount
from tools.twins.shelf import Document
from tools.twins.wechat.ground import kept

_STATES: Final = {
    "SUCCESS": "支付成功",
    "REFUND": "转入退款",
    "NOTPAY": "未支付",
    "CLOSED": "已关闭",
    "REVOKED": "已撤销",
    "USERPAYING": "用户支付中",
    "PAYERROR": "支付失败",
    "ACCEPT": "已接收，等待扣款",
}


def told_trade(trade: Document) -> Document:
    """An order as answers and notifies tell it."""
    partner = bool(trade["sub_mchid"])
    names = ("sp_appid", "sp_mchid") if partner else ("appid", "mchid")
    paid = bool(trade["transaction_id"])
    total = trade["total"] + (1 if paid and of_amount(trade["total"]) is Fault.NOTIFY_DIFFERS else 0)
    amount = {"total": total, "currency": "CNY"}
    payer = {"openid": trade["openid"]}
    if partner:
        payer = kept({"sp_openid": trade["openid"], "sub_openid": trade["sub_openid"]})
    return kept(
        {
            names[0]: trade["appid"],
            names[1]: trade["mchid"],
            "sub_appid": trade["sub_appid"],
            "sub_mchid": trade["sub_mchid"],
            "out_trade_no": trade["out_trade_no"],
            "transaction_id": trade["transaction_id"],
            "trade_type": trade["kind"] if paid else "",
            "trade_state": trade["state"],
            "trade_state_desc": _STATES[trade["state"]],
            "bank_type": "OTHERS" if paid else "",
            "attach": trade["attach"] if paid else "",
            "success_time": trade["paid_at"],
            "payer": payer if paid else None,
            "amount": (amount | {"payer_total": total, "payer_currency": "CNY"}) if paid else amount,
        }
    )


def told_mixed(mixed: Document) -> Document:
    """A mixed order as answers and notifies tell it: all of the request but the people, and how its halves stand."""
    told = mixed["told"] | {"mix_trade_no": mixed["mix_trade_no"]} | mixed["status"]
    cash = told.get("wechat_pay_cash_fee", 0)
    if of_amount(cash) is Fault.NOTIFY_DIFFERS and mixed["status"]["mix_pay_status"] == "MIX_PAY_SUCCESS":
        told["total_fee"] += 1
    return kept(told)


def told_refund(refund: Document, trade: Document) -> Document:
    """A refund of cash as answers tell it."""
    return kept(
        {
            "refund_id": refund["refund_id"],
            "out_refund_no": refund["out_refund_no"],
            "transaction_id": trade["transaction_id"],
            "out_trade_no": trade["out_trade_no"],
            "channel": "ORIGINAL",
            "user_received_account": "支付用户零钱",
            "success_time": refund["done_at"],
            "create_time": refund["created_at"],
            "status": refund["status"],
            "funds_account": "AVAILABLE",
            "amount": _amount(refund, trade)
            | {
                "settlement_refund": refund["refund"],
                "settlement_total": trade["total"],
                "discount_refund": 0,
                "currency": "CNY",
            },
        }
    )


def heard_refund(refund: Document, trade: Document) -> Document:
    """A refund of cash as a notify tells it: other names for the same things."""
    names = ("sp_mchid", "sub_mchid") if trade["sub_mchid"] else ("mchid", "")
    return kept(
        {
            names[0]: trade["mchid"],
            names[1] or "sub_mchid": trade["sub_mchid"],
            "transaction_id": trade["transaction_id"],
            "out_trade_no": trade["out_trade_no"],
            "refund_id": refund["refund_id"],
            "out_refund_no": refund["out_refund_no"],
            "refund_status": refund["status"],
            "success_time": refund["done_at"],
            "user_received_account": "支付用户零钱",
            "amount": _amount(refund, trade),
        }
    )


def _amount(refund: Document, trade: Document) -> Document:
    return {
        "total": trade["total"],
        "refund": refund["refund"],
        "payer_total": trade["total"],
        "payer_refund": refund["refund"],
    }
