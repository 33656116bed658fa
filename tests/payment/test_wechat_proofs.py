"""What proves who speaks at the WeChat channel: keys, their change and their end, moments, nonces, and merchants of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from wechatpayv3 import WeChatPayType

from services.kernel.clock import system_clock
from services.payment.channels.protocol import Delivery, Forged, Lost
from services.payment.channels.wechat import WeChat
from services.payment.domain.charges import ChannelState, RefundStanding
from services.runtime.outgoing import HttpAnswer, Outgoing
from tests.payment.wechat_counter import (
    APP,
    MIXED,
    NATIVE,
    Counter,
    account_of,
    counter,
    delivery,
    merchant_of,
    with_certificates,
)
from tests.twins.wechat_desk import PARTNER


class Repeats(Outgoing):
    """Somebody on the way who answers everything with what the provider answered first."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self._first: HttpAnswer | None = None

    async def send(self, *given: Any, **named: Any) -> HttpAnswer:
        """Asks once."""
        if self._first is None:
            self._first = await self._outgoing.send(*given, **named)
        return self._first


@pytest.fixture(scope="module")
async def desk() -> AsyncIterator[Counter]:
    """One twin for all of these tests; each has orders of its own."""
    async with counter() as made:
        yield made


async def test_notifies_that_prove_nothing_are_forged(desk: Counter) -> None:
    charge = desk.charge(NATIVE)
    await desk.channel.place(charge)
    await desk.pays(charge)
    url = desk.desk.notify_url("forged")
    forgeries = {"signature": "SIGNATURE", "stale": "AGE", "key": "SEAL", "probe": "SIGNATURE"}
    for number, (forge, reason) in enumerate(forgeries.items(), 1):
        await desk.desk.door("notify", kind="transaction", out_trade_no=charge.charge_no, forge=forge, url=url)
        request = (await desk.desk.heard("/forged", number))[-1]
        with pytest.raises(Forged, match=reason):
            desk.channel.hear(delivery(request))
    await desk.desk.door("notify", kind="transaction", out_trade_no=charge.charge_no, url=url)
    good = (await desk.desk.heard("/forged", 5))[-1]
    heard = [desk.channel.hear(delivery(good)) for _ in range(2)]
    assert heard[0] == heard[1]
    assert (heard[0].number, heard[0].nonce) == (charge.charge_no, good.headers["wechatpay-nonce"])
    for headers in ({}, {**good.headers, "wechatpay-serial": "PUB_KEY_ID_99"}):
        with pytest.raises(Forged, match="KEY_UNKNOWN"):
            desk.channel.hear(Delivery("wechat", "", headers, good.body))
    with pytest.raises(Forged, match="SIGNATURE"):
        desk.channel.hear(Delivery("wechat", "", good.headers, good.body + b" "))


async def test_a_clock_may_be_ninety_seconds_off_and_not_six_minutes(desk: Counter) -> None:
    for seconds in (90, -90):
        assert (await desk.channel_of(desk.account, ahead=timedelta(seconds=seconds)).place(desk.charge(NATIVE))).front
    refused = await desk.channel_of(desk.account, ahead=timedelta(minutes=6)).place(desk.charge(NATIVE))
    assert (refused.standing, refused.code) == (ChannelState.REFUSED, "SIGN_ERROR")


async def test_an_answer_of_another_key_is_not_believed(desk: Counter) -> None:
    other = desk.desk.keys["merchants"][0]["public_key"]
    number = next(iter(desk.account.provider_keys))
    with pytest.raises(Lost, match="ANSWER_SIGNATURE"):
        await desk.channel_of(replace(desk.account, provider_keys={number: other})).place(desk.charge(NATIVE))


