"""WeChat Pay's own keys and all that is signed or sealed with them: answers, notifies, certificates, sensitive fields.

One key pair serves both modes: as "WeChat Pay public key" under a PUB_KEY_ID, and inside a platform certificate. `rotate`
brings the next pair; the one before stays good for reading, as in the real change of keys.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

from services.runtime import rsa
from tools.twins.clock import Clock
from tools.twins.keys import public_pem, rsa_key
from tools.twins.shelf import Document, Shelf

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
_KIND: Final = "platform"
_ID_PREFIX: Final = "PUB_KEY_ID_"
_DAYS: Final = 1825
_NONCE_CHARACTERS: Final = 12


class Platform:
    """The keys by number, oldest first; the last one signs."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._shelf, self._clock = shelf, clock
        self._keys: list[_Key] = []
        for number, document in shelf.each(_KIND):
            self._keys.append(_Key(document, rsa_key(shelf, f"platform-{number}")))
        if not self._keys:
            self.rotate()

    @property
    def key_id(self) -> str:
        """The number of the public key in public-key mode."""
        return self._keys[-1].key_id

    @property
    def serial(self) -> str:
        """The serial number of the certificate in certificate mode."""
        return self._keys[-1].serial

    def number_for(self, mode: str) -> str:
        """The number that answers and notifies to a merchant of that mode name: `certificate` or `public_key`."""
        return self.serial if mode == "certificate" else self.key_id

    def public_keys(self) -> dict[str, str]:
        """All public keys by the numbers that answers name, as PEM: by key id, and by certificate serial."""
        by_id = {each.key_id: public_pem(each.private.public_key()) for each in self._keys}
        return by_id | {each.serial: each.certificate for each in self._keys}

    def rotate(self) -> None:
        """The next key pair signs from now on."""
        number = f"{len(self._keys) + 1:04}"
        private = rsa_key(self._shelf, f"platform-{number}")
        serial = x509.random_serial_number() | 1 << 156
        document = {
            "key_id": f"{_ID_PREFIX}0199{self._clock.now():%Y%m%d}{number}{secrets.token_hex(4)}",
            "serial": f"{serial:X}",
            "certificate": _certificate(private, serial),
        }
        self._shelf.put(_KIND, number, document)
        self._keys.append(_Key(document, private))

    def signed(self, body: bytes, asked: str, *, at: int | None = None) -> dict[str, str]:
        """The headers that prove an answer or a notify; in the mode that `asked` (the caller's Wechatpay-Serial) chooses."""
        key = next((each for each in self._keys if asked in (each.key_id, each.serial)), self._keys[-1])
        timestamp = str(int(self._clock.signing().timestamp()) if at is None else at)
        nonce = secrets.token_hex(16)
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": rsa.sign(key.private, f"{timestamp}\n{nonce}\n".encode() + body + b"\n"),
            "Wechatpay-Serial": key.serial if asked and not asked.startswith(_ID_PREFIX) else key.key_id,
            "Wechatpay-Signature-Type": SCHEME,
        }

    def opened(self, key_id: str, text: str) -> str:
        """A sensitive field that was sealed for the key of that number; ValueError where it was not."""
        for each in self._keys:
            if key_id in (each.key_id, each.serial):
                return rsa.unsealed(each.private, text)
        raise ValueError("no key of that number")

    def certificates(self, secret: str) -> Document:
        """The certificates for one merchant, sealed with its APIv3 key."""
        return {"data": [_told(each, secret) for each in reversed(self._keys)]}


class _Key:
    """One key pair with its two numbers."""

    def __init__(self, document: Document, private: RSAPrivateKey) -> None:
        self.key_id, self.serial = str(document["key_id"]), str(document["serial"])
        self.certificate = str(document["certificate"])
        self.private = private


def sealed(secret: str, text: bytes, associated_data: str) -> Document:
    """What a merchant opens with its APIv3 key: AES-256-GCM, tag at the end."""
    nonce = secrets.token_hex(_NONCE_CHARACTERS // 2)
    box = AESGCM(secret.encode()).encrypt(nonce.encode(), text, associated_data.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "nonce": nonce,
        "associated_data": associated_data,
        "ciphertext": b64encode(box).decode(),
    }


def _told(key: _Key, secret: str) -> Document:
    read = x509.load_pem_x509_certificate(key.certificate.encode())
    return {
        "serial_no": key.serial,
        "effective_time": read.not_valid_before_utc.isoformat(),
        "expire_time": read.not_valid_after_utc.isoformat(),
        "encrypt_certificate": sealed(secret, key.certificate.encode(), "certificate"),
    }


def _certificate(private: RSAPrivateKey, serial: int) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "WeChat Pay twin")])
    begun = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(serial)
        .not_valid_before(begun)
        .not_valid_after(begun + timedelta(days=_DAYS))
        .sign(private, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()
