"""How a twin settles insured parts with our bureau: what is final, and what is asked again."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import pytest

from tests.twins.alipay.merchant import Merchant, order, until
from tools.twins.alipay.provider import twin
from tools.twins.bureau import PATH, Claim, GatewayBureau, Settled
from tools.twins.http import Request, Response, Server
from tools.twins.twin import Settings

CLAIM = Claim("T1", "ORD1", "AUTH1", 6_000, 1_000, 0)


class Gateway:
    """Answers the bureau's door with what it was given, the last of it for ever."""

    def __init__(self, *answers: tuple[int, dict[str, Any]]) -> None:
        self.answers, self.asked = list(answers), list[Request]()
        self.server = Server(self._answer, "127.0.0.1", 0)

    async def _answer(self, request: Request) -> Response:
        self.asked.append(request)
        status, told = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Response(status, json.dumps(told).encode())


def refusal(chinese: str = "") -> dict[str, Any]:
    """An error as the gateway tells it."""
    detail = {"@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "zh-CN", "message": chinese}
    return {"error": {"code": 400, "message": "the split has moved", "details": [detail] if chinese else []}}


@pytest.mark.parametrize(
    ("status", "told", "expected"),
    [
        (200, {"setlId": "S1"}, Settled(True, "S1")),
        (400, refusal("金额已变"), Settled(False, message="金额已变")),
        (404, refusal(), Settled(False, message="the split has moved")),
        (403, refusal("授权属于他人"), Settled(False, message="授权属于他人")),
        (401, refusal("密钥无效"), None),
        (429, refusal("稍后再试"), None),
        (503, refusal("稍后再试"), None),
        (404, {"no": "gateway"}, None),
    ],
)
async def test_only_a_refusal_of_the_order_itself_is_final(
    status: int, told: dict[str, Any], expected: Settled | None
) -> None:
    gateway = Gateway((status, told))
    await gateway.server.start()
    bureau = GatewayBureau("ALIPAY", gateway.server.url, "key-1")
    try:
        assert await bureau.settle(CLAIM) == expected
    finally:
        await bureau.close()
        await gateway.server.stop()
    (asked,) = gateway.asked
    assert (asked.path, asked.headers["authorization"]) == (PATH, "Bearer key-1")
    parts = {"fundFen": "6000", "acctFen": "1000", "otherFen": "0"}
    numbers = {"requestId": "T1", "channelCode": "ALIPAY", "payOrdId": "ORD1", "payAuthNo": "AUTH1"}
    assert json.loads(asked.body) == numbers | parts


async def test_a_bureau_that_nobody_reaches_is_asked_again() -> None:
    bureau = GatewayBureau("ALIPAY", "http://127.0.0.1:1", "")
    assert await bureau.settle(CLAIM) is None
    await bureau.close()


async def test_an_order_waits_with_its_cash_taken_until_the_bureau_answers() -> None:
    away = (HTTPStatus.SERVICE_UNAVAILABLE, refusal())
    gateway = Gateway(*[away] * 8, (HTTPStatus.OK, {"setlId": "S1"}))
    await gateway.server.start()
    running = twin(Settings(time_scale=0.001, bureau_url=gateway.server.url, bureau_key="key-1"))
    await running.start()
    merchant = Merchant(running)
    try:
        await merchant.ask("alipay.commerce.medical.trade.createandpay", order("BUREAU-1"))
        seen = await merchant.control("pay", number="BUREAU-1")
        assert (seen["trade_status"], seen["own_pay_status"], seen["medical_pay_status"]) == (
            "WAIT_BUYER_PAY",
            "TRADE_SUCCESS",
            "WAIT_BUYER_PAY",
        )
        await until("TRADE_SUCCESS", lambda: merchant.control("trade", number="BUREAU-1"))
        assert len(gateway.asked) == 9
        assert len({request.body for request in gateway.asked}) == 1
    finally:
        await merchant.client.aclose()
        await running.stop()
        await gateway.server.stop()
