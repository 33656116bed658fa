"""The national app's channel at its twin: an order is pushed, paid in the app, notified, closed, refunded, billed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from services.payment.channels.national import NationalApp
from services.payment.channels.protocol import Delivery, Forged, Lost
from services.payment.domain.accounts import Account
from services.payment.domain.charges import About, BillKind, ChannelState, RefundStanding, Seen
from services.runtime.national.envelope import OpenedAnswer
from services.runtime.national.sm2 import open_sm2
from services.runtime.outgoing import Outgoing
from tests.payment.terminal_lines import quiet
from tests.twins.doors import told
from tools.twins.http import Request, Response, Server
from tools.twins.national.provider import APP_ID, MERCHANT, SECRET, twin
from tools.twins.twin import Settings, Twin
from yibao.payment.v1 import channel_pb2


@dataclass
class Phone:
    """The twin, the channel, and the door at which notifies arrive."""

    twin: Twin
    channel: NationalApp
    account: Account
    outgoing: Outgoing
    client: httpx.AsyncClient
    heard: list[Delivery]

    async def told(self, verb: str, **body: object) -> Any:
        """What the control door answers."""
        return await told(self.client, verb, **body)

    async def pay(self, number: str = "CHARGE0001") -> None:
        """The person pays."""
        await self.told("pay", outTradeNo=number)

    async def notified(self, count: int = 1) -> list[Delivery]:
        """What has come to the door."""
        async with asyncio.timeout(20.0):
            while len(self.heard) < count:  # noqa: ASYNC110  # what is sent later tells the test nothing
                await asyncio.sleep(0.005)
        return self.heard

    def another(self, **changes: object) -> NationalApp:
        """The channel of another account."""
        account = replace(self.account, **changes)  # type: ignore[arg-type]  # of each test's own choosing
        return NationalApp([account], open_sm2(), self.outgoing, self.twin.stand.clock.now)


@pytest.fixture(scope="module")
async def outgoing() -> AsyncIterator[Outgoing]:
    made = Outgoing(quiet())
    yield made
    await made.close()


@pytest.fixture
async def phone(outgoing: Outgoing) -> AsyncIterator[Phone]:
    heard: list[Delivery] = []

    async def take(request: Request) -> Response:
        heard.append(Delivery(request.path.rpartition("/")[2], request.query, request.headers, request.body))
        return Response(HTTPStatus.OK, b'{"code":0,"success":true}')

    door, app = Server(take, "127.0.0.1", 0), twin(Settings(hang_s=0.0, time_scale=0.001))
    await door.start()
    await app.start()
    keys = app.provider.keys()
    account = Account(
        channel="national",
        fixmedins_code="H99010100001",
        merchant_no=MERCHANT,
        app_no=APP_ID,
        secret=SECRET,
        address=app.url,
        notify_address=f"{door.url}/channels",
        private_key=keys["private_key"],
        provider_keys={"1": keys["provider_key"]},
    )
    channel = NationalApp([account], open_sm2(), outgoing, app.stand.clock.now)
    try:
        async with httpx.AsyncClient(base_url=app.url, trust_env=False, verify=False, timeout=5.0) as client:
            yield Phone(app, channel, account, outgoing, client, heard)
    finally:
        await app.stop()
        await door.stop()


def charge(fen: int = 1_000, number: str = "CHARGE0001") -> channel_pb2.ChannelCharge:
    made = channel_pb2.ChannelCharge(
        charge_no=number,
        pay_ord_id="ORD990100202611300001",
        med_org_ord="H20261130001",
        merchant=channel_pb2.Merchant(merchant_no=MERCHANT, fixmedins_code="H99010100001", fixmedins_name="测试医院"),
        order_type=channel_pb2.PAY_ORDER_TYPE_CONSULTATION,
        form=channel_pb2.PAY_FORM_APP,
        total_fen=fen + 2_345,
        fund_fen=2_000,
        acct_fen=345,
        cash_fen=fen,
        charge_fen=fen,
        user_no="USER1",
    )
    made.expires_time.FromJsonString("2026-12-01T04:00:00Z")
    return made


def refund(fen: int = 1_000, number: str = "REFUND0001") -> channel_pb2.ChannelRefund:
    merchant = channel_pb2.Merchant(merchant_no=MERCHANT)
    return channel_pb2.ChannelRefund(refund_no=number, charge_no="CHARGE0001", merchant=merchant, refund_fen=fen)


def _believed(channel: NationalApp, delivery: Delivery) -> str:
    """The number that a notify tells, or why it is not believed."""
    try:
        return channel.hear(delivery).number
    except Forged as forged:
        return forged.reason


async def test_an_order_is_pushed_paid_in_the_app_and_told_by_a_signed_notify(phone: Phone) -> None:
    assert (await phone.channel.look(charge())).standing is ChannelState.ABSENT
    placed = await phone.channel.place(charge())
    assert (placed.standing, placed.charged_fen, placed.front) == (
        ChannelState.WAITING,
        0,
        {"pay_url": f"nhsa://pay?tradeNo={placed.trade_no}"},
    )
    assert await phone.channel.place(charge()) == placed
    await phone.pay()
    (delivery,) = await phone.notified()
    heard = phone.channel.hear(delivery)
    seen = await phone.channel.look(charge())
    assert (heard.about, heard.number, heard.charge) == (About.CHARGE, "CHARGE0001", seen)
    assert (seen.standing, seen.charged_fen, seen.total_fen) == (ChannelState.CHARGED, 1_000, 3_345)
    assert delivery.path == "national"
    assert len(heard.nonce) == 128


async def test_the_app_is_told_amounts_and_the_kind_of_the_visit_and_no_more(phone: Phone) -> None:
    await phone.channel.place(charge())
    (told,) = [each["text"] for each in phone.twin.stand.records.kept() if "opened" in each]
    assert '"ordType":"CONSULTATION"' in told
    assert '"cashAmt":"10.00"' in told
    assert '"psnAcctPay":"3.45"' in told


async def test_a_closed_order_cannot_be_paid_and_a_paid_one_is_not_closed(phone: Phone) -> None:
    await phone.channel.place(charge())
    assert (await phone.channel.close(charge())).standing is ChannelState.CLOSED
    assert (await phone.client.post("/_twin/pay", json={"outTradeNo": "CHARGE0001"})).status_code == 400
    await phone.channel.place(charge(number="CHARGE0002"))
    await phone.pay("CHARGE0002")
    assert (await phone.channel.close(charge(number="CHARGE0002"))).standing is ChannelState.CHARGED
    assert (await phone.channel.close(charge(number="CHARGE0003"))).standing is ChannelState.ABSENT


async def test_cash_goes_back_in_parts_once_under_each_number(phone: Phone) -> None:
    await phone.channel.place(charge())
    assert (await phone.channel.refund(refund())).standing is RefundStanding.REFUSED
    await phone.pay()
    for number in ("REFUND0001", "REFUND0001", "REFUND0002"):
        seen = await phone.channel.refund(refund(500, number))
        assert (seen.standing, seen.refunded_fen) == (RefundStanding.RETURNED, 500)
        assert await phone.channel.look_refund(refund(500, number)) == seen
    assert (await phone.channel.refund(refund(1, "REFUND0003"))).standing is RefundStanding.REFUSED
    assert (await phone.channel.look_refund(refund(1, "REFUND0003"))).standing is RefundStanding.ABSENT
    assert (await phone.channel.look(charge())).standing is ChannelState.RETURNED
    heard = [phone.channel.hear(each) for each in await phone.notified(3)]
    assert {each.number for each in heard if each.about is About.REFUND} == {"REFUND0001", "REFUND0002"}


@pytest.mark.parametrize(
    ("fen", "first", "then"),
    [
        (9_131, RefundStanding.UNDER_WAY, RefundStanding.RETURNED),
        (9_132, RefundStanding.REFUSED, RefundStanding.REFUSED),
        (9_133, RefundStanding.ABNORMAL, RefundStanding.ABNORMAL),
    ],
)
async def test_a_refund_that_was_accepted_is_not_yet_done(
    phone: Phone, fen: int, first: RefundStanding, then: RefundStanding
) -> None:
    await phone.channel.place(charge(fen))
    await phone.pay()
    assert (await phone.channel.refund(refund(fen))).standing is first
    await phone.channel.look_refund(refund(fen))
    assert (await phone.channel.look_refund(refund(fen))).standing is then


@pytest.mark.parametrize(
    ("fen", "stands"), [(9_101, ChannelState.ABSENT), (9_102, ChannelState.WAITING), (9_103, ChannelState.ABSENT)]
)
async def test_a_push_without_an_answer_is_looked_for_by_its_number(
    phone: Phone, fen: int, stands: ChannelState
) -> None:
    with pytest.raises(Lost) as lost:
        await phone.channel.place(charge(fen))
    assert lost.value.sent
    assert (await phone.channel.look(charge(fen))).standing is stands
    assert (await phone.channel.place(charge(fen))).standing is ChannelState.WAITING


async def test_what_the_app_will_not_have_is_refused(phone: Phone) -> None:
    assert (await phone.channel.place(charge(9_104))).standing is ChannelState.REFUSED


async def test_a_status_that_nobody_knows_means_ask_again(phone: Phone) -> None:
    await phone.channel.place(charge(9_106))
    await phone.pay()
    assert (await phone.channel.look(charge(9_106))).standing is ChannelState.UNKNOWN


async def test_another_amount_than_was_ordered_is_told_as_it_is(phone: Phone) -> None:
    await phone.channel.place(charge(9_116))
    await phone.pay()
    assert (await phone.channel.look(charge(9_116))).charged_fen == 9_117


async def test_notifies_come_again_early_or_forged_and_only_true_ones_are_believed(phone: Phone) -> None:
    await phone.channel.place(charge(9_113))
    await phone.pay()
    events = {phone.channel.hear(each).event for each in await phone.notified(3)}
    assert len(events) == 1
    phone.heard.clear()
    early = await phone.channel.place(charge(9_115, "CHARGE0002"))
    assert early.standing is ChannelState.CHARGED
    await phone.notified()
    phone.heard.clear()
    await phone.channel.place(charge(9_114, "CHARGE0003"))
    await phone.pay("CHARGE0003")
    assert sorted([_believed(phone.channel, each) for each in await phone.notified(2)]) == [
        "AUTHENTICATION_FAILED",
        "CHARGE0003",
    ]


async def test_an_old_notify_and_one_of_another_app_or_merchant_are_forged(phone: Phone) -> None:
    await phone.channel.place(charge())
    await phone.pay()
    (delivery,) = await phone.notified()
    with pytest.raises(Forged, match="APP_UNKNOWN"):
        phone.another(app_no="9" * 32).hear(delivery)
    with pytest.raises(Forged, match="MERCHANT_UNKNOWN"):
        phone.another(merchant_no="another").hear(delivery)
    with pytest.raises(Forged, match="ENVELOPE_INVALID"):
        phone.channel.hear(replace(delivery, body=b"{}"))
    phone.twin.stand.clock.set(phone.twin.stand.clock.now() + timedelta(minutes=6))
    with pytest.raises(Forged, match="TIMESTAMP_OUT_OF_WINDOW"):
        phone.channel.hear(delivery)


async def test_the_app_may_change_its_key_while_orders_are_open(phone: Phone) -> None:
    keys = phone.account.provider_keys
    other = open_sm2().private_key("11" * 32).public.point.hex()
    both = phone.another(provider_keys={"old": other, "new": keys["1"]})
    placed: Seen = await both.place(charge())
    assert placed.standing is ChannelState.WAITING
    with pytest.raises(Lost, match="AUTHENTICATION_FAILED"):
        await phone.another(provider_keys={"old": other}).look(charge())
    with pytest.raises(Lost):
        await phone.another(private_key="22" * 32).look(charge())


async def test_the_bill_of_a_day_has_payments_and_refunds_of_all_pages(phone: Phone) -> None:
    day = phone.twin.stand.clock.now().date()
    for number in range(21):
        await phone.channel.place(charge(number=f"CHARGE{number:04d}"))
        await phone.pay(f"CHARGE{number:04d}")
    await phone.channel.refund(refund(300))
    lines = await phone.channel.bill(charge().merchant, day)
    assert [sum(each.kind is kind for each in lines) for kind in BillKind] == [21, 1]
    assert (lines[-1].number, lines[-1].amount_fen, lines[-1].day) == ("REFUND0001", 300, day)
    assert await phone.channel.bill(charge().merchant, day - timedelta(days=1)) == []


async def test_a_code_that_is_none_of_the_interfaces_refuses_nothing(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may stand beside an effect: how it stands is asked."""
    for code, standing in (("4003", ChannelState.REFUSED), ("4711", ChannelState.UNKNOWN), ("", ChannelState.UNKNOWN)):

        async def asked(*_: object, code: str = code) -> OpenedAnswer:
            return OpenedAnswer(code, False, "", {})

        monkeypatch.setattr(phone.channel, "_asked", asked)
        assert (await phone.channel.place(charge())).standing is standing
        assert (await phone.channel.refund(refund(300))).standing.value == standing.value
