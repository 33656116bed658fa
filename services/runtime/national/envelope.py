"""The mobile envelope (C§4.3): `data` encrypted by SM4 and the whole signed by SM2, built and opened for either side.

It opens nothing that is stale, changed or signed by somebody else, and hands on nothing that it did not verify. Weaknesses of
the form itself: ECB, a key of 64 bits derived from the appSecret, no nonce. Whoever opens requests remembers the signatures
of the window, which come with what was opened.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from services.kernel.clock import BEIJING, stamp_text
from services.kernel.errors import Fault, FaultKind, Violation
from services.runtime.bounds import check_json
from services.runtime.national.signed_text import Rows, SecretForm, signed_text
from services.runtime.national.sm2 import SIGNATURE_BYTES, PrivateKey, PublicKey
from services.runtime.national.sm4 import KEY_BYTES, Sm4Error, decrypt_ecb, encrypt_ecb
from services.runtime.texts.gateway import rule_text

IdName = Literal["appId", "appCode"]

VERSIONS: Final = ("1.0.0", "2.0.1")
WINDOW: Final = timedelta(minutes=5)
MOST_BYTES: Final = 4 << 20

_ENCRYPTED_BY: Final = "SM4"
_SIGNED_BY: Final = "SM2"
_ID_NAMES: Final[tuple[IdName, ...]] = ("appId", "appCode")
_MOST_MEMBERS: Final = 32
_MOST_ID: Final = 64
_SECOND_DIGITS: Final = 10
_MILLISECOND_DIGITS: Final = 13
_STAMP: Final = "%Y%m%d%H%M%S"
_STAMP_DIGITS: Final = 14


class App:
    """One app as one side knows it: its number and secret, the own key that signs, and the other's that is verified.

    ValueError for an app number of fewer than 16 characters, the key of the first encryption, or a secret that is empty.
    """

    def __init__(
        self, app_id: str, secret: str, own: PrivateKey, theirs: PublicKey, form: SecretForm = SecretForm.KEY
    ) -> None:
        first = app_id.encode()[:KEY_BYTES]
        if len(first) < KEY_BYTES or not app_id.isascii() or not secret:
            raise ValueError(f"an app has a number of at least {KEY_BYTES} ASCII characters and a secret")
        self.app_id: Final = app_id
        self._secret = secret
        self._own = own
        self._theirs = theirs
        self._form = form
        self._key = encrypt_ecb(first, secret.encode()).hex().upper()[:KEY_BYTES].encode()

    def encrypt(self, plain: bytes) -> str:
        """`encData` of a text: upper-case hex."""
        return encrypt_ecb(self._key, plain).hex().upper()

    def decrypt(self, cipher: str) -> bytes:
        """The text of an `encData`, in hex of either case; CIPHER_BROKEN."""
        try:
            return decrypt_ecb(self._key, binascii.unhexlify(cipher))
        except (binascii.Error, ValueError, Sm4Error):
            raise _refused(FaultKind.INVALID, "CIPHER_BROKEN", "encData", "mobile.cipher") from None

    def sign(self, members: Mapping[str, Any], data: object) -> str:
        """`signData`: Base64 of r‖s."""
        text = signed_text(members, data, self._secret, self._form, Rows.LIKE_ALL)
        return base64.b64encode(self._own.sign(text)).decode()

    def verifies(self, signature: bytes, members: Mapping[str, Any], data: object) -> bool:
        """Whether r‖s is the other side's over these, in either way of writing the rows of lists."""
        tried: set[bytes] = set()
        for rows in Rows:
            text = signed_text(members, data, self._secret, self._form, rows)
            if text not in tried and self._theirs.verify(signature, text):
                return True
            tried.add(text)
        return False


