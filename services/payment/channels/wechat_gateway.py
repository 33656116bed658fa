"""WeChat Pay v3 as a caller sees it: signed requests, proven answers and notifies, sealed fields (C§1.5, C§1.8).

It knows no field of an order. What is not signed by the platform's key, is older than five minutes or has come before is not
believed; the SDKs omit the last two. A refusal, which nobody signs, only ever says that nothing was done.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509 import load_pem_x509_certificate

from services.kernel.clock import Clock
from services.payment.channels.protocol import Delivery, Forged, Lost
from services.payment.domain.accounts import Account
from services.runtime import rsa
from services.runtime.masking import Sealed
from services.runtime.outgoing import HttpAnswer, Outgoing, Unanswered
from yibao.payment.v1 import channel_pb2

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
WINDOW: Final = timedelta(minutes=5)
_CERTIFICATE: Final = "BEGIN CERTIFICATE"
_MOST_NONCES: Final = 1 << 16
"""Of answers; within five minutes that is 200 a second (our decision): the oldest are forgotten first."""
_DOWN: Final = 500
_TOO_MANY: Final = 429

Node = Mapping[str, Any]
"""What an answer or a notify says."""


class Refused(Exception):
    """The platform will not do it: HTTP status, its code, its sentence, and its inner error number ("" for none)."""

    def __init__(self, status: int, code: str, says: str, inner: str) -> None:
        self.status, self.code, self.says, self.inner = status, code, says, inner
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Key:
    """A public key of the platform; a certificate's ends at `until`."""

    public: RSAPublicKey
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class WechatContract:
    """An account with its keys read. The platform's stand by number, the one to seal for first; where they are certificates,
    further ones are fetched as they come.
    """

    account: Account
    private: RSAPrivateKey
    platform: dict[str, Key]
    nonces: dict[str, None] = field(default_factory=dict)

    @property
    def secret(self) -> bytes:
        """The APIv3 key."""
        return self.account.secret.encode()

    @property
    def owner(self) -> dict[str, str]:
        """The merchant below a platform, as requests name it; empty for none."""
        return {"sub_mchid": self.account.sub_merchant_no} if self.account.sub_merchant_no else {}

    def sealed(self, text: str) -> str:
        """A text that the platform alone reads."""
        return Sealed(rsa.sealed(next(iter(self.platform.values())).public, text), text)

    def proves(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        """The word for why the platform did not sign these bytes within the window; "" where it did."""
        stamp, nonce, number = (headers.get(f"wechatpay-{name}", "") for name in ("timestamp", "nonce", "serial"))
        key = self.platform.get(number)
        if key is None or headers.get("wechatpay-signature-type", SCHEME) != SCHEME:
            return "KEY_UNKNOWN"
        if key.until is not None and key.until < now:
            return "KEY_EXPIRED"
        if not stamp.isdecimal() or len(stamp) > 12 or abs(int(stamp) - now.timestamp()) > WINDOW.total_seconds():
            return "AGE"
        message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        return (
            "" if nonce and rsa.verified(key.public, message, headers.get("wechatpay-signature", "")) else "SIGNATURE"
        )


class WechatGateway:
    """Asks in the name of accounts; `nonce` gives a fresh text for each signature. ValueError for a key that is none."""

    def __init__(
        self, name: str, accounts: Sequence[Account], outgoing: Outgoing, clock: Clock, nonce: Callable[[], str]
    ) -> None:
        self._name, self._outgoing, self._clock, self._nonce = name, outgoing, clock, nonce
        self._contracts = {(each.merchant_no, each.sub_merchant_no): _contract(each) for each in accounts}

    def contract(self, merchant: channel_pb2.Merchant) -> WechatContract:
        """The account of a merchant; `Lost` where there is none."""
        contract = self._contracts.get((merchant.merchant_no, merchant.sub_merchant_no))
        if contract is None:
            raise Lost("ACCOUNT_UNKNOWN", sent=False)
        return contract

    async def ask(
        self,
        contract: WechatContract,
        method: str,
        path: str,
        content: Node | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Node:
        """What a proven answer says, empty for an empty one; `Refused`, or `Lost`."""
        target = f"{path}?{urlencode(query)}" if query else path
        answer = await self._sent(contract, method, target, b"" if content is None else _bytes(content), content)
        why = contract.proves(answer.headers, answer.body, self._clock())
        if why in ("KEY_UNKNOWN", "KEY_EXPIRED") and _certified(contract):
            await self.refresh(contract)
            why = contract.proves(answer.headers, answer.body, self._clock())
        if not why and answer.headers["wechatpay-nonce"] in contract.nonces:
            why = "NONCE_USED"
        if why:
            raise Lost(f"ANSWER_{why}")
        contract.nonces[answer.headers["wechatpay-nonce"]] = None
        if len(contract.nonces) > _MOST_NONCES:
            del contract.nonces[next(iter(contract.nonces))]
        return _read(answer.body)

    async def file(self, contract: WechatContract, url: str) -> bytes:
        """What lies behind a link that an answer gave; nobody signs it. `Lost`, also for a link to another host."""
        host = contract.account.address
        if not url.startswith(f"{host}/"):
            raise Lost("LINK_ELSEWHERE")
        try:
            return (await self._sent(contract, "GET", url.removeprefix(host), b"")).body
        except Refused as refused:
            raise Lost(f"FILE_{refused.code}") from None

    async def refresh(self, contract: WechatContract) -> None:
        """Fetches the platform's certificates, which its APIv3 key opens: who seals with it is the platform (C§1.5). `Lost`."""
        try:
            answer = await self._sent(contract, "GET", "/v3/certificates", b"")
            for each in _read(answer.body)["data"]:
                box = each["encrypt_certificate"]
                opened = rsa.opened(contract.secret, box["nonce"], box["ciphertext"], box["associated_data"])
                contract.platform[str(each["serial_no"])] = _key(opened.decode())
        except Refused as refused:
            raise Lost(f"CERTIFICATES_{refused.code}", refused=True) from None
        except (ValueError, KeyError, TypeError):
            raise Lost("CERTIFICATES_MALFORMED") from None

    def heard(self, delivery: Delivery) -> tuple[WechatContract, Node, Node]:
        """Whose notify it is, what it says outside and inside; `Forged`."""
        why = "KEY_UNKNOWN"
        for contract in self._contracts.values():
            if delivery.headers.get("wechatpay-serial") not in contract.platform:
                continue
            why = contract.proves(delivery.headers, delivery.body, self._clock())
            if why:
                raise Forged(why)
            try:
                outside = _read(delivery.body)
                box = outside["resource"]
                inside = rsa.opened(contract.secret, box["nonce"], box["ciphertext"], box.get("associated_data") or "")
                found = _read(inside)
            except (KeyError, TypeError, ValueError, AttributeError, Lost):
                why = "SEAL"
                continue
            if contract.account.sub_merchant_no in (found.get("sub_mchid"), ""):
                return contract, outside, found
        raise Forged(why)

    def to_pay(self, contract: WechatContract, prepay_id: str) -> dict[str, str]:
        """What the front end hands to WeChat so that the person can pay (C§1.5, paySign)."""
        package, nonce = f"prepay_id={prepay_id}", self._nonce()
        stamp = str(int(self._clock().timestamp()))
        message = f"{contract.account.app_no}\n{stamp}\n{nonce}\n{package}\n".encode()
        sign = rsa.sign(contract.private, message)
        signed = {"timeStamp": stamp, "nonceStr": nonce, "package": package, "signType": "RSA", "paySign": sign}
        return signed | {"prepay_id": prepay_id}

    async def _sent(
        self, contract: WechatContract, method: str, target: str, body: bytes, plain: Node | None = None
    ) -> HttpAnswer:
        account, stamp, nonce = contract.account, int(self._clock().timestamp()), self._nonce()
        signature = rsa.sign(contract.private, f"{method}\n{target}\n{stamp}\n{nonce}\n".encode() + body + b"\n")
        headers = {
            "Authorization": f'{SCHEME} mchid="{account.merchant_no}",nonce_str="{nonce}",signature="{signature}",'
            f'timestamp="{stamp}",serial_no="{account.serial_no}"',
            "Accept": "application/json",
            "User-Agent": "yibao",
        }
        if contract.platform:
            headers["Wechatpay-Serial"] = next(iter(contract.platform))
        if body:
            headers["Content-Type"] = "application/json; charset=utf-8"
        try:
            answer = await self._outgoing.send(
                self._name, method, account.address + target, headers=headers, body=body, plain=plain
            )
        except Unanswered as error:
            raise Lost(error.reason, sent=error.sent) from None
        if answer.status >= _DOWN or answer.status == _TOO_MANY or answer.status < 200:
            raise Lost(f"STATUS_{answer.status}")
        if answer.status >= 300:
            raise _refused(answer)
        return answer


def _contract(account: Account) -> WechatContract:
    platform = {number: _key(text) for number, text in account.provider_keys.items()}
    if len(account.secret.encode()) != 32:
        raise ValueError("the APIv3 key has 32 bytes")
    return WechatContract(account, rsa.private_key(account.private_key), platform)


def _key(text: str) -> Key:
    until = load_pem_x509_certificate(text.encode()).not_valid_after_utc if _CERTIFICATE in text else None
    return Key(rsa.public_key(text), until)


def _certified(contract: WechatContract) -> bool:
    """Whether the platform's keys are certificates, which change by themselves; also where none is known yet."""
    return all(key.until is not None for key in contract.platform.values())


def _bytes(content: Node) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _read(body: bytes) -> Node:
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        raise Lost("ANSWER_MALFORMED") from None
    if not isinstance(told, dict):
        raise Lost("ANSWER_MALFORMED")
    return told


def _refused(answer: HttpAnswer) -> Refused:
    told = _read(answer.body)
    inner = answer.headers.get("request-id", "").rpartition("-")[2]
    code, says = str(told.get("code", f"STATUS_{answer.status}")), str(told.get("message", ""))
    return Refused(answer.status, code, says, "" if inner == "0" else inner)
