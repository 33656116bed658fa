"""Twins as tests play them: over the control door, so that one may stand in this process or in another.

A party knows how its provider is named, paid at, broken and asked what it has; of payment it knows nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar, Final

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from services.kernel.money import fen_of_yuan
from services.payment.domain.accounts import Account
from tests.twins.doors import told
from tools.twins.bank.cards import EMPTY, PLAIN, STATEMENT_SECRET
from tools.twins.faults import Fault
from tools.twins.national.provider import MERCHANT, SECRET
from yibao.payment.v1 import channel_pb2

INSTITUTION: Final = "H99010000001"
CODE, NATIVE, APP, MIXED = (
    channel_pb2.PAY_FORM_CODE,
    channel_pb2.PAY_FORM_NATIVE,
    channel_pb2.PAY_FORM_APP,
    channel_pb2.PAY_FORM_MIXED,
)
OFTEN: Final = 1_000_000


@cache
def strange_rsa() -> str:
    """An RSA key that no provider knows, PEM."""
    key = rsa.generate_private_key(65537, 2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


Target = tuple[str, str]
"""Method and path of a request at which a fault is armed (tools/twins/faults.py)."""


@dataclass
class Party:
    """A provider's twin. `keys` are what it tells a merchant; `form` is how payment and it meet. What stands here is that of a
    channel without a provider.
    """

    door: httpx.AsyncClient
    keys: Mapping[str, Any]
    form: channel_pb2.PayForm.ValueType
    name: ClassVar[str] = ""

    async def told(self, verb: str, **body: object) -> Any:
        """What the control door answers."""
        return await told(self.door, verb, **body)

    def account(self, notify_address: str, serial: int) -> Account:
        """An institution's account; a POS has a terminal of its own for each `serial`."""
        return Account(channel=self.name, fixmedins_code=INSTITUTION, merchant_no="", address="")

    def how(self, number: str) -> dict[str, Any]:
        """Fields of `Payment` that the form needs; `number` makes codes differ."""
        return {"user_no": "USER1"}

    def targets(self, call: str) -> tuple[Target, ...]:
        """Where `place`, `look`, `close`, `refund`, `look_refund` or `any` arrive."""
        return ()

    async def breaks(self, call: str, fault: Fault, times: int = 1) -> None:
        """The next so many of these calls end so."""
        for method, path in self.targets(call):
            await self.told("faults", fault=fault, method=method, path=path, times=times)

    async def follows(self, fault: Fault, times: int = 1) -> None:
        """What happens next goes wrong so: a notify, a refund, a query."""
        await self.told("faults", fault=fault, times=times)

    async def mended(self) -> None:
        """Nothing goes wrong any more."""
        await self.door.delete("/_twin/faults")

    async def pays(self, number: str, **given: object) -> None:
        """The person pays; `deny` declines, `force` pays what was closed."""

    async def kept_fen(self, number: str) -> int:
        """What it has collected under a number and not given back, by its own books."""
        return 0

    async def insured(self, number: str) -> str:
        """How it has the insured half: "", "waiting", "done", "failed" or "returned"."""
        return ""

    async def turns_keys(self, account: Account) -> Account:
        """Signs with another key from now on; the account that knows both."""
        return account

    def strangers(self) -> dict[str, str]:
        """What of an account is another's, whom the provider does not know."""
        return {}

    async def known(self, number: str) -> bool:
        """Whether it waits for the person under a number."""
        answer = await self.door.post("/_twin/order", json={"out_trade_no": number, "outTradeNo": number})
        return answer.is_success


