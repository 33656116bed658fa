"""The open platform on a port: `gateway.do`, the download of bills, and the control door's verbs (tools/twins/twin.py).

`gateway.do` merges the parameters of query and form, verifies the request's RSA2 signature over their raw values, and
answers with status 200 whatever it says. It refuses what is not signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from services.runtime import rsa
from tools.twins import keys
from tools.twins.alipay import outcomes, signing, trades
from tools.twins.alipay.bills import DOWNLOAD, Bills
from tools.twins.alipay.bureau import OwnBureau
from tools.twins.alipay.calls import Call, Lost, Node
from tools.twins.alipay.cashier import Cashier
from tools.twins.alipay.counter import Counter
from tools.twins.alipay.fields import Fields, yuan
from tools.twins.alipay.ledger import Ledger
from tools.twins.alipay.medical import Medical
from tools.twins.alipay.notices import Notices
from tools.twins.alipay.placing import Placing
from tools.twins.alipay.plain import Plain
from tools.twins.alipay.refusals import INVALID, MESSAGES, NOT_ALLOWED, SUCCESS, UNKNOWN, Refusal, invalid, missing
from tools.twins.alipay.telling import facts
from tools.twins.alipay.trades import Trade
from tools.twins.faults import Fault
from tools.twins.http import Request, Response
from tools.twins.shelf import Document
from tools.twins.twin import Settings, Stand, Twin

GATEWAY: Final = "/gateway.do"
SANDBOX_APP: Final = "2021000000000001"
_APP: Final = "app"
_TEXT: Final = "text/html;charset=utf-8"


def twin(settings: Settings) -> Twin:
    """The open platform on a port."""
    return Twin(settings, Alipay)


@dataclass(frozen=True, slots=True)
class App:
    """An application of a merchant: the key that its requests are signed with, and what it may ask; empty for all."""

    public_key: RSAPublicKey
    methods: frozenset[str]


class Alipay:
    """The platform: which applications there are, what they may ask, and how it is answered."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._key = keys.rsa_key(stand.shelf, "platform")
        self._app_key = keys.rsa_key(stand.shelf, SANDBOX_APP)
        self._apps: dict[str, App] = {}
        self._ledger = Ledger(stand)
        self._cashier = Cashier(stand, self._ledger, Notices(stand, self._key), OwnBureau())
        self.notifies = self._cashier.notifies
        placing = Placing(stand, self._ledger, self._cashier)
        self._counter, self._bills = Counter(stand, self._ledger), Bills(stand, self._ledger)
        self._methods = {
            **Plain(stand, self._ledger, placing, self._cashier).methods(),
            **Medical(stand, self._ledger, placing, self._cashier).methods(),
            **self._counter.methods(),
            **self._bills.methods(),
        }
        self._register(SANDBOX_APP, keys.public_pem(self._app_key.public_key()), [])

    async def start(self) -> None:
        """There is nothing beside the port."""

    async def stop(self) -> None:
        """Lets go of connections."""
        await self._cashier.close()

    def unavailable(self) -> Response:
        """20000, with status 200: the platform has no other."""
        return self._told(signing.ERROR_NODE, Refusal(UNKNOWN, "isp.unknow-error").node())

    def keys(self) -> Document:
        """The platform's public key, and a sandbox application with both of its keys; PKCS#1 as the official SDK wants it."""
        return {
            "gateway": f"{self._stand.url}{GATEWAY}",
            "app_id": SANDBOX_APP,
            "app_private_key": keys.private_pem(self._app_key, pkcs1=True),
            "app_public_key": keys.public_pem(self._app_key.public_key()),
            "alipay_public_key": keys.public_pem(self._key.public_key()),
        }

    async def answer(self, request: Request) -> Response | None:
        """One request of a merchant."""
        if request.path == DOWNLOAD:
            return self._download(request)
        if request.path != GATEWAY:
            return Response(404, b"")
        try:
            parameters = _merged(request)
        except Refusal as refusal:
            return self._told(signing.ERROR_NODE, refusal.node())
        method = parameters.get("method", "")
        node = signing.node_name(method if method in self._methods else "")
        armed = self._stand.faults.of_request(replace(request, path=method))
        if armed is Fault.TIMEOUT_BEFORE:
            return None
        try:
            if armed is Fault.UNAVAILABLE:
                raise Refusal(UNKNOWN, "isp.unknow-error")
            call = self._call(parameters)
            told = await self._methods[method](call)
        except Refusal as refusal:
            told = refusal.node()
        except Lost:
            return None
        return None if armed is Fault.TIMEOUT_AFTER else self._told(node, told)

    async def control(self, verb: str, body: Document) -> Document | None:
        """`trade`, `scan`, `pay`, `deny`, `return_insured` by `number` (any of the trade's, or its QR code); `authorise` by
        `req_biz_no`; `app` registers an application, with `methods` where it may not ask all.
        """
        match verb:
            case "app":
                self._register(str(body["app_id"]), str(body["public_key"]), list(body.get("methods", [])))
                return {}
            case "authorise":
                self._counter.authorise(str(body.get("app_id", SANDBOX_APP)), str(body["req_biz_no"]))
                return {}
            case "trade" | "pay" | "deny" | "scan" | "return_insured":
                trade = await self._acted(verb, self._named(body), body)
                return dict(facts(self._stand.faults, trade)) | {"refunded": yuan(trade.refunded_fen)}
        return None

    async def _acted(self, verb: str, trade: Trade, body: Document) -> Trade:
        """What a person or the bureau does to a trade."""
        try:
            match verb:
                case "pay" if outcomes.follows(self._stand.faults, trade, Fault.DENIED) is None:
                    return await self._cashier.pay(trade)
                case "pay" | "deny":
                    return self._cashier.deny(trade)
                case "scan":
                    trades.payable(trade)
                    with self._ledger.change():
                        trade = trades.scanned(trade, str(body.get("user_id", "")))
                        self._ledger.keep(trade)
                case "return_insured":
                    return self._cashier.insurance_returned(trade)
        except Refusal as refusal:
            raise ValueError(refusal.sub_code) from None
        return trade

    def _named(self, body: Document) -> Trade:
        number = str(body["number"])
        app_id = str(body.get("app_id", SANDBOX_APP))
        trade = self._ledger.by_number(number) or self._ledger.by_key(f"{app_id}|{number}")
        if trade is None:
            raise KeyError(number)
        return trade

    def _register(self, app_id: str, public_key: str, methods: list[str]) -> None:
        rsa.public_key(public_key)
        self._stand.shelf.put(_APP, app_id, {"public_key": public_key, "methods": methods})
        self._apps.pop(app_id, None)

    def _call(self, parameters: Mapping[str, str]) -> Call:
        """The call, after everything around `biz_content` is as it has to be."""
        for name in ("method", "app_id", "sign", "sign_type", "timestamp", "version"):
            if not parameters.get(name):
                raise missing({"sign": "signature", "sign_type": "signature_type"}.get(name, name))
        method, app_id = parameters["method"], parameters["app_id"]
        if method not in self._methods:
            raise (
                invalid("method", "未知的接口")
                if method.startswith("alipay.")
                else Refusal(INVALID, "isv.invalid-method")
            )
        if parameters["sign_type"] != "RSA2":
            raise invalid("signature_type", "RSA2")
        if Fields(parameters).moment("timestamp") is None or parameters.get("format", "JSON").upper() != "JSON":
            raise invalid("format", "JSON")
        app = self._app(app_id)
        if not rsa.verified(app.public_key, signing.request_text(parameters), parameters["sign"]):
            raise invalid("signature", "验签出错")
        if app.methods and method not in app.methods:
            raise Refusal(NOT_ALLOWED, "isv.insufficient-isv-permissions", "ISV权限不足")
        return Call(app_id, method, Fields.of(parameters.get("biz_content", "")), parameters.get("notify_url", ""))

    def _app(self, app_id: str) -> App:
        if app_id not in self._apps:
            app = self._stand.shelf.get(_APP, app_id)
            if app is None:
                raise invalid("app_id", "未知的应用")
            self._apps[app_id] = App(rsa.public_key(app["public_key"]), frozenset(app["methods"]))
        return self._apps[app_id]

    def _download(self, request: Request) -> Response:
        content = self._bills.download(dict(parse_qsl(request.query)).get("token", ""))
        if content is None:
            return Response(404, b"")
        return Response(200, content, {"Content-Type": "application/zip"})

    def _told(self, node: str, content: Node) -> Response:
        code = str(content.get("code", SUCCESS))
        kept = {name: value for name, value in content.items() if value != ""}
        body = msgspec.json.encode({"code": code, "msg": MESSAGES[code], **kept})
        return Response(200, signing.answer(self._key, node, body), {"Content-Type": _TEXT})


def _merged(request: Request) -> dict[str, str]:
    """The parameters of query and form; a name in both has the form's value."""
    try:
        encoding = signing.encoding_of(dict(parse_qsl(request.query)))
    except ValueError:
        raise invalid("charset", "UTF-8或GBK") from None
    query = parse_qsl(request.query, keep_blank_values=True, encoding=encoding, max_num_fields=100)
    form = parse_qsl(request.body.decode("latin-1"), keep_blank_values=True, encoding=encoding, max_num_fields=100)
    return dict(query) | dict(form)
