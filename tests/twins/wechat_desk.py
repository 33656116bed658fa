"""A merchant's desk for tests: the twin of WeChat Pay on a port, the unmodified SDK pointed at it, and a door for notifies."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import wechatpayv3
from wechatpayv3.type import RequestType

from tools.twins.http import Request, Response, Server
from tools.twins.shelf import Document
from tools.twins.twin import Settings, Twin
from tools.twins.wechat import provider
from tools.twins.wechat.people import digest_of

DIRECT, PARTNER = 0, 1
ID_NO = "990101189902300016"


class Doorstep:
    """Where notifies arrive: it keeps each, and answers with `status`."""

    def __init__(self) -> None:
        self.heard: list[Request] = []
        self.status = 204
        self.server = Server(self._hear, "127.0.0.1", 0)

    async def _hear(self, request: Request) -> Response:
        self.heard.append(request)
        return Response(self.status)


class Desk:
    """One merchant of a served twin with the SDK; `number` gives fresh numbers of orders."""

    def __init__(self, twin: Twin, doorstep: Doorstep, client: httpx.AsyncClient) -> None:
        self.twin, self.doorstep, self.client = twin, doorstep, client
        self.keys = twin.provider.keys()
        self._last = 0
        self._sdks: dict[tuple[wechatpayv3.WeChatPayType, int, str], wechatpayv3.WeChatPay] = {}

    def number(self) -> str:
        """A number that no order has yet."""
        self._last += 1
        return f"YB{id(self) % 10**8}{self._last:06}"

    def sdk(self, kind: wechatpayv3.WeChatPayType, who: int = DIRECT, **given: Any) -> wechatpayv3.WeChatPay:
        """The SDK in public-key mode, as its constructor makes it; only the address is another."""
        known = self._sdks.get((kind, who, self.keys["public_key_id"]))
        if known is not None and not given:
            return known
        told = self.keys["merchants"][who]
        own = {"public_key": self.public_key(), "public_key_id": self.keys["public_key_id"]} | given
        sdk = wechatpayv3.WeChatPay(
            wechatpay_type=kind,
            mchid=told["mchid"],
            private_key=told["private_key"],
            cert_serial_no=told["serial_no"],
            appid=told["appid"],
            apiv3_key=told["secret"],
            notify_url=self.notify_url("cash"),
            partner_mode=who == PARTNER,
            timeout=5,
            **own,
        )
        if "proxy" not in given:
            sdk._core._gate_way = self.twin.url
        if not given:
            self._sdks[kind, who, self.keys["public_key_id"]] = sdk
        return sdk

    def public_key(self) -> str:
        """The platform's public key, PEM."""
        return str(self.keys["public_keys"][self.keys["public_key_id"]])

    def notify_url(self, name: str) -> str:
        """A door for notifies."""
        return f"{self.doorstep.server.url}/{name}"

    async def door(self, verb: str, **body: Any) -> Document:
        """A verb of the control door that has to work."""
        answer = await self.client.post(f"/_twin/{verb}", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def mixed(self, sdk: wechatpayv3.WeChatPay, number: str, prepay_id: str, cash: int, insured: int) -> Document:
        """A mixed order as a merchant sends it: registration, pooled fund and personal account by halves."""
        fund = insured // 2
        order: Document = {
            "mix_pay_type": "CASH_AND_INSURANCE" if cash and insured else "CASH_ONLY" if cash else "INSURANCE_ONLY",
            "order_type": "REG_PAY",
            "appid": self.keys["merchants"][DIRECT]["appid"],
            "openid": "oTestPayer",
            "payer": {"name": sdk._core.encrypt("试验甲"), "id_digest": sdk._core.encrypt(digest_of(ID_NO))}
            | {"card_type": "ID_CARD"},
            "out_trade_no": number,
            "serial_no": number,
            "city_id": "530100",
            "med_inst_name": "试验医院",
            "med_inst_no": "H99010000001",
            "total_fee": cash + insured,
            "callback_url": self.notify_url("medical"),
        }
        if insured:
            order |= {
                "pay_order_id": f"ORD99{number}",
                "pay_auth_no": f"AUTH99{number}",
                "geo_location": "102.682296,25.054260",
                "med_ins_order_create_time": "2026-11-30T10:02:57+08:00",
                "med_ins_gov_fee": fund,
                "med_ins_self_fee": insured - fund,
                "med_ins_other_fee": 0,
                "med_ins_cash_fee": cash,
            }
        else:
            order["med_ins_cash_fee"] = cash
        return order | ({"wechat_pay_cash_fee": cash, "prepay_id": prepay_id} if cash else {})

    async def prepaid(self, cash: int) -> tuple[wechatpayv3.WeChatPay, str, str]:
        """An SDK, a number and the prepay_id of a cash order of that number."""
        sdk, number = self.sdk(wechatpayv3.WeChatPayType.JSAPI), self.number()
        _, told = await ask(
            sdk.pay, description="医药费", out_trade_no=number, amount={"total": cash}, payer={"openid": "oTestPayer"}
        )
        return sdk, number, told["prepay_id"]

    async def heard(self, path: str, count: int = 1) -> list[Request]:
        """The first notifies at a door, waited for."""
        async with asyncio.timeout(20.0):
            while len(found := [each for each in self.doorstep.heard if each.path == path]) < count:  # noqa: ASYNC110  # sent later
                await asyncio.sleep(0.005)
        return found

    async def tomorrow(self) -> str:
        """Moves the twin's clock to noon of the next day; the day that has become a bill's."""
        now = datetime.fromisoformat((await self.client.get("/_twin/health")).json()["now"])
        noon = (now + timedelta(days=1)).replace(hour=12)
        await self.door("clock", at=noon.isoformat())
        return f"{now:%Y-%m-%d}"


async def ask(call: Callable[..., Any], *given: Any, **named: Any) -> tuple[int, Any]:
    """Calls the SDK, which waits, beside the loop that serves the twin; status and parsed answer."""
    status, text = await asyncio.to_thread(call, *given, **named)
    return status, json.loads(text) if isinstance(text, str) and text else text


async def send(sdk: wechatpayv3.WeChatPay, path: str, document: Document) -> tuple[int, Any]:
    """A request that the SDK has no method for, by its documented core."""
    return await ask(sdk._core.request, path, method=RequestType.POST, data=document, cipher_data=True)


async def look(sdk: wechatpayv3.WeChatPay, path: str) -> tuple[int, Any]:
    """A question that the SDK has no method for."""
    return await ask(sdk._core.request, path)


@cache
def fresh_state() -> bytes:
    """The file of a twin that has keys and nothing else: they take long to make."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "fresh.db"
        provider.twin(Settings(state=state)).stand.close()
        return state.read_bytes()


@asynccontextmanager
async def opened(**given: Any) -> AsyncIterator[Desk]:
    """A desk with a twin of its own, hours of notifies in moments."""
    with tempfile.TemporaryDirectory() as folder:
        state = given.pop("state", None) or Path(folder) / "twin.db"
        if not state.exists():
            state.write_bytes(fresh_state())
        values: dict[str, Any] = {"time_scale": 0.01, "hang_s": 0.0, "state": state} | given
        async with _at(Settings(**values)) as desk:
            yield desk


@asynccontextmanager
async def _at(settings: Settings) -> AsyncIterator[Desk]:
    twin, doorstep = provider.twin(settings), Doorstep()
    await doorstep.server.start()
    await twin.start()
    try:
        async with httpx.AsyncClient(base_url=twin.url, trust_env=False, verify=False, timeout=5.0) as client:
            yield Desk(twin, doorstep, client)
    finally:
        await twin.stop()
        await doorstep.server.stop()
