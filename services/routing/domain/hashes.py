"""The names under which routing keeps persons: keyed hashes, so that its store alone tells nobody who they are. Pure."""

from __future__ import annotations

import hmac
import unicodedata
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

_BYTES: Final = 16
_KEY_NAME: Final = b"yibao routing: name of the key"


@dataclass(frozen=True, slots=True)
class Hasher:
    """Makes hashes under one key, which only routing has: the first 16 bytes of HMAC-SHA-256, 22 characters."""

    key: bytes

    @property
    def key_id(self) -> str:
        """Tells keys apart, and nothing of them."""
        return _text(self.key, _KEY_NAME)[:8]

    def person(self, psn_no: str) -> str:
        """Of a person's number."""
        return _text(self.key, b"psn_no\0" + psn_no.encode())

    def person_key(self, psn_no: str) -> bytes:
        """The same for the stores of other members: 16 bytes that are not those of `person`."""
        return _bytes(self.key, b"person key\0" + psn_no.encode())

    def certificate(self, certno: str) -> str:
        """Of a certificate's number, in the one writing in which cells keep it: half-width, in capitals, no blanks around."""
        plain = certno if certno.isascii() else unicodedata.normalize("NFKC", certno)
        return _text(self.key, b"certno\0" + plain.strip().upper().encode())


def _text(key: bytes, told: bytes) -> str:
    return urlsafe_b64encode(_bytes(key, told)).decode().rstrip("=")


def _bytes(key: bytes, told: bytes) -> bytes:
    return hmac.digest(key, told, "sha256")[:_BYTES]
