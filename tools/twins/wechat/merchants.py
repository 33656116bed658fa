"""The merchants that a twin knows: a direct one and a platform with a merchant below it, made at the first start, further
direct ones as its settings have them, and those that are told to it. It verifies who signed a request, over the bytes as they
came.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from services.runtime import rsa
from tools.twins.clock import Clock
from tools.twins.http import Request
from tools.twins.keys import private_pem, public_pem, rsa_key
from tools.twins.shelf import Document, Shelf
from tools.twins.wechat.errors import not_allowed, unsigned
from tools.twins.wechat.platform import SCHEME

DIRECT: Final = "1900099901"
PARTNER: Final = "1900099902"
SUB: Final = "1900099903"
APP: Final = "wx990000000000yibao"
_FURTHER: Final = 1_900_100_000
_KIND: Final = "merchant"
_WINDOW_S: Final = 300
_PAIR: Final = re.compile(r'(\w+)="([^"]*)"')
_PARTS: Final = ("mchid", "nonce_str", "signature", "timestamp", "serial_no")


@dataclass(frozen=True, slots=True)
class Merchant:
    """One that signs: its number, its key's number, its APIv3 key; `subs` are the merchants below a platform, by number.

    `mode` says how notifies to it are signed: `public_key` or `certificate`.
    """

    mchid: str
    serial_no: str
    public_key: str
    secret: str
    appid: str
    subs: tuple[str, ...]
    mode: str

    def owner(self, sub_mchid: str | None) -> str:
        """Whose number an order's is: the platform's orders belong to the merchant below it."""
        if not self.subs:
            return self.mchid
        if sub_mchid not in self.subs:
            raise not_allowed("服务商与特约商户没有绑定关系")
        return sub_mchid or ""


def direct(number: int) -> str:
    """The mchid of the direct merchant of that number, from 1 on."""
    return DIRECT if number == 1 else f"{_FURTHER + number}"


class Merchants:
    """All merchants of a twin."""

    def __init__(self, shelf: Shelf, clock: Clock, numbers: Sequence[int] = ()) -> None:
        self._shelf, self._clock = shelf, clock
        self._known: dict[str, tuple[Merchant, RSAPublicKey]] = {}
        if shelf.get(_KIND, DIRECT) is None:
            self._make(DIRECT, ())
            self._make(PARTNER, (SUB,))
        for each in map(direct, numbers):
            if shelf.get(_KIND, each) is None:
                self._make(each, ())
        for _, document in shelf.each(_KIND):
            self._read(document)

    def get(self, mchid: str) -> Merchant:
        """The merchant of a number; KeyError."""
        return self._known[mchid][0]

    def add(self, told: Document) -> None:
        """Knows another merchant, or one anew: `mchid serial_no public_key secret appid subs mode`; ValueError."""
        self.keep({"subs": [], "mode": "public_key", "appid": APP} | told)

    def keep(self, document: Document) -> None:
        """Keeps a merchant after it was read without a fault."""
        self._read(document)
        self._shelf.put(_KIND, document["mchid"], document)

    def verified(self, request: Request) -> Merchant:
        """Who signed the request; Refused where nobody that is known did, or more than five minutes ago."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        told = dict(_PAIR.findall(rest))
        if scheme != SCHEME or any(not told.get(part) for part in _PARTS):
            raise unsigned("错误的签名，Authorization 头格式不正确")
        known = self._known.get(told["mchid"])
        if known is None or told["serial_no"].upper() != known[0].serial_no:
            raise unsigned("商户号或商户证书序列号有误")
        if not told["timestamp"].isdecimal():
            raise unsigned("时间戳格式不正确")
        if abs(self._clock.signing().timestamp() - int(told["timestamp"])) > _WINDOW_S:
            raise unsigned("时间戳已过期")
        merchant, key = known
        head = f"{request.method}\n{request.target}\n{told['timestamp']}\n{told['nonce_str']}\n"
        if not rsa.verified(key, head.encode() + request.body + b"\n", told["signature"]):
            raise unsigned("签名验证失败")
        return merchant

    def told(self) -> list[Document]:
        """The merchants made here with their private keys, for whoever integrates."""
        return [document for _, document in self._shelf.each(_KIND) if "private_key" in document]

    def _make(self, mchid: str, subs: tuple[str, ...]) -> None:
        key = rsa_key(self._shelf, f"merchant-{mchid}")
        self._shelf.put(
            _KIND,
            mchid,
            {
                "mchid": mchid,
                "serial_no": secrets.token_hex(20).upper(),
                "public_key": public_pem(key.public_key()),
                "private_key": private_pem(key),
                "secret": secrets.token_hex(16),
                "appid": APP,
                "subs": list(subs),
                "mode": "public_key",
            },
        )

    def _read(self, document: Document) -> None:
        told = {name: document[name] for name in ("mchid", "public_key", "secret", "appid", "mode")}
        merchant = Merchant(serial_no=document["serial_no"].upper(), subs=tuple(document["subs"]), **told)
        if len(merchant.secret.encode()) != 32 or merchant.mode not in ("public_key", "certificate"):
            raise ValueError("secret has 32 bytes; mode is public_key or certificate")
        self._known[merchant.mchid] = (merchant, rsa.public_key(merchant.public_key))
