"""The medical trade methods (C§2.2): one trade with the insured part and the cash; only cash is refunded here.

Values of `order_type`, of the results of a cancel and of `refund_status` are ours, the platform's are not public.
"""

from __future__ import annotations

from typing import Final

from services.kernel.money import yuan_text
from tools.twins.alipay import outcomes, trades
from tools.twins.alipay.calls import Call, Methods, Node
from tools.twins.alipay.cashier import Cashier
from tools.twins.alipay.fields import Fields, moment
from tools.twins.alipay.ledger import Ledger
from tools.twins.alipay.placing import Placing
from tools.twins.alipay.refusals import failed, invalid, missing
from tools.twins.alipay.telling import UNNAMED_STATUS, facts
from tools.twins.alipay.trades import Form, Parts, Refund, Trade
from tools.twins.faults import Fault
from tools.twins.twin import Stand

ORDER_TYPES: Final = frozenset(
    {
        "OUTPATIENT_REGISTRATION",
        "OUTPATIENT_PAYMENT",
        "HOSPITAL_DEPOSIT",
        "HOSPITAL_SETTLEMENT",
        "PHARMACY_PAYMENT",
        "INTERNET_HOSPITAL",
    }
)
"""The first four are the `biz_type` of `payment.order.sync` (C§2.5), the others are ours."""
_INSURED: Final = ("med_org_ord", "pay_order_id", "pay_auth_no")
_KEPT: Final = ("org_no", "chrg_bch_no", "store_id", "shop_id", "callback_url", "gmt_out_create", *_INSURED)
_TEXT: Final = 2048
_URL: Final = 512
_DONE: Final = "SUCCESS"
_ABNORMAL: Final = "REFUND_ABNORMAL"


class Medical:
    """The methods of medical trades."""

    def __init__(self, stand: Stand, ledger: Ledger, placing: Placing, cashier: Cashier) -> None:
        self._stand, self._ledger, self._placing, self._cashier = stand, ledger, placing, cashier

    def methods(self) -> Methods:
        """By their names."""
        begin = "alipay.commerce.medical.trade."
        return {
            f"{begin}createandpay": self._create,
            f"{begin}query": self._query,
            f"{begin}refund": self._refund,
            f"{begin}refund.query": self._refund_query,
            f"{begin}cancel": self._cancel,
        }

    async def _create(self, call: Call) -> Node:
        number, parts = call.fields.number("out_trade_no"), _parts(call.fields)
        fault = self._placing.before(call, number, parts.own_fen)
        trade = self._placing.standing(call, number, Form.MEDICAL, parts)
        if trade is None:
            with self._ledger.change():
                trade = self._begun(call, number, parts)
            await self._placing.after(trade, fault)
        return {
            **_numbers(trade),
            "pay_url": f"{self._stand.url}/cashier/{trade.trade_no}",
            "med_org_ord": trade.asked.get("med_org_ord", ""),
            "pay_order_id": trade.asked.get("pay_order_id", ""),
            "chrg_bch_no": trade.asked.get("chrg_bch_no", ""),
            "rels_pay_flag": "0",
        }

    def _begun(self, call: Call, number: str, parts: Parts) -> Trade:
        fields = call.fields
        asked = {name: fields.text(name, _URL if name == "callback_url" else 64) for name in _KEPT}
        asked["order_type"] = fields.needed("order_type")
        asked["request_content"] = fields.text("request_content", _TEXT)
        if asked["order_type"] not in ORDER_TYPES:
            raise invalid("order_type", "、".join(sorted(ORDER_TYPES)))
        for name in ("org_no", "gmt_out_create", *(_INSURED if parts.insured_fen else ())):
            if not asked[name]:
                raise missing(name)
        fields.moment("gmt_out_create")
        notify_url = fields.text("result_notify_url", _URL) or call.notify_url
        trade = self._placing.new(call, number, Form.MEDICAL, parts, fields.moment("gmt_time_expire"))
        user_id = fields.text("alipay_user_id") or fields.needed("open_id", 128)
        trade = trades.notified_at(trades.with_asked(trade, user_id=user_id, **asked), notify_url)
        self._ledger.keep(trade, trade.trade_no, trade.alipay_trade_no)
        return trade

    async def _query(self, call: Call) -> Node:
        trade = self._ledger.find(call.app_id, call.fields, medical=True)
        told: Node = dict(facts(self._stand.faults, trade))
        if outcomes.follows(self._stand.faults, trade, Fault.UNKNOWN_STATUS):
            told |= dict.fromkeys(("trade_status", "own_pay_status", "medical_pay_status"), UNNAMED_STATUS)
        return told

    async def _refund(self, call: Call) -> Node:
        trade = self._ledger.find(call.app_id, call.fields, medical=True)
        amount_fen, request_no = call.fields.fen_needed("refund_amount"), call.fields.number("refund_request_no")
        trade, refund, _ = self._cashier.refund(trade, request_no, amount_fen, call.fields.text("refund_reason", 256))
        return _refund_facts(trade, refund)

    async def _refund_query(self, call: Call) -> Node:
        trade = self._ledger.find(call.app_id, call.fields, medical=True)
        trade, refund = self._cashier.look(trade, call.fields.needed("refund_request_no"))
        if refund is None:
            raise failed("ACQ.REFUND_NOT_EXIST")
        return _refund_facts(trade, refund)

    async def _cancel(self, call: Call) -> Node:
        trade = self._ledger.find(call.app_id, call.fields, medical=True)
        with self._ledger.change():
            trade = trades.closed(trade, self._ledger.now())
            self._ledger.keep(trade)
        return {
            **_numbers(trade),
            "trade_cancel_result": _DONE,
            "own_pay_cancel_result": _DONE if trade.own else "",
            "medical_pay_cancel_result": _DONE if trade.medical else "",
        }


def _parts(fields: Fields) -> Parts:
    amounts = {name: fields.fen(f"{name}_amount") or 0 for name in ("gov", "account", "other", "real")}
    parts = Parts(
        total_fen=fields.fen_needed("total_amount"),
        own_fen=amounts["real"],
        gov_fen=amounts["gov"],
        account_fen=amounts["account"],
        other_fen=amounts["other"],
        subsidy_fen=sum(each.fen_needed("subsidy_amount") for each in fields.each("subsidy_amount_params")),
    )
    if not parts.add_up() or not parts.insured_fen + parts.own_fen:
        raise failed("ACQ.MEDICAL_AMOUNT_ERROR")
    return parts


def _numbers(trade: Trade) -> Node:
    return {
        "out_trade_no": trade.out_trade_no,
        "trade_no": trade.trade_no,
        "alipay_trade_no": trade.alipay_trade_no,
        "order_type": trade.asked.get("order_type", ""),
    }


def _refund_facts(trade: Trade, refund: Refund) -> Node:
    return _numbers(trade) | {
        "refund_request_no": refund.request_no,
        "refund_amount": yuan_text(refund.amount_fen),
        "refund_status": _ABNORMAL if refund.stuck else str(refund.status),
        "refund_time": moment(refund.done_at) if refund.done_at else "",
        "refund_msg": "退款银行卡异常，需人工处理" if refund.stuck else "",
    }