@dataclass(frozen=True, slots=True)
class Outer:
    """The members of an envelope as they came: nothing of it is verified, and nothing may be believed."""

    app_id: str
    id_name: IdName
    members: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A member that is a text or a whole number; "" for none."""
        value = self.members.get(name)
        return str(value) if type(value) in (str, int) else ""


@dataclass(frozen=True, slots=True)
class OpenedMessage:
    """What was verified: the `data`, when it was sent, and the signature by which a repeat is known."""

    outer: Outer
    data: dict[str, Any]
    sent: datetime
    signature: bytes


@dataclass(frozen=True, slots=True)
class OpenedAnswer:
    """A verified answer; `data` is empty where there is none."""

    code: str
    success: bool
    message: str
    data: dict[str, Any]


def build_request(
    app: App,
    data: Mapping[str, Any],
    now: datetime,
    *,
    version: str = VERSIONS[0],
    id_name: IdName = "appId",
    escaped: bool = False,
) -> bytes:
    """A request of an app; `escaped` writes the data's Chinese as `\\uXXXX` before it is encrypted, as the portal does."""
    members = {id_name: app.app_id, "version": version, "timestamp": _milliseconds(now)}
    return _sealed(app, members, data, escaped)


def build_answer(
    app: App,
    asked: Outer,
    data: Mapping[str, Any],
    now: datetime,
    *,
    code: int = 0,
    message: str = "成功",
) -> bytes:
    """The answer to a request, with the app's name, version and form of time that it came with; code 0 is success."""
    version = asked.text("version")
    members = {
        asked.id_name: app.app_id,
        "version": version if version in VERSIONS else VERSIONS[0],
        "timestamp": _written(now, len(asked.text("timestamp"))),
        "code": code,
        "success": code == 0,
        "message": message,
    }
    return _sealed(app, members, data, escaped=False)


def write_unsigned(code: int, message: str, now: datetime) -> bytes:
    """A refusal to whoever is not known, whose key nobody has."""
    told = {"code": code, "success": False, "message": message, "timestamp": _milliseconds(now)}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def read_outer(body: bytes, most_bytes: int = MOST_BYTES) -> Outer:
    """The members of an envelope and whose it is; BODY_TOO_LARGE, ENVELOPE_INVALID."""
    if len(body) > most_bytes:
        raise Fault(FaultKind.EXHAUSTED, "BODY_TOO_LARGE", {"limit_bytes": str(most_bytes)})
    members = _object(body, "")
    if len(members) > _MOST_MEMBERS:
        raise _invalid("", "mobile.members", most=str(_MOST_MEMBERS))
    named = [name for name in _ID_NAMES if members.get(name) not in (None, "")]
    if len(named) != 1:
        raise _invalid(_ID_NAMES[0], "mobile.one_app" if named else "national.required")
    app_id = members[named[0]]
    if type(app_id) is not str or len(app_id) > _MOST_ID:
        raise _invalid(named[0], "mobile.app_id")
    return Outer(app_id, named[0], members)


def open_request(app: App, outer: Outer, now: datetime, *, window: timedelta = WINDOW) -> OpenedMessage:
    """What an app has sent; ENVELOPE_INVALID, TIMESTAMP_OUT_OF_WINDOW, CIPHER_BROKEN, AUTHENTICATION_FAILED."""
    if outer.text("version") not in VERSIONS:
        raise _invalid("version", "mobile.version", known=", ".join(VERSIONS))
    return _opened(app, outer, now, window, needed=True)


def open_answer(app: App, body: bytes, now: datetime, *, window: timedelta = WINDOW) -> OpenedAnswer:
    """What was answered to an app; its faults are those of `open_request`, BODY_TOO_LARGE among them."""
    opened = _opened(app, read_outer(body), now, window, needed=False)
    outer = opened.outer
    return OpenedAnswer(outer.text("code"), outer.members.get("success") is True, outer.text("message"), opened.data)


