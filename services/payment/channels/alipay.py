"""Alipay: medical trades, codes that a clerk or a person scans, refunds of cash, notifies and bills (C§2).

What the platform says in a word that is not known here means: ask again. It is told no name, and nothing of a visit but its kind.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date
from typing import Final

from services.kernel.clock import Clock
from services.kernel.money import yuan_text
from services.payment.channels import alipay_words as words
from services.payment.channels.alipay_gateway import AlipayContract, AlipayGateway, moment, moment_text
from services.payment.channels.protocol import Delivery, Forged, Lost, Terms
from services.payment.domain.accounts import Account
from services.payment.domain.charges import (
    About,
    BillLine,
    ChannelState,
    Half,
    Heard,
    RefundSeen,
    RefundStanding,
    Seen,
)
from services.runtime.outgoing import Outgoing
from yibao.payment.v1 import channel_pb2

NAME: Final = "alipay"
MEDICAL: Final = frozenset({channel_pb2.PAY_FORM_APP, channel_pb2.PAY_FORM_MIXED})
"""Forms that are a medical trade there; the others are a plain one."""
_FORMS: Final = MEDICAL | {channel_pb2.PAY_FORM_CODE, channel_pb2.PAY_FORM_NATIVE}
TERMS: Final = Terms(NAME, channel_pb2.CHANNEL_KIND_ALIPAY, _FORMS)
_MEDICAL_TRADE: Final = "alipay.commerce.medical.trade."
_SUBJECT: Final = "医疗费用"
_ORDER_TYPES: Final = {
    channel_pb2.PAY_ORDER_TYPE_REGISTRATION: "OUTPATIENT_REGISTRATION",
    channel_pb2.PAY_ORDER_TYPE_CONSULTATION: "OUTPATIENT_PAYMENT",
    channel_pb2.PAY_ORDER_TYPE_DEPOSIT: "HOSPITAL_DEPOSIT",
    channel_pb2.PAY_ORDER_TYPE_DISCHARGE: "HOSPITAL_SETTLEMENT",
    channel_pb2.PAY_ORDER_TYPE_PHARMACY: "PHARMACY_PAYMENT",
    channel_pb2.PAY_ORDER_TYPE_INTERNET: "INTERNET_HOSPITAL",
}
"""The platform's values are not public; these are the twin's (ours)."""


class Alipay:
    """The channel of these accounts; ValueError for a key that is none."""

    terms = TERMS

    def __init__(self, accounts: Sequence[Account], outgoing: Outgoing, clock: Clock) -> None:
        self._gateway = AlipayGateway(NAME, [each for each in accounts if each.channel == NAME], outgoing, clock)

    async def place(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """A medical trade, a payment by a scanned code, or a code to scan."""
        contract, code = self._gateway.contract(charge.merchant), charge.form == channel_pb2.PAY_FORM_CODE
        if charge.form in MEDICAL:
            node = await self._gateway.ask(contract, f"{_MEDICAL_TRADE}createandpay", _medical(charge, contract))
        else:
            method, url = "alipay.trade.pay" if code else "alipay.trade.precreate", _notify_url(contract)
            node = await self._gateway.ask(contract, method, _plain(charge), notify_url=url)
        if node["code"] not in (words.DONE, words.PASSWORD):
            return words.refused_charge(node)
        if code and node["code"] == words.DONE:
            return words.seen_of({**node, "trade_status": "TRADE_SUCCESS"})
        insured = charge.form == channel_pb2.PAY_FORM_MIXED and charge.fund_fen + charge.acct_fen + charge.other_fen > 0
        fields = {"pay_url": "pay_url", "code_url": "qr_code"}
        front = {name: str(node[field]) for name, field in fields.items() if field in node}
        return Seen(
            ChannelState.WAITING,
            Half.WAITING if insured else Half.NONE,
            trade_no=words.trade_no(node),
            mix_trade_no=words.mix_trade_no(node),
            front=front,
        )

    async def look(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """How it stands. A code that nobody has scanned is known to nobody there, and the person may still pay."""
        method = f"{_MEDICAL_TRADE}query" if charge.form in MEDICAL else "alipay.trade.query"
        contract = self._gateway.contract(charge.merchant)
        node = await self._gateway.ask(contract, method, {"out_trade_no": charge.charge_no})
        if node["code"] == words.DONE:
            return words.seen_of(node, added_fen=sum(each.amount_fen for each in charge.adds))
        if node.get("sub_code") == words.UNKNOWN_TRADE:
            native = charge.form == channel_pb2.PAY_FORM_NATIVE
            return Seen(ChannelState.WAITING if native else ChannelState.ABSENT)
        return Seen(ChannelState.UNKNOWN, code=words.word_of(node), refused=words.definite(node))

    async def close(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """Closes an unpaid trade. A number that is unknown is cancelled, so that what is still on the way comes too late."""
        contract, content = self._gateway.contract(charge.merchant), {"out_trade_no": charge.charge_no}
        if charge.form in MEDICAL:
            node = await self._gateway.ask(contract, f"{_MEDICAL_TRADE}cancel", content)
            closed = node.get("trade_cancel_result") == "SUCCESS"
        else:
            node = await self._gateway.ask(contract, "alipay.trade.close", content)
            closed = node["code"] == words.DONE
            if node.get("sub_code") == words.UNKNOWN_TRADE:
                return words.cancelled(await self._gateway.ask(contract, "alipay.trade.cancel", content))
        return Seen(ChannelState.CLOSED, trade_no=words.trade_no(node)) if closed else await self.look(charge)

    async def refund(self, refund: channel_pb2.ChannelRefund) -> RefundSeen:
        """Cash goes back. 10000 says that it was heard, a change of funds that it is done (C§2.3)."""
        method = f"{_MEDICAL_TRADE}refund" if refund.form in MEDICAL else "alipay.trade.refund"
        content = _refund(refund) | {"refund_amount": yuan_text(refund.refund_fen)}
        node = await self._gateway.ask(self._gateway.contract(refund.merchant), method, content)
        if node["code"] != words.DONE:
            return words.refused_refund(node)
        if refund.form in MEDICAL:
            return words.refund_seen(node)
        if node.get("fund_change") != "Y":
            return RefundSeen(RefundStanding.UNDER_WAY)
        return RefundSeen(RefundStanding.RETURNED, refund.refund_fen, returned_at=moment(node.get("gmt_refund_pay")))

    async def look_refund(self, refund: channel_pb2.ChannelRefund) -> RefundSeen:
        """How a refund stands; one of which nothing is told may be sent again."""
        plain = refund.form not in MEDICAL
        method = "alipay.trade.fastpay.refund.query" if plain else f"{_MEDICAL_TRADE}refund.query"
        node = await self._gateway.ask(self._gateway.contract(refund.merchant), method, _refund(refund))
        if node["code"] != words.DONE:
            return words.unseen_refund(node)
        if plain and "out_request_no" not in node:
            return RefundSeen(RefundStanding.ABSENT)
        return words.refund_seen(node)

    async def tell_returned(self, refund: channel_pb2.ChannelRefund) -> None:
        """Nothing: the platform hears of it from the bureau and has no call for it."""

    def hear(self, delivery: Delivery) -> Heard:
        """A refund's notify tells the sum of all refunds, so that it only says: look. `Forged`."""
        fields = self._gateway.heard(delivery.body)
        event, number, refund_no = (fields.get(name, "") for name in ("notify_id", "out_trade_no", "out_biz_no"))
        if not event or not number:
            raise Forged("NO_NUMBER")
        if refund_no and "refund_fee" in fields:
            seen = RefundSeen(RefundStanding.UNKNOWN)
            return Heard(event, About.REFUND, refund_no, refund=seen, answer=b"success", answer_type="text/plain")
        charge, of = words.seen_of(fields), (fields["app_id"], "")
        return Heard(event, About.CHARGE, number, charge, merchant=of, answer=b"success", answer_type="text/plain")

    async def bill(self, merchant: channel_pb2.Merchant, day: date) -> Sequence[BillLine]:
        """The day's trades, cash alone: a zip of CSV in GBK (C§5.4)."""
        contract, content = self._gateway.contract(merchant), {"bill_type": "trade", "bill_date": day.isoformat()}
        node = await self._gateway.ask(contract, "alipay.data.dataservice.bill.downloadurl.query", content)
        if node.get("sub_code") == words.NO_BILL:
            return ()
        if node["code"] != words.DONE:
            raise Lost(f"BILL_{words.word_of(node)}")
        return await self._gateway.lines(str(node.get("bill_download_url", "")), words.bill_line, of="商户订单号")


