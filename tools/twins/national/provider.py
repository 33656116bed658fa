"""`python -m tools.twins national`: takes orders of merchants in the mobile envelope, plays the person's app at the control door,
and notifies in the envelope too. It believes nothing that is not signed by the merchant's key.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import httpx
import msgspec

from services.kernel.errors import Fault as Refused
from services.kernel.money import fen_of_yuan
from services.runtime.national.envelope import (
    App,
    OpenedMessage,
    build_answer,
    build_request,
    open_request,
    read_outer,
    write_unsigned,
)
from services.runtime.national.sm2 import PrivateKey, open_sm2
from tools.twins.faults import OF_REQUESTS, Fault
from tools.twins.http import Request, Response
from tools.twins.national.orders import UNKNOWN_WORD, Order, Orders, Refund, Refusal, order_told, refund_told
from tools.twins.notifies import Notifies
from tools.twins.shelf import Document
from tools.twins.twin import Settings, Stand, Twin

APP_ID: Final = "1NATIONALAPPTWIN0000000000000001"
SECRET: Final = "twin-of-the-national-app"
MERCHANT: Final = "N99010100001"
_DIGITS: Final = 5
DELAYS_S: Final = (0.0, 15.0, 60.0, 600.0, 3_600.0)
_LATE_S: Final = 7_200.0
_PAGE: Final = 20
_PATH: Final = "/pay/"
_KEY: Final = "key"
_CHOSEN: Final = "chosen"
_BAD: Final = 4000
_JSON: Final = {"Content-Type": "application/json"}


def merchant(number: int) -> str:
    """The merchant of that number, from 1 on."""
    return f"{MERCHANT[:-_DIGITS]}{number:0{_DIGITS}}"


def twin(settings: Settings) -> Twin:
    """The national app on a port."""
    return Twin(settings, National)


class National:
    """The app's side of the interface."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._sm2 = open_sm2()
        self._own, self._merchants = self._key("own"), self._key("merchant")
        self._app = App(APP_ID, SECRET, self._own, self._merchants.public)
        # It tells invented things to this machine alone: no certificate is asked for.
        self._client = httpx.AsyncClient(trust_env=False, verify=False, timeout=5.0)
        self.orders = Orders(stand.shelf, stand.clock)
        self.notifies = Notifies(stand.shelf, self._send, stand.settings.time_scale)
        self._calls: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "order": self._push,
            "query": self._query,
            "close": lambda data: order_told(self.orders.close(data["outTradeNo"])),
            "refund": self._refund,
            "refundQuery": lambda data: refund_told(self.orders.look_refund(data["outRefdNo"])),
            "bill": self._bill,
        }

    async def start(self) -> None:
        """Needs nothing more."""

    async def stop(self) -> None:
        """Lets go of the connections."""
        await self._client.aclose()

    async def answer(self, request: Request) -> Response | None:
        """One call in an envelope."""
        now, call = self._stand.clock.now(), self._calls.get(request.path.removeprefix(_PATH))
        if call is None or not request.path.startswith(_PATH):
            return Response(HTTPStatus.NOT_FOUND, b"", _JSON)
        try:
            outer = read_outer(request.body)
            opened = open_request(self._app, outer, now)
        except Refused as refused:
            return Response(HTTPStatus.OK, write_unsigned(_BAD, refused.reason, now), _JSON)
        self._stand.records.opened(request.path, msgspec.json.encode(opened.data).decode())
        fault = self._chosen(request.path, opened)
        if fault is Fault.UNAVAILABLE:
            return self.unavailable()
        if fault is Fault.TIMEOUT_BEFORE:
            return None
        try:
            with self._stand.shelf.change():
                told = build_answer(self._app, outer, call(opened.data), now)
        except Refusal as refusal:
            told = build_answer(self._app, outer, {}, now, code=refusal.code, message=refusal.message)
        except (KeyError, TypeError, Refused):
            told = build_answer(self._app, outer, {}, now, code=_BAD, message="报文不完整")
        return None if fault is Fault.TIMEOUT_AFTER else Response(HTTPStatus.OK, told, _JSON)

    def unavailable(self) -> Response:
        """The app's servers are down."""
        return Response(HTTPStatus.SERVICE_UNAVAILABLE, b"", _JSON)

    def keys(self) -> Document:
        """What a merchant must know, the key of the application too, which serves all of them."""
        return {
            "app_id": APP_ID,
            "secret": SECRET,
            "merchant_no": MERCHANT,
            "merchants": [merchant(number) for number in sorted({1, *self._stand.settings.merchants})],
            "private_key": self._merchants.scalar.hex(),
            "provider_key": self._own.public.point.hex(),
        }

    async def control(self, verb: str, body: Document) -> Document | None:
        """`pay` {outTradeNo, deny, force}: the person pays in the app, or declines; `order` {outTradeNo} tells how one stands;
        `rotate`: the app signs with another key from now on.
        """
        if verb == "rotate":
            return self._rotated()
        if verb not in ("pay", "order"):
            return None
        number = body["outTradeNo"]
        with self._stand.shelf.change():
            try:
                if verb == "order":
                    order = self.orders.order(number)
                elif body.get("deny"):
                    order = self.orders.close(number)
                else:
                    order = self.orders.pay(number, force=bool(body.get("force")))
                    self._tell("PAY", order, order_told(order))
            except Refusal as refusal:
                raise ValueError(refusal.message) from None
        return {**order_told(order), "returnedFen": order.returned_fen}

    def _rotated(self) -> Document:
        self._stand.shelf.remove(_KEY, "own")
        self._own = self._key("own")
        self._app = App(APP_ID, SECRET, self._own, self._merchants.public)
        return {"provider_key": self._own.public.point.hex()}

    def _query(self, data: dict[str, Any]) -> dict[str, Any]:
        told = order_told(self.orders.order(data["outTradeNo"]))
        odd = self._stand.faults.of_event(Fault.UNKNOWN_STATUS) is not None
        return told | ({"tradeStas": UNKNOWN_WORD} if odd else {})

    def _push(self, data: dict[str, Any]) -> dict[str, Any]:
        order = self.orders.push(data)
        if order.fault is Fault.NOTIFY_EARLY and order.state == "WAIT":
            order = self.orders.pay(order.number)
            self._tell("PAY", order, order_told(order))
        return order_told(order)

    def _refund(self, data: dict[str, Any]) -> dict[str, Any]:
        fault = self._stand.faults.of_event(Fault.REFUND_LATER, Fault.REFUND_CLOSED, Fault.REFUND_ABNORMAL)
        made: Refund = self.orders.refund(data["outTradeNo"], data["outRefdNo"], fen_of_yuan(data["refdAmt"]), fault)
        if made.state == "DONE":
            self._tell("REFUND", self.orders.order(made.order), refund_told(made))
        return refund_told(made)

    def _bill(self, data: dict[str, Any]) -> dict[str, Any]:
        rows = self.orders.bill(data["merchantNo"], data["billDate"])
        first = (data["pageNo"] - 1) * _PAGE
        return {"total": len(rows), "rows": rows[first : first + _PAGE]}

    def _tell(self, kind: str, order: Order, told: dict[str, Any]) -> None:
        """Plans the notify of an event, as its order's amount or an armed fault has it."""
        wanted = (Fault.NOTIFY_LOST, Fault.NOTIFY_LATE, Fault.NOTIFY_REPEATED, Fault.NOTIFY_FORGED)
        fault = order.fault if order.fault in wanted else self._stand.faults.of_event(*wanted)
        url = order.data["notifyUrl"]
        if fault is Fault.NOTIFY_LOST:
            return
        event = f"{kind}{told.get('outRefdNo', order.number)}"
        payload = {"url": url, "data": {"eventId": event, "eventType": kind, "merchantNo": order.merchant, **told}}
        if fault is Fault.NOTIFY_FORGED:
            self.notifies.plan(f"{event}-forged", (0.0,), {**payload, "forged": True})
        delays = (_LATE_S, *DELAYS_S[1:]) if fault is Fault.NOTIFY_LATE else DELAYS_S
        repeated = fault is Fault.NOTIFY_REPEATED
        self.notifies.plan(
            event, (0.0,) * len(DELAYS_S) if repeated else delays, payload, at_least=3 if repeated else 1
        )

    async def _send(self, payload: Document) -> bool:
        signer = App(APP_ID, SECRET, self._merchants, self._own.public) if payload.get("forged") else self._app
        body = build_request(signer, payload["data"], self._stand.clock.now())
        try:
            answer = await self._client.post(payload["url"], content=body, headers=_JSON)
            return answer.status_code == HTTPStatus.OK and answer.json().get("success") is True
        except (httpx.HTTPError, ValueError):
            return False

    def _chosen(self, path: str, opened: OpenedMessage) -> Fault | None:
        """A fault that the amount of a new order chooses, at its first coming."""
        if path != f"{_PATH}order" or "cashAmt" not in opened.data:
            return None
        number = str(opened.data.get("outTradeNo", ""))
        fault = Order(number, "", {}, fen_of_yuan(opened.data["cashAmt"]), "").fault
        if fault not in OF_REQUESTS or self._stand.shelf.get(_CHOSEN, number) is not None:
            return None
        self._stand.shelf.put(_CHOSEN, number, {})
        return fault

    def _key(self, name: str) -> PrivateKey:
        kept = self._stand.shelf.get(_KEY, name)
        if kept is None:
            kept = {"scalar": secrets.token_hex(32)}
            self._stand.shelf.put(_KEY, name, kept)
        return self._sm2.private_key(kept["scalar"])
