"""WeChat Pay v3: mixed orders of insurance and cash, cash by JSAPI, native and payment code, refunds, notifies and bills (C§1).

A status that no document names means: ask again. Names and identity numbers leave sealed, digests of numbers in their place;
of a visit it is told no more than its kind.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import secrets
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import Final

from services.kernel.clock import Clock
from services.payment.channels import wechat_words as words
from services.payment.channels.protocol import Delivery, Forged, Lost, Terms
from services.payment.channels.wechat_gateway import Refused, WechatContract, WechatGateway
from services.payment.domain.accounts import Account
from services.payment.domain.charges import About, BillLine, ChannelState, Half, Heard, RefundSeen, RefundStanding, Seen
from services.runtime.outgoing import Outgoing
from yibao.payment.v1 import channel_pb2

_PATHS: Final = {
    channel_pb2.PAY_FORM_CODE: "codepay",
    channel_pb2.PAY_FORM_NATIVE: "native",
    channel_pb2.PAY_FORM_APP: "jsapi",
    channel_pb2.PAY_FORM_MIXED: "jsapi",
}
TERMS: Final = Terms(words.NAME, channel_pb2.CHANNEL_KIND_WECHAT, frozenset(_PATHS))
CODE: Final = channel_pb2.PAY_FORM_CODE
MIXED: Final = channel_pb2.PAY_FORM_MIXED
_ORDERS: Final = "/v3/med-ins/orders"
_REFUNDS: Final = "/v3/refund/domestic/refunds"
_ABSENT: Final = 404
_NOBODY_KNOWS: Final = frozenset({"USERPAYING", "SYSTEM_ERROR", "BANK_ERROR", "ALREADY_EXISTS", "OUT_TRADE_NO_USED"})
"""Refusals after which the order may stand all the same: look."""
_PEOPLE_LOOK: Final = frozenset({"NOT_ENOUGH", "USER_ACCOUNT_ABNORMAL"})
_NO_BILL: Final = "NO_STATEMENT_EXIST"
_MOST_BILL: Final = 256 * 1024 * 1024
"""Of a day's bill, unpacked, in bytes (our decision)."""


