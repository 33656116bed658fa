"""Compact JWS by Ed25519 (RFC 7515, RFC 8037), and the key that others verify them by as a JWK (RFC 7517)."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SEED_BYTES: Final = 32
_KID_LENGTH: Final = 16
_ALGORITHM: Final = "EdDSA"


class JwsKey:
    """A key made from a seed of 32 bytes: the same seed, the same key."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = _text(self._key.public_key().public_bytes_raw())
        # The thumbprint of RFC 7638 names the key, cut to what tells keys apart.
        thumb = f'{{"crv":"Ed25519","kty":"OKP","x":"{self._public}"}}'.encode()
        self.kid = _text(hashlib.sha256(thumb).digest())[:_KID_LENGTH]

    def signed(self, claims: Mapping[str, Any]) -> str:
        """The claims, signed."""
        return jwt.encode(dict(claims), self._key, algorithm=_ALGORITHM, headers={"kid": self.kid})

    def jwk(self) -> Mapping[str, str]:
        """The public half."""
        return {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": self._public,
            "kid": self.kid,
            "use": "sig",
            "alg": _ALGORITHM,
        }


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
