"""How an institution proves who it is at the national envelope: service bus, TIF, a bare key, signed with the body, or
nothing in a sandbox.

What each proof covers: the bus its own headers and nothing else, TIF a time stamp and a nonce, a bare key nothing; whoever
changes a message on its way is found out by the signed style alone. The bus has no nonce, and clients of both old styles
send the same bytes again after a lost answer: that is accepted, for idempotency, not the signature, keeps a settlement from
happening twice. A TIF nonce with another body is not.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from gateway.nonces import Nonces
from gateway.partners import Profile, digest_of
from services.kernel.errors import Fault, FaultKind, denied
from yibao.identity.v1 import partner_pb2

WINDOW_MINUTES: Final = 30

_BUS_HEADERS: Final = ("_api_access_key", "_api_name", "_api_timestamp", "_api_version")
_BUS_SIGNATURE: Final = "_api_signature"
_TIF_HEADERS: Final = ("x-tif-paasid", "x-tif-timestamp", "x-tif-nonce", "x-tif-signature")
_SIGNED: Final = ("access_key", "name", "nonce", "timestamp", "version")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
# As clients name the service of a transaction: the number alone, or with one of these before it.
_NAME_PREFIX: Final = re.compile(r"^(?:api_|hsa-fsi-)", re.IGNORECASE)
_MILLISECOND_DIGITS: Final = 13


def speaks_bus(headers: Mapping[str, str]) -> bool:
    """Whether the client knows the service bus, and so its form of refusal."""
    return _BUS_SIGNATURE in headers or "_api_name" in headers


def authenticate(
    profile: Profile,
    headers: Mapping[str, str],
    now: datetime,
    sandbox: bool,
    *,
    nonces: Nonces,
    infno: str = "",
    body: bytes = b"",
) -> None:
    """Returns where headers and body prove the partner of the profile, for the transaction `infno`; `nonces` are those seen.

    Fault UNAUTHENTICATED with AUTHENTICATION_MISSING, TIMESTAMP_OUT_OF_WINDOW, PARTNER_NOT_FOUND (the key is not this
    partner's), AUTHENTICATION_FAILED, SIGNED_NAME_MISMATCH or NONCE_USED; DENIED AUTH_STYLE_NOT_ALLOWED for a profile without
    proof outside a sandbox.
    """
    match profile.auth_style:
        case partner_pb2.AUTH_STYLE_SIGNED:
            _check_signed(profile, headers, now, infno, body, nonces)
        case partner_pb2.AUTH_STYLE_CSB:
            _check_bus(profile, headers, now)
        case partner_pb2.AUTH_STYLE_TIF:
            _check_tif(profile, headers, now, body, nonces)
        case partner_pb2.AUTH_STYLE_API_KEY:
            key = _needed(headers, ("apikey",))[0]
            # A store of before keeps the key itself.
            _compare(digest_of(key), profile.secret_digest or (profile.secret and digest_of(profile.secret)))
        case partner_pb2.AUTH_STYLE_NONE if sandbox and profile.sandbox:
            return
        case _:
            raise denied("AUTH_STYLE_NOT_ALLOWED", partner_code=profile.code)


def bus_signature(headers: Mapping[str, str], secret: str) -> str:
    """HMAC-SHA1 in Base64 over the other four headers as `key=value`, sorted, joined with `&`."""
    signed = "&".join(f"{name}={headers[name]}" for name in _BUS_HEADERS)
    return base64.b64encode(hmac.digest(secret.encode(), signed.encode(), "sha1")).decode()


def tif_signature(timestamp: str, nonce: str, secret: str) -> str:
    """SHA-256 in hex of timestamp + secret + nonce + timestamp."""
    return hashlib.sha256(f"{timestamp}{secret}{nonce}{timestamp}".encode()).hexdigest()


def signed_text(values: Mapping[str, str], body: bytes, content_type: str) -> str:
    """What the signed style signs: the five headers as `key=value`, sorted, then body and content type, joined with `&`."""
    head = [f"_api_{name}={values[name]}" for name in _SIGNED]
    return "&".join((*head, f"body={hashlib.sha256(body).hexdigest()}", f"content_type={content_type}"))


def body_signature(values: Mapping[str, str], body: bytes, content_type: str, secret: str) -> str:
    """HMAC-SHA256 in Base64 over `signed_text`; `values` are access_key, name, nonce, timestamp and version."""
    text = signed_text(values, body, content_type)
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha256")).decode()


def headers_missing(names: Iterable[str]) -> Fault:
    """UNAUTHENTICATED AUTHENTICATION_MISSING: headers that prove the caller are absent or not of their form."""
    return Fault(FaultKind.UNAUTHENTICATED, "AUTHENTICATION_MISSING", {"headers": ", ".join(names)})


def _check_signed(
    profile: Profile, headers: Mapping[str, str], now: datetime, infno: str, body: bytes, nonces: Nonces
) -> None:
    names = (*_SIGNED, "signature")
    values = dict(zip(names, _needed_either(headers, names), strict=True))
    sent = _check_time(values["timestamp"], now)
    _check_key(values["access_key"], profile)
    content_type = headers.get("content-type", "")
    _compare(values["signature"], body_signature(values, body, content_type, profile.secret))
    # What is signed is only now believed; a value that could be read as two would let one signature stand for both.
    if unfit := [name for name in ("nonce", "version", "name") if not _PLAIN.fullmatch(values[name])]:
        raise headers_missing(f"_api_{name}" for name in unfit)
    if _NAME_PREFIX.sub("", values["name"]).casefold() != infno.casefold():
        raise Fault(FaultKind.UNAUTHENTICATED, "SIGNED_NAME_MISMATCH", {"infno": infno})
    nonces.admit(profile.code, values["nonce"], sent, now.timestamp())


def _needed_either(headers: Mapping[str, str], names: tuple[str, ...]) -> list[str]:
    """Each as `_api_access_key` or, for proxies that drop names which begin with an underscore, as `x-api-access-key`."""
    found = [headers.get(f"_api_{name}") or headers.get(f"x-api-{name.replace('_', '-')}", "") for name in names]
    if not all(found):
        raise headers_missing(f"_api_{name}" for name, value in zip(names, found, strict=True) if not value)
    return found


def _check_bus(profile: Profile, headers: Mapping[str, str], now: datetime) -> None:
    _needed(headers, (*_BUS_HEADERS, _BUS_SIGNATURE))
    _check_time(headers["_api_timestamp"], now)
    _check_key(headers["_api_access_key"], profile)
    _compare(headers[_BUS_SIGNATURE], bus_signature(headers, profile.secret))


def _check_tif(profile: Profile, headers: Mapping[str, str], now: datetime, body: bytes, nonces: Nonces) -> None:
    paasid, timestamp, nonce, signature = _needed(headers, _TIF_HEADERS)
    sent = _check_time(timestamp, now)
    _check_key(paasid, profile)
    _compare(signature.casefold(), tif_signature(timestamp, nonce, profile.secret))
    # With its time stamp: who overhears a request can change neither, and clients that never change their nonce exist.
    nonces.admit(profile.code, f"{timestamp} {nonce}", sent, now.timestamp(), body)


def _needed(headers: Mapping[str, str], names: tuple[str, ...]) -> list[str]:
    found = [headers.get(name, "") for name in names]
    if not all(found):
        raise headers_missing(name for name, value in zip(names, found, strict=True) if not value)
    return found


def _check_time(timestamp: str, now: datetime) -> int:
    """The second that was sent, as seconds (10 digits) or milliseconds (13 digits) since 1970."""
    sent = (
        int(timestamp) if timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MILLISECOND_DIGITS else 0
    )
    if len(timestamp) == _MILLISECOND_DIGITS:
        sent //= 1000
    if abs(now.timestamp() - sent) > WINDOW_MINUTES * 60:
        raise Fault(FaultKind.UNAUTHENTICATED, "TIMESTAMP_OUT_OF_WINDOW", {"minutes": str(WINDOW_MINUTES)})
    return sent


def _check_key(given: str, profile: Profile) -> None:
    # The institution named in the body decides whose key is expected: another partner's good key proves nothing here.
    if not hmac.compare_digest(given.encode(), profile.access_key.encode()):
        raise Fault(FaultKind.UNAUTHENTICATED, "PARTNER_NOT_FOUND")


def _compare(given: str, expected: str) -> None:
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise Fault(FaultKind.UNAUTHENTICATED, "AUTHENTICATION_FAILED")
