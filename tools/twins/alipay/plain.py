"""The plain trade methods `alipay.trade.*`: a clerk scans (`pay`), a person scans (`precreate`), and what follows (C§2.2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from services.kernel.money import yuan_text
from tools.twins.alipay import outcomes, trades
from tools.twins.alipay.calls import Call, Methods, Node
from tools.twins.alipay.cashier import Cashier, denied
from tools.twins.alipay.fields import moment
from tools.twins.alipay.ledger import Ledger, key_of
from tools.twins.alipay.people import ANYBODY, is_payment_code
from tools.twins.alipay.placing import Placing
from tools.twins.alipay.refusals import WAITING, failed, invalid
from tools.twins.alipay.telling import UNNAMED_STATUS, facts
from tools.twins.alipay.trades import Form, Parts, Refund, RefundStatus, Status, Trade
from tools.twins.faults import Fault
from tools.twins.twin import Stand

_SCENES: Final = ("bar_code", "wave_code")
_CODE_USED: Final = "code_used"
PERSON_OF_CODE: Final = "person_of_code"


class Plain:
    """The methods of plain trades."""

    def __init__(self, stand: Stand, ledger: Ledger, placing: Placing, cashier: Cashier) -> None:
        self._stand, self._ledger, self._placing, self._cashier = stand, ledger, placing, cashier

    def methods(self) -> Methods:
        """By their names."""
        return {
            "alipay.trade.pay": self._pay,
            "alipay.trade.precreate": self._precreate,
            "alipay.trade.query": self._query,
            "alipay.trade.cancel": self._cancel,
            "alipay.trade.close": self._close,
            "alipay.trade.refund": self._refund,
            "alipay.trade.fastpay.refund.query": self._refund_query,
        }

    async def _pay(self, call: Call) -> Node:
        number, code, parts = call.fields.number("out_trade_no"), call.fields.needed("auth_code"), _parts(call)
        if call.fields.needed("scene") not in _SCENES:
            raise invalid("scene", "bar_code或wave_code")
        fault = self._placing.before(call, number, parts.own_fen)
        trade = self._placing.standing(call, number, Form.CODE, parts)
        if trade is None:
            with self._ledger.change():
                trade = self._begun(call, number, parts, code)
            await self._placing.after(trade, fault)
        if trade.paid_at is None:
            return {"code": WAITING, "out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no}
        fund = {"amount": yuan_text(trade.parts.own_fen), "fund_channel": "ALIPAYACCOUNT"}
        return {**facts(self._stand.faults, trade), "fund_bill_list": [fund], "trade_status": ""}

    def _begun(self, call: Call, number: str, parts: Parts, code: str) -> Trade:
        """The trade of a code, paid unless the person has to enter a password first."""
        trade = self._placing.new(call, number, Form.CODE, parts, _until(call, self._ledger.now()))
        known = self._ledger.noted(PERSON_OF_CODE, code) or {}
        trade = trades.with_asked(trade, user_id=known.get("user_id", ANYBODY))
        self._used(code, trade)
        denied(trade)
        waits = outcomes.follows(self._stand.faults, trade, Fault.USER_PAYING) is not None
        self._ledger.keep(trade, trade.trade_no)
        if waits:
            self._placing.later(trade, "pays")
            return trade
        return self._cashier.collect(trade)

    def _used(self, code: str, trade: Trade) -> None:
        """A payment code is good for one trade."""
        used = self._ledger.noted(_CODE_USED, code)
        if not is_payment_code(code) or (used is not None and used["key"] != key_of(trade)):
            raise failed("ACQ.PAYMENT_AUTH_CODE_INVALID")
        self._ledger.note(_CODE_USED, code, {"key": key_of(trade)})

    async def _precreate(self, call: Call) -> Node:
        number, parts = call.fields.number("out_trade_no"), _parts(call)
        fault = self._placing.before(call, number, parts.own_fen)
        trade = self._placing.standing(call, number, Form.PRECREATE, parts)
        if trade is None:
            with self._ledger.change():
                trade = self._placing.new(call, number, Form.PRECREATE, parts, _until(call, self._ledger.now()))
                code = f"https://qr.alipay.com/bax{trade.trade_no[-16:]}"
                trade = trades.with_asked(trades.unseen(trade), qr_code=code)
                self._ledger.keep(trade, trade.trade_no, code)
            await self._placing.after(trade, fault)
        return {"out_trade_no": number, "qr_code": trade.asked["qr_code"]}

    async def _query(self, call: Call) -> Node:
        trade = self._ledger.find(call.app_id, call.fields, medical=False)
        told: Node = dict(facts(self._stand.faults, trade))
        if outcomes.follows(self._stand.faults, trade, Fault.UNKNOWN_STATUS):
            told["trade_status"] = UNNAMED_STATUS
        return told

    async def _cancel(self, call: Call) -> Node:
        """Paid goes back, unpaid is closed; of a number that nobody knows only that much is told: no `action`."""
        number = call.fields.text("out_trade_no")
        trade = self._ledger.by_key(f"{call.app_id}|{number}") if number else None
        if trade is None or not trade.seen:
            with self._ledger.change():
                self._placing.bury(call.app_id, number)
                if trade is not None:
                    self._ledger.keep(trades.closed(trade, self._ledger.now()))
            return {"out_trade_no": number, "retry_flag": "N"}
        answer: Node = {"out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no, "retry_flag": "N"}
        if trade.paid_at is None:
            self._shut(trade)
            return answer | {"action": "close"}
        left = trade.parts.own_fen - trade.promised_fen
        if left:
            *_, done = self._cashier.refund(trade, f"cancel-{trade.out_trade_no}"[:64], left, "cancel")
            answer["retry_flag"] = "N" if done else "Y"
        return answer | {"action": "refund"}

    async def _close(self, call: Call) -> Node:
        trade = self._ledger.find(call.app_id, call.fields, medical=False)
        if trade.status() is not Status.WAITING:
            raise failed("ACQ.TRADE_STATUS_ERROR")
        self._shut(trade)
        return {"out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no}

    def _shut(self, trade: Trade) -> None:
        with self._ledger.change():
            self._ledger.keep(trades.closed(trade, self._ledger.now()))

    async def _refund(self, call: Call) -> Node:
        trade = self._ledger.find(call.app_id, call.fields, medical=False)
        amount_fen = call.fields.fen_needed("refund_amount")
        request_no = call.fields.text("out_request_no") or trade.out_trade_no
        trade, refund, moved = self._cashier.refund(
            trade, request_no, amount_fen, call.fields.text("refund_reason", 256)
        )
        return {
            "out_trade_no": trade.out_trade_no,
            "trade_no": trade.trade_no,
            "buyer_logon_id": "twi***@sandbox.invalid",
            "fund_change": "Y" if moved else "N",
            "refund_fee": yuan_text(trade.refunded_fen),
            "gmt_refund_pay": moment(refund.done_at) if refund.done_at else "",
        }

    async def _refund_query(self, call: Call) -> Node:
        """A refund that is not done has no `refund_status`; of one that nobody knows only the trade is told."""
        trade = self._ledger.find(call.app_id, call.fields, medical=False)
        trade, refund = self._cashier.look(trade, call.fields.needed("out_request_no"))
        told: Node = {"out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no}
        return told if refund is None else told | _refund_facts(trade, refund)


def _refund_facts(trade: Trade, refund: Refund) -> Node:
    told: Node = {
        "out_request_no": refund.request_no,
        "total_amount": yuan_text(trade.parts.total_fen),
        "refund_amount": yuan_text(refund.amount_fen),
        "refund_reason": refund.reason,
    }
    if refund.stuck:
        return told | {"deposit_back_info": {"has_deposit_back": "true", "dback_status": "F"}}
    if refund.status is RefundStatus.FAIL:
        return told | {"refund_status": RefundStatus.FAIL, "error_code": "REFUND_FAIL"}
    if refund.status is RefundStatus.PROCESSING or refund.done_at is None:
        return told
    return told | {"refund_status": RefundStatus.SUCCESS, "gmt_refund_pay": moment(refund.done_at)}


def _parts(call: Call) -> Parts:
    fen = call.fields.fen_needed("total_amount")
    return Parts(total_fen=fen, own_fen=fen)


def _until(call: Call, now: datetime) -> datetime | None:
    """`time_expire`, else `timeout_express` from now on."""
    minutes = call.fields.minutes("timeout_express") or call.fields.minutes("qr_code_timeout_express")
    return call.fields.moment("time_expire") or (now + timedelta(minutes=minutes) if minutes else None)