class WeChat:
    """The channel of these accounts; ValueError for a key that is none."""

    terms = TERMS

    def __init__(
        self,
        accounts: Sequence[Account],
        outgoing: Outgoing,
        clock: Clock,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._gateway = WechatGateway(
            words.NAME, [each for each in accounts if each.channel == words.NAME], outgoing, clock, nonce
        )

    async def place(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """Cash first, then the mixed order under the same number; a code is charged at once."""
        contract, front = self._gateway.contract(charge.merchant), dict[str, str]()
        if charge.form == MIXED and not {charge.payer.cert_type, charge.patient.cert_type} <= {*words.CARD_TYPES, ""}:
            return Seen(ChannelState.REFUSED, code="CERT_TYPE", says="WeChat Pay knows no such certificate")
        try:
            if charge.charge_fen or charge.form != MIXED:
                content = words.cash(charge, contract)
                told = await self._gateway.ask(contract, "POST", words.trades(contract, _PATHS[charge.form]), content)
                if charge.form == CODE:
                    return words.trade_seen(told)
                front = {name: str(told[name]) for name in ("code_url", "prepay_id") if name in told}
        except Refused as refused:
            return _refused(refused)
        if "prepay_id" in front:
            front |= self._gateway.to_pay(contract, front["prepay_id"])
        return (
            await self._mix(contract, charge, front)
            if charge.form == MIXED
            else Seen(ChannelState.WAITING, front=front)
        )

    async def _mix(self, contract: WechatContract, charge: channel_pb2.ChannelCharge, front: dict[str, str]) -> Seen:
        """The mixed order to its cash. Where it is refused, nobody shall pay the cash alone."""
        if not contract.platform:
            await self._gateway.refresh(contract)
        order = words.mixed(charge, contract, front.get("prepay_id", ""))
        try:
            seen = words.mixed_seen(await self._gateway.ask(contract, "POST", _ORDERS, order))
        except Refused as refused:
            seen = _refused(refused)
            if seen.standing is ChannelState.REFUSED and front:
                closed = await self._closed(contract, charge)
                return seen if closed.standing is ChannelState.CLOSED else replace(seen, standing=ChannelState.UNKNOWN)
            return seen
        return replace(seen, front=front | {"mix_trade_no": seen.mix_trade_no})

    async def look(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """How it stands. Where only the cash of a mixed order was made it is closed: whose authorisation it was is not kept."""
        contract = self._gateway.contract(charge.merchant)
        if charge.form != MIXED:
            return await self._cash_seen(contract, charge)
        try:
            told = await self._gateway.ask(
                contract, "GET", f"{_ORDERS}/out-trade-no/{charge.charge_no}", query=contract.owner
            )
        except Refused as refused:
            if refused.status != _ABSENT:
                return _unknown(refused)
            cash = await self._cash_seen(contract, charge) if charge.charge_fen else Seen(ChannelState.ABSENT)
            if cash.standing is ChannelState.WAITING:
                return await self._closed(contract, charge)
            # Cash without its mixed order: the other half can never be.
            return replace(cash, half=Half.FAILED) if cash.standing is ChannelState.CHARGED else cash
        seen = words.mixed_seen(told)
        if seen.standing is ChannelState.WAITING:
            # Where the answer to the order was lost, this is how the person still comes to pay.
            front = self._gateway.to_pay(contract, str(told["prepay_id"])) if "prepay_id" in told else {}
            seen = replace(seen, front=front | {"mix_trade_no": seen.mix_trade_no})
        if charge.charge_fen and seen.standing is ChannelState.CHARGED:
            cash = await self._cash_seen(contract, charge)
            seen = replace(seen, trade_no=cash.trade_no, charged_fen=cash.charged_fen or seen.charged_fen)
        parts = {"gov": charge.fund_fen, "self": charge.acct_fen, "other": charge.other_fen}
        if any((told.get(f"med_ins_{name}_fee") or 0) != fen for name, fen in parts.items()):
            return replace(seen, total_fen=-1, code="PARTS_DIFFER")
        return seen

    async def close(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """Closes what the cash of it is; a code is reversed, and what was paid by it goes back. An order without cash needs no
        closing: the bureau, which is asked for it, says no.
        """
        contract = self._gateway.contract(charge.merchant)
        if charge.form == MIXED and not charge.charge_fen:
            seen = await self.look(charge)
            return (
                replace(seen, standing=ChannelState.CLOSED, unasked=True)
                if seen.standing is ChannelState.WAITING
                else seen
            )
        if charge.form == CODE:
            numbers = words.names(contract, "appid", "mchid")
            with suppress(Refused):  # how it stands is told by the look that follows
                await self._gateway.ask(
                    contract, "POST", words.trades(contract, f"out-trade-no/{charge.charge_no}/reverse"), numbers
                )
            return await self._cash_seen(contract, charge)
        seen = await self._closed(contract, charge)
        # Of a mixed order that was paid before, its cash alone does not tell how the other half stands.
        return await self.look(charge) if charge.form == MIXED and seen.standing is ChannelState.CHARGED else seen

    async def refund(self, refund: channel_pb2.ChannelRefund) -> RefundSeen:
        """Cash goes back; accepted is not yet done (C§5.1)."""
        contract = self._gateway.contract(refund.merchant)
        amount = {"refund": refund.refund_fen, "total": refund.charged_fen, "currency": "CNY"}
        content = {
            "out_trade_no": refund.charge_no,
            "out_refund_no": refund.refund_no,
            "amount": amount,
            **contract.owner,
        }
        try:
            told = await self._gateway.ask(
                contract, "POST", _REFUNDS, content | {"notify_url": words.notify_url(contract)}
            )
        except Refused as refused:
            standing = RefundStanding.ABNORMAL if refused.code in _PEOPLE_LOOK else RefundStanding.REFUSED
            standing = RefundStanding.UNKNOWN if refused.code in _NOBODY_KNOWS else standing
            return RefundSeen(standing, code=refused.code, says=refused.says)
        return words.refund_seen(told, "status")

    async def look_refund(self, refund: channel_pb2.ChannelRefund) -> RefundSeen:
        """How a refund stands."""
        contract = self._gateway.contract(refund.merchant)
        try:
            told = await self._gateway.ask(contract, "GET", f"{_REFUNDS}/{refund.refund_no}", query=contract.owner)
        except Refused as refused:
            if refused.status == _ABSENT:
                return RefundSeen(RefundStanding.ABSENT, code=refused.code, says=refused.says)
            definite = refused.code not in _NOBODY_KNOWS
            return RefundSeen(RefundStanding.UNKNOWN, code=refused.code, says=refused.says, refused=definite)
        return words.refund_seen(told, "status")

    async def tell_returned(self, refund: channel_pb2.ChannelRefund) -> None:
        """Tells that the bureau has given the insured part of a mixed order back (C§1.1, W5); `Lost` also where it refuses."""
        insured = {"gov": refund.fund_fen, "self": refund.acct_fen, "other": refund.other_fen}
        if not refund.mix_trade_no or not any(insured.values()):
            return
        contract = self._gateway.contract(refund.merchant)
        content = {
            **{f"med_refund_{name}_fee": fen for name, fen in insured.items()},
            "med_refund_total_fee": sum(insured.values()),
            "refund_time": words.moment_text(refund.refund_time),
            "out_refund_no": refund.refund_no,
            **contract.owner,
        }
        query = {"mix_trade_no": refund.mix_trade_no}
        try:
            await self._gateway.ask(contract, "POST", "/v3/med-ins/refunds/notify", content, query)
        except Refused as refused:
            raise Lost(f"RETURN_{refused.code}", refused=refused.code not in _NOBODY_KNOWS) from None

    def hear(self, delivery: Delivery) -> Heard:
        """A payment, a medical order or a refund; `Forged`. The cash of a mixed order says nothing of its other half."""
        contract, outside, inside = self._gateway.heard(delivery)
        event, nonce = str(outside.get("id", "")), delivery.headers["wechatpay-nonce"]
        kind, number = str(outside.get("event_type", "")), str(inside.get("out_trade_no", ""))
        told_of = inside.get("mchid") or inside.get("sp_mchid") or contract.account.merchant_no
        if not event or not number or told_of != contract.account.merchant_no:
            raise Forged("NO_NUMBER")
        merchant = (told_of, inside.get("sub_mchid") or contract.account.sub_merchant_no)
        if kind.startswith("REFUND."):
            refund = words.refund_seen(inside, "refund_status")
            return Heard(event, About.REFUND, str(inside.get("out_refund_no", "")), refund=refund, nonce=nonce)
        if kind == "MEDICAL_INSURANCE.SUCCESS":
            return Heard(event, About.CHARGE, number, charge=words.mixed_seen(inside), merchant=merchant, nonce=nonce)
        if kind == "TRANSACTION.SUCCESS":
            seen = words.trade_seen(inside)
            half = Half.UNKNOWN if inside.get("attach") == words.OF_MIXED else Half.NONE
            seen = replace(seen, half=half)
            return Heard(event, About.CHARGE, number, charge=seen, merchant=merchant, nonce=nonce)
        return Heard(event, About.NOTHING, number, nonce=nonce)

    async def bill(self, merchant: channel_pb2.Merchant, day: date) -> Sequence[BillLine]:
        """The day's trades, cash alone; the file is compared with its hash and its lines with their totals (C§5.4)."""
        contract = self._gateway.contract(merchant)
        query = {"bill_date": day.isoformat(), "bill_type": "ALL", "tar_type": "GZIP", **contract.owner}
        try:
            link = await self._gateway.ask(contract, "GET", "/v3/bill/tradebill", query=query)
        except Refused as refused:
            if refused.code == _NO_BILL:
                return ()
            raise Lost(f"BILL_{refused.code}") from None
        held = await self._gateway.file(contract, str(link.get("download_url", "")))
        try:
            # A large day takes a second or more: the loop goes on meanwhile.
            return await asyncio.to_thread(_bill_lines, held, str(link.get("hash_value", "")))
        except (ValueError, KeyError, IndexError, csv.Error, zlib.error):
            raise Lost("BILL_MALFORMED") from None

    async def _closed(self, contract: WechatContract, charge: channel_pb2.ChannelCharge) -> Seen:
        path = words.trades(contract, f"out-trade-no/{charge.charge_no}/close")
        try:
            await self._gateway.ask(contract, "POST", path, words.names(contract, "mchid"))
        except Refused as refused:
            if refused.status == _ABSENT:
                return Seen(ChannelState.ABSENT)
            seen = await self._cash_seen(contract, charge)
            return replace(seen, half=Half.UNKNOWN) if charge.form == MIXED else seen
        return Seen(ChannelState.CLOSED)

    async def _cash_seen(self, contract: WechatContract, charge: channel_pb2.ChannelCharge) -> Seen:
        path, query = words.trades(contract, f"out-trade-no/{charge.charge_no}"), words.names(contract, "mchid")
        try:
            return words.trade_seen(await self._gateway.ask(contract, "GET", path, query=query))
        except Refused as refused:
            absent = refused.status == _ABSENT
            return Seen(ChannelState.ABSENT, code=refused.code, says=refused.says) if absent else _unknown(refused)


def _bill_lines(held: bytes, hash_value: str) -> Sequence[BillLine]:
    plain = zlib.decompressobj(wbits=31).decompress(held, _MOST_BILL)
    if hashlib.sha1(plain, usedforsecurity=False).hexdigest() != hash_value:
        raise ValueError("another file than its hash was made of")
    return words.bill_lines(io.TextIOWrapper(io.BytesIO(plain), encoding="utf-8-sig", newline=""))


def _unknown(refused: Refused) -> Seen:
    """What is refused to be told."""
    definite = refused.code not in _NOBODY_KNOWS
    return Seen(ChannelState.UNKNOWN, code=refused.code, says=refused.says, refused=definite)


def _refused(refused: Refused) -> Seen:
    standing = ChannelState.UNKNOWN if refused.code in _NOBODY_KNOWS else ChannelState.REFUSED
    return Seen(standing, code=refused.inner or refused.code, says=refused.says)
