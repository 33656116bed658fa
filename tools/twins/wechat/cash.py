"""Cash orders: by JSAPI, native and payment code, for a merchant and for a platform; query, close, reverse (C§1.1 W1, W8).

Answers to a code payment that waits for a password and the codes of a few refusals are general knowledge, not read in a
document: they are marked in place.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from tools.twins.faults import Fault
from tools.twins.shelf import Document
from tools.twins.wechat import fields
from tools.twins.wechat.errors import (
    NOT_REVERSIBLE,
    OPENID,
    SUB_OPENID,
    Refused,
    exists,
    invalid,
    no_order,
    no_resource,
    parameter,
    rule,
)
from tools.twins.wechat.fields import Body
from tools.twins.wechat.ground import BY_NUMBER, MIXED, REFUND, TRADE, Call, Ground, Route, Told, route
from tools.twins.wechat.paying import Paying
from tools.twins.wechat.people import ANOTHER_APP, check_auth_code
from tools.twins.wechat.telling import told_trade

_PREPAY_LIFE: Final = timedelta(hours=2)
_REVERSIBLE: Final = timedelta(days=1)
_KINDS: Final = {"jsapi": "JSAPI", "native": "NATIVE", "codepay": "MICROPAY"}


class Cash:
    """The cash orders of a twin."""

    def __init__(self, ground: Ground, paying: Paying) -> None:
        self._ground, self._paying = ground, paying

    def routes(self) -> list[Route]:
        """Its part of the interface; the paths of a platform are read with `partner` taken out."""
        return [
            route("POST", "/v3/pay/transactions/{kind}", self._place),
            route("GET", "/v3/pay/transactions/id/{transaction_id}", self._query),
            route("GET", "/v3/pay/transactions/out-trade-no/{out_trade_no}", self._query),
            route("POST", "/v3/pay/transactions/out-trade-no/{out_trade_no}/close", self._close),
            route("POST", "/v3/pay/transactions/out-trade-no/{out_trade_no}/reverse", self._reverse),
        ]

    async def _place(self, call: Call) -> Told:
        kind = _KINDS.get(call.names["kind"])
        if kind is None:
            raise no_resource("没有这种下单方式")
        asked = self._read(call, kind)
        key = f"{asked['owner']}/{asked['out_trade_no']}"
        fault = self._ground.first_fault(f"trade/{key}", asked["total"])
        if fault is Fault.TIMEOUT_BEFORE:
            return Told(lost=True)
        if fault is Fault.UNAVAILABLE:
            raise Refused(500, "SYSTEM_ERROR", "系统异常，请用相同参数重新调用")
        with self._ground.stand.shelf.change():
            trade = self._kept(key, asked)
        if kind == "MICROPAY" and trade["state"] == "NOTPAY":
            trade = await self._charge(key, trade, fault)
        elif fault is Fault.NOTIFY_EARLY and trade["state"] == "NOTPAY" and kind == "NATIVE":
            await self._paying.pay(key)
        told = {"JSAPI": {"prepay_id": trade["prepay_id"]}, "NATIVE": {"code_url": trade["code_url"]}}.get(kind)
        return Told(told or told_trade(trade), lost=fault is Fault.TIMEOUT_AFTER)

    async def _charge(self, key: str, trade: Document, fault: Fault | None) -> Document:
        """A payment code is charged at once, or waits for the password (USER_PAYING: paid some seconds later by itself)."""
        if fault is Fault.USER_PAYING:
            trade["state"] = "USERPAYING"
            with self._ground.stand.shelf.change():
                self._ground.put(TRADE, key, trade)
                self._paying.pay_later(key)
            return trade
        await self._paying.pay(key)
        trade = self._ground.get(TRADE, key) or trade
        if trade["state"] == "PAYERROR":
            raise Refused(403, "PAYERROR", "支付失败，请换其它支付方式")
        return trade

    def _read(self, call: Call, kind: str) -> Document:
        body = call.body
        owner = call.owner()
        appid = fields.text(body, "sp_appid" if call.partner else "appid", 32)
        if appid != call.merchant.appid:
            raise Refused(400, "APPID_MCHID_NOT_MATCH", "AppID 和 mchid 不匹配")
        asked: Document = {
            "owner": owner,
            "mchid": call.merchant.mchid,
            "sub_mchid": owner if call.partner else "",
            "appid": appid,
            "sub_appid": fields.maybe_text(body, "sub_appid", 32) if call.partner else "",
            "kind": kind,
            "out_trade_no": fields.number(body, "out_trade_no", 32),
            "description": fields.text(body, "description", 127),
            "attach": fields.maybe_text(body, "attach", 128),
            "total": fields.fen(fields.part(body, "amount"), "total", least=1),
            "expires_at": "",
        }
        if body.get("time_expire"):
            asked["expires_at"] = fields.moment(body, "time_expire").isoformat()
        if fields.maybe_text(fields.part(body, "amount"), "currency", 16) not in ("", "CNY"):
            raise parameter("amount.currency", "参数错误：只支持 CNY")
        if kind == "MICROPAY":
            check_auth_code(fields.text(fields.part(body, "payer"), "auth_code", 32))
            fields.part(body, "scene_info")
            return asked | {"notify_url": "", "openid": "oTwinByCode", "sub_openid": ""}
        asked["notify_url"] = fields.address(body, "notify_url")
        return asked | (_payer(body, partner=call.partner) if kind == "JSAPI" else {"openid": "", "sub_openid": ""})

    def _kept(self, key: str, asked: Document) -> Document:
        """The order of that number: the same when the same is asked again, a refusal when something else is."""
        ground = self._ground
        before = ground.get(TRADE, key)
        if before is None:
            if ground.get(MIXED, key) is not None:
                raise exists("商户订单号已被混合订单使用")
            trade = asked | self._fresh(asked["kind"])
            ground.put(TRADE, key, trade)
            return trade
        if any(before[name] != value for name, value in asked.items() if name != "notify_url"):
            raise invalid("商户订单号重复：请求参数与原订单不一致")
        if before["state"] == "CLOSED":
            raise Refused(400, "ORDER_CLOSED", "订单已关闭")
        if before["state"] not in ("NOTPAY", "USERPAYING") and before["kind"] != "MICROPAY":
            raise Refused(403, "OUT_TRADE_NO_USED", "商户订单号已支付")
        return before

    def _fresh(self, kind: str) -> Document:
        now = self._ground.now()
        number = self._ground.stand.shelf.next_number("prepay")
        return {
            "state": "NOTPAY",
            "created_at": now.isoformat(),
            "prepay_until": (now + _PREPAY_LIFE).isoformat(),
            "prepay_id": f"wx{now:%Y%m%d%H%M%S}{number:020}" if kind == "JSAPI" else "",
            "code_url": f"weixin://wxpay/bizpayurl?pr=twin{number}" if kind == "NATIVE" else "",
            "transaction_id": "",
            "paid_at": "",
            "refunded": 0,
            "returned": 0,
            "asked": 0,
            "day": "",
        }

    async def _query(self, call: Call) -> Told:
        owner = call.owner(call.query)
        with self._ground.stand.shelf.change():
            key, trade = self._found(owner, call)
            trade["asked"] += 1
            self._ground.put(TRADE, key, trade)
        told = told_trade(trade)
        if self._ground.status_unknown(trade["total"], trade["asked"]):
            told |= {"trade_state": "ACCEPT", "trade_state_desc": "已接收，等待扣款"}
        return Told(told)

    def _found(self, owner: str, call: Call) -> tuple[str, Document]:
        if "transaction_id" in call.names:
            key = (self._ground.get(BY_NUMBER, call.names["transaction_id"]) or {"key": ""})["key"]
        else:
            key = f"{owner}/{call.names['out_trade_no']}"
        trade = self._ground.get(TRADE, key)
        if trade is None or trade["owner"] != owner:
            raise no_order()
        return key, _lapsed(trade, self._ground.now())

    async def _close(self, call: Call) -> Told:
        owner = call.owner()
        with self._ground.stand.shelf.change():
            key, trade = self._found(owner, call)
            if trade["kind"] == "MICROPAY":
                raise rule("付款码支付的订单只能撤销，不能关闭")
            if trade["state"] not in ("NOTPAY", "CLOSED"):
                raise Refused(400, "ORDERPAID", "订单已支付，不能发起关单")
            self._ground.put(TRADE, key, trade | {"state": "CLOSED"})
        return Told()

    def _revoked(self, key: str, trade: Document) -> None:
        """Nobody can pay any more; what was paid goes back, and the day's bills tell so."""
        if trade["state"] == "SUCCESS":
            now, number = self._ground.now(), self._ground.number("refund", "503", 26)
            trade |= {"refunded": trade["total"], "returned": trade["total"]}
            reversal = {
                "refund_id": number,
                "out_refund_no": "",
                "trade": key,
                "owner": trade["owner"],
                "refund": trade["total"],
                "status": "SUCCESS",
                "created_at": now.isoformat(),
                "done_at": now.isoformat(),
                "day": f"{now:%Y-%m-%d}",
            }
            self._ground.put(REFUND, f"{trade['owner']}/{number}", reversal)
        trade["state"] = "REVOKED"
        self._ground.put(TRADE, key, trade)

    async def _reverse(self, call: Call) -> Told:
        owner = call.owner()
        with self._ground.stand.shelf.change():
            key, trade = self._found(owner, call)
            if trade["kind"] != "MICROPAY":
                raise rule("只有付款码支付的订单可以撤销", NOT_REVERSIBLE)
            if trade["refunded"]:
                raise rule("订单已有退款，不能撤销", NOT_REVERSIBLE)
            if trade["paid_at"] and self._ground.now() - datetime.fromisoformat(trade["paid_at"]) > _REVERSIBLE:
                raise rule("超过可撤销的时间，请申请退款", NOT_REVERSIBLE)
            self._revoked(key, trade)
        told = {"appid": trade["appid"], "mchid": trade["mchid"], "out_trade_no": trade["out_trade_no"]}
        return Told(told)


def _payer(body: Body, *, partner: bool) -> Document:
    payer = fields.part(body, "payer")
    if not partner:
        openid = fields.text(payer, "openid", 128)
        if openid == ANOTHER_APP:
            raise parameter("payer.openid", "appid 和 openid 不匹配", OPENID)
        return {"openid": openid, "sub_openid": ""}
    told = {name: fields.maybe_text(payer, name, 128) for name in ("sp_openid", "sub_openid")}
    if not any(told.values()):
        raise parameter("payer", "参数错误：sp_openid 和 sub_openid 至少传一个")
    if told["sub_openid"] == ANOTHER_APP:
        raise parameter("payer.sub_openid", "sub_appid 和 sub_openid 不匹配", SUB_OPENID)
    return {"openid": told["sp_openid"], "sub_openid": told["sub_openid"]}


def _lapsed(trade: Document, now: datetime) -> Document:
    """The order, closed where its time is over and nobody has paid."""
    expires = trade["expires_at"]
    if trade["state"] == "NOTPAY" and expires and datetime.fromisoformat(expires) <= now:
        trade["state"] = "CLOSED"
    return trade
