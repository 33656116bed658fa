"""What WeChat Pay refuses, each with its own number at the tail of `Request-ID`; and how it tells, repeats and lies on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import wechatpayv3
from wechatpayv3.type import WeChatPayType
from wechatpayv3.utils import build_authorization

from services.kernel.persons import check_digit
from tests.twins.wechat_desk import Desk, ask, look, opened, send
from tools.twins.http import Request, Response, Server
from tools.twins.wechat.people import digest_of

CASH, INSURED = 1500, 8500
Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
async def desk() -> AsyncIterator[Desk]:
    """One twin for all of these tests; each has orders of its own."""
    async with opened() as made:
        yield made


async def _refusal(desk: Desk, path: str, document: Mapping[str, Any] | None) -> tuple[int, str, int]:
    """Status, code and inner number of a refused request that was signed well."""
    merchant = desk.keys["merchants"][0]
    key = desk.sdk(WeChatPayType.JSAPI)._core._private_key
    body = "" if document is None else json.dumps(document)
    method = "GET" if document is None else "POST"
    headers = {
        "Authorization": build_authorization(path, method, merchant["mchid"], merchant["serial_no"], key, body),
        "Wechatpay-Serial": desk.keys["public_key_id"],
        "Content-Type": "application/json",
    }
    answer = await desk.client.request(method, path, content=body.encode(), headers=headers)
    assert answer.status_code >= 400, answer.text
    return answer.status_code, answer.json()["code"], int(answer.headers["request-id"].rpartition("-")[2])


def _put(**values: Any) -> Change:
    return lambda order: order.update(values)


def _drop(*names: str) -> Change:
    return lambda order: [order.pop(name) for name in names]


_WITHOUT_CASH = {"wechat_pay_cash_fee": 0, "prepay_id": ""}
BROKEN: Mapping[str, tuple[Change, int, str, int]] = {
    "unknown type": (_put(mix_pay_type="UNKNOWN_MIX_PAY_TYPE"), 400, "PARAM_ERROR", 268435461),
    "unknown order type": (_put(order_type="UNKNOWN_ORDER_TYPE"), 400, "PARAM_ERROR", 268435461),
    "insured without authorisation": (_drop("pay_auth_no"), 400, "PARAM_ERROR", 268529474),
    "insured without one of the four fees": (_drop("med_ins_self_fee"), 400, "PARAM_ERROR", 268529474),
    "cash without prepay_id": (_drop("prepay_id"), 400, "PARAM_ERROR", 268529474),
    "cash only with an insurance order": (_put(mix_pay_type="CASH_ONLY"), 403, "RULE_LIMIT", 268529475),
    "insurance only with cash": (_put(mix_pay_type="INSURANCE_ONLY"), 403, "RULE_LIMIT", 268529475),
    "total beside the parts": (_put(total_fee=CASH + INSURED + 1), 403, "RULE_LIMIT", 268529477),
    "cash due beside the total": (_put(med_ins_cash_fee=CASH - 1), 403, "RULE_LIMIT", 268529481),
    "an amount that is no integer": (_put(total_fee=100.5), 400, "PARAM_ERROR", 268435461),
    "an amount as text": (_put(med_ins_gov_fee="4250"), 400, "PARAM_ERROR", 268435461),
    "a callback with a query": (_put(callback_url="https://a.example/b?c=1"), 400, "PARAM_ERROR", 268435461),
    "a callback in the clear": (_put(callback_url="http://a.example/b"), 400, "PARAM_ERROR", 268435461),
    "a serial number too long": (_put(serial_no="9" * 21), 400, "PARAM_ERROR", 268435461),
    "another prepay_id": (_put(prepay_id="wx99"), 400, "PARAM_ERROR", 268435461),
    "an openid of another app": (_put(openid="oTwinOfAnotherApp"), 400, "PARAM_ERROR", 268510603),
    "another name": (_put(openid="oTwinNameDiffers"), 400, "PARAM_ERROR", 268545962),
    "another identity number": (_put(openid="oTwinDigestDiffers"), 400, "PARAM_ERROR", 268545961),
    "no credential": (_put(openid="oTwinNotActivated"), 403, "RULE_LIMIT", 268545963),
    "an authorisation that is over": (_put(pay_auth_no="AUTHEXPIRED1"), 403, "RULE_LIMIT", 268545967),
    "another app": (_put(appid="wx1"), 400, "APPID_MCHID_NOT_MATCH", 0),
    "another merchant": (_put(mchid="1900099999"), 400, "MCHID_MISMATCH", 0),
    "a name in the clear": (
        _put(payer={"name": "试验甲", "id_digest": "00", "card_type": "ID_CARD"}),
        400,
        "PARAM_ERROR",
        268435461,
    ),
}


async def test_each_broken_field_set_and_amount_has_its_number_and_nothing_is_kept(desk: Desk) -> None:
    sdk, number, prepay_id = await desk.prepaid(CASH)
    order = desk.mixed(sdk, number, prepay_id, CASH, INSURED)
    for name, (change, *expected) in BROKEN.items():
        broken = dict(order)
        change(broken)
        assert await _refusal(desk, "/v3/med-ins/orders", broken) == tuple(expected), name
    assert await _refusal(desk, f"/v3/med-ins/orders/out-trade-no/{number}", None) == (
        404,
        "ORDER_NOT_EXIST",
        268529515,
    )
    assert (await send(sdk, "/v3/med-ins/orders", order))[0] == 200


async def test_added_and_reduced_amounts_enter_the_three_equations(desk: Desk) -> None:
    sdk, number, prepay_id = await desk.prepaid(CASH)
    order = desk.mixed(sdk, number, prepay_id, CASH, INSURED)
    order |= {"cash_add_detail": [{"cash_add_fee": 600, "cash_add_type": "FREIGHT"}]}
    order |= {"cash_reduce_detail": [{"cash_reduce_fee": 200, "cash_reduce_type": "PHARMACY_DISCOUNT"}]}
    order |= {"med_ins_cash_fee": CASH - 400, "total_fee": INSURED + CASH + 200}
    wrong = order | {"wechat_pay_cash_fee": CASH, "med_ins_cash_fee": CASH - 400 - 1, "total_fee": INSURED + CASH + 199}
    assert (await _refusal(desk, "/v3/med-ins/orders", wrong))[2] == 268529477
    assert (await send(sdk, "/v3/med-ins/orders", order))[0] == 200


async def test_a_number_and_an_authorisation_are_used_once(desk: Desk) -> None:
    sdk, number, prepay_id = await desk.prepaid(CASH)
    order = desk.mixed(sdk, number, prepay_id, CASH, INSURED)
    assert (await send(sdk, "/v3/med-ins/orders", order))[0] == 200
    assert await _refusal(desk, "/v3/med-ins/orders", order) == (400, "ALREADY_EXISTS", 268512536)
    _, second, prepay_id = await desk.prepaid(CASH)
    order = desk.mixed(sdk, second, prepay_id, CASH, INSURED) | {"pay_auth_no": order["pay_auth_no"]}
    assert await _refusal(desk, "/v3/med-ins/orders", order) == (403, "RULE_LIMIT", 268547120)


async def test_a_relative_must_be_bound(desk: Desk) -> None:
    sdk, number, prepay_id = await desk.prepaid(CASH)
    order = desk.mixed(sdk, number, prepay_id, CASH, INSURED)
    order |= {"pay_for_relatives": True, "relative": order["payer"], "openid": "oTwinRelativeUnknown"}
    assert await _refusal(desk, "/v3/med-ins/orders", order) == (403, "RULE_LIMIT", 268545964)
    assert (await send(sdk, "/v3/med-ins/orders", order | {"openid": "oTestPayer"}))[0] == 200


async def test_a_known_person_is_compared_by_name_and_digest(desk: Desk) -> None:
    await desk.door("person", openid="oKnown", name="试验乙", id_no="99010118990230002X")
    sdk, number, prepay_id = await desk.prepaid(CASH)
    order = desk.mixed(sdk, number, prepay_id, CASH, INSURED) | {"openid": "oKnown"}
    assert (await _refusal(desk, "/v3/med-ins/orders", order))[2] == 268545961
    sealed = sdk._core.encrypt
    payer = {"name": sealed("试验甲"), "id_digest": sealed(digest_of("99010118990230002x")), "card_type": "ID_CARD"}
    assert (await _refusal(desk, "/v3/med-ins/orders", order | {"payer": payer}))[2] == 268545962
    payer["name"] = sealed("试验乙")
    assert (await send(sdk, "/v3/med-ins/orders", order | {"payer": payer}))[0] == 200


def test_the_digest_of_an_identity_number_is_the_documented_one() -> None:
    assert digest_of("44030019000101123x") == "09eb26e839ff3a2e3980352ae45ef09e"
    eighteen = "99010119891330001"
    assert digest_of("990101891330001") == digest_of(eighteen + check_digit(eighteen))


async def test_signatures_of_others_old_ones_and_changed_bytes_are_refused(desk: Desk) -> None:
    merchant = desk.keys["merchants"][0]
    key, path = desk.sdk(WeChatPayType.NATIVE)._core._private_key, "/v3/pay/transactions/native"
    whole = {
        "path": path,
        "method": "POST",
        "mchid": merchant["mchid"],
        "serial_no": merchant["serial_no"],
        "private_key": key,
    }
    good = {"Authorization": build_authorization(**whole, data="{}")}
    for headers, body in (
        ({}, "{}"),
        (good, "{ }"),
        ({"Authorization": build_authorization(**(whole | {"mchid": "1900099999"}), data="{}")}, "{}"),
        ({"Authorization": build_authorization(**(whole | {"serial_no": "AB"}), data="{}")}, "{}"),
    ):
        answer = await desk.client.post(path, content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")
    await desk.door("clock", skew_s=301)
    assert (await desk.client.post(path, content="{}", headers=good)).status_code == 401
    await desk.door("clock", skew_s=90)
    assert (await desk.client.post(path, content="{}", headers=good)).status_code == 400
    await desk.door("clock", skew_s=0)


async def test_a_published_amount_repeats_the_notify_and_another_forges_one_first(desk: Desk) -> None:
    sdk, repeated, _ = await desk.prepaid(19_113)
    _, forged, _ = await desk.prepaid(19_114)
    for number in (repeated, forged):
        await desk.door("pay", out_trade_no=number)
    heard = await desk.heard("/cash", 5)
    events = [json.loads(each.body) for each in heard]
    believed = [_believed(sdk, each) for each in heard]
    numbers = [each["resource"]["out_trade_no"] for each in believed if each]
    assert (numbers.count(repeated), numbers.count(forged), believed.count(None)) == (3, 1, 1)
    assert len({event["id"] for event in events}) == 2


def _believed(sdk: wechatpayv3.WeChatPay, heard: Request) -> Any:
    return sdk.callback(dict(heard.headers), heard.body)


async def test_notifies_are_forged_replayed_and_probed_on_demand(desk: Desk) -> None:
    sdk, number, _ = await desk.prepaid(CASH)
    await desk.door("pay", out_trade_no=number)
    url = desk.notify_url("again")
    for forge, expected in (("signature", False), ("key", False), ("probe", False), ("", True), ("stale", True)):
        await desk.door("notify", kind="transaction", out_trade_no=number, forge=forge, url=url)
        assert bool(_believed(sdk, desk.doorstep.heard[-1])) is expected, forge
    await desk.door("notify", kind="transaction", out_trade_no=number, url=url)
    sent = desk.doorstep.heard[-1]
    await desk.door("notify", kind="transaction", out_trade_no=number, forge="replay", url=url)
    assert (desk.doorstep.heard[-1].body, desk.doorstep.heard[-1].headers) == (sent.body, sent.headers)
    assert len({each.body for each in desk.doorstep.heard if each.path == "/again"}) == 6


async def test_insurance_that_fails_after_the_cash_was_taken_shows_the_dangerous_combination(desk: Desk) -> None:
    sdk, number, prepay_id = await desk.prepaid(19_121)
    await send(sdk, "/v3/med-ins/orders", desk.mixed(sdk, number, prepay_id, 19_121, INSURED))
    await desk.door("pay", out_trade_no=number)
    _, told = await look(sdk, f"/v3/med-ins/orders/out-trade-no/{number}")
    halves = (told["mix_pay_status"], told["self_pay_status"], told["med_ins_pay_status"])
    assert halves == ("MIX_PAY_FAIL", "SELF_PAY_SUCCESS", "MED_INS_PAY_FAIL")
    assert told["med_ins_fail_reason"]
    amount = {"refund": 19_121, "total": 19_121, "currency": "CNY"}
    assert (await ask(sdk.refund, out_trade_no=number, out_refund_no=f"R{number}", amount=amount))[0] == 200


async def test_a_person_of_the_published_list_pays_or_declines_at_once(desk: Desk) -> None:
    for openid, state in (("oTwinPaysAtOnce", "MIX_PAY_SUCCESS"), ("oTwinDeniesAtOnce", "MIX_PAY_FAIL")):
        sdk, number, prepay_id = await desk.prepaid(CASH)
        order = desk.mixed(sdk, number, prepay_id, CASH, INSURED) | {"openid": openid}
        assert (await send(sdk, "/v3/med-ins/orders", order))[1]["mix_pay_status"] == state
    assert "oTwinPaysAtOnce" in (await desk.door("people"))["openids"]


async def test_an_answer_lost_after_effect_is_found_by_its_number(desk: Desk) -> None:
    sdk, number = desk.sdk(WeChatPayType.NATIVE), desk.number()
    given = {"description": "医药费", "out_trade_no": number, "amount": {"total": 19_102}}
    with pytest.raises(OSError, match=r"aborted|reset|closed"):
        await ask(sdk.pay, **given)
    assert (await ask(sdk.query, out_trade_no=number))[1]["trade_state"] == "NOTPAY"
    assert (await ask(sdk.pay, **given))[0] == 200


async def test_a_code_payment_waits_for_a_password_and_is_paid_later(desk: Desk) -> None:
    sdk, number = desk.sdk(WeChatPayType.CODEPAY), desk.number()
    given = {"payer": {"auth_code": "130000000000000002"}, "scene_info": {"store_info": {"id": "1"}}}
    _, told = await ask(sdk.pay, description="医药费", out_trade_no=number, amount={"total": 19_105}, **given)
    assert told["trade_state"] == "USERPAYING"
    async with asyncio.timeout(20.0):
        while (await ask(sdk.query, out_trade_no=number))[1]["trade_state"] != "SUCCESS":  # noqa: ASYNC110  # as a merchant asks
            await asyncio.sleep(0.01)


async def test_refunds_never_exceed_what_was_paid_and_one_number_is_one_refund(desk: Desk) -> None:
    sdk, number, _ = await desk.prepaid(1000)
    await desk.door("pay", out_trade_no=number)

    async def refund(no: str, fen: int) -> int:
        amount = {"refund": fen, "total": 1000, "currency": "CNY"}
        return (await ask(sdk.refund, out_trade_no=number, out_refund_no=f"{no}{number}", amount=amount))[0]

    assert [await refund(*each) for each in (("A", 600), ("A", 600), ("A", 500), ("B", 401), ("B", 400))] == [
        200,
        200,
        400,
        400,
        200,
    ]


async def test_the_bureau_is_asked_with_the_orders_numbers_until_it_answers_and_its_refusal_fails_the_order() -> None:
    asked: list[dict[str, Any]] = []

    async def bureau(request: Request) -> Response | None:
        asked.append(json.loads(request.body))
        if len(asked) == 1:
            return None
        if asked[-1]["fundFen"] == "50":
            return Response(409, b'{"error": {"message": "SPLIT_MOVED"}}')
        return Response(200, b'{"setlId": "S99"}')

    server = Server(bureau, "127.0.0.1", 0)
    await server.start()
    async with opened(bureau_url=server.url) as desk:
        states = []
        for insured in (INSURED, 100):
            sdk, number, prepay_id = await desk.prepaid(CASH)
            await send(sdk, "/v3/med-ins/orders", desk.mixed(sdk, number, prepay_id, CASH, insured))
            await desk.door("pay", out_trade_no=number)
            async with asyncio.timeout(20.0):
                while (state := await desk.door("order", out_trade_no=number))["mix_pay_status"] == "MIX_PAY_CREATED":  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            states.append((state["mix_pay_status"], state["self_pay_status"]))
    await server.stop()
    assert states == [("MIX_PAY_SUCCESS", "SELF_PAY_SUCCESS"), ("MIX_PAY_FAIL", "SELF_PAY_SUCCESS")]
    assert asked[0] == asked[1]
    assert (asked[0]["channelCode"], asked[0]["payAuthNo"][:6]) == ("WECHAT", "AUTH99")


async def test_a_killed_twin_goes_on_with_its_orders_keys_and_notifies(tmp_path: Path) -> None:
    state = tmp_path / "wechat.db"
    async with opened(state=state, time_scale=1000.0) as desk:
        sdk, number, prepay_id = await desk.prepaid(CASH)
        await send(sdk, "/v3/med-ins/orders", desk.mixed(sdk, number, prepay_id, CASH, INSURED))
        keys = desk.keys
    async with opened(state=state) as desk:
        assert desk.keys == keys
        sdk = desk.sdk(WeChatPayType.JSAPI)
        await desk.door("pay", out_trade_no=number)
        assert (await look(sdk, f"/v3/med-ins/orders/out-trade-no/{number}"))[1]["mix_pay_status"] == "MIX_PAY_SUCCESS"


async def test_a_twin_that_was_killed_after_the_cash_was_taken_still_settles_the_insured_half(tmp_path: Path) -> None:
    state = tmp_path / "wechat.db"
    async with opened(state=state, bureau_url="http://127.0.0.1:9") as desk:
        sdk, number, prepay_id = await desk.prepaid(CASH)
        await send(sdk, "/v3/med-ins/orders", desk.mixed(sdk, number, prepay_id, CASH, INSURED))
        await desk.door("pay", out_trade_no=number)
        halfway = await desk.door("order", out_trade_no=number)
        assert (halfway["self_pay_status"], halfway["mix_pay_status"]) == ("SELF_PAY_SUCCESS", "MIX_PAY_CREATED")
    async with opened(state=state) as desk:
        async with asyncio.timeout(20.0):
            while (await desk.door("order", out_trade_no=number))["mix_pay_status"] != "MIX_PAY_SUCCESS":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await desk.door("order", out_trade_no=number))["trade_state"] == "SUCCESS"


async def test_after_a_change_of_keys_each_caller_is_answered_by_the_key_that_it_names_and_old_seals_are_read(
    desk: Desk,
) -> None:
    sdk, number, prepay_id = await desk.prepaid(CASH)
    order = desk.mixed(sdk, number, prepay_id, CASH, INSURED)
    old = desk.keys["public_key_id"]
    await desk.door("rotate")
    desk.keys = desk.twin.provider.keys()
    assert desk.keys["public_key_id"] != old
    assert (await send(sdk, "/v3/med-ins/orders", order))[0] == 200
    fresh = desk.sdk(WeChatPayType.JSAPI)
    assert (await look(fresh, f"/v3/med-ins/orders/out-trade-no/{number}"))[0] == 200


async def test_what_was_sealed_is_in_the_record_in_the_clear(desk: Desk) -> None:
    sdk, number, prepay_id = await desk.prepaid(CASH)
    await send(sdk, "/v3/med-ins/orders", desk.mixed(sdk, number, prepay_id, CASH, INSURED))
    opened_texts = [
        each["text"] for each in (await desk.client.get("/_twin/received")).json()["received"] if "opened" in each
    ]
    assert opened_texts[-2:] == ["试验甲", digest_of("990101189902300016")]