@dataclass
class WeChatParty(Party):
    """WeChat Pay."""

    name: ClassVar[str] = "wechat"
    _PATHS: ClassVar = {CODE: "codepay", NATIVE: "native", APP: "jsapi"}
    _HALVES: ClassVar = {"CREATED": "waiting", "SUCCESS": "done", "FAIL": "failed", "REFUND": "returned"}

    def account(self, notify_address: str, serial: int) -> Account:
        """The first merchant, in public-key mode."""
        merchant, number = self.keys["merchants"][0], self.keys["public_key_id"]
        return Account(
            channel=self.name,
            fixmedins_code=INSTITUTION,
            fixmedins_name="试验医院",
            merchant_no=merchant["mchid"],
            app_no=merchant["appid"],
            city_no="530100",
            address=str(self.door.base_url).rstrip("/"),
            notify_address=notify_address,
            serial_no=merchant["serial_no"],
            private_key=merchant["private_key"],
            provider_keys={number: self.keys["public_keys"][number]},
            secret=merchant["secret"],
        )

    def how(self, number: str) -> dict[str, Any]:
        """A code, or the person's openid."""
        return {"code": "130000000000000001"} if self.form == CODE else {"user_no": "oTestPayer"}

    def targets(self, call: str) -> tuple[Target, ...]:
        """By the paths of v3."""
        trades, refunds, mixed = "/v3/pay/transactions/", "/v3/refund/domestic/refunds", "/v3/med-ins/orders"
        whole = self.form == MIXED
        return {
            "place": (("POST", f"{mixed}$" if whole else f"{trades}{self._PATHS[self.form]}$"),),
            "look": (("GET", f"{mixed}/" if whole else trades),),
            "close": (("POST", f"{trades}out-trade-no/"),),
            "refund": (("POST", f"{refunds}$"),),
            "look_refund": (("GET", f"{refunds}/"),),
            "any": (("", ""),),
        }[call]

    async def pays(self, number: str, **given: object) -> None:
        """On the phone."""
        await self.told("pay", out_trade_no=number, **given)

    async def kept_fen(self, number: str) -> int:
        """By the cash order."""
        found = await self._order(number)
        paid = found.get("trade_state") in ("SUCCESS", "REFUND", "REVOKED") and "total" in found
        unpaid = found.get("trade_state") == "REVOKED" and not found.get("returned")
        return found["total"] - found.get("returned", 0) if paid and not unpaid else 0

    async def insured(self, number: str) -> str:
        """By the mixed order."""
        word = str((await self._order(number)).get("med_ins_pay_status", ""))
        return self._HALVES.get(word.removeprefix("MED_INS_PAY_"), "")

    async def _order(self, number: str) -> Mapping[str, Any]:
        answer = await self.door.post("/_twin/order", json={"out_trade_no": number})
        return answer.json() if answer.is_success else {}

    async def turns_keys(self, account: Account) -> Account:
        """The next public key."""
        number = (await self.told("rotate"))["public_key_id"]
        self.keys = (await self.door.get("/_twin/keys")).json()
        return replace(account, provider_keys={**account.provider_keys, number: self.keys["public_keys"][number]})

    def strangers(self) -> dict[str, str]:
        """An RSA key of nobody."""
        return {"private_key": strange_rsa()}


@dataclass
class AlipayParty(Party):
    """Alipay."""

    name: ClassVar[str] = "alipay"
    _HALVES: ClassVar = {"WAIT_BUYER_PAY": "waiting", "TRADE_SUCCESS": "done", "TRADE_CLOSED": "failed"}

    def account(self, notify_address: str, serial: int) -> Account:
        """The sandbox's application."""
        return Account(
            channel=self.name,
            fixmedins_code=INSTITUTION,
            fixmedins_name="试验医院",
            merchant_no=self.keys["app_id"],
            address=str(self.door.base_url).rstrip("/"),
            notify_address=notify_address,
            private_key=self.keys["app_private_key"],
            provider_keys={"1": self.keys["alipay_public_key"]},
        )

    def how(self, number: str) -> dict[str, Any]:
        """A code is good once."""
        if self.form == CODE:
            return {"code": f"28{sum(each * 257**at for at, each in enumerate(number.encode())) % 10**16:016}"}
        return {"user_no": "2088000000000001"}

    def targets(self, call: str) -> tuple[Target, ...]:
        """By the names of methods."""
        if call == "any":
            return (("", ""),)
        medical, plain = self.form in (APP, MIXED), "alipay.trade."
        word = {
            "place": "createandpay" if medical else "pay" if self.form == CODE else "precreate",
            "look": "query",
            "close": "cancel" if medical else "close",
            "refund": "refund",
            "look_refund": "refund.query" if medical else "fastpay.refund.query",
        }[call]
        return (("POST", f"{'alipay.commerce.medical.trade.' if medical else plain}{word}$"),)

    async def pays(self, number: str, **given: object) -> None:
        """On the phone."""
        await self.told("pay", out_trade_no=number, **given)

    async def kept_fen(self, number: str) -> int:
        """By the trade."""
        found = await self._trade(number)
        medical = "real_amount" in found
        if not found.get("gmt_own_paid" if medical else "gmt_payment"):
            return 0
        return fen_of_yuan(found["real_amount" if medical else "total_amount"]) - fen_of_yuan(found["refunded"])

    async def insured(self, number: str) -> str:
        """By its half of the trade."""
        found = await self._trade(number)
        word = self._HALVES.get(str(found.get("medical_pay_status", "")), "")
        return "returned" if word == "failed" and found.get("gmt_medical_paid") else word

    async def _trade(self, number: str) -> Mapping[str, Any]:
        answer = await self.door.post("/_twin/trade", json={"out_trade_no": number})
        return answer.json() if answer.is_success else {}

    async def turns_keys(self, account: Account) -> Account:
        """The next key of the platform."""
        new = (await self.told("rotate"))["alipay_public_key"]
        self.keys = (await self.door.get("/_twin/keys")).json()
        return replace(account, provider_keys={**account.provider_keys, "2": new})

    def strangers(self) -> dict[str, str]:
        """An RSA key of nobody."""
        return {"private_key": strange_rsa()}


