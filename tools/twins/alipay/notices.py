"""The notifies of the platform: their fields, their signature, and when they are sent again (C§2.1).

The platform publishes no field list of the medical notify; ours is that of the medical query.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from services.kernel.money import yuan_text
from services.runtime import rsa
from tools.twins.alipay import outcomes, signing
from tools.twins.alipay.fields import moment
from tools.twins.alipay.ledger import key_of
from tools.twins.alipay.platform import Platform
from tools.twins.alipay.telling import facts
from tools.twins.alipay.trades import Form, Refund, Trade
from tools.twins.faults import Fault
from tools.twins.keys import rsa_key
from tools.twins.notifies import Notifies
from tools.twins.shelf import Document, Shelf
from tools.twins.twin import Stand

DELAYS_S: Final[tuple[float, ...]] = (0.0, 240.0, 600.0, 600.0, 3_600.0, 7_200.0, 21_600.0, 54_000.0)
LATE_S: Final = 93_600.0
"""Later than the last of the usual ones."""
_REPEATED: Final = 3
FORGERIES: Final = ("", "signature", "key", "stale", "amount")
_STALE: Final = timedelta(days=2)
_LAST: Final = "told_last"
_ACCEPTED: Final = b"success"
_ANSWER_S: Final = 5.0
_OF_NOTIFIES: Final = (Fault.NOTIFY_LOST, Fault.NOTIFY_LATE, Fault.NOTIFY_REPEATED, Fault.NOTIFY_FORGED)


class Notices:
    """Plans and sends notifies."""

    def __init__(self, stand: Stand, platform: Platform) -> None:
        self._stand, self._platform = stand, platform
        self._client = httpx.AsyncClient(timeout=_ANSWER_S, trust_env=False, follow_redirects=False)

    def tell(self, notifies: Notifies, trade: Trade, refund: Refund | None = None) -> None:
        """Plans the notify of what has just happened to a trade, within the same change."""
        fault = outcomes.follows(self._stand.faults, trade, *_OF_NOTIFIES)
        if not trade.notify_url or fault is Fault.NOTIFY_LOST:
            return
        form = self._form(trade, refund)
        delays = (LATE_S, *DELAYS_S[1:]) if fault is Fault.NOTIFY_LATE else DELAYS_S
        times = _REPEATED if fault is Fault.NOTIFY_REPEATED else 1
        if fault is Fault.NOTIFY_REPEATED:
            delays = (0.0,) * len(DELAYS_S)
        payload: Document = {"url": trade.notify_url, "form": form}
        if fault is Fault.NOTIFY_FORGED:
            notifies.plan(f"forged-{form['notify_id']}", (0.0,), payload | {"forge": "signature"})
        notifies.plan(form["notify_id"], delays, payload, at_least=times)
        self._stand.shelf.put(_LAST, key_of(trade), payload)

    def last(self, trade: Trade) -> Document | None:
        """What was told of a trade last."""
        return self._stand.shelf.get(_LAST, key_of(trade))

    async def send(self, payload: Document) -> bool:
        """Signs and posts one, or forges it by one of FORGERIES; whether the answer was exactly `success`."""
        form, forge = dict[str, str](payload["form"]), payload.get("forge", "")
        key = _strangers_key() if forge == "key" else self._platform.key
        if forge == "stale":
            form["notify_time"] = moment(self._stand.clock.signing() - _STALE)
        signature = rsa.sign(key, signing.notify_text(form))
        if forge == "amount":
            form["total_amount"] = "0.01"
        if forge == "signature":
            signature = signature[::-1]
        body = list({**form, signing.SIGN: signature, signing.SIGN_TYPE: "RSA2"}.items())
        random.shuffle(body)
        try:
            answer = await self._client.post(
                payload["url"],
                content=urlencode(body),
                headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
            )
        except httpx.HTTPError:
            return False
        return answer.is_success and answer.content == _ACCEPTED

    async def close(self) -> None:
        """Lets go of the connections."""
        await self._client.aclose()

    def _form(self, trade: Trade, refund: Refund | None) -> dict[str, str]:
        medical = trade.form is Form.MEDICAL
        form = {
            "notify_id": uuid4().hex,
            "notify_type": "medical_trade_status_sync" if medical else "trade_status_sync",
            "notify_time": moment(self._stand.clock.signing()),
            "app_id": trade.app_id,
            "charset": "utf-8",
            "version": "1.0",
            **facts(self._stand.faults, trade),
        }
        if refund is not None:
            form |= {"out_biz_no": refund.request_no, "refund_fee": yuan_text(trade.refunded_fen)}
            form["gmt_refund"] = moment(refund.done_at or refund.asked_at)
        return {name: value for name, value in form.items() if value}


def _strangers_key() -> RSAPrivateKey:
    shelf = Shelf()
    try:
        return rsa_key(shelf, "stranger")
    finally:
        shelf.close()
