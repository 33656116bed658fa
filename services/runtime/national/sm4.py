"""SM3 (GB/T 32905) and SM4 (GB/T 32907) by `cryptography`. ECB is for the mobile envelope alone, which prescribes it.

A build of that package without them is refused at start by the standards' own examples, not at the first message.
"""

from __future__ import annotations

import hmac
from typing import Final

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

BLOCK: Final = 16
KEY_BYTES: Final = 16
TAG_BYTES: Final = 16

_BITS: Final = 8 * BLOCK
_EXAMPLE: Final = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
_EXAMPLE_SM4: Final = bytes.fromhex("681EDF34D206965E86B3E94F536E4246")
_EXAMPLE_SM3: Final = bytes.fromhex("66C7F0F462EEEDD9D1F2D46BDC10E4E24167C4875CF2F7A2297DA02B8F4BA8E0")


class CipherUnavailable(Exception):
    """SM3 or SM4 is not in this build of `cryptography`; the text says what to install."""


class Sm4Error(ValueError):
    """A cipher text of the wrong length, padding or tag."""


def sm3(content: bytes) -> bytes:
    """32 bytes."""
    made = hashes.Hash(hashes.SM3())
    made.update(content)
    return made.finalize()


def encrypt_ecb(key: bytes, plain: bytes) -> bytes:
    """Padded by PKCS#7."""
    return _encrypted(key, modes.ECB(), plain)


def decrypt_ecb(key: bytes, cipher: bytes) -> bytes:
    """What `encrypt_ecb` made; Sm4Error where length or padding is wrong."""
    return _decrypted(key, modes.ECB(), cipher)


def encrypt_cbc(key: bytes, iv: bytes, plain: bytes) -> bytes:
    """Padded by PKCS#7; `iv` has 16 bytes."""
    return _encrypted(key, modes.CBC(iv), plain)


def decrypt_cbc(key: bytes, iv: bytes, cipher: bytes) -> bytes:
    """What `encrypt_cbc` made; Sm4Error where length or padding is wrong."""
    return _decrypted(key, modes.CBC(iv), cipher)


def encrypt_gcm(key: bytes, nonce: bytes, plain: bytes, beside: bytes = b"") -> bytes:
    """Cipher text and its tag of 16 bytes (RFC 8998); `beside` is authenticated only. A nonce serves once for a key."""
    made = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    made.authenticate_additional_data(beside)
    cipher = made.update(plain) + made.finalize()
    return cipher + made.tag


def decrypt_gcm(key: bytes, nonce: bytes, sealed: bytes, beside: bytes = b"") -> bytes:
    """What `encrypt_gcm` made; Sm4Error where anything was changed."""
    if len(sealed) < TAG_BYTES:
        raise Sm4Error("shorter than its tag")
    made = Cipher(algorithms.SM4(key), modes.GCM(nonce, sealed[-TAG_BYTES:])).decryptor()
    made.authenticate_additional_data(beside)
    try:
        return made.update(sealed[:-TAG_BYTES]) + made.finalize()
    except InvalidTag:
        raise Sm4Error("the tag is not that of the text") from None


def check_sm3_sm4() -> None:
    """Returns where the package here computes the examples of the standards; raises CipherUnavailable."""
    try:
        sealed = encrypt_gcm(_EXAMPLE, bytes(12), _EXAMPLE)
        sound = (
            hmac.compare_digest(sm3(b"abc"), _EXAMPLE_SM3)
            and encrypt_ecb(_EXAMPLE, _EXAMPLE)[:BLOCK] == _EXAMPLE_SM4
            and decrypt_cbc(_EXAMPLE, bytes(BLOCK), encrypt_cbc(_EXAMPLE, bytes(BLOCK), _EXAMPLE)) == _EXAMPLE
            and decrypt_gcm(_EXAMPLE, bytes(12), sealed) == _EXAMPLE
        )
    except UnsupportedAlgorithm:
        sound = False
    if not sound:
        raise CipherUnavailable(
            "SM3 and SM4 are not in the package cryptography as it is installed here: install its wheel from PyPI, "
            "which has them"
        )


def _encrypted(key: bytes, mode: modes.ECB | modes.CBC, plain: bytes) -> bytes:
    padder = PKCS7(_BITS).padder()
    made = Cipher(algorithms.SM4(key), mode).encryptor()
    return made.update(padder.update(plain) + padder.finalize()) + made.finalize()


def _decrypted(key: bytes, mode: modes.ECB | modes.CBC, cipher: bytes) -> bytes:
    if not cipher or len(cipher) % BLOCK:
        raise Sm4Error(f"not a multiple of {BLOCK} bytes")
    made, padder = Cipher(algorithms.SM4(key), mode).decryptor(), PKCS7(_BITS).unpadder()
    try:
        return padder.update(made.update(cipher) + made.finalize()) + padder.finalize()
    except ValueError:
        raise Sm4Error("the padding is wrong: another key, or a changed text") from None
