"""The channel Alipay at its twin, as tests of the adapter hold it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any, TypeAlias

import httpx

from services.kernel.clock import Clock, system_clock
from services.payment.channels.alipay import Alipay
from services.payment.channels.protocol import Delivery
from services.payment.domain.accounts import Account
from services.runtime.config import Config
from services.runtime.outgoing import Outgoing, SentRequest
from services.runtime.telemetry import Telemetry
from tests.twins import doors
from tools.twins.alipay.provider import twin
from tools.twins.http import Request, Response, Server
from tools.twins.twin import Settings, Twin
from yibao.payment.v1 import channel_pb2

CODE, NATIVE = channel_pb2.PAY_FORM_CODE, channel_pb2.PAY_FORM_NATIVE
APP, MIXED = channel_pb2.PAY_FORM_APP, channel_pb2.PAY_FORM_MIXED
Form: TypeAlias = channel_pb2.PayForm.ValueType


@dataclass
class Counter:
    """A channel, its twin, and the door at which notifies arrive."""

    twin: Twin
    channel: Alipay
    account: Account
    outgoing: Outgoing
    client: httpx.AsyncClient
    sent: list[SentRequest]
    arrived: list[Delivery]

    async def control(self, verb: str, **body: object) -> Any:
        """What the control door answers."""
        return await doors.told(self.client, verb, **body)

    async def told(self, number: str, count: int = 1) -> list[Delivery]:
        """Waits until so many notifies of a charge have come; all of its own by then."""
        for wait_s in repeat(0.005, 400):
            mine = [each for each in self.arrived if f"out_trade_no={number}&" in f"{each.body.decode()}&"]
            if len(mine) >= count:
                return mine
            await asyncio.sleep(wait_s)
        raise AssertionError(f"{count} notifies of {number} were expected")

    def another(self, clock: Clock = system_clock, **changes: Any) -> Alipay:
        """The channel of another clock, or of an account that differs."""
        return Alipay([replace(self.account, **changes)], self.outgoing, clock)


@asynccontextmanager
async def counter() -> AsyncIterator[Counter]:
    """A channel at its twin, where a minute is 6 ms."""
    arrived: list[Delivery] = []

    async def take(request: Request) -> Response:
        arrived.append(Delivery("alipay", request.query, request.headers, request.body))
        return Response(200, b"success", {"Content-Type": "text/plain"})

    running, door = twin(Settings(time_scale=0.0001, hang_s=0.02)), Server(take, "127.0.0.1", 0)
    sent: list[SentRequest] = []
    outgoing = Outgoing(Telemetry("payment", Config.load({"YIBAO_TRACE_EXPORTER": "none"})), sent.append)
    await running.start()
    await door.start()
    try:
        async with httpx.AsyncClient(base_url=running.url, trust_env=False, timeout=5.0) as client:
            keys = running.provider.keys()
            account = Account(
                channel="alipay",
                fixmedins_code="H99010100001",
                merchant_no=keys["app_id"],
                address=running.url,
                notify_address=f"{door.url}/notify",
                private_key=keys["app_private_key"],
                provider_keys={"1": keys["alipay_public_key"]},
            )
            channel = Alipay([account], outgoing, system_clock)
            yield Counter(running, channel, account, outgoing, client, sent, arrived)
    finally:
        await outgoing.close()
        await door.stop()
        await running.stop()


def charge(number: str, form: Form, cash_fen: int = 3_000, **more: Any) -> channel_pb2.ChannelCharge:
    """A charge: ¥70 insured beside the cash of a mixed one."""
    now = datetime.now(UTC)
    made = channel_pb2.ChannelCharge(
        charge_no=number,
        pay_ord_id=f"ORD{number}",
        med_org_ord=f"M{number}",
        merchant=channel_pb2.Merchant(fixmedins_code="H99010100001", merchant_no="2021000000000001"),
        order_type=channel_pb2.PAY_ORDER_TYPE_CONSULTATION,
        form=form,
        total_fen=7_000 + cash_fen,
        fund_fen=6_000,
        acct_fen=700,
        other_fen=300,
        cash_fen=cash_fen,
        charge_fen=cash_fen,
    )
    made.created_time.FromDatetime(now)
    made.expires_time.FromDatetime(now + timedelta(minutes=10))
    made.MergeFrom(channel_pb2.ChannelCharge(**more))
    return made


def asked(number: str, form: Form, cash_fen: int = 3_000, **more: Any) -> channel_pb2.ChannelCharge:
    """The same with what a channel is told once: code, person, authorisation."""
    once = channel_pb2.ChannelCharge(
        code=f"28{zlib.crc32(number.encode()):016}", user_no="2088000000000001", pay_auth_no=f"AUTH{number}"
    )
    made = charge(number, form, cash_fen, **more)
    made.MergeFrom(once)
    return made


def refund(number: str, of: channel_pb2.ChannelCharge, fen: int) -> channel_pb2.ChannelRefund:
    """A refund of cash of a charge."""
    return channel_pb2.ChannelRefund(
        refund_no=number,
        charge_no=of.charge_no,
        merchant=of.merchant,
        form=of.form,
        charged_fen=of.charge_fen,
        refund_fen=fen,
    )
