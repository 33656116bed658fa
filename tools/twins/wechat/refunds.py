"""Refunds of cash (C§1.1 W7): accepted first, done some seconds later, closed or abnormal by published amounts.

The amount of the refund chooses its fault. A refund that is abnormal stays so until the merchant names another account.
"""

from __future__ import annotations

from typing import Final

from tools.twins.faults import Fault, of_amount
from tools.twins.shelf import Document
from tools.twins.wechat import fields
from tools.twins.wechat.errors import Refused, invalid, no_order, no_resource, rule
from tools.twins.wechat.ground import BY_NUMBER, MIXED, REFUND, TRADE, Call, Ground, Route, Told, route
from tools.twins.wechat.mixed import refunded_whole
from tools.twins.wechat.notices import CASH_DELAYS_S, Notices
from tools.twins.wechat.telling import heard_refund, told_refund

_DONE_AFTER_S: Final = 3
_MOST_OF_ONE: Final = 50
_FOREVER: Final = (Fault.REFUND_CLOSED, Fault.REFUND_ABNORMAL, Fault.REFUND_LATER)


class Refunds:
    """The refunds of a twin."""

    def __init__(self, ground: Ground, notices: Notices) -> None:
        self._ground, self._notices = ground, notices

    def routes(self) -> list[Route]:
        """Its part of the interface."""
        base = "/v3/refund/domestic/refunds"
        return [
            route("POST", base, self._create),
            route("GET", f"{base}/{{out_refund_no}}", self._query),
            route("POST", f"{base}/{{refund_id}}/apply-abnormal-refund", self._apply_abnormal),
        ]

    async def _create(self, call: Call) -> Told:
        body, owner = call.body, call.owner()
        number = fields.number(body, "out_refund_no", 64)
        key = f"{owner}/{number}"
        amount = fields.part(body, "amount")
        refund_fen, total_fen = fields.fen(amount, "refund", least=1), fields.fen(amount, "total", least=1)
        fault = self._ground.first_fault(f"refund/{key}", refund_fen)
        if fault is Fault.TIMEOUT_BEFORE:
            return Told(lost=True)
        if fault is Fault.UNAVAILABLE:
            raise Refused(500, "SYSTEM_ERROR", "系统异常，请用相同参数重新调用")
        with self._ground.stand.shelf.change():
            trade_key, trade = self._trade(call, owner)
            refund = self._ground.get(REFUND, key)
            if refund is not None and (refund["trade"], refund["refund"]) != (trade_key, refund_fen):
                raise invalid("商户退款单号重复：请求参数与原退款不一致")
            if refund is None:
                self._require_refundable(trade, refund_fen, total_fen)
                refund = self._accepted(call, key, trade_key, trade, refund_fen)
        return Told(told_refund(refund, trade), lost=fault is Fault.TIMEOUT_AFTER)

    def _trade(self, call: Call, owner: str) -> tuple[str, Document]:
        number = fields.maybe_text(call.body, "transaction_id", 32)
        if number:
            key = (self._ground.get(BY_NUMBER, number) or {"key": ""})["key"]
        else:
            key = f"{owner}/{fields.number(call.body, 'out_trade_no', 32)}"
        trade = self._ground.get(TRADE, key)
        if trade is None or trade["owner"] != owner or not trade["transaction_id"]:
            raise no_order()
        return key, trade

    def _require_refundable(self, trade: Document, refund_fen: int, total_fen: int) -> None:
        if trade["state"] not in ("SUCCESS", "REFUND"):
            raise rule("订单状态不允许退款")
        if total_fen != trade["total"]:
            raise invalid("订单金额与原订单不一致")
        if trade["refunded"] + refund_fen > trade["total"]:
            raise invalid("退款金额之和超过订单金额")
        if trade.get("refunds", 0) >= _MOST_OF_ONE:
            raise rule("一笔订单最多退款 50 次")

    def _accepted(self, call: Call, key: str, trade_key: str, trade: Document, refund_fen: int) -> Document:
        ground, now = self._ground, self._ground.now()
        fault = of_amount(refund_fen)
        if fault not in _FOREVER:
            fault = ground.stand.faults.of_event(*_FOREVER)
        number = ground.number("refund", "503", 26)
        refund: Document = {
            "refund_id": number,
            "out_refund_no": key.partition("/")[2],
            "trade": trade_key,
            "mchid": trade["mchid"],
            "owner": trade["owner"],
            "refund": refund_fen,
            "reason": fields.maybe_text(call.body, "reason", 80),
            "notify_url": fields.address(call.body, "notify_url") if call.body.get("notify_url") else "",
            "status": "PROCESSING",
            "created_at": now.isoformat(),
            "done_at": "",
            "asked": 0,
            "fault": fault or "",
            "day": f"{now:%Y-%m-%d}",
        }
        trade |= {"state": "REFUND", "refunded": trade["refunded"] + refund_fen, "refunds": trade.get("refunds", 0) + 1}
        ground.put(TRADE, trade_key, trade)
        ground.put(REFUND, key, refund)
        ground.put(BY_NUMBER, number, {"key": key})
        if fault is not Fault.REFUND_LATER:
            ground.notifies.plan(f"{key}/refund", (_DONE_AFTER_S,), {"what": "refund", "key": key})
        return refund

    async def _query(self, call: Call) -> Told:
        owner = call.owner({**call.query, "mchid": call.merchant.mchid})
        key = f"{owner}/{call.names['out_refund_no']}"
        with self._ground.stand.shelf.change():
            refund = self._ground.get(REFUND, key)
            if refund is None:
                raise no_resource("退款单不存在")
            refund["asked"] += 1
            self._ground.put(REFUND, key, refund)
            if refund["fault"] == Fault.REFUND_LATER and refund["asked"] > 1:
                self.finish(key)
            refund = self._ground.get(REFUND, key) or refund
        trade = self._ground.get(TRADE, refund["trade"])
        assert trade is not None
        return Told(told_refund(refund, trade))

    async def _apply_abnormal(self, call: Call) -> Told:
        """The merchant names where the money of an abnormal refund goes to."""
        owner = call.owner()
        fields.one_of(call.body, "type", ("USER_BANK_CARD", "MERCHANT_BANK_CARD"))
        key = (self._ground.get(BY_NUMBER, call.names["refund_id"]) or {"key": ""})["key"]
        with self._ground.stand.shelf.change():
            refund = self._ground.get(REFUND, key)
            if refund is None or refund["owner"] != owner:
                raise no_resource("退款单不存在")
            if refund["out_refund_no"] != fields.number(call.body, "out_refund_no", 64):
                raise invalid("商户退款单号与微信支付退款单号不一致")
            if refund["status"] != "ABNORMAL":
                raise invalid("退款单不是异常状态")
            refund |= {"status": "PROCESSING", "fault": ""}
            self._ground.put(REFUND, key, refund)
            self._ground.notifies.plan(f"{key}/refund", (_DONE_AFTER_S,), {"what": "refund", "key": key})
        trade = self._ground.get(TRADE, refund["trade"])
        assert trade is not None
        return Told(told_refund(refund, trade))

    def finish(self, key: str) -> None:
        """An accepted refund ends: the money has moved, or it is closed or abnormal; the merchant is told."""
        ground = self._ground
        with ground.stand.shelf.change():
            refund = ground.get(REFUND, key)
            if refund is None or refund["status"] != "PROCESSING":
                return
            trade = ground.get(TRADE, refund["trade"])
            assert trade is not None
            refund["status"] = {"REFUND_CLOSED": "CLOSED", "REFUND_ABNORMAL": "ABNORMAL"}.get(
                refund["fault"], "SUCCESS"
            )
            if refund["status"] == "SUCCESS":
                refund["done_at"] = ground.now().isoformat()
                trade["returned"] += refund["refund"]
            if refund["status"] == "CLOSED":
                trade["refunded"] -= refund["refund"]
                trade["state"] = "REFUND" if trade["refunded"] else "SUCCESS"
            ground.put(TRADE, refund["trade"], trade)
            ground.put(REFUND, key, refund)
            self._whole(refund["trade"], trade)
            payload = {
                "url": refund["notify_url"],
                "mchid": refund["mchid"],
                "event_type": f"REFUND.{refund['status']}",
                "original_type": "refund",
                "summary": "退款结果通知",
                "resource": heard_refund(refund, trade),
            }
            self._notices.plan(
                ground, f"{key}/refund-told/{refund['status']}", CASH_DELAYS_S, payload, refund["refund"]
            )

    def _whole(self, trade_key: str, trade: Document) -> None:
        """All cash of a mixed order went back: its cash half is refunded."""
        mixed = self._ground.get(MIXED, trade_key)
        if mixed is None or trade["returned"] != trade["total"]:
            return
        mixed["status"]["self_pay_status"] = "SELF_PAY_REFUND"
        refunded_whole(mixed)
        self._ground.put(MIXED, trade_key, mixed)
