"""How an institution proves who it is at the national envelope: service bus, TIF, a bare key, or nothing in a sandbox.

A repeat of the same bytes inside the window is accepted: clients re-send after a lost answer, and idempotency, not the
signature, keeps a settlement from happening twice.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from gateway.partners import Profile
from services.kernel.errors import Fault, FaultKind, denied
from yibao.identity.v1 import partner_pb2

WINDOW_MINUTES: Final = 30

_BUS_HEADERS: Final = ("_api_access_key", "_api_name", "_api_timestamp", "_api_version")
_BUS_SIGNATURE: Final = "_api_signature"
_TIF_HEADERS: Final = ("x-tif-paasid", "x-tif-timestamp", "x-tif-nonce", "x-tif-signature")
_MILLISECOND_DIGITS: Final = 13


def speaks_bus(headers: Mapping[str, str]) -> bool:
    """Whether the client knows the service bus, and so its form of refusal."""
    return _BUS_SIGNATURE in headers or "_api_name" in headers


def authenticate(profile: Profile, headers: Mapping[str, str], now: datetime, sandbox: bool) -> None:
    """Returns where the headers prove the partner of the profile.

    Fault UNAUTHENTICATED with AUTHENTICATION_MISSING, TIMESTAMP_OUT_OF_WINDOW, PARTNER_NOT_FOUND (the key is not this
    partner's) or AUTHENTICATION_FAILED; DENIED AUTH_STYLE_NOT_ALLOWED for a profile without proof outside a sandbox.
    """
    match profile.auth_style:
        case partner_pb2.AUTH_STYLE_CSB:
            _check_bus(profile, headers, now)
        case partner_pb2.AUTH_STYLE_TIF:
            _check_tif(profile, headers, now)
        case partner_pb2.AUTH_STYLE_API_KEY:
            key = _needed(headers, ("apikey",))[0]
            _compare(key, profile.secret)
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


def _check_bus(profile: Profile, headers: Mapping[str, str], now: datetime) -> None:
    _needed(headers, (*_BUS_HEADERS, _BUS_SIGNATURE))
    _check_time(headers["_api_timestamp"], now)
    _check_key(headers["_api_access_key"], profile)
    _compare(headers[_BUS_SIGNATURE], bus_signature(headers, profile.secret))


def _check_tif(profile: Profile, headers: Mapping[str, str], now: datetime) -> None:
    paasid, timestamp, nonce, signature = _needed(headers, _TIF_HEADERS)
    _check_time(timestamp, now)
    _check_key(paasid, profile)
    _compare(signature.casefold(), tif_signature(timestamp, nonce, profile.secret))


def _needed(headers: Mapping[str, str], names: tuple[str, ...]) -> list[str]:
    found = [headers.get(name, "") for name in names]
    if not all(found):
        raise Fault(FaultKind.UNAUTHENTICATED, "AUTHENTICATION_MISSING")
    return found


def _check_time(timestamp: str, now: datetime) -> None:
    """Seconds (10 digits) or milliseconds (13 digits) since 1970."""
    sent = (
        int(timestamp) if timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MILLISECOND_DIGITS else 0
    )
    if len(timestamp) == _MILLISECOND_DIGITS:
        sent //= 1000
    if abs(now.timestamp() - sent) > WINDOW_MINUTES * 60:
        raise Fault(FaultKind.UNAUTHENTICATED, "TIMESTAMP_OUT_OF_WINDOW", {"minutes": str(WINDOW_MINUTES)})


def _check_key(given: str, profile: Profile) -> None:
    # The institution named in the body decides whose key is expected: another partner's good key proves nothing here.
    if not hmac.compare_digest(given.encode(), profile.access_key.encode()):
        raise Fault(FaultKind.UNAUTHENTICATED, "PARTNER_NOT_FOUND")


def _compare(given: str, expected: str) -> None:
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise Fault(FaultKind.UNAUTHENTICATED, "AUTHENTICATION_FAILED")
