"""The control verbs of WeChat's twin: pay as the person, look at an order, send a notify on demand, know people and merchants."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from tools.twins.shelf import Document
from tools.twins.wechat import people
from tools.twins.wechat.ground import BY_NUMBER, MIXED, REFUND, TRADE, Ground
from tools.twins.wechat.notices import Notices
from tools.twins.wechat.paying import Paying
from tools.twins.wechat.proxy import authority

_KINDS: Final = ("transaction", "medical", "refund")
_FORGERIES: Final = ("", "signature", "key", "stale", "replay", "probe")


class Control:
    """What only a twin can do."""

    def __init__(self, ground: Ground, paying: Paying, notices: Notices) -> None:
        self._ground, self._paying, self._notices = ground, paying, notices

    def authority(self) -> str:
        """The certificate that a client of the proxy trusts."""
        return authority(self._ground.stand.shelf)

    async def do(self, verb: str, body: Document) -> Document | None:
        """One verb; None where there is none of that name. KeyError, ValueError where it cannot be done."""
        shelf = self._ground.stand.shelf
        match verb:
            case "pay":
                key = self._key(body["out_trade_no"], body.get("owner"))
                return await self._paying.pay(key, deny=bool(body.get("deny")), force=bool(body.get("force")))
            case "order":
                return self._paying.standing(self._key(body["out_trade_no"], body.get("owner")))
            case "notify":
                return await self._notify(body)
            case "person":
                people.know(shelf, body)
                return {}
            case "people":
                return {"openids": dict(people.OUTCOMES), "expired_authorisation": people.EXPIRED_AUTHORISATION}
            case "merchant":
                self._ground.merchants.add(body)
                return {}
            case "rotate":
                self._ground.platform.rotate()
                return {
                    "public_key_id": self._ground.platform.key_id,
                    "certificate_serial": self._ground.platform.serial,
                }
            case "plant":
                return {"trades": self._plant(body)}
        return None

    def _key(self, number: str, owner: str | None) -> str:
        """The order's key; where the merchant is not named, of the only order of that number."""
        shelf = self._ground.stand.shelf
        if owner is not None:
            return f"{owner}/{number}"
        found = {key for kind in (TRADE, MIXED) for key in shelf.keys_with(kind, number)}
        if len(found) != 1:
            raise ValueError(f"{len(found)} orders have the number {number}; name the merchant as owner")
        return found.pop()

    async def _notify(self, body: Document) -> Document:
        """Sends what was planned for an order once more, now: `kind` transaction, medical or refund, `forge` see Notices.send."""
        kind, forge = body["kind"], body.get("forge", "")
        if kind not in _KINDS or forge not in _FORGERIES:
            raise ValueError(f"kind is one of {_KINDS}, forge one of {_FORGERIES}")
        if kind == "refund":
            key = f"{body['owner']}/{body['out_refund_no']}"
            refund = self._ground.get(REFUND, key) or {"status": ""}
            key = f"{key}/refund-told/{refund['status']}"
        else:
            key = f"{self._key(body['out_trade_no'], body.get('owner'))}/{kind}"
        notice = self._ground.get("notice", key)
        if notice is None:
            raise ValueError("nothing was ever told of that")
        notice |= {"forge": forge} | ({"url": body["url"]} if body.get("url") else {})
        return {"status": await self._notices.send(self._ground, notice)}

    def _plant(self, body: Document) -> int:
        """Many paid cash orders at once, for a day's bill: `trades` of `owner out_trade_no total paid_at` (RFC 3339)."""
        shelf, planted = self._ground.stand.shelf, body["trades"]
        with shelf.change():
            for each in planted:
                paid_at = datetime.fromisoformat(each["paid_at"])
                number = self._ground.number("transaction", "42", 26)
                key = f"{each['owner']}/{each['out_trade_no']}"
                trade = _PLANTED | {
                    "owner": each["owner"],
                    "mchid": each["owner"],
                    "out_trade_no": each["out_trade_no"],
                    "total": int(each["total"]),
                    "transaction_id": number,
                    "created_at": each["paid_at"],
                    "paid_at": each["paid_at"],
                    "day": f"{paid_at:%Y-%m-%d}",
                }
                self._ground.put(TRADE, key, trade)
                self._ground.put(BY_NUMBER, number, {"key": key})
        return len(planted)


_PLANTED: Final[Document] = {
    "sub_mchid": "",
    "appid": "wx990000000000yibao",
    "sub_appid": "",
    "kind": "JSAPI",
    "description": "医药费",
    "attach": "",
    "expires_at": "",
    "notify_url": "",
    "openid": "oTwinPlanted",
    "sub_openid": "",
    "state": "SUCCESS",
    "prepay_id": "",
    "prepay_until": "",
    "code_url": "",
    "refunded": 0,
    "returned": 0,
    "asked": 0,
}
