"""Who settles the insured half of a channel's order: our bureau at its gateway (`BureauService`, our interface, for what a real
channel says to a bureau is not public), or one that the twin plays itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Protocol

import httpx
import msgspec

REFUSED: Final = "REFUSED"
"""An authorisation that begins so is refused by the bureau that a twin plays."""
PATH: Final = "/v1/bureau/insured-parts:settle"
_TIMEOUT_S: Final = 10.0
_AGAIN: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
"""Refusals that say nothing of the order: another key, or later, and it may be settled."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the bureau is asked to settle. `number` is the channel's own and makes a repeat the same request; the order and the
    authorisation are the bureau's own numbers; the parts are in fen.
    """

    number: str
    pay_ord_id: str
    pay_auth_no: str
    fund_fen: int
    acct_fen: int
    other_fen: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What the bureau says: settled under `setl_id`, or not, with its sentence."""

    settled: bool
    setl_id: str = ""
    message: str = ""


class Bureau(Protocol):
    """Settles insured parts."""

    async def settle(self, claim: Claim) -> Settled | None:
        """The same answer for the same claim; None where nobody knows, so that it is asked again."""

    async def close(self) -> None:
        """Lets go of connections."""


def bureau(channel_code: str, address: str, key: str) -> Bureau:
    """The bureau at that gateway, asked with the channel's key; the twin's own where there is no address.

    `URL`, or `AREA=URL,AREA=URL`: one for each area, the first digits of the division where the care is.
    """
    return GatewayBureau(channel_code, address, key) if address else OwnBureau()


def _by_area(address: str) -> Mapping[str, str]:
    """Gateways by area; one without an area is for all."""
    pairs = (each.rpartition("=") for each in address.split(","))
    return {area: url.rstrip("/") for area, _, url in pairs}


class OwnBureau:
    """Settles whatever it is asked to; an authorisation that begins with REFUSED it does not know."""

    async def settle(self, claim: Claim) -> Settled | None:
        """At once."""
        if claim.pay_auth_no.startswith(REFUSED):
            return Settled(settled=False, message="授权信息不存在")
        return Settled(settled=True, setl_id=f"S{claim.pay_ord_id}"[:30])

    async def close(self) -> None:
        """Nothing to close."""


class GatewayBureau:
    """Our bureau, at the gateway of the cell that keeps the order; of several areas the first stands for all others."""

    def __init__(self, channel_code: str, address: str, key: str) -> None:
        self._channel_code, self._urls = channel_code, _by_area(address)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.AsyncClient(timeout=_TIMEOUT_S, headers=headers, trust_env=False)

    async def settle(self, claim: Claim) -> Settled | None:
        """A refusal of the order itself is final; anything else that is no success is asked again."""
        body = {
            "requestId": claim.number,
            "channelCode": self._channel_code,
            "payOrdId": claim.pay_ord_id,
            "payAuthNo": claim.pay_auth_no,
            "fundFen": str(claim.fund_fen),
            "acctFen": str(claim.acct_fen),
            "otherFen": str(claim.other_fen),
        }
        try:
            answer = await self._client.post(f"{self._url_of(claim)}{PATH}", json=body)
            told = msgspec.json.decode(answer.content, type=dict[str, Any])
        except (httpx.HTTPError, msgspec.MsgspecError):
            return None
        if answer.status_code == HTTPStatus.OK:
            return Settled(settled=True, setl_id=str(told.get("setlId", "")))
        refused = answer.is_client_error and answer.status_code not in _AGAIN and "error" in told
        return Settled(settled=False, message=_sentence(told["error"])) if refused else None

    def _url_of(self, claim: Claim) -> str:
        """The gateway of the area where the care is, which the order's number tells (ORD, then the division)."""
        place = claim.pay_ord_id.removeprefix("ORD")
        return next(
            (url for area, url in self._urls.items() if place.startswith(area)), next(iter(self._urls.values()))
        )

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.aclose()


def _sentence(error: Any) -> str:
    """The refusal in Chinese, as a channel shows it; else in English."""
    try:
        known = msgspec.convert(error, _Error, strict=False)
    except msgspec.ValidationError:
        return "医保结算失败"
    return next((each.message for each in known.details if each.locale == "zh-CN"), known.message)


class _Detail(msgspec.Struct):
    locale: str = ""
    message: str = ""


class _Error(msgspec.Struct):
    message: str = ""
    details: list[_Detail] = []
