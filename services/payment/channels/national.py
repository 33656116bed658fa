"""The national app (国家医保服务平台 App) as a channel of its own: an order is pushed, the person pays its cash in the app.

No such interface is public: paths and fields are ours, in the mobile envelope of C§4.3 both ways. What is not signed by the app's
key, or is older than five minutes, is not believed; of a visit it is told no more than its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from services.kernel.clock import BEIJING, Clock
from services.kernel.errors import Fault
from services.kernel.money import fen_of_yuan, yuan_text
from services.payment.channels.protocol import Delivery, Forged, Lost, Terms
from services.payment.domain.accounts import Account
from services.payment.domain.charges import (
    About,
    BillKind,
    BillLine,
    ChannelState,
    Heard,
    RefundSeen,
    RefundStanding,
    Seen,
)
from services.runtime.national.envelope import App, OpenedAnswer, build_request, open_answer, open_request, read_outer
from services.runtime.national.sm2 import Sm2
from services.runtime.outgoing import Outgoing, Unanswered
from yibao.payment.v1 import channel_pb2

NAME: Final = "national"
TERMS: Final = Terms(NAME, channel_pb2.CHANNEL_KIND_NATIONAL_APP, frozenset({channel_pb2.PAY_FORM_APP}))
_OK, _UNKNOWN_NUMBER, _AGAIN = "0", "4004", "5000"
"""Codes of answers (ours): done, no such number, ask again."""
_REFUSING: Final = frozenset({"4000", "4003"})
_REFUSING_REFUNDS: Final = _REFUSING | {"4006"}
"""Those that refuse an order or a refund. One that is none of these may stand beside an effect: ask how it stands."""
_MOST_PAGES: Final = 1_000
_HEARD: Final = b'{"code":0,"success":true}'
_STANDINGS: Final[Mapping[str, ChannelState]] = {
    "WAIT": ChannelState.WAITING,
    "PAID": ChannelState.CHARGED,
    "CLOSED": ChannelState.CLOSED,
    "REFUNDED": ChannelState.RETURNED,
}
_REFUNDS: Final[Mapping[str, RefundStanding]] = {
    "DOING": RefundStanding.UNDER_WAY,
    "DONE": RefundStanding.RETURNED,
    "FAIL": RefundStanding.REFUSED,
    "ABNORMAL": RefundStanding.ABNORMAL,
}

Node = Mapping[str, Any]
"""The data of an answer or a notify."""


@dataclass(frozen=True, slots=True)
class _Contract:
    """An account with its keys read: one app for each key that the other side may sign with, the newest first."""

    account: Account
    apps: Sequence[App]


class NationalApp:
    """The channel of these accounts; ValueError for a key that is none."""

    terms = TERMS

    def __init__(self, accounts: Sequence[Account], sm2: Sm2, outgoing: Outgoing, clock: Clock) -> None:
        self._contracts = {
            each.merchant_no: _Contract(each, _apps(each, sm2)) for each in accounts if each.channel == NAME
        }
        self._outgoing, self._clock = outgoing, clock

    async def place(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """Pushes the order to the person's app."""
        contract = self._contract(charge.merchant)
        told = await self._asked(contract, "order", _order(charge, contract.account))
        if told.code == _OK:
            return _seen(told.data)
        standing = ChannelState.REFUSED if told.code in _REFUSING else ChannelState.UNKNOWN
        return Seen(standing, code=told.code, says=told.message)

    async def look(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """How the order stands."""
        contract = self._contract(charge.merchant)
        return _told(await self._asked(contract, "query", {"outTradeNo": charge.charge_no}))

    async def close(self, charge: channel_pb2.ChannelCharge) -> Seen:
        """Takes the order from the person's app; one that was paid stays."""
        contract = self._contract(charge.merchant)
        return _told(await self._asked(contract, "close", {"outTradeNo": charge.charge_no}))

    async def refund(self, refund: channel_pb2.ChannelRefund) -> RefundSeen:
        """Cash goes back; accepted is not yet done."""
        contract = self._contract(refund.merchant)
        data = {
            "outTradeNo": refund.charge_no,
            "outRefdNo": refund.refund_no,
            "refdAmt": yuan_text(refund.refund_fen),
        }
        told = await self._asked(contract, "refund", data)
        if told.code == _OK:
            return _refund_seen(told.data)
        refused = told.code in _REFUSING_REFUNDS
        standing = RefundStanding.REFUSED if refused else RefundStanding.UNKNOWN
        return RefundSeen(standing, code=told.code, says=told.message)

    async def look_refund(self, refund: channel_pb2.ChannelRefund) -> RefundSeen:
        """How a refund stands."""
        contract = self._contract(refund.merchant)
        told = await self._asked(contract, "refundQuery", {"outRefdNo": refund.refund_no})
        if told.code == _OK:
            return _refund_seen(told.data)
        absent = told.code == _UNKNOWN_NUMBER
        standing = RefundStanding.ABSENT if absent else RefundStanding.UNKNOWN
        return RefundSeen(standing, code=told.code, says=told.message, refused=not absent)

    async def tell_returned(self, refund: channel_pb2.ChannelRefund) -> None:
        """Nothing: the bureau itself keeps the insured part in the app."""

    def hear(self, delivery: Delivery) -> Heard:
        """A payment or a refund, by its envelope; its signature is good once."""
        try:
            outer = read_outer(delivery.body)
            apps = [app for each in self._contracts.values() for app in each.apps if app.app_id == outer.app_id]
            if not apps:
                raise Forged("APP_UNKNOWN")
            opened = _by_any(apps, lambda app: open_request(app, outer, self._clock()))
            contract = self._contracts.get(str(opened.data.get("merchantNo", "")))
            if contract is None or contract.apps[0].app_id != outer.app_id:
                raise Forged("MERCHANT_UNKNOWN")
            return replace(_heard(opened.data, opened.signature.hex()), merchant=(contract.account.merchant_no, ""))
        except Fault as fault:
            raise Forged(fault.reason) from None
        except Lost as lost:
            raise Forged(lost.reason) from None

    async def bill(self, merchant: channel_pb2.Merchant, day: date) -> Sequence[BillLine]:
        """The day's payments and refunds, page by page."""
        contract, lines = self._contract(merchant), list[BillLine]()
        for page in range(1, _MOST_PAGES + 1):
            told = await self._asked(contract, "bill", {"billDate": day.isoformat(), "pageNo": page})
            if told.code != _OK:
                raise Lost(f"BILL_{told.code}")
            rows, total = told.data.get("rows", []), told.data.get("total")
            lines += [_line(row, day) for row in rows]
            if not rows or total == len(lines):
                return lines
        raise Lost("BILL_TOO_LONG")

    def _contract(self, merchant: channel_pb2.Merchant) -> _Contract:
        found = self._contracts.get(merchant.merchant_no)
        if found is None:
            raise Lost("MERCHANT_UNKNOWN", sent=False)
        return found

    async def _asked(self, contract: _Contract, call: str, data: dict[str, Any]) -> OpenedAnswer:
        account = contract.account
        plain = {"merchantNo": account.merchant_no, **data}
        body = build_request(contract.apps[0], plain, self._clock())
        url, headers = f"{account.address}/pay/{call}", {"content-type": "application/json"}
        try:
            answer = await self._outgoing.send(NAME, "POST", url, headers=headers, body=body, plain=plain)
        except Unanswered as error:
            raise Lost(error.reason, sent=error.sent) from None
        try:
            told: OpenedAnswer = _by_any(contract.apps, lambda app: open_answer(app, answer.body, self._clock()))
        except Fault as fault:
            raise Lost(fault.reason) from None
        if told.code == _AGAIN:
            raise Lost("ASK_AGAIN")
        return told


def _by_any(apps: Sequence[App], opened: Callable[[App], Any]) -> Any:
    """What is opened by whichever of the keys it was signed with; the fault of the last where it was none."""
    for app in apps[:-1]:
        with suppress(Fault):
            return opened(app)
    return opened(apps[-1])


def _apps(account: Account, sm2: Sm2) -> Sequence[App]:
    own = sm2.private_key(account.private_key.strip())
    return [
        App(account.app_no, account.secret, own, sm2.public_key(key.strip())) for key in account.provider_keys.values()
    ]


def _order(charge: channel_pb2.ChannelCharge, account: Account) -> dict[str, Any]:
    """What the app shows: amounts in yuan, and of the visit its kind."""
    return {
        "outTradeNo": charge.charge_no,
        "payOrdId": charge.pay_ord_id,
        "medOrgOrd": charge.med_org_ord,
        "orgCodg": charge.merchant.fixmedins_code,
        "orgName": charge.merchant.fixmedins_name,
        "ordType": channel_pb2.PayOrderType.Name(charge.order_type).removeprefix("PAY_ORDER_TYPE_"),
        "userNo": charge.user_no,
        "feeSumamt": yuan_text(charge.total_fen),
        "fundPay": yuan_text(charge.fund_fen),
        "psnAcctPay": yuan_text(charge.acct_fen),
        "othPay": yuan_text(charge.other_fen),
        "cashAmt": yuan_text(charge.charge_fen),
        "expireTime": charge.expires_time.ToDatetime(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
        "notifyUrl": f"{account.notify_address}/{NAME}",
    }


def _heard(data: Node, nonce: str) -> Heard:
    event, kind = str(data.get("eventId", "")), data.get("eventType")
    if not event:
        raise Forged("NO_EVENT")
    if kind == "PAY":
        number = str(data.get("outTradeNo", ""))
        return Heard(event, About.CHARGE, number, charge=_seen(data), nonce=nonce, answer=_HEARD)
    if kind == "REFUND":
        number = str(data.get("outRefdNo", ""))
        return Heard(event, About.REFUND, number, refund=_refund_seen(data), nonce=nonce, answer=_HEARD)
    return Heard(event, About.NOTHING, "", nonce=nonce, answer=_HEARD)


def _told(told: OpenedAnswer) -> Seen:
    if told.code == _OK:
        return _seen(told.data)
    absent = told.code == _UNKNOWN_NUMBER
    standing = ChannelState.ABSENT if absent else ChannelState.UNKNOWN
    return Seen(standing, code=told.code, says=told.message, refused=not absent)


def _seen(data: Node) -> Seen:
    """A status that is not ours means: ask again. `Lost` for amounts that are none."""
    standing = _STANDINGS.get(str(data.get("tradeStas", "")), ChannelState.UNKNOWN)
    front = {"pay_url": str(data["payUrl"])} if data.get("payUrl") else {}
    return Seen(
        standing,
        charged_fen=_fen(data.get("paidAmt", "0")),
        total_fen=_fen(data["feeSumamt"]) if "feeSumamt" in data else None,
        trade_no=str(data.get("tradeNo", "")),
        paid_at=_moment(data.get("payTime")),
        code=str(data.get("tradeStas", "")),
        front=front,
    )


def _refund_seen(data: Node) -> RefundSeen:
    standing = _REFUNDS.get(str(data.get("refdStas", "")), RefundStanding.UNKNOWN)
    number, code = str(data.get("refdNo", "")), str(data.get("refdStas", ""))
    return RefundSeen(standing, _fen(data.get("refdAmt", "0")), number, _moment(data.get("refdTime")), code)


def _line(row: Node, day: date) -> BillLine:
    kind = BillKind.CHARGE if row.get("eventType") == "PAY" else BillKind.REFUND
    number = str(row.get("outTradeNo" if kind is BillKind.CHARGE else "outRefdNo", ""))
    return BillLine(kind, number, str(row.get("tradeNo", "")), _fen(row.get("amt")), day)


def _fen(value: object) -> int:
    try:
        return fen_of_yuan(str(value))
    except Fault:
        raise Lost("AMOUNT_MALFORMED") from None


def _moment(value: object) -> datetime | None:
    try:
        return datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING) if value else None
    except ValueError:
        raise Lost("TIME_MALFORMED") from None
