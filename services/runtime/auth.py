"""The caller token: who calls travels as a short-lived JWT signed with the mesh's key, and no header is believed without it.

Both directions are cached in bounded tables, so that a repeated token costs one look-up.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import jwt

from services.kernel.clock import Clock
from services.kernel.errors import Fault, FaultKind
from services.runtime.call import Caller, Role

CALLER_KEY = "yibao-caller"
BUSINESS_DATE_KEY = "yibao-business-date"
MIN_KEY_BYTES = 32

_ALGORITHM = "HS256"
_ISSUER = "yibao"
_CACHE_SIZE = 4096

_K = TypeVar("_K")
_V = TypeVar("_V")


class TokenSigner:
    """Signs and verifies caller tokens with one key; ValueError for a key shorter than 32 bytes."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise ValueError(f"the mesh key needs at least {MIN_KEY_BYTES} bytes, it has {len(key)}")
        self._key = key
        self._clock = clock
        self._signed: dict[tuple[Caller, int], tuple[str, float]] = {}
        self._verified: dict[str, tuple[Caller, float]] = {}

    def sign(self, caller: Caller, ttl_s: int = 60) -> str:
        """A token that holds for at most `ttl_s` seconds and for at least half of them: it is made anew only then."""
        now = self._clock().timestamp()
        known = self._signed.get((caller, ttl_s))
        if known is not None and known[1] - ttl_s <= now < known[1] - ttl_s / 2:
            return known[0]
        expires = now + ttl_s
        claims = {
            "iss": _ISSUER,
            "sub": caller.subject,
            "role": caller.role.value,
            "sbx": caller.sandbox,
            "exp": expires,
        }
        token = jwt.encode(claims, self._key, algorithm=_ALGORITHM)
        _remember(self._signed, (caller, ttl_s), (token, expires))
        return token

    def verify(self, token: str) -> Caller:
        """Who calls; Fault UNAUTHENTICATED with CALLER_TOKEN_INVALID or CALLER_TOKEN_EXPIRED."""
        known = self._verified.get(token)
        if known is None:
            known = self._decode(token)
            _remember(self._verified, token, known)
        if self._clock().timestamp() >= known[1]:
            raise Fault(FaultKind.UNAUTHENTICATED, "CALLER_TOKEN_EXPIRED")
        return known[0]

    def expires(self, token: str) -> datetime:
        """The moment until which a verified token holds."""
        self.verify(token)
        return datetime.fromtimestamp(self._verified[token][1], self._clock().tzinfo)

    def _decode(self, token: str) -> tuple[Caller, float]:
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                # The expiry is compared with the mesh's own clock on every use, cached or not.
                options={"require": ["iss", "sub", "role", "exp"], "verify_exp": False, "verify_iat": False},
            )
            return Caller(Role(claims["role"]), claims["sub"], claims.get("sbx") is True), float(claims["exp"])
        except (jwt.PyJWTError, ValueError, TypeError):
            raise Fault(FaultKind.UNAUTHENTICATED, "CALLER_TOKEN_INVALID") from None


def _remember(table: dict[_K, _V], key: _K, value: _V) -> None:
    """Adds to a bounded table; the oldest entry goes first."""
    if len(table) >= _CACHE_SIZE and key not in table:
        del table[next(iter(table))]
    table[key] = value
