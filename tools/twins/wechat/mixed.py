"""Mixed orders of insurance and cash: create, query, and the merchant's word that the bureau has refunded (C§1.1 W2–W5)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from tools.twins.faults import Fault, of_amount
from tools.twins.shelf import Document
from tools.twins.wechat import fields, rules
from tools.twins.wechat.errors import (
    AUTHORISATION_INVALID,
    OPENID,
    SUB_OPENID,
    Refused,
    exists,
    no_order,
    parameter,
    rule,
)
from tools.twins.wechat.fields import Body
from tools.twins.wechat.ground import BY_NUMBER, MIXED, REFUND, TRADE, Call, Ground, Route, Told, kept, route
from tools.twins.wechat.paying import Paying
from tools.twins.wechat.people import (
    ANOTHER_APP,
    DENIES,
    PAYS,
    check_authorisation,
    check_payer,
    check_relative,
)
from tools.twins.wechat.telling import told_mixed

_AUTHORISATION: Final = "authorisation"
_NOT_TOLD: Final = frozenset({"payer", "relative"})
_SEALED: Final = ("name", "id_digest")
_REFUNDED: Final = {
    "med_refund_gov_fee": "med_ins_gov_fee",
    "med_refund_self_fee": "med_ins_self_fee",
    "med_refund_other_fee": "med_ins_other_fee",
}


class Mixed:
    """The mixed orders of a twin."""

    def __init__(self, ground: Ground, paying: Paying) -> None:
        self._ground, self._paying = ground, paying

    def routes(self) -> list[Route]:
        """Its part of the interface."""
        return [
            route("POST", "/v3/med-ins/orders", self._create),
            route("GET", "/v3/med-ins/orders/mix-trade-no/{mix_trade_no}", self._query),
            route("GET", "/v3/med-ins/orders/out-trade-no/{out_trade_no}", self._query),
            route("POST", "/v3/med-ins/refunds/notify", self._refunded),
        ]

    async def _create(self, call: Call) -> Told:
        body, owner = call.body, call.owner()
        key = f"{owner}/{fields.number(body, 'out_trade_no', 64)}"
        rules.check(body)
        cash = body.get("wechat_pay_cash_fee") or 0
        # A cash order of the same number has met the fault of its amount already.
        fault = self._ground.first_fault(f"trade/{key}", cash or body["total_fee"])
        if fault is Fault.TIMEOUT_BEFORE:
            return Told(lost=True)
        if fault is Fault.UNAVAILABLE:
            raise Refused(500, "SYSTEM_ERROR", "系统异常，请用相同参数重新调用")
        self._check_texts(call)
        self._check_people(call)
        with self._ground.stand.shelf.change():
            mixed = self._kept(call, owner, key)
        openid = body.get("sub_openid") or body.get("openid", "")
        if openid in (PAYS, DENIES) or of_amount(cash) is Fault.NOTIFY_EARLY:
            await self._paying.pay(key, deny=openid == DENIES)
            mixed = self._ground.get(MIXED, key) or mixed
        return Told(told_mixed(mixed), lost=fault is Fault.TIMEOUT_AFTER)

    def _kept(self, call: Call, owner: str, key: str) -> Document:
        body, ground = call.body, self._ground
        if ground.get(MIXED, key) is not None:
            raise exists("商户订单号已存在")
        trade = ground.get(TRADE, key)
        if body.get("prepay_id"):
            self._check_prepaid(body, trade)
        elif trade is not None:
            raise exists("商户订单号已被微信支付订单使用")
        authorisation = body.get("pay_auth_no")
        if authorisation and ground.get(_AUTHORISATION, authorisation) is not None:
            raise rule("pay_auth_no 已使用，请重新授权", AUTHORISATION_INVALID)
        number = ground.number("mix", "9900", 28)
        insured, cash = body["mix_pay_type"] != "CASH_ONLY", body["mix_pay_type"] != "INSURANCE_ONLY"
        mixed: Document = {
            "owner": owner,
            "mchid": call.merchant.mchid,
            "mix_trade_no": number,
            "status": {
                "mix_pay_status": "MIX_PAY_CREATED",
                "self_pay_status": "SELF_PAY_CREATED" if cash else "NO_SELF_PAY",
                "med_ins_pay_status": "MED_INS_PAY_CREATED" if insured else "NO_MED_INS_PAY",
            },
            "asked": 0,
            "told": {name: value for name, value in body.items() if name not in _NOT_TOLD},
        }
        ground.put(MIXED, key, mixed)
        ground.put(BY_NUMBER, number, {"key": key})
        if authorisation:
            ground.put(_AUTHORISATION, authorisation, {"key": key})
        return mixed

    def _check_prepaid(self, body: Body, trade: Document | None) -> None:
        if trade is None or trade["prepay_id"] != body["prepay_id"]:
            raise parameter("prepay_id", "prepay_id 与 out_trade_no 不是同一订单")
        if trade["total"] != body["wechat_pay_cash_fee"]:
            raise parameter("wechat_pay_cash_fee", "wechat_pay_cash_fee 与 prepay_id 的订单金额不一致")
        if trade["state"] != "NOTPAY" or datetime.fromisoformat(trade["prepay_until"]) < self._ground.now():
            raise parameter("prepay_id", "prepay_id 已失效")

    def _check_texts(self, call: Call) -> None:
        body = call.body
        if fields.text(body, "appid", 32) != call.merchant.appid:
            raise Refused(400, "APPID_MCHID_NOT_MATCH", "AppID 和 mchid 不匹配")
        for name, most in (("serial_no", 20), ("city_id", 8), ("med_inst_name", 128), ("med_inst_no", 32)):
            fields.text(body, name, most)
        for name, most in (("attach", 128), ("channel_no", 32), ("passthrough_request_content", 2048)):
            fields.maybe_text(body, name, most)
        fields.address(body, "callback_url")
        openid, sub_openid = (fields.maybe_text(body, name, 128) for name in ("openid", "sub_openid"))
        if not (openid or (call.merchant.subs and sub_openid)):
            raise parameter("openid", "参数错误：缺少字段 openid")
        if openid == ANOTHER_APP:
            raise parameter("openid", "appid 和 openid 不匹配", OPENID)
        if sub_openid == ANOTHER_APP:
            raise parameter("sub_openid", "sub_appid 和 sub_openid 不匹配", SUB_OPENID)

    def _check_people(self, call: Call) -> None:
        body = call.body
        name, digest = self._opened(call, "payer")
        openid = body.get("sub_openid") or body.get("openid", "")
        check_payer(self._ground.stand.shelf, openid, name, digest)
        if body.get("pay_for_relatives"):
            check_relative(openid, self._opened(call, "relative")[1])
        if body.get("pay_auth_no"):
            check_authorisation(body["pay_auth_no"])

    def _opened(self, call: Call, who: str) -> tuple[str, str]:
        """Name and digest of a person, deciphered and recorded."""
        person = fields.part(call.body, who)
        fields.one_of(person, "card_type", rules.CARD_TYPES)
        found: list[str] = []
        for name in _SEALED:
            try:
                text = self._ground.platform.opened(call.serial, fields.text(person, name, 1024))
            except ValueError:
                raise parameter(f"{who}.{name}", f"敏感字段 {who}.{name} 解密失败，请检查 Wechatpay-Serial") from None
            self._ground.stand.records.opened(f"{who}.{name}", text)
            found.append(text)
        return found[0], found[1]

    async def _query(self, call: Call) -> Told:
        owner = call.owner({**call.query, "mchid": call.merchant.mchid})
        with self._ground.stand.shelf.change():
            key, mixed = self._found(owner, call.names)
            mixed["asked"] += 1
            self._ground.put(MIXED, key, mixed)
        told = told_mixed(mixed)
        if self._ground.status_unknown(told.get("wechat_pay_cash_fee", 0), mixed["asked"]):
            told["mix_pay_status"] = "MIX_PAY_USER_PAYING"
        return Told(told)

    def _found(self, owner: str, names: Any) -> tuple[str, Document]:
        if "mix_trade_no" in names:
            key = (self._ground.get(BY_NUMBER, names["mix_trade_no"]) or {"key": ""})["key"]
        else:
            key = f"{owner}/{names['out_trade_no']}"
        mixed = self._ground.get(MIXED, key)
        if mixed is None or mixed["owner"] != owner:
            raise no_order()
        return key, mixed

    async def _refunded(self, call: Call) -> Told:
        """W5: the insured half was given back; 204. Asked again with the same amounts it is 204 again."""
        body, owner = call.body, call.owner()
        with self._ground.stand.shelf.change():
            key, mixed = self._found(owner, {"mix_trade_no": call.query.get("mix_trade_no", "")})
            told, status = mixed["told"], mixed["status"]
            fields.moment(body, "refund_time")
            number = fields.number(body, "out_refund_no", 64)
            amounts = {name: fields.fen(body, name) for name in _REFUNDED}
            if fields.fen(body, "med_refund_total_fee") != sum(amounts.values()):
                raise rule("med_refund_total_fee 不等于各项医保退款金额之和")
            if any(amounts[name] != (told.get(field) or 0) for name, field in _REFUNDED.items()):
                raise rule("医保部分只能全额退款，金额与原订单不一致")
            if status["med_ins_pay_status"] not in ("MED_INS_PAY_SUCCESS", "MED_INS_PAY_REFUND"):
                raise rule("医保部分未支付成功，不能退款")
            cash = status["self_pay_status"] in ("SELF_PAY_SUCCESS", "SELF_PAY_REFUND")
            if cash and self._ground.get(REFUND, f"{owner}/{number}") is None:
                raise rule("out_refund_no 与微信支付退款单号不一致")
            status["med_ins_pay_status"] = "MED_INS_PAY_REFUND"
            refunded_whole(mixed)
            self._ground.put(MIXED, key, mixed)
        return Told()


def refunded_whole(mixed: Document) -> None:
    """The mixed order is refunded when both halves are."""
    status = mixed["status"]
    halves = kept({name: status[name].removeprefix("NO_") for name in ("self_pay_status", "med_ins_pay_status")})
    done = {"SELF_PAY_REFUND", "MED_INS_PAY_REFUND", "SELF_PAY", "MED_INS_PAY"}
    if set(halves.values()) <= done and status["mix_pay_status"] == "MIX_PAY_SUCCESS":
        status["mix_pay_status"] = "MIX_PAY_REFUND"
