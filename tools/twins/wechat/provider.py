"""The twin of WeChat Pay v3, put together: who signed, which part answers, how the answer is signed, and its own control verbs.

It verifies the bytes as they came and signs the bytes that it sends. Errors are not signed, and name their inner number at the
end of `Request-ID`.
"""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from tools.twins.bureau import bureau
from tools.twins.http import JSON, Request, Response
from tools.twins.notifies import Notifies
from tools.twins.shelf import Document
from tools.twins.twin import Settings, Stand, Twin
from tools.twins.wechat.bills import Bills
from tools.twins.wechat.cash import Cash
from tools.twins.wechat.control import Control
from tools.twins.wechat.errors import ILLEGAL, Refused, no_resource, parameter
from tools.twins.wechat.ground import Call, Ground, Route, Told, route
from tools.twins.wechat.merchants import Merchant, Merchants
from tools.twins.wechat.mixed import Mixed
from tools.twins.wechat.notices import Notices, accepted
from tools.twins.wechat.paying import Paying
from tools.twins.wechat.platform import Platform
from tools.twins.wechat.proxy import HOST, tls
from tools.twins.wechat.refunds import Refunds

NAME: Final = "WECHAT"
"""As whom it asks the bureau: the channel of its key."""
_PARTNER: Final = "/v3/pay/partner/"
_MOST_BODY: Final = 65_536


def twin(settings: Settings) -> Twin:
    """The twin; it also is a proxy for `https://api.mch.weixin.qq.com`, with a test authority of its own."""
    made = Twin(settings, WeChat)
    made.serve_tls(tls(made.stand.shelf))
    return made


class WeChat:
    """WeChat Pay, as merchants meet it."""

    def __init__(self, stand: Stand) -> None:
        platform = Platform(stand.shelf, stand.clock)
        merchants = Merchants(stand.shelf, stand.clock, stand.settings.merchants)
        self.notifies = Notifies(stand.shelf, self._send, stand.settings.time_scale)
        self._ground = Ground(stand, platform, merchants, self.notifies)
        self._notices = Notices()
        self._bureau = bureau(NAME, stand.settings.bureau_url, stand.settings.bureau_key)
        self._paying = Paying(self._ground, self._notices, self._bureau)
        self._refunds = Refunds(self._ground, self._notices)
        self._control = Control(self._ground, self._paying, self._notices)
        parts = (
            Cash(self._ground, self._paying),
            Mixed(self._ground, self._paying),
            self._refunds,
            Bills(self._ground),
        )
        self._routes: list[Route] = [each for part in parts for each in part.routes()]
        self._routes.append(route("GET", "/v3/certificates", self._certificates))

    async def start(self) -> None:
        """Needs nothing beside its port."""

    async def stop(self) -> None:
        """Lets go of its connections."""
        await self._notices.close()
        await self._bureau.close()

    async def answer(self, request: Request) -> Response | None:
        """Answers one request of a merchant."""
        serial = request.headers.get("wechatpay-serial", "")
        try:
            merchant = self._ground.merchants.verified(request)
            told = await self._told(merchant, request, serial)
        except Refused as refused:
            return _refusal(refused)
        if told.lost:
            return None
        if told.raw is not None:
            return Response(HTTPStatus.OK, told.raw, {**told.headers, "Request-ID": _request_id(0)})
        status = HTTPStatus.NO_CONTENT if told.document is None else HTTPStatus.OK
        body = b"" if told.document is None else msgspec.json.encode(told.document)
        headers = {"Content-Type": JSON, "Request-ID": _request_id(0)} | self._signed(merchant, serial, body)
        return Response(status, body, headers)

    def _signed(self, merchant: Merchant, serial: str, body: bytes) -> dict[str, str]:
        """Proves an answer by the key that the request names, else in the merchant's mode."""
        return self._ground.platform.signed(body, serial or self._ground.platform.number_for(merchant.mode))

    def unavailable(self) -> Response:
        """The words for "down"."""
        return _refusal(Refused(500, "SYSTEM_ERROR", "系统异常，请稍后重试"))

    def keys(self) -> Document:
        """Merchants with their keys, and the platform's public keys by number."""
        platform = self._ground.platform
        return {
            "merchants": self._ground.merchants.told(),
            "public_key_id": platform.key_id,
            "certificate_serial": platform.serial,
            "public_keys": platform.public_keys(),
            "proxy_authority": self._control.authority(),
        }

    async def control(self, verb: str, body: Document) -> Document | None:
        """`pay`, `order`, `notify`, `person`, `people`, `merchant`, `rotate`, `plant`."""
        return await self._control.do(verb, body)

    async def _told(self, merchant: Merchant, request: Request, serial: str) -> Told:
        partner = request.path.startswith(_PARTNER)
        path = "/v3/pay/" + request.path.removeprefix(_PARTNER) if partner else request.path
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        if request.headers.get("host", "") == HOST:
            query["_host"] = f"https://{HOST}"
        for each in self._routes:
            found = each.pattern.fullmatch(path)
            if found and each.method == request.method:
                body = _body(request) if request.method == "POST" else {}
                return await each.answer(Call(merchant, found.groupdict(), query, body, serial, partner))
        raise no_resource("请求的地址不存在")

    async def _certificates(self, call: Call) -> Told:
        return Told(self._ground.platform.certificates(call.merchant.secret))

    async def _send(self, payload: Document) -> bool:
        """What was planned: a notify, a question to the bureau, the end of a refund, a password."""
        match payload["what"]:
            case "notify":
                return accepted(await self._notices.send(self._ground, payload))
            case "settle":
                return await self._paying.settle(payload["key"])
            case "refund":
                self._refunds.finish(payload["key"])
                return True
            case _:
                return await self._paying.paid_later(payload["key"])


def _body(request: Request) -> dict[str, Any]:
    if len(request.body) > _MOST_BODY:
        raise parameter("", "请求体过大")
    try:
        return msgspec.json.decode(request.body or b"{}", type=dict[str, Any])
    except msgspec.MsgspecError:
        raise Refused(400, "PARAM_ERROR", "请求体不是合法的 JSON", ILLEGAL) from None


def _refusal(refused: Refused) -> Response:
    document: Document = {"code": refused.code, "message": refused.message}
    if refused.field:
        document["detail"] = {
            "field": f"/{refused.field.replace('.', '/')}",
            "issue": refused.message,
            "location": "body",
        }
    headers = {"Content-Type": JSON, "Request-ID": _request_id(refused.inner)}
    return Response(refused.status, msgspec.json.encode(document), headers)


def _request_id(inner: int) -> str:
    """A request's number; the inner error number is its tail."""
    return f"08{secrets.token_hex(14).upper()}-{inner}"
