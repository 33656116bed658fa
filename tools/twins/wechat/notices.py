"""What the twin tells merchants: payments, medical orders and refunds, sealed and signed; as often, late or false as asked."""

from __future__ import annotations

import secrets
from typing import Final

import httpx
import msgspec

from tools.twins.faults import Fault, of_amount
from tools.twins.shelf import Document
from tools.twins.wechat.ground import Ground
from tools.twins.wechat.platform import sealed

CASH_DELAYS_S: Final = (0, 15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
"""WeChat's general schedule (C§5.3)."""
MEDICAL_DELAYS_S: Final = (0, 5, 10, 15)
"""Medical orders: no more after 30 s (C§1.4)."""
_LATE_S: Final = 90
_AFTER_FORGED_S: Final = 1
_REPEATS: Final = 3
_TIMEOUT_S: Final = 5.0
_STALE_S: Final = 3600
_OF_NOTIFIES: Final = (Fault.NOTIFY_LOST, Fault.NOTIFY_LATE, Fault.NOTIFY_REPEATED, Fault.NOTIFY_FORGED)
_ACCEPTED: Final = frozenset({200, 204})


class Notices:
    """Plans and sends the notifies of a twin, and remembers the last of each for a replay."""

    def __init__(self) -> None:
        # Where sniffio is not installed httpcore looks for it along the whole path, six times a call.
        self._client = httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False, verify=False)
        self._sent: dict[str, tuple[dict[str, str], bytes]] = {}

    def plan(self, ground: Ground, key: str, delays_s: tuple[int, ...], payload: Document, amount_fen: int) -> None:
        """Sends `payload` (`url mchid event_type original_type summary resource`) by schedule and by the amount's fault."""
        payload |= {"what": "notify", "id": secrets.token_hex(16), "create_time": ground.now().isoformat()}
        ground.stand.shelf.put("notice", key, payload)
        fault = of_amount(amount_fen)
        if fault not in _OF_NOTIFIES:
            fault = ground.stand.faults.of_event(*_OF_NOTIFIES)
        plan, at_least = ground.notifies.plan, 1
        if not payload["url"] or fault is Fault.NOTIFY_LOST:
            return
        if fault is Fault.NOTIFY_LATE:
            delays_s = (_LATE_S,)
        if fault is Fault.NOTIFY_REPEATED:
            at_least = _REPEATS
        if fault is Fault.NOTIFY_FORGED:
            plan(f"{key}/forged", (0,), payload | {"forge": "signature"})
            delays_s = (_AFTER_FORGED_S, *delays_s[1:])
        plan(key, delays_s, payload, at_least=at_least)

    async def send(self, ground: Ground, payload: Document) -> int:
        """Sends one notify now; the status that came back, 0 where nobody answered.

        `forge`: `signature` (of nobody), `key` (sealed for another merchant), `stale` (signed an hour ago), `replay` (the very
        bytes sent last), `probe` (WeChat's own test of the receiver).
        """
        forge = payload.get("forge", "")
        if forge == "replay" and payload["id"] in self._sent:
            headers, body = self._sent[payload["id"]]
        else:
            headers, body = self._made(ground, payload, forge)
        if not forge:
            self._sent[payload["id"]] = headers, body
        try:
            return (await self._client.post(payload["url"], content=body, headers=headers)).status_code
        except httpx.HTTPError:
            return 0

    async def close(self) -> None:
        """Lets go of its connections."""
        await self._client.aclose()

    def _made(self, ground: Ground, payload: Document, forge: str) -> tuple[dict[str, str], bytes]:
        merchant = ground.merchants.get(payload["mchid"])
        secret = secrets.token_hex(16) if forge == "key" else merchant.secret
        resource = sealed(secret, msgspec.json.encode(payload["resource"]), payload["original_type"])
        body = msgspec.json.encode(
            {name: payload[name] for name in ("id", "create_time", "event_type", "summary")}
            | {"resource_type": "encrypt-resource", "resource": resource | {"original_type": payload["original_type"]}}
        )
        asked = ground.platform.number_for(merchant.mode)
        at = int(ground.stand.clock.signing().timestamp()) - _STALE_S if forge == "stale" else None
        headers = ground.platform.signed(b"another body" if forge == "signature" else body, asked, at=at)
        if forge == "probe":
            headers["Wechatpay-Signature"] = f"WECHATPAY/SIGNTEST/{headers['Wechatpay-Signature']}"
        return headers | {"Content-Type": "application/json", "User-Agent": "Mozilla/4.0"}, body


def accepted(status: int) -> bool:
    """Whether a receiver's status says that it has heard."""
    return status in _ACCEPTED