def _sealed(app: App, members: dict[str, Any], data: Mapping[str, Any], escaped: bool) -> bytes:
    members |= {"encType": _ENCRYPTED_BY, "signType": _SIGNED_BY}
    members["signData"] = app.sign(members, data)
    if data:
        plain = json.dumps(data, ensure_ascii=escaped, separators=(",", ":"))
        members["encData"] = app.encrypt(plain.encode())
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def _opened(app: App, outer: Outer, now: datetime, window: timedelta, *, needed: bool) -> OpenedMessage:
    members = outer.members
    if outer.app_id != app.app_id:
        raise _invalid(outer.id_name, "mobile.other_app")
    _require(members, ("timestamp", "signData", *(("encData",) if needed else ())))
    for name, known in (("encType", _ENCRYPTED_BY), ("signType", _SIGNED_BY)):
        if outer.text(name).upper() != known:
            raise _invalid(name, "mobile.kind", known=known)
    if "data" in members and members["data"] not in (None, ""):
        raise _invalid("data", "mobile.plain")
    sent = _moment(outer.text("timestamp"))
    if abs(now - sent) > window:
        minutes = str(math.ceil(window / timedelta(minutes=1)))
        broken = [_violation("timestamp", "mobile.window", {"minutes": minutes})]
        raise Fault(FaultKind.UNAUTHENTICATED, "TIMESTAMP_OUT_OF_WINDOW", {"minutes": minutes}, violations=broken)
    signature = _signature(outer.text("signData"))
    plain = app.decrypt(outer.text("encData")) if members.get("encData") else b""
    data = _object(plain, "encData") if plain else {}
    try:
        good = app.verifies(signature, members, data)
    except UnicodeEncodeError:
        raise _invalid("encData", "body.surrogate") from None
    except RecursionError:
        raise _invalid("encData", "body.too_deep") from None
    if not good:
        raise _refused(FaultKind.UNAUTHENTICATED, "AUTHENTICATION_FAILED", "signData", "mobile.signature")
    return OpenedMessage(outer, data, sent, signature)


def _require(members: Mapping[str, Any], names: Sequence[str]) -> None:
    missing = [name for name in names if members.get(name) in (None, "")]
    if missing:
        broken = [_violation(name, "national.required", {}) for name in missing]
        raise Fault(FaultKind.INVALID, "ENVELOPE_INVALID", violations=broken)


def _signature(text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != SIGNATURE_BYTES:
        raise _invalid("signData", "mobile.sign_data")
    return found


def _moment(text: str) -> datetime:
    """Seconds or milliseconds since 1970, or yyyyMMddHHmmss in Beijing: sources name no one form (our decision)."""
    try:
        if not text.isascii() or not text.isdigit():
            raise ValueError(text)
        if len(text) == _STAMP_DIGITS:
            return datetime.strptime(text, _STAMP).replace(tzinfo=BEIJING)
        if len(text) not in (_SECOND_DIGITS, _MILLISECOND_DIGITS):
            raise ValueError(text)
        return datetime.fromtimestamp(int(text) / (1000 if len(text) == _MILLISECOND_DIGITS else 1), BEIJING)
    except (ValueError, OverflowError, OSError):
        raise _invalid("timestamp", "mobile.timestamp") from None


def _written(now: datetime, digits: int) -> str:
    """The moment with as many digits as the other side's had."""
    if digits == _SECOND_DIGITS:
        return str(int(now.timestamp()))
    if digits == _STAMP_DIGITS:
        return stamp_text(now)
    return _milliseconds(now)


def _milliseconds(now: datetime) -> str:
    return f"{int(now.timestamp() * 1000):0{_MILLISECOND_DIGITS}d}"


def _object(body: bytes, path: str) -> dict[str, Any]:
    """The object in JSON of UTF-8; fractions as bytes. ENVELOPE_INVALID; a name that stands twice is refused too."""
    check_json(body)
    twice: list[str] = []

    def read(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs) and not twice:
            counts = Counter(name for name, _ in pairs)
            twice.append(next(name for name in counts if counts[name] > 1)[:_MOST_ID])
        return found

    try:
        found = json.loads(
            body.decode("utf-8-sig"), object_pairs_hook=read, parse_float=str.encode, parse_constant=_no_number
        )
    except RecursionError:
        raise _invalid(path, "body.too_deep") from None
    except ValueError:
        raise _invalid(path, "mobile.no_json") from None
    if twice:
        raise _invalid(f"{path}.{twice[0]}" if path else twice[0], "body.twice", name=twice[0])
    if type(found) is not dict:
        raise _invalid(path, "body.no_object")
    return found


def _no_number(name: str) -> object:
    raise ValueError(name)


def _invalid(path: str, rule: str, **values: str) -> Fault:
    return _refused(FaultKind.INVALID, "ENVELOPE_INVALID", path, rule, **values)


def _refused(kind: FaultKind, reason: str, path: str, rule: str, **values: str) -> Fault:
    return Fault(kind, reason, violations=[_violation(path, rule, values)])


def _violation(path: str, rule: str, values: Mapping[str, str]) -> Violation:
    return Violation(path, rule, rule_text(rule, values, "en"), values)