def _medical(charge: channel_pb2.ChannelCharge, contract: AlipayContract) -> dict[str, object]:
    """A mixed order with all parts, or cash alone: total = gov + account + other + real + subsidy (C§2.2)."""
    mixed = charge.form == channel_pb2.PAY_FORM_MIXED
    parts = (charge.fund_fen, charge.acct_fen, charge.other_fen) if mixed else (0, 0, 0)
    reduced = sum(each.amount_fen for each in charge.reduces)
    whole = sum(parts) + charge.charge_fen + reduced
    content: dict[str, object] = {
        "out_trade_no": charge.charge_no,
        "subject": _SUBJECT,
        "org_no": charge.merchant.fixmedins_code,
        "order_type": _ORDER_TYPES[charge.order_type],
        "med_org_ord": charge.med_org_ord,
        "total_amount": yuan_text(whole),
        **{f"{name}_amount": yuan_text(fen) for name, fen in zip(("gov", "account", "other"), parts, strict=True)},
        "real_amount": yuan_text(charge.charge_fen),
        "gmt_out_create": moment_text(charge.created_time.ToDatetime(UTC)),
        "gmt_time_expire": moment_text(charge.expires_time.ToDatetime(UTC)),
        "result_notify_url": _notify_url(contract),
        "alipay_user_id" if charge.user_no.startswith("2088") else "open_id": charge.user_no,
    }
    if reduced:
        content["subsidy_amount_params"] = [{"subsidy_amount": yuan_text(reduced)}]
    if mixed:
        content |= {"pay_order_id": charge.pay_ord_id, "pay_auth_no": charge.pay_auth_no}
    if mixed and charge.location:
        content["request_content"] = json.dumps({"setlLatlnt": charge.location})
    return content


def _plain(charge: channel_pb2.ChannelCharge) -> dict[str, object]:
    content: dict[str, object] = {
        "out_trade_no": charge.charge_no,
        "subject": _SUBJECT,
        "total_amount": yuan_text(charge.charge_fen),
        "time_expire": moment_text(charge.expires_time.ToDatetime(UTC)),
    }
    if charge.form == channel_pb2.PAY_FORM_CODE:
        content |= {"scene": "bar_code", "auth_code": charge.code}
    return content


def _refund(refund: channel_pb2.ChannelRefund) -> dict[str, object]:
    name = "refund_request_no" if refund.form in MEDICAL else "out_request_no"
    return {"out_trade_no": refund.charge_no, name: refund.refund_no}


def _notify_url(contract: AlipayContract) -> str:
    return f"{contract.account.notify_address}/{NAME}"
