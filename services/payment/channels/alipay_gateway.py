"""Alipay's open platform as a caller sees it: `gateway.do` with RSA2 both ways, notifies that prove who sent them, files of
bills (C§2.1, C§2.4, C§5.4).

It knows no method and no field of one. What is not signed by the platform's key is not believed.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from services.kernel.clock import BEIJING, Clock
from services.payment.channels.protocol import Forged, Lost
from services.payment.domain.accounts import Account
from services.payment.domain.charges import BillLine
from services.runtime import rsa
from services.runtime.outgoing import HttpAnswer, Outgoing, Unanswered
from services.runtime.zips import members
from yibao.payment.v1 import channel_pb2

OLDEST: Final = timedelta(hours=26)
"""Of a notify: the last repeat comes 25 h after the first (C§2.1)."""
_AHEAD: Final = timedelta(minutes=5)
_MOMENT: Final = "%Y-%m-%d %H:%M:%S"
_MOST_BYTES: Final = 256 * 1024 * 1024
"""Of a day's bill, unpacked (our decision)."""
_DOWN: Final = frozenset({"20000", "20001"})
_ERROR: Final = "error_response"
_DECODER: Final = json.JSONDecoder()
_NUMBERS: Final = ("out_trade_no", "out_request_no", "refund_request_no")
"""Our own numbers, which an answer repeats: its signature alone does not say to what it answers."""

Node = Mapping[str, Any]
"""What an answer says."""


@dataclass(frozen=True, slots=True)
class AlipayContract:
    """An account with its keys read; the platform has two while it changes them."""

    account: Account
    private: RSAPrivateKey
    platform: tuple[RSAPublicKey, ...]

    def proves(self, message: bytes, signature: str) -> bool:
        """Whether the platform signed it."""
        return any(rsa.verified(each, message, signature) for each in self.platform)


class AlipayGateway:
    """Asks in the name of accounts, whose `merchant_no` is the application's id; ValueError for a key that is none."""

    def __init__(self, name: str, accounts: Sequence[Account], outgoing: Outgoing, clock: Clock) -> None:
        self._name, self._outgoing, self._clock = name, outgoing, clock
        self._contracts = {
            each.merchant_no: AlipayContract(
                each, rsa.private_key(each.private_key), tuple(map(rsa.public_key, each.provider_keys.values()))
            )
            for each in accounts
        }

    def contract(self, merchant: channel_pb2.Merchant) -> AlipayContract:
        """The account of a merchant; `Lost` where there is none."""
        contract = self._contracts.get(merchant.merchant_no)
        if contract is None:
            raise Lost("ACCOUNT_UNKNOWN", sent=False)
        return contract

    async def ask(self, contract: AlipayContract, method: str, content: Mapping[str, object], **more: str) -> Node:
        """The node of a proven answer, whose `code` is a text; `Lost`, also where the platform says that it is down."""
        parameters = {
            "app_id": contract.account.merchant_no,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": self._clock().astimezone(BEIJING).strftime(_MOMENT),
            "version": "1.0",
            "biz_content": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
            **more,
        }
        parameters["sign"] = rsa.sign(contract.private, _signed_text(parameters))
        url = f"{contract.account.address}/gateway.do?charset=utf-8"
        plain = {"app_id": parameters["app_id"], "method": method, **more, "biz_content": content}
        answer = await self._sent("POST", url, urlencode(parameters).encode(), plain)
        node = _proven(contract, method, answer.body)
        if any(name in content and node.get(name, content[name]) != content[name] for name in _NUMBERS):
            raise Lost("ANSWER_OF_ANOTHER")
        if node["code"] in _DOWN:
            raise Lost(f"DOWN_{node.get('sub_code', node['code'])}")
        return node

    async def lines(self, url: str, made: Callable[[Mapping[str, str]], BillLine | None], *, of: str) -> list[BillLine]:
        """Lines made of the rows of a bill behind a link that the platform gave, by the names of their columns: a zip of CSV in
        GBK with comment lines, read row by row. A file without a column `of`, such as a summary, gives none. `Lost`.
        """
        held = (await self._sent("GET", url, b"")).body
        try:
            # A large day takes a second or more: the loop goes on meanwhile.
            return await asyncio.to_thread(lambda: [line for row in _rows(held, of) if (line := made(row)) is not None])
        except (ValueError, KeyError, EOFError, csv.Error, zipfile.BadZipFile, RuntimeError, zlib.error):
            raise Lost("BILL_MALFORMED") from None

    def heard(self, body: bytes) -> Mapping[str, str]:
        """The fields of a notify: all but `sign` and `sign_type` are signed. `Forged`."""
        try:
            fields = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=200))
        except ValueError:
            raise Forged("NO_FORM") from None
        contract = self._contracts.get(fields.get("app_id", ""))
        if contract is None:
            raise Forged("APP_UNKNOWN")
        signature, kind = fields.pop("sign", ""), fields.pop("sign_type", "")
        if kind != "RSA2" or not contract.proves(_signed_text(fields), signature):
            raise Forged("SIGNATURE")
        told_at, now = moment(fields.get("notify_time")), self._clock()
        if told_at is None or not now - OLDEST <= told_at <= now + _AHEAD:
            raise Forged("AGE")
        return fields

    async def _sent(self, method: str, url: str, body: bytes, plain: Mapping[str, object] | None = None) -> HttpAnswer:
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"} if body else {}
        try:
            answer = await self._outgoing.send(self._name, method, url, headers=headers, body=body, plain=plain)
        except Unanswered as error:
            raise Lost(error.reason, sent=error.sent) from None
        if answer.status != HTTPStatus.OK:
            raise Lost(f"STATUS_{answer.status}")
        return answer


def moment(text: object) -> datetime | None:
    """`2026-11-30 16:00:00` of Beijing; None for anything else."""
    try:
        return datetime.strptime(str(text), _MOMENT).replace(tzinfo=BEIJING)
    except ValueError:
        return None


def moment_text(at: datetime) -> str:
    """The same way back."""
    return at.astimezone(BEIJING).strftime(_MOMENT)


def _proven(contract: AlipayContract, method: str, body: bytes) -> Node:
    """The node, whose very bytes are signed. What stands behind it is read apart: the signature is the first of that."""
    try:
        text, name = body.decode(), method.replace(".", "_") + "_response"
        at = text.find(f'"{name}"')
        begin = text.index("{", at if at >= 0 else text.index(f'"{_ERROR}"'))
        node, end = _DECODER.raw_decode(text, begin)
        behind = json.loads("{" + text[end:].lstrip().removeprefix(","))
    except ValueError:
        raise Lost("ANSWER_MALFORMED") from None
    if not contract.proves(text[begin:end].encode(), str(behind.get("sign", ""))):
        raise Lost("ANSWER_UNPROVEN")
    if not isinstance(node.get("code"), str):
        raise Lost("ANSWER_MALFORMED")
    told: Node = node
    return told


def _signed_text(fields: Mapping[str, str]) -> bytes:
    return "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if value).encode()


def _rows(held: bytes, of: str) -> Iterator[Mapping[str, str]]:
    with zipfile.ZipFile(io.BytesIO(held)) as files:
        found = members(files)
        if sum(each.file_size for each in found) > _MOST_BYTES:
            raise ValueError("larger than a bill")
        for each in found:
            with files.open(each) as held_file:
                text = io.TextIOWrapper(held_file, encoding="gbk", newline="")
                lines = csv.reader(line for line in text if not line.startswith("#"))
                names = [name.strip() for name in next(lines, [])]
                for line in lines if of in names else ():
                    yield dict(zip(names, (value.strip() for value in line), strict=True))