async def test_an_answer_that_came_before_or_long_ago_is_not_believed(desk: Counter) -> None:
    repeats, moment = Repeats(desk.outgoing), [timedelta()]
    channel = WeChat([desk.account], repeats, lambda: system_clock() + moment[0])
    await channel.place(desk.charge(NATIVE))
    with pytest.raises(Lost, match="ANSWER_NONCE_USED"):
        await channel.place(desk.charge(NATIVE))
    moment[0] = timedelta(seconds=330)
    with pytest.raises(Lost, match="ANSWER_AGE"):
        await channel.place(desk.charge(NATIVE))


async def test_keys_change_in_the_middle_of_an_order() -> None:
    async with counter() as desk:
        charge = desk.charge(MIXED)
        await desk.channel.place(charge)
        new = await desk.desk.door("rotate")
        desk.desk.keys = desk.desk.twin.provider.keys()
        number = new["public_key_id"]
        both = {**desk.account.provider_keys, number: desk.desk.keys["public_keys"][number]}
        await desk.pays(charge)
        (request, *_) = await desk.desk.heard("/notify/wechat")
        assert request.headers["wechatpay-serial"] == number
        with pytest.raises(Forged, match="KEY_UNKNOWN"):
            desk.channel.hear(delivery(request))
        desk.channel = desk.channel_of(replace(desk.account, provider_keys=both))
        assert (await desk.heard(charge.charge_no)).number == charge.charge_no
        assert (await desk.channel.look(charge)).standing is ChannelState.CHARGED


async def test_certificates_are_fetched_when_an_answer_names_one_that_is_not_known() -> None:
    async with counter() as desk:
        await desk.desk.door("merchant", **(desk.desk.keys["merchants"][0] | {"mode": "certificate"}))
        channel = desk.channel_of(with_certificates(desk.account))
        charge = desk.charge(MIXED)
        assert (await channel.place(charge)).standing is ChannelState.WAITING
        await desk.desk.door("rotate")
        await desk.pays(charge)
        assert (await channel.look(charge)).standing is ChannelState.CHARGED
        fetched = [each for each in desk.sent if each.url.endswith("/v3/certificates")]
        assert len(fetched) == 1
        certificates = {number: text for number, text in desk.desk.keys["public_keys"].items() if "CERTIFICATE" in text}
        old = desk.channel_of(replace(desk.account, provider_keys=certificates), ahead=timedelta(days=3650))
        await desk.desk.door("clock", skew_s=3650 * 86400)
        with pytest.raises(Lost, match="ANSWER_KEY_EXPIRED"):
            await old.place(desk.charge(NATIVE))


async def test_a_platform_charges_refunds_and_hears_for_the_merchant_below_it(desk: Counter) -> None:
    account = account_of(desk.desk, PARTNER)
    channel, charge = desk.channel_of(account), desk.charge(MIXED)
    charge.merchant.CopyFrom(merchant_of(account))
    assert (await channel.place(charge)).standing is ChannelState.WAITING
    await desk.pays(charge)
    assert (await channel.look(charge)).standing is ChannelState.CHARGED
    request = (await desk.desk.heard("/notify/wechat"))[-1]
    with pytest.raises(Forged, match="SEAL"):
        desk.channel.hear(delivery(request))
    assert channel.hear(delivery(request)).number == charge.charge_no
    refund = desk.refund(charge)
    assert (await channel.refund(refund)).standing is RefundStanding.UNDER_WAY
    assert (await channel.look_refund(refund)).standing is not RefundStanding.ABSENT
    with pytest.raises(Lost, match="ACCOUNT_UNKNOWN"):
        await desk.channel.look(charge)


async def test_the_front_end_gets_a_signature_that_the_sdk_would_make(desk: Counter) -> None:
    charge = desk.charge(APP)
    front = (await desk.channel.place(charge)).front
    sdk = desk.desk.sdk(WeChatPayType.JSAPI)
    lines = [desk.account.app_no, front["timeStamp"], front["nonceStr"], front["package"]]
    assert sdk.sign(lines) == front["paySign"]
