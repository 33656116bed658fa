"""`wechatpayv3`, unmodified, takes the twin for WeChat Pay: it creates, pays, hears, queries, refunds and reads bills."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from wechatpayv3 import WeChatPayType

from tests.twins.wechat_desk import DIRECT, PARTNER, Desk, ask, look, opened, send
from tools.twins.wechat.merchants import SUB
from tools.twins.wechat.proxy import HOST


def _with_gateway(url: str) -> Callable[[object, str, object], None]:
    """In certificate mode the SDK calls from its constructor: the address has to be another before (C§1.7)."""

    def put(core: object, name: str, value: object) -> None:
        object.__setattr__(core, name, url if name == "_gate_way" else value)

    return put


@pytest.fixture(scope="module")
async def desk() -> AsyncIterator[Desk]:
    """One twin for all of these tests; each has orders of its own."""
    async with opened() as made:
        yield made


async def test_a_mixed_order_is_created_paid_heard_and_queried(desk: Desk) -> None:
    sdk, number, prepay_id = await desk.prepaid(1500)
    status, made = await send(sdk, "/v3/med-ins/orders", desk.mixed(sdk, number, prepay_id, 1500, 8500))
    assert (status, made["mix_pay_status"], made["med_ins_pay_status"]) == (
        200,
        "MIX_PAY_CREATED",
        "MED_INS_PAY_CREATED",
    )
    await desk.door("pay", out_trade_no=number)
    _, told = await look(sdk, f"/v3/med-ins/orders/mix-trade-no/{made['mix_trade_no']}")
    halves = (told["mix_pay_status"], told["self_pay_status"], told["med_ins_pay_status"])
    assert halves == ("MIX_PAY_SUCCESS", "SELF_PAY_SUCCESS", "MED_INS_PAY_SUCCESS")
    assert "payer" not in told
    heard = [sdk.callback(dict(each.headers), each.body) for each in await desk.heard("/medical")]
    event = next(each for each in heard if each and each["resource"]["out_trade_no"] == number)
    assert event["event_type"] == "MEDICAL_INSURANCE.SUCCESS"
    assert event["resource"]["mix_pay_status"] == "MIX_PAY_SUCCESS"
    _, cash = await ask(sdk.query, out_trade_no=number)
    assert (cash["trade_state"], cash["amount"]["total"]) == ("SUCCESS", 1500)


async def test_a_whole_refund_of_a_mixed_order_needs_both_halves(desk: Desk) -> None:
    sdk, number, prepay_id = await desk.prepaid(700)
    _, made = await send(sdk, "/v3/med-ins/orders", desk.mixed(sdk, number, prepay_id, 700, 300))
    await desk.door("pay", out_trade_no=number)
    amount = {"refund": 700, "total": 700, "currency": "CNY"}
    given = {"out_refund_no": f"R{number}", "amount": amount, "notify_url": desk.notify_url("refund")}
    status, refund = await ask(sdk.refund, out_trade_no=number, **given)
    assert (status, refund["status"]) == (200, "PROCESSING")
    (heard, *_) = await desk.heard("/refund")
    event = sdk.callback(dict(heard.headers), heard.body)
    assert event["event_type"] == "REFUND.SUCCESS"
    path = f"/v3/med-ins/orders/out-trade-no/{number}"
    assert (await look(sdk, path))[1]["mix_pay_status"] == "MIX_PAY_SUCCESS"
    told = {"refund_time": "2026-11-30T11:00:00+08:00", "out_refund_no": f"R{number}", "med_refund_total_fee": 300}
    told |= {"med_refund_gov_fee": 150, "med_refund_self_fee": 150, "med_refund_other_fee": 0}
    status, answer = await send(sdk, f"/v3/med-ins/refunds/notify?mix_trade_no={made['mix_trade_no']}", told)
    assert (status, answer) == (204, "")
    assert (await look(sdk, path))[1]["mix_pay_status"] == "MIX_PAY_REFUND"


async def test_a_platform_pays_for_the_merchant_below_it(desk: Desk) -> None:
    sdk, number = desk.sdk(WeChatPayType.JSAPI, PARTNER), desk.number()
    given = {"description": "医药费", "out_trade_no": number, "amount": {"total": 1200}, "sub_mchid": SUB}
    _, made = await ask(sdk.pay, payer={"sp_openid": "oTestPayer"}, **given)
    order = desk.mixed(sdk, number, made["prepay_id"], 1200, 800) | {"sub_mchid": SUB}
    status, _ = await send(sdk, "/v3/med-ins/orders", order)
    await desk.door("pay", out_trade_no=number)
    _, told = await look(sdk, f"/v3/med-ins/orders/out-trade-no/{number}?sub_mchid={SUB}")
    assert (status, told["sub_mchid"], told["mix_pay_status"]) == (200, SUB, "MIX_PAY_SUCCESS")
    assert (await look(sdk, f"/v3/med-ins/orders/out-trade-no/{number}"))[0] == 400
    _, cash = await ask(sdk.query, out_trade_no=number, sub_mchid=SUB)
    assert (cash["sub_mchid"], cash["trade_state"]) == (SUB, "SUCCESS")


async def test_native_orders_are_paid_or_closed_and_never_both(desk: Desk) -> None:
    sdk = desk.sdk(WeChatPayType.NATIVE)
    paid, closed = desk.number(), desk.number()
    for number in (paid, closed):
        status, told = await ask(sdk.pay, description="医药费", out_trade_no=number, amount={"total": 300})
        assert (status, told["code_url"][:10]) == (200, "weixin://w")
    await desk.door("pay", out_trade_no=paid)
    assert (await ask(sdk.close, out_trade_no=paid))[0] == 400
    assert (await ask(sdk.close, out_trade_no=closed))[0] == 204
    assert (await ask(sdk.query, out_trade_no=closed))[1]["trade_state"] == "CLOSED"
    refused = await desk.client.post("/_twin/pay", json={"out_trade_no": closed})
    assert (refused.status_code, "CLOSED" in refused.text) == (400, True)


async def test_a_payment_code_is_charged_at_once_and_reversed(desk: Desk) -> None:
    sdk, number = desk.sdk(WeChatPayType.CODEPAY), desk.number()
    given = {"payer": {"auth_code": "130000000000000001"}, "scene_info": {"store_info": {"id": "1"}}}
    _, told = await ask(sdk.pay, description="医药费", out_trade_no=number, amount={"total": 450}, **given)
    assert (told["trade_state"], told["trade_type"]) == ("SUCCESS", "MICROPAY")
    assert (await ask(sdk.codepay_reverse, out_trade_no=number))[0] == 200
    assert (await ask(sdk.query, out_trade_no=number))[1]["trade_state"] == "REVOKED"


async def test_an_abnormal_refund_stays_until_the_merchant_names_an_account(desk: Desk) -> None:
    sdk, number, _ = await desk.prepaid(20_000)
    await desk.door("pay", out_trade_no=number)
    given = {"out_refund_no": f"R{number}", "amount": {"refund": 19_133, "total": 20_000, "currency": "CNY"}}
    _, refund = await ask(sdk.refund, out_trade_no=number, **given, notify_url=desk.notify_url("abnormal"))
    (heard, *_) = await desk.heard("/abnormal")
    assert sdk.callback(dict(heard.headers), heard.body)["event_type"] == "REFUND.ABNORMAL"
    named = {"refund_id": refund["refund_id"], "out_refund_no": f"R{number}", "type": "MERCHANT_BANK_CARD"}
    assert (await ask(sdk.abnormal_refund, **named))[0] == 200
    await desk.heard("/abnormal", 2)
    assert (await ask(sdk.query_refund, out_refund_no=f"R{number}"))[1]["status"] == "SUCCESS"


async def test_bills_of_a_day_are_read_checked_and_add_up() -> None:
    async with opened() as desk:
        sdk, number, _ = await desk.prepaid(12_345)
        await desk.door("pay", out_trade_no=number)
        given = {"out_refund_no": f"R{number}", "amount": {"refund": 345, "total": 12_345, "currency": "CNY"}}
        await ask(sdk.refund, out_trade_no=number, **given, notify_url=desk.notify_url("refund"))
        await desk.heard("/refund")
        day = await desk.tomorrow()
        files = []
        for bill in (sdk.trade_bill, sdk.fundflow_bill):
            status, link = await ask(bill, bill_date=day)
            assert status == 200, link
            _, packed = await ask(sdk.download_bill, link["download_url"])
            files.append(gzip.decompress(packed))
            assert hashlib.sha1(files[-1]).hexdigest() == link["hash_value"]
        assert files[0].startswith("\ufeff".encode())
        lines = files[0].decode("utf-8-sig").splitlines()
        rows = [dict(zip(lines[0].split(","), line.split(",`"), strict=True)) for line in lines[1:3]]
        assert [(row["交易状态"], row["订单金额"], row["退款金额"]) for row in rows] == [
            ("SUCCESS", "123.45", "0.00"),
            ("REFUND", "0.00", "3.45"),
        ]
        assert lines[-1].split(",")[:3] == ["`2", "`123.45", "`3.45"]
        flow = files[1].decode("utf-8-sig").splitlines()
        assert flow[-1] == "`3,`1,`123.45,`2,`3.70"
        assert (await ask(sdk.trade_bill, bill_date="2026-01-01"))[0] == 400


async def test_a_link_to_a_bill_ends_and_days_without_one_are_told(desk: Desk) -> None:
    sdk, number, _ = await desk.prepaid(100)
    await desk.door("pay", out_trade_no=number)
    today = f"{desk.twin.stand.clock.now():%Y-%m-%d}"
    assert (await ask(sdk.trade_bill, bill_date=today))[0] == 400
    day = await desk.tomorrow()
    _, link = await ask(sdk.trade_bill, bill_date=day, tar_type="")
    desk.twin.stand.clock.set(desk.twin.stand.clock.now() + timedelta(seconds=40))
    assert (await ask(sdk.download_bill, link["download_url"]))[0] == 400
    status, told = await ask(sdk.fundflow_bill, bill_date="2026-10-01")
    assert (status, told["code"]) == (400, "NO_STATEMENT_EXIST")
    await desk.door("clock", offset_s=0)


async def test_certificate_mode_opens_the_certificates_and_believes_what_they_sign(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.door("merchant", **(desk.keys["merchants"][DIRECT] | {"mode": "certificate"}))
    monkeypatch.setattr("wechatpayv3.core.Core.__setattr__", _with_gateway(desk.twin.url), raising=False)
    sdk = await asyncio.to_thread(desk.sdk, WeChatPayType.NATIVE, public_key=None, public_key_id=None)
    number = desk.number()
    assert (await ask(sdk.pay, description="医药费", out_trade_no=number, amount={"total": 300}))[0] == 200
    await desk.door("pay", out_trade_no=number)
    await desk.door("notify", kind="transaction", out_trade_no=number, url=desk.notify_url("certificate"))
    (heard,) = await desk.heard("/certificate")
    assert sdk.callback(dict(heard.headers), heard.body)["resource"]["out_trade_no"] == number
    assert heard.headers["wechatpay-serial"] == desk.keys["certificate_serial"]
    await desk.door("merchant", **desk.keys["merchants"][DIRECT])


async def test_the_sdk_as_it_is_reaches_the_twin_as_its_proxy(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = tmp_path / "authority.pem"
    authority.write_text(desk.keys["proxy_authority"], encoding="ascii")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
    sdk, number = desk.sdk(WeChatPayType.NATIVE, proxy={"https": desk.twin.url}), desk.number()
    status, _ = await ask(sdk.pay, description="医药费", out_trade_no=number, amount={"total": 300})
    assert (sdk._core._gate_way, status) == (f"https://{HOST}", 200)
    await desk.door("pay", out_trade_no=number)
    day = await desk.tomorrow()
    _, link = await ask(sdk.trade_bill, bill_date=day)
    assert link["download_url"].startswith(f"https://{HOST}/")
    assert gzip.decompress((await ask(sdk.download_bill, link["download_url"]))[1])
    await desk.door("clock", offset_s=0)