@dataclass
class BankParty(Party):
    """A bank and its POS."""

    name: ClassVar[str] = "bank"

    def account(self, notify_address: str, serial: int) -> Account:
        """A terminal of DES."""
        return Account(
            channel=self.name,
            fixmedins_code=INSTITUTION,
            fixmedins_name="试验医院",
            merchant_no=self.keys["merchant_no"],
            app_no=f"1{serial:07}",
            address=self.keys["line"],
            files_address=str(self.door.base_url).rstrip("/"),
            secret=self.keys["master_key"],
            provider_keys={"statement": STATEMENT_SECRET},
        )

    def how(self, number: str) -> dict[str, Any]:
        """A card without a PIN."""
        return {"code": f"{PLAIN}=4912"}

    def targets(self, call: str) -> tuple[Target, ...]:
        """By the types of messages."""
        return {
            "place": (("0200", "/purchase"),),
            "look": (("0400", ""),),
            "close": (("0400", ""),),
            "refund": (("0200", "/void"), ("0220", "")),
            "look_refund": (("0400", "/void"), ("0220", "")),
            "any": (("", ""),),
        }[call]

    async def kept_fen(self, number: str) -> int:
        """By the purchase."""
        trades = (await self.told("trades"))["trades"]
        mine = [each for each in trades if each["reference"] == number and not each["reversed"]]
        return sum(each["amount_fen"] - each["returned_fen"] for each in mine)

    async def turns_keys(self, account: Account) -> Account:
        """The terminal has to sign on again."""
        await self.told("forget", terminal=account.app_no, merchant=account.merchant_no)
        return account

    def strangers(self) -> dict[str, str]:
        """Another master key."""
        return {"secret": "00112233445566778899AABBCCDDEEFF"}


@dataclass
class NationalParty(Party):
    """The national app."""

    name: ClassVar[str] = "national"

    def account(self, notify_address: str, serial: int) -> Account:
        """Its merchant."""
        return Account(
            channel=self.name,
            fixmedins_code=INSTITUTION,
            fixmedins_name="试验医院",
            merchant_no=MERCHANT,
            app_no=self.keys["app_id"],
            address=str(self.door.base_url).rstrip("/"),
            notify_address=notify_address,
            private_key=self.keys["private_key"],
            provider_keys={"1": self.keys["provider_key"]},
            secret=SECRET,
        )

    def targets(self, call: str) -> tuple[Target, ...]:
        """By the paths of ours."""
        words = {"place": "order", "look": "query", "close": "close", "refund": "refund", "look_refund": "refundQuery"}
        return (("", ""),) if call == "any" else (("POST", f"/pay/{words[call]}$"),)

    async def pays(self, number: str, **given: object) -> None:
        """In the app."""
        await self.told("pay", outTradeNo=number, **given)

    async def kept_fen(self, number: str) -> int:
        """By the order."""
        answer = await self.door.post("/_twin/order", json={"outTradeNo": number})
        found = answer.json() if answer.is_success else {}
        return fen_of_yuan(found["paidAmt"]) - found["returnedFen"] if found.get("payTime") else 0

    async def turns_keys(self, account: Account) -> Account:
        """The next key of the app."""
        self.keys = {**self.keys, **await self.told("rotate")}
        return replace(account, provider_keys={**account.provider_keys, "2": self.keys["provider_key"]})

    def strangers(self) -> dict[str, str]:
        """An SM2 key of nobody."""
        return {"private_key": "22" * 32}


@dataclass
class CashParty(Party):
    """The drawer of a window, which has no books of its own."""

    name: ClassVar[str] = "cash"

    def how(self, number: str) -> dict[str, Any]:
        """Nothing."""
        return {}


EMPTY_CARD: Final = f"{EMPTY}=4912"
