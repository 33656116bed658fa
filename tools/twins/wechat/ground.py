"""What every part of the twin of WeChat Pay shares: its memory and keys, a request after its signature was verified, a route."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tools.twins.faults import Fault, of_amount
from tools.twins.notifies import Notifies
from tools.twins.shelf import Document
from tools.twins.twin import Stand
from tools.twins.wechat.errors import Refused
from tools.twins.wechat.fields import Body, text
from tools.twins.wechat.merchants import Merchant, Merchants
from tools.twins.wechat.platform import Platform

TRADE: Final = "trade"
"""Cash orders, by `merchant/out_trade_no`; the day is that of the payment."""
MIXED: Final = "mixed"
"""Mixed orders, by the same key as their cash order."""
REFUND: Final = "refund"
"""Refunds of cash, by `merchant/out_refund_no`; the day is that of the acceptance."""
BY_NUMBER: Final = "by_number"
"""The key of an order or a refund by the number that WeChat gave it."""
_SEEN: Final = "seen"
_QUERIES_UNKNOWN: Final = 2


@dataclass(frozen=True, slots=True)
class Ground:
    """The twin's memory, keys and notifies."""

    stand: Stand
    platform: Platform
    merchants: Merchants
    notifies: Notifies

    def now(self) -> datetime:
        """The twin's time, whole seconds."""
        return self.stand.clock.now().replace(microsecond=0)

    def number(self, series: str, prefix: str, digits: int) -> str:
        """A number of WeChat's own, dated, of `digits` characters after the prefix."""
        day = f"{self.now():%Y%m%d}"
        return f"{prefix}{day}{self.stand.shelf.next_number(series):0{digits - len(day)}}"

    def get(self, kind: str, key: str) -> Document | None:
        """A document of the shelf."""
        return self.stand.shelf.get(kind, key)

    def put(self, kind: str, key: str, document: Document) -> None:
        """Keeps a document; bills find it by its `day`."""
        self.stand.shelf.put(kind, key, document, document.get("day", ""))

    def status_unknown(self, amount_fen: int, asked: int) -> bool:
        """Whether a query tells a status that no document names: the first two of its amount, and armed ones."""
        if of_amount(amount_fen) is Fault.UNKNOWN_STATUS and asked <= _QUERIES_UNKNOWN:
            return True
        return self.stand.faults.of_event(Fault.UNKNOWN_STATUS) is not None

    def first_fault(self, key: str, amount_fen: int) -> Fault | None:
        """The fault that an amount brings to the first request of an order or a refund, whatever becomes of it."""
        fault = of_amount(amount_fen)
        if fault is None or self.get(_SEEN, key) is not None:
            return None
        self.stand.shelf.put(_SEEN, key, {})
        return fault


@dataclass(frozen=True, slots=True)
class Call:
    """A request that a merchant has signed: the names in its path, its query and its body."""

    merchant: Merchant
    names: Mapping[str, str]
    query: Mapping[str, str]
    body: Body
    serial: str
    partner: bool = False

    def owner(self, given: Body | None = None) -> str:
        """The merchant that the order belongs to, after the numbers in body or query were compared with the signature's."""
        given = self.body if given is None else given
        named = given.get("sp_mchid" if self.partner else "mchid")
        if named is not None and named != self.merchant.mchid:
            raise Refused(400, "MCHID_MISMATCH", "请求中的商户号与签名的商户号不一致")
        sub = text(given, "sub_mchid", 32) if self.merchant.subs else None
        return self.merchant.owner(sub)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: a document, or bytes as they are; None as document is 204. `lost`: it happened, and the answer gets lost."""

    document: Document | None = None
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """What answers a method and path; the pattern's names become the call's."""

    method: str
    pattern: re.Pattern[str]
    answer: Callable[[Call], Awaitable[Told]]


def route(method: str, pattern: str, answer: Callable[[Call], Awaitable[Told]]) -> Route:
    """A route; `{name}` in the pattern is one part of the path."""
    return Route(method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)), answer)


def kept(document: Mapping[str, Any]) -> Document:
    """A document without its empty fields."""
    return {name: value for name, value in document.items() if value not in (None, "", [])}
