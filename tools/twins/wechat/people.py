"""The people of the twin: those whose openid chooses an outcome, and those told to it with name and identity number.

Everybody else is taken for whoever the merchant says, as long as the digest has the form of one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from services.kernel.persons import check_digit
from tools.twins.shelf import Document, Shelf
from tools.twins.wechat.errors import (
    AUTHORISATION_UNKNOWN,
    DIGEST_DIFFERS,
    NAME_DIFFERS,
    NOT_ACTIVATED,
    RELATIVE_UNKNOWN,
    Refused,
    parameter,
    rule,
)

ANOTHER_APP: Final = "oTwinOfAnotherApp"
PAYS: Final = "oTwinPaysAtOnce"
DENIES: Final = "oTwinDeniesAtOnce"
OUTCOMES: Final[Mapping[str, str]] = {
    ANOTHER_APP: "the openid is not of this appid",
    PAYS: "pays as soon as the order stands",
    DENIES: "declines as soon as the order stands",
    "oTwinDigestDiffers": "the identity number differs from the credential's",
    "oTwinNameDiffers": "the name differs from the credential's",
    "oTwinNotActivated": "has not activated the credential in WeChat",
    "oTwinRelativeUnknown": "has not bound the relative",
}
"""By openid; the control door lists them."""
EXPIRED_AUTHORISATION: Final = "AUTHEXPIRED"
"""How the number of an authorisation begins that the bureau does not know any more."""
AUTH_CODE_EXPIRED: Final = "139900000000000000"
"""A payment code that was shown too long ago."""

_KIND: Final = "person"
_DIGEST: Final = re.compile(r"[0-9a-f]{32}")
_AUTH_CODE: Final = re.compile(r"1[0-5][0-9]{16}")
_OLD_ID: Final = re.compile(r"[0-9]{15}")


def digest_of(id_no: str) -> str:
    """MD5 of an identity number as WeChat compares it: capital letters, 15 digits brought to 18 (C§1.2)."""
    plain = id_no.upper()
    if _OLD_ID.fullmatch(plain):
        seventeen = f"{plain[:6]}19{plain[6:]}"
        plain = seventeen + check_digit(seventeen)
    return hashlib.md5(plain.encode(), usedforsecurity=False).hexdigest()


def know(shelf: Shelf, told: Document) -> None:
    """Knows a person from now on: `openid`, `name`, `id_no`."""
    shelf.put(_KIND, told["openid"], {"name": told["name"], "digest": digest_of(told["id_no"])})


def check_payer(shelf: Shelf, openid: str, name: str, digest: str) -> None:
    """Compares what the merchant says of the payer with the credential of this openid."""
    if openid == "oTwinNotActivated":
        raise rule("用户未在微信激活医保电子凭证", NOT_ACTIVATED)
    known = shelf.get(_KIND, openid)
    wrong = not _DIGEST.fullmatch(digest) or (known is not None and known["digest"] != digest)
    if wrong or openid == "oTwinDigestDiffers":
        raise parameter("payer.id_digest", "用户证件信息与医保电子凭证不一致", DIGEST_DIFFERS)
    if (known is not None and known["name"] != name) or openid == "oTwinNameDiffers":
        raise parameter("payer.name", "用户姓名与医保电子凭证不一致", NAME_DIFFERS)


def check_relative(openid: str, digest: str) -> None:
    """Compares the relative with those that the payer has bound."""
    if openid == "oTwinRelativeUnknown":
        raise rule("未绑定亲情账户", RELATIVE_UNKNOWN)
    if not _DIGEST.fullmatch(digest):
        raise parameter("relative.id_digest", "亲属证件信息不正确", DIGEST_DIFFERS)


def check_authorisation(number: str) -> None:
    """Refuses an authorisation that the bureau does not know."""
    if number.startswith(EXPIRED_AUTHORISATION):
        raise rule("授权信息不存在或已失效，请重新授权", AUTHORISATION_UNKNOWN)


def check_auth_code(code: str) -> None:
    """Refuses what is no payment code, or one that is too old."""
    if not _AUTH_CODE.fullmatch(code):
        raise Refused(400, "PARAM_ERROR", "付款码无效，请重新扫码", field="payer.auth_code")
    if code == AUTH_CODE_EXPIRED:
        raise Refused(400, "AUTH_CODE_EXPIRED", "付款码已过期，请用户刷新后重新扫码")
