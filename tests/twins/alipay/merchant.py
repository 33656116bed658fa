"""A merchant of the open platform: signs as the platform's documents say, verifies every answer, and receives notifies."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from itertools import repeat
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from tools.twins.clock import BEIJING
from tools.twins.http import Request, Response, Server
from tools.twins.twin import Twin

Node = dict[str, Any]


class Merchant:
    """Asks one twin, in the name of its sandbox application."""

    def __init__(self, twin: Twin) -> None:
        self.url, keys = twin.url, twin.provider.keys()
        self.app_id: str = keys["app_id"]
        private = load_pem_private_key(keys["app_private_key"].encode(), None)
        public = load_pem_public_key(keys["alipay_public_key"].encode())
        assert isinstance(private, RSAPrivateKey)
        assert isinstance(public, RSAPublicKey)
        self._private, self._public = private, public
        self.client = httpx.AsyncClient(timeout=5.0, trust_env=False)

    def parameters(self, method: str, content: Mapping[str, object] | str, **more: str) -> dict[str, str]:
        """All parameters of a request, signed; those of `more` that are empty are left out."""
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        given = {
            "app_id": self.app_id,
            "method": method,
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": datetime.now(UTC).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
            "version": "1.0",
            "biz_content": text,
        } | more
        given = {name: value for name, value in given.items() if value}
        signed = "&".join(f"{name}={given[name]}" for name in sorted(given))
        signature = self._private.sign(signed.encode(given.get("charset", "utf-8")), padding.PKCS1v15(), SHA256())
        return given | {"sign": base64.b64encode(signature).decode()}

    async def raw(self, parameters: Mapping[str, str]) -> httpx.Response:
        """The answer as it comes; the common parameters in the query and `biz_content` in the form, as SDKs send them."""
        form = {name: value for name, value in parameters.items() if name == "biz_content"}
        query = {name: value for name, value in parameters.items() if name not in form}
        encoding = parameters.get("charset", "utf-8")
        return await self.client.post(
            f"{self.url}/gateway.do?{urlencode(query, encoding=encoding)}",
            content=urlencode(form, encoding=encoding),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )

    async def ask(self, method: str, content: Mapping[str, object], **more: str) -> Node:
        """The node of a verified answer."""
        response = await self.raw(self.parameters(method, content, **more))
        assert response.status_code == 200
        return self.verified(response.content, method.replace(".", "_") + "_response")

    def verified(self, body: bytes, node: str) -> Node:
        """What the answer says, after its signature was found right over the node's own bytes."""
        begin = body.index(b'"%s":' % node.encode()) + len(node) + 3
        end = body.rindex(b',"sign":"')
        signature = base64.b64decode(json.loads(body)["sign"])
        self._public.verify(signature, body[begin:end], padding.PKCS1v15(), SHA256())
        told: Node = json.loads(body[begin:end])
        return told

    def proven(self, body: bytes) -> dict[str, str] | None:
        """The fields of a notify whose signature is right; None otherwise."""
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        signed = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name not in ("sign", "sign_type"))
        try:
            self._public.verify(base64.b64decode(fields["sign"]), signed.encode(), padding.PKCS1v15(), SHA256())
        except Exception:  # noqa: BLE001  # whatever it is that does not fit, the notify proves nothing
            return None
        return fields

    async def control(self, verb: str, method: str = "POST", **body: object) -> Node:
        """One verb at the control door."""
        response = await self.client.request(method, f"{self.url}/_twin/{verb}", json=body)
        told: Node = response.json()
        assert response.status_code == 200, told
        return told


class Letterbox:
    """Where a merchant's notifies arrive: bodies in order, and what it answers."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.answers = b"success"
        self._arrived = asyncio.Condition()
        self._server = Server(self._take, "127.0.0.1", 0)

    async def __aenter__(self) -> Letterbox:
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop()

    @property
    def url(self) -> str:
        """The address for notifies."""
        return f"{self._server.url}/notify"

    async def wait(self, count: int, seconds: float = 3.0) -> list[bytes]:
        """Waits until `count` have come; all that came by then."""
        async with asyncio.timeout(seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(self.bodies) >= count)
        return self.bodies

    async def _take(self, request: Request) -> Response:
        async with self._arrived:
            self.bodies.append(request.body)
            self._arrived.notify_all()
        return Response(200, self.answers, {"Content-Type": "text/plain"})


async def until(status: str, look: Callable[[], Awaitable[Node]]) -> None:
    """Looks again and again until a trade has that status, for twenty seconds at most."""
    async with asyncio.timeout(20):
        for wait_s in repeat(0.01):
            if (await look())["trade_status"] == status:
                return
            await asyncio.sleep(wait_s)


def order(number: str, **more: object) -> dict[str, object]:
    """A medical order of ¥100: ¥60 of funds, ¥10 of the account, ¥30 of cash."""
    return {
        "out_trade_no": number,
        "subject": "门诊缴费",
        "total_amount": "100.00",
        "gov_amount": "60.00",
        "account_amount": "10.00",
        "other_amount": "0.00",
        "real_amount": "30.00",
        "order_type": "OUTPATIENT_PAYMENT",
        "org_no": "H99010100001",
        "med_org_ord": f"M{number}",
        "pay_order_id": f"ORD{number}",
        "pay_auth_no": f"AUTH{number}",
        "gmt_out_create": "2026-11-30 16:00:00",
        "alipay_user_id": "2088000000000001",
    } | more
