"""The open platform on a port: `gateway.do`, the download of bills, and the control door's verbs (tools/twins/twin.py).

`gateway.do` merges the parameters of query and form, verifies the request's RSA2 signature over their raw values, and
answers with status 200 whatever it says. It refuses what is not signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from services.runtime import rsa
from tools.twins.alipay import signing
from tools.twins.alipay.bills import DOWNLOAD, Bills
from tools.twins.alipay.calls import Call, Lost, Node
from tools.twins.alipay.cashier import Cashier
from tools.twins.alipay.control import Control
from tools.twins.alipay.counter import Counter
from tools.twins.alipay.fields import Fields
from tools.twins.alipay.ledger import Ledger
from tools.twins.alipay.medical import Medical
from tools.twins.alipay.notices import Notices
from tools.twins.alipay.placing import Placing
from tools.twins.alipay.plain import Plain
from tools.twins.alipay.platform import Platform
from tools.twins.alipay.refusals import INVALID, MESSAGES, NOT_ALLOWED, SUCCESS, UNKNOWN, Refusal, invalid, missing
from tools.twins.bureau import bureau
from tools.twins.faults import Fault
from tools.twins.http import Request, Response
from tools.twins.shelf import Document
from tools.twins.twin import Settings, Stand, Twin

NAME: Final = "ALIPAY"
"""As whom it asks the bureau."""
GATEWAY: Final = "/gateway.do"
_TEXT: Final = "text/html;charset=utf-8"


def twin(settings: Settings) -> Twin:
    """The open platform on a port."""
    return Twin(settings, Alipay)


class Alipay:
    """The platform: which applications there are, what they may ask, and how it is answered."""

    def __init__(self, stand: Stand) -> None:
        self._stand, self._platform, self._ledger = (
            stand,
            Platform(stand.shelf, stand.settings.merchants),
            Ledger(stand),
        )
        notices, settings = Notices(stand, self._platform), stand.settings
        self._cashier = Cashier(stand, self._ledger, notices, bureau(NAME, settings.bureau_url, settings.bureau_key))
        self.notifies = self._cashier.notifies
        placing = Placing(stand, self._ledger, self._cashier)
        counter, self._bills = Counter(stand, self._ledger), Bills(stand, self._ledger)
        self._control = Control(stand, self._platform, self._ledger, notices, self._cashier, counter)
        self._methods = {
            **Plain(stand, self._ledger, placing, self._cashier).methods(),
            **Medical(stand, self._ledger, placing, self._cashier).methods(),
            **counter.methods(),
            **self._bills.methods(),
        }

    async def start(self) -> None:
        """There is nothing beside the port."""

    async def stop(self) -> None:
        """Lets go of connections."""
        await self._cashier.close()

    def unavailable(self) -> Response:
        """20000, with status 200: the platform has no other."""
        return self._told(signing.ERROR_NODE, Refusal(UNKNOWN, "isp.unknow-error").node())

    def keys(self) -> Document:
        """The address, the platform's public key, and a sandbox application with both of its keys."""
        return {"gateway": f"{self._stand.url}{GATEWAY}", **self._platform.told()}

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
        """One of the verbs of `Control.do`."""
        return await self._control.do(verb, body)

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
        app = self._platform.app(app_id)
        if not rsa.verified(app.public_key, signing.request_text(parameters), parameters["sign"]):
            raise invalid("signature", "验签出错")
        if app.methods and method not in app.methods:
            raise Refusal(NOT_ALLOWED, "isv.insufficient-isv-permissions", "ISV权限不足")
        return Call(app_id, method, Fields.of(parameters.get("biz_content", "")), parameters.get("notify_url", ""))

    def _download(self, request: Request) -> Response:
        content = self._bills.download(dict(parse_qsl(request.query)).get("token", ""))
        if content is None:
            return Response(404, b"")
        return Response(200, content, {"Content-Type": "application/zip"})

    def _told(self, node: str, content: Node) -> Response:
        code = str(content.get("code", SUCCESS))
        kept = {name: value for name, value in content.items() if value != ""}
        body = msgspec.json.encode({"code": code, "msg": MESSAGES[code], **kept})
        return Response(200, signing.answer(self._platform.key, node, body), {"Content-Type": _TEXT})


def _merged(request: Request) -> dict[str, str]:
    """The parameters of query and form; a name in both has the form's value."""
    try:
        encoding = signing.encoding_of(dict(parse_qsl(request.query)))
    except ValueError:
        raise invalid("charset", "UTF-8或GBK") from None
    query = parse_qsl(request.query, keep_blank_values=True, encoding=encoding, max_num_fields=100)
    form = parse_qsl(request.body.decode("latin-1"), keep_blank_values=True, encoding=encoding, max_num_fields=100)
    return dict(query) | dict(form)
