"""How the twin settles the insured part of a mixed order "with the bureau" (C§1.4, step 6).

What the real WeChat Pay sends to a bureau is not public: this form is ours. A POST of JSON to the address of the setting; the
number of the mixed order is the request's number, so that a repeat is the same settlement. Without an address the twin has a
bureau of its own that settles what it is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import httpx
import msgspec

from tools.twins.shelf import Document

_TIMEOUT_S: Final = 10.0
_SPLIT: Final = {
    "medInsGovFee": "med_ins_gov_fee",
    "medInsSelfFee": "med_ins_self_fee",
    "medInsOtherFee": "med_ins_other_fee",
    "medInsCashFee": "med_ins_cash_fee",
}


@dataclass(frozen=True, slots=True)
class Settled:
    """What the bureau said: settled, or the reason why not; `answer` is passed through to the merchant."""

    done: bool
    reason: str = ""
    answer: str = ""


class Bureau:
    """Settles insured parts; `url` empty is the twin's own bureau."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False)

    async def settle(self, mixed: Document) -> Settled | None:
        """What the bureau says of a mixed order; None where it does not answer, and is asked again."""
        if not self._url:
            return Settled(done=True)
        body = {
            "mixTradeNo": mixed["mix_trade_no"],
            "payAuthNo": mixed["told"].get("pay_auth_no", ""),
            "payOrdId": mixed["told"].get("pay_order_id", ""),
            "medOrgOrd": mixed["told"]["serial_no"],
            "medInstNo": mixed["told"]["med_inst_no"],
            "totalFee": mixed["told"]["total_fee"],
        }
        body |= {name: mixed["told"].get(field, 0) for name, field in _SPLIT.items()}
        try:
            answer = await self._client.post(self._url, content=msgspec.json.encode(body), headers=_HEADERS)
            if answer.status_code != HTTPStatus.OK:
                return None
            return _read(mixed, answer.content)
        except (httpx.HTTPError, msgspec.MsgspecError, KeyError):
            return None

    async def close(self) -> None:
        """Lets go of its connections."""
        await self._client.aclose()


_HEADERS: Final = {"Content-Type": "application/json; charset=utf-8"}


def _read(mixed: Document, body: bytes) -> Settled:
    """An answer; KeyError where it has no result. Another split than the order's is a refusal: the cash was of that split."""
    told = msgspec.json.decode(body, type=dict[str, Any])
    if told["result"] != "SETTLED":
        return Settled(done=False, reason=str(told.get("reason", "医保结算失败")))
    differing = [name for name, field in _SPLIT.items() if told[name] != mixed["told"].get(field, 0)]
    if differing:
        return Settled(done=False, reason=f"医保核定金额与订单不一致：{'、'.join(differing)}")
    return Settled(done=True, answer=body.decode())
