"""`gateway.do`: what is signed how, what is refused, and how answers look (C§2.1, C§2.4)."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from urllib.parse import urlencode

import httpx
import pytest

from tests.twins.alipay.merchant import Merchant

QUERY = "alipay.trade.query"
UNKNOWN = {"out_trade_no": "NOBODY-KNOWS-IT"}


async def test_an_answer_is_signed_directly_behind_its_node_in_utf_8(merchant: Merchant) -> None:
    response = await merchant.raw(merchant.parameters(QUERY, UNKNOWN))
    body = response.content
    assert body.startswith(b'{"alipay_trade_query_response":{')
    assert list(json.loads(body)) == ["alipay_trade_query_response", "sign"]
    assert merchant.verified(body, "alipay_trade_query_response")["sub_msg"] == "交易不存在"
    assert response.headers["content-type"] == "text/html;charset=utf-8"


async def test_parameters_are_one_set_wherever_they_stand(merchant: Merchant) -> None:
    parameters = merchant.parameters(QUERY, UNKNOWN)
    address = f"{merchant.url}/gateway.do"
    in_query = await merchant.client.get(address, params=parameters)
    in_form = await merchant.client.post(address, data=parameters)
    split = await merchant.raw(parameters)
    assert in_query.content == in_form.content == split.content


async def test_raw_values_are_signed_not_their_encoding(merchant: Merchant) -> None:
    content = {"out_trade_no": "SIGN-1", "subject": "挂号 50%+ & 药=1", "total_amount": "1.00"}
    told = await merchant.ask("alipay.trade.precreate", content)
    assert told["code"] == "10000"


async def test_a_request_of_gbk_is_read_as_such(merchant: Merchant) -> None:
    content = {"out_trade_no": "SIGN-2", "subject": "挂号", "total_amount": "1.00"}
    told = await merchant.raw(merchant.parameters("alipay.trade.precreate", content, charset="gbk"))
    assert merchant.verified(told.content, "alipay_trade_precreate_response")["code"] == "10000"


async def test_a_target_in_absolute_form_is_taken(merchant: Merchant) -> None:
    host, port = httpx.URL(merchant.url).host, httpx.URL(merchant.url).port
    target = f"http://{host}/gateway.do?{urlencode(merchant.parameters(QUERY, UNKNOWN))}"
    with socket.create_connection((host, port or 80), timeout=2) as connection:
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(
            connection, f"POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n".encode()
        )
        answer = await loop.sock_recv(connection, 65_536)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"ACQ.TRADE_NOT_EXIST" in answer


def _without(name: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda given: {key: value for key, value in given.items() if key != name}


def _with(name: str, value: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda given: given | {name: value}


@pytest.mark.parametrize(
    ("change", "code", "sub_code"),
    [
        (_without("sign"), "40001", "isv.missing-signature"),
        (_with("sign", "AAAA"), "40002", "isv.invalid-signature"),
        (_with("biz_content", '{"out_trade_no":"ANOTHER"}'), "40002", "isv.invalid-signature"),
        (_with("return_url", "http://127.0.0.1/"), "40002", "isv.invalid-signature"),
        (_with("sign_type", "RSA"), "40002", "isv.invalid-signature-type"),
        (_with("app_id", "2021999999999999"), "40002", "isv.invalid-app-id"),
        (_without("timestamp"), "40001", "isv.missing-timestamp"),
        (_with("timestamp", "30.11.2026"), "40002", "isv.invalid-timestamp"),
        (_without("version"), "40001", "isv.missing-version"),
        (_with("charset", "utf-7"), "40002", "isv.invalid-charset"),
        (_without("method"), "40001", "isv.missing-method"),
        (_with("method", "alipay.trade.guess"), "40002", "isv.invalid-method"),
    ],
)
async def test_what_is_not_signed_and_named_rightly_is_refused_with_status_200(
    merchant: Merchant, change: Callable[[dict[str, str]], dict[str, str]], code: str, sub_code: str
) -> None:
    response = await merchant.raw(change(merchant.parameters(QUERY, UNKNOWN)))
    assert response.status_code == 200
    node = next(iter(response.json()))
    told = merchant.verified(response.content, node)
    assert (told["code"], told["sub_code"]) == (code, sub_code)


async def test_the_sign_type_is_signed_too(merchant: Merchant) -> None:
    parameters = merchant.parameters(QUERY, UNKNOWN, sign_type="")
    response = await merchant.raw(parameters | {"sign_type": "RSA2"})
    assert response.json()["alipay_trade_query_response"]["sub_code"] == "isv.invalid-signature"


async def test_an_application_asks_only_what_it_may(merchant: Merchant) -> None:
    public = (await merchant.control("keys", "GET"))["app_public_key"]
    await merchant.control("app", app_id="2021000000000077", public_key=public, methods=["alipay.trade.pay"])
    told = await merchant.ask(QUERY, UNKNOWN, app_id="2021000000000077")
    assert (told["code"], told["sub_code"]) == ("40006", "isv.insufficient-isv-permissions")


@pytest.mark.parametrize("amount", ["1.001", "1,00", "-1.00", "0", "0.00", "1e3", "１.00", ""])
async def test_an_amount_that_is_not_yuan_with_two_decimals_is_refused(merchant: Merchant, amount: str) -> None:
    content = {"out_trade_no": "AMOUNT-1", "subject": "挂号", "total_amount": amount}
    told = await merchant.ask("alipay.trade.precreate", content)
    assert told["code"] == ("40002" if amount else "40001")
    assert told["sub_code"].endswith("total-amount")


async def test_a_platform_that_is_down_says_so_in_its_own_words(merchant: Merchant) -> None:
    await merchant.control("faults", fault="UNAVAILABLE", path="alipay.trade.query")
    told = await merchant.ask(QUERY, UNKNOWN)
    assert (told["code"], told["sub_code"]) == ("20000", "isp.unknow-error")
    assert (await merchant.ask(QUERY, UNKNOWN))["code"] == "40004"
