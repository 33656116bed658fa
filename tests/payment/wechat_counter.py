"""A counter of the WeChat channel for tests: the adapter at its twin, and a doorstep where the twin's notifies arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.kernel.clock import system_clock
from services.payment.channels.protocol import Delivery
from services.payment.channels.wechat import WeChat
from services.payment.domain.accounts import Account
from services.payment.domain.charges import Heard
from services.runtime.outgoing import Outgoing, SentRequest
from tests.payment.terminal_lines import quiet
from tests.twins.wechat_desk import DIRECT, ID_NO, Desk, opened
from tools.twins.http import Request
from yibao.payment.v1 import channel_pb2

CODE, NATIVE, APP, MIXED = (
    channel_pb2.PAY_FORM_CODE,
    channel_pb2.PAY_FORM_NATIVE,
    channel_pb2.PAY_FORM_APP,
    channel_pb2.PAY_FORM_MIXED,
)
FUND, ACCT, CASH = 4_000, 1_000, 2_500


class Counter:
    """The adapter, its twin's desk, and every request that left."""

    def __init__(self, desk: Desk, outgoing: Outgoing, sent: list[SentRequest]) -> None:
        self.desk, self.outgoing, self.sent = desk, outgoing, sent
        self.account = account_of(desk)
        self.channel = self.channel_of(self.account)

    def channel_of(self, *accounts: Account, ahead: timedelta = timedelta()) -> WeChat:
        """An adapter of these accounts, whose clock may be off."""
        return WeChat(accounts, self.outgoing, lambda: system_clock() + ahead)

    def merchant(self) -> channel_pb2.Merchant:
        """The account as orders name it."""
        return merchant_of(self.account)

    def charge(self, form: channel_pb2.PayForm.ValueType, cash: int = CASH, **given: Any) -> channel_pb2.ChannelCharge:
        """A charge: a mixed one of all parts, another of cash alone."""
        mixed, number = form == MIXED, self.desk.number()
        fund, acct = (FUND, ACCT) if mixed else (0, 0)
        made = channel_pb2.ChannelCharge(
            charge_no=number,
            pay_ord_id=f"ORD99{number}",
            med_org_ord=number,
            pay_auth_no=f"AUTH99{number}" if mixed else "",
            merchant=self.merchant(),
            order_type=channel_pb2.PAY_ORDER_TYPE_REGISTRATION,
            form=form,
            user_no="oTestPayer",
            code="130000000000000001",
            location="102.682296,25.054260",
            payer=channel_pb2.Payer(name="试验甲", cert_no=ID_NO, cert_type="01") if mixed else None,
            total_fen=fund + acct + cash,
            fund_fen=fund,
            acct_fen=acct,
            cash_fen=cash,
            charge_fen=cash,
        )
        made.created_time.FromDatetime(datetime.now(UTC))
        made.expires_time.FromDatetime(datetime.now(UTC) + timedelta(minutes=15))
        made.MergeFrom(channel_pb2.ChannelCharge(**given))
        return made

    def refund(
        self, charge: channel_pb2.ChannelCharge, cash: int | None = None, **given: Any
    ) -> channel_pb2.ChannelRefund:
        """A refund of its cash, whole unless said otherwise."""
        made = channel_pb2.ChannelRefund(
            refund_no=f"R{self.desk.number()}",
            charge_no=charge.charge_no,
            merchant=charge.merchant,
            form=charge.form,
            charged_fen=charge.charge_fen,
            refund_fen=charge.charge_fen if cash is None else cash,
            **given,
        )
        made.refund_time.FromDatetime(datetime.now(UTC))
        return made

    async def pays(self, charge: channel_pb2.ChannelCharge, **given: Any) -> None:
        """The person pays."""
        await self.desk.door("pay", out_trade_no=charge.charge_no, **given)

    async def heard(self, number: str) -> Heard:
        """The first notify of a number that came and was believed."""
        tried = 0
        while True:
            requests = await self.desk.heard("/notify/wechat", tried + 1)
            found = self.channel.hear(delivery(requests[tried]))
            if found.number == number:
                return found
            tried += 1

    def path_of(self, sent: SentRequest) -> str:
        """Where a request went, without the host."""
        return sent.url.removeprefix(self.account.address)


def account_of(desk: Desk, who: int = DIRECT) -> Account:
    """The account of one of the twin's merchants."""
    told = desk.keys["merchants"][who]
    number = desk.keys["public_key_id"]
    return Account(
        channel="wechat",
        fixmedins_code="H99010000001",
        merchant_no=told["mchid"],
        sub_merchant_no=told["subs"][0] if told["subs"] else "",
        app_no=told["appid"],
        city_no="530100",
        address=desk.twin.url,
        notify_address=desk.notify_url("notify"),
        serial_no=told["serial_no"],
        private_key=told["private_key"],
        provider_keys={number: desk.keys["public_keys"][number]},
        secret=told["secret"],
    )


def merchant_of(account: Account) -> channel_pb2.Merchant:
    """An account as orders name it."""
    return channel_pb2.Merchant(
        fixmedins_code=account.fixmedins_code,
        fixmedins_name="试验医院",
        merchant_no=account.merchant_no,
        sub_merchant_no=account.sub_merchant_no,
        app_no=account.app_no,
        city_no=account.city_no,
    )


def delivery(request: Request) -> Delivery:
    """A request as the gateway's door hands it on."""
    return Delivery("wechat", request.query, request.headers, request.body)


def with_certificates(account: Account) -> Account:
    """The account of a merchant that has been told no key: it fetches certificates."""
    return replace(account, provider_keys={})


@asynccontextmanager
async def counter(**given: Any) -> AsyncIterator[Counter]:
    """A counter with a twin of its own."""
    sent: list[SentRequest] = []
    outgoing = Outgoing(quiet(), sent.append)
    try:
        async with opened(**given) as desk:
            yield Counter(desk, outgoing, sent)
    finally:
        await outgoing.close()
